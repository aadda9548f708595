use std::io;

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
    let (secret, was_typed): (AccountSecret, bool) = if arguments.keytab {
        let path = files::keytab_path(keytab_name(arguments, environment))?;
        let keytab = files::read_keytab(&path).await?;
        (files::client_keys(&keytab, account)?.into(), false)
    } else if arguments.anonymous || !arguments.identity.is_empty() {
        (certificate(arguments, environment, account).await?, false)
    } else if arguments.otp {
        (one_time(account), true)
    } else if let Some(file) = &arguments.password_file {
        (password(&password_in(file)?).into(), false)
    } else {
        (password(&ask(&format!("Password for {account}: "))?).into(), true)
    };
    Ok(Secret { secret, was_typed })
}

fn password(text: &str) -> ClientSecret {
    ClientSecret::Password(Zeroizing::new(text.as_bytes().to_vec()))
}

/// Each login asks for another one.
fn one_time(account: &Principal) -> AccountSecret {
    let prompt = format!("One-time password for {account}: ");
    AccountSecret::one_time_password(move || {
        let typed = ask(&prompt).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(OneTimePassword { value: Zeroizing::new(typed.as_bytes().to_vec()), pin: None })
    })
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
