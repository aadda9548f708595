use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use krb_client::{AccountSecret, files};
use krb_proto::Principal;
use krb_proto::exchange::ClientSecret;
use krb_proto::preauth::OneTimePassword;
use zeroize::Zeroizing;

use super::Kinit;
use crate::Failure;
use crate::environment::Environment;
use crate::secret::{ask, password_in};

/// What an account proves itself with.
pub(super) struct Secret {
    pub(super) secret: AccountSecret,
    /// Somebody typed it, who may be told that it is wrong, and be asked for another.
    pub(super) was_typed: bool,
    /// It is what this token shows.
    pub(super) token: Option<Token>,
}

/// What was typed of a token.
#[derive(Clone, Default)]
pub(super) struct Token(Arc<Mutex<Typed>>);

#[derive(Default)]
struct Typed {
    /// The value that was asked for last, which no KDC has seen if it wants a PIN first.
    value: Option<Zeroizing<Vec<u8>>>,
    /// Asked for once: it stays the same.
    pin: Option<Zeroizing<Vec<u8>>>,
}

impl Token {
    fn typed(&self) -> MutexGuard<'_, Typed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for the PIN that the KDC wants, and for no other value, since it has not seen this one.
    pub(super) fn ask_for_pin(&self, account: &Principal) -> Result<(), Failure> {
        let pin = ask(&format!("PIN for {account}: "))?;
        self.typed().pin = Some(Zeroizing::new(pin.as_bytes().to_vec()));
        Ok(())
    }

    /// Each login asks for another value.
    fn secret(self, account: &Principal) -> AccountSecret {
        let prompt = format!("One-time password for {account}: ");
        AccountSecret::one_time_password(move || {
            let mut typed = self.typed();
            let (unseen, pin) = (typed.value.take(), typed.pin.clone());
            if let Some(value) = unseen.filter(|_| pin.is_some()) {
                return Ok(OneTimePassword { value, pin });
            }
            let shown = ask(&prompt).map_err(|error| io::Error::other(error.to_string()))?;
            let value = Zeroizing::new(shown.as_bytes().to_vec());
            typed.value = pin.is_none().then(|| value.clone());
            Ok(OneTimePassword { value, pin })
        })
    }
}

/// The keytab that is meant.
pub(super) fn keytab_name<'a>(arguments: &'a Kinit, environment: &'a Environment) -> &'a str {
    let defaults = &environment.defaults;
    let default = if arguments.client_keytab { &defaults.client_keytab } else { &defaults.keytab };
    arguments.keytab_file.as_ref().unwrap_or(default)
}

pub(super) async fn find(
    arguments: &Kinit,
    environment: &Environment,
    account: &Principal,
) -> Result<Secret, Failure> {
    if arguments.otp {
        return Ok(token(account));
    }
    let (secret, was_typed): (AccountSecret, bool) = if arguments.keytab {
        let path = files::keytab_path(keytab_name(arguments, environment))?;
        let keytab = files::read_keytab(&path).await?;
        let enctypes = environment.realms.login_enctypes();
        (files::danger_client_keys(&keytab, account, enctypes)?.into(), false)
    } else if arguments.anonymous || !arguments.identity.is_empty() {
        (certificate(arguments, environment, account).await?, false)
    } else if let Some(file) = &arguments.password_file {
        (password(&password_in(file)?).into(), false)
    } else {
        (password(&ask(&format!("Password for {account}: "))?).into(), true)
    };
    Ok(Secret { secret, was_typed, token: None })
}

/// A one-time password, which each login asks for.
pub(super) fn token(account: &Principal) -> Secret {
    let token = Token::default();
    let secret = token.clone().secret(account);
    Secret { secret, was_typed: true, token: Some(token) }
}

fn password(text: &str) -> ClientSecret {
    ClientSecret::Password(Zeroizing::new(text.as_bytes().to_vec()))
}

#[cfg(feature = "pkinit")]
async fn certificate(
    arguments: &Kinit,
    environment: &Environment,
    account: &Principal,
) -> Result<AccountSecret, Failure> {
    let Kinit { identity, anonymous, .. } = arguments;
    crate::certificate::secret(identity, *anonymous, environment, &account.realm).await
}

#[cfg(not(feature = "pkinit"))]
async fn certificate(_: &Kinit, _: &Environment, _: &Principal) -> Result<AccountSecret, Failure> {
    Err("this program was built without certificates (the feature `pkinit`)".into())
}
