use std::path::PathBuf;

use base64ct::{Base64, Encoding as _};
use krb_client::remedy::Step;
use krb_client::{Clock as _, SystemClock};
use krb_proto::crypto::{CryptoError, Key};
use krb_proto::exchange::KeyHintExchange;
use krb_proto::formats::{KeytabEntry, ManagedPassword, ManagedPasswords};
use krb_proto::iana::EncType;
use krb_proto::preauth::directory_salt;
use krb_proto::{Name, Principal};
use zeroize::Zeroizing;

use super::edit::edit;
use super::{Place, put};
use crate::environment::{Environment, driver, principal};
use crate::output::Unusable;
use crate::remedy::Explained;
use crate::secret::{ask_new, enctype, keys, octets_in, password_in};
use crate::{Failure, report};

#[derive(clap::Args)]
pub(crate) struct Add {
    #[command(flatten)]
    pub(super) place: Place,
    /// The principal that the keys are of, as tickets name it: an account, or one of its SPNs.
    principal: String,
    /// The keys' version (`msDS-KeyVersionNumber` in Active Directory).
    #[arg(long, value_name = "NUMBER")]
    kvno: Option<u32>,
    /// Make a key of this enctype; may be given again. Without it those of AES with SHA-1, which
    /// every directory has.
    #[arg(short = 'e', long, value_name = "ENCTYPE", conflicts_with_all = ["key", "key_file"])]
    enctype: Vec<String>,
    /// Read the password from this file (its first line) instead of asking for it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "key_file", "managed_password"])]
    password_file: Option<PathBuf>,
    /// The key itself; may be given again. Whoever lists processes sees it meanwhile: --key-file is for
    /// keys that are in use.
    #[arg(long, value_name = "ENCTYPE:HEX", conflicts_with = "managed_password")]
    key: Vec<String>,
    /// Read keys from this file, or standard input if it is `-`: ENCTYPE:HEX, one in a line.
    #[arg(long, value_name = "FILE", conflicts_with = "managed_password")]
    key_file: Vec<String>,
    /// The value of a group managed service account's `msDS-ManagedPassword`, as it is or in base64.
    /// The password before the current one is taken too, as the version before.
    #[arg(long, value_name = "FILE")]
    managed_password: Option<String>,
    /// The account whose password it is (its sAMAccountName) if the principal is one of its SPNs:
    /// Active Directory salts keys with it.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["key", "key_file", "salt"])]
    account: Option<String>,
    /// Ask the KDC for the salt: what it says is right, also of an account that was renamed. Nothing
    /// of the password is sent.
    #[arg(short = 'f', long, conflicts_with_all = ["key", "key_file", "salt", "managed_password"])]
    fetch_salt: bool,
    /// The salt itself, as `krb decode` shows it in a KDC's ETYPE-INFO2.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["key", "key_file"])]
    salt: Option<String>,
}

/// Neither the attribute nor its base64 is longer.
const MAX_MANAGED_PASSWORD: u64 = 64 << 10;

/// What keys are made of.
enum Source {
    Keys(Vec<Key>),
    Password(Zeroizing<String>),
    Managed(ManagedPasswords),
}

pub(crate) async fn run(arguments: &Add) -> Result<(), Failure> {
    let principal = principal(&arguments.principal).await?;
    let enctypes = enctypes(&arguments.enctype)?;
    let account = account(arguments, &principal);
    let salt = match &arguments.salt {
        Some(salt) => salt.clone().into_bytes(),
        None => directory_salt(&account),
    };
    let path = arguments.place.path().await?;
    let source = match source(arguments)? {
        Source::Password(password) if arguments.fetch_salt => {
            Source::Keys(as_the_kdc_makes_them(&account, &enctypes, &password).await?)
        }
        source => source,
    };
    let now = SystemClock.now().seconds;
    let added = edit(&path, |keytab| {
        let newest = keytab.keys_for(&principal).map(|entry| entry.kvno).max();
        let kvno = match (arguments.kvno, newest) {
            (Some(kvno), _) => kvno,
            (None, Some(newest)) => {
                newest.checked_add(1).ok_or("--kvno is needed: there is none behind")?
            }
            (None, None) => 1,
        };
        let entry = |kvno: u32, key: &Key| KeytabEntry {
            principal: principal.clone(),
            timestamp: now,
            kvno,
            enctype: key.enctype(),
            key_bytes: Zeroizing::new(key.as_bytes().to_vec()),
        };
        let entries = match &source {
            Source::Keys(keys) => keys.iter().map(|key| entry(kvno, key)).collect(),
            Source::Password(password) => {
                let keys = enctypes.iter().map(|enctype| of_password(*enctype, password, &salt));
                let keys = keys.collect::<Result<Vec<_>, _>>()?;
                keys.iter().map(|key| entry(kvno, key)).collect()
            }
            Source::Managed(passwords) => {
                let mut entries = Vec::new();
                let before = kvno.checked_sub(1).zip(passwords.previous.as_ref());
                for (kvno, password) in
                    [Some((kvno, &passwords.current)), before].into_iter().flatten()
                {
                    for enctype in &enctypes {
                        entries.push(entry(kvno, &of_managed(*enctype, password, &salt)?));
                    }
                }
                entries
            }
        };
        put(keytab, &entries);
        Ok::<Vec<KeytabEntry>, Failure>(entries)
    })
    .await?;
    arguments.place.tell(&path, "keys added", &added)?;
    if let (Source::Managed(passwords), false) = (&source, arguments.place.json) {
        // Units of 100 ns.
        let hours = passwords.query_interval / 10_000_000 / 3600;
        report(&format!(
            "read msDS-ManagedPassword again in {hours} hours: it may be another one then"
        ))?;
    }
    Ok(())
}

fn enctypes(names: &[String]) -> Result<Vec<EncType>, Failure> {
    if names.is_empty() {
        return Ok(vec![EncType::AES256_CTS_HMAC_SHA1_96, EncType::AES128_CTS_HMAC_SHA1_96]);
    }
    names.iter().map(|name| enctype(name)).collect()
}

/// Whose password it is.
fn account(arguments: &Add, principal: &Principal) -> Principal {
    match &arguments.account {
        Some(name) => Principal::new(Name::user(name), &principal.realm),
        None => principal.clone(),
    }
}

/// The account's keys of a password, as the KDC says that it makes them.
async fn as_the_kdc_makes_them(
    account: &Principal,
    enctypes: &[EncType],
    password: &str,
) -> Result<Vec<Key>, Failure> {
    let driver = driver(Environment::read().await?.realms);
    let mut keys = Vec::new();
    for enctype in enctypes {
        if *enctype == EncType::RC4_HMAC {
            // It has no salt.
            keys.push(Key::danger_rc4_from_password(password));
            continue;
        }
        let hint = driver.run(KeyHintExchange::new(account.clone(), *enctype)).await;
        let hint = hint.map_err(|error| Explained::of(Step::Login, account, "", error))?;
        keys.push(hint.key(account, password.as_bytes())?);
    }
    Ok(keys)
}

fn source(arguments: &Add) -> Result<Source, Failure> {
    if !arguments.key.is_empty() || !arguments.key_file.is_empty() {
        return Ok(Source::Keys(keys(&arguments.key, &arguments.key_file)?));
    }
    if let Some(file) = &arguments.managed_password {
        return Ok(Source::Managed(managed(file)?));
    }
    if let Some(file) = &arguments.password_file {
        return Ok(Source::Password(password_in(file)?));
    }
    Ok(Source::Password(ask_new(&format!("Password for {}: ", arguments.principal))?))
}

fn managed(file: &str) -> Result<ManagedPasswords, Failure> {
    let octets = octets_in(file, MAX_MANAGED_PASSWORD)?;
    // Only the value itself begins with its version.
    let unpacked = match &octets[..] {
        [1, 0, ..] => octets,
        text => {
            let text: Zeroizing<String> = Zeroizing::new(
                text.iter()
                    .filter(|byte| !byte.is_ascii_whitespace())
                    .copied()
                    .map(char::from)
                    .collect(),
            );
            let value = text.strip_prefix("msDS-ManagedPassword::").unwrap_or(&text);
            let unpacked = Base64::decode_vec(value);
            let neither = |_| Unusable::new(file, "neither the value nor base64");
            Zeroizing::new(unpacked.map_err(neither)?)
        }
    };
    ManagedPasswords::from_bytes(&unpacked).map_err(|error| Unusable::new(file, error).into())
}

fn of_password(enctype: EncType, password: &str, salt: &[u8]) -> Result<Key, CryptoError> {
    match enctype {
        EncType::RC4_HMAC => Ok(Key::danger_rc4_from_password(password)),
        _ => Key::from_password(enctype, password.as_bytes(), salt, None),
    }
}

fn of_managed(
    enctype: EncType,
    password: &ManagedPassword,
    salt: &[u8],
) -> Result<Key, CryptoError> {
    match enctype {
        EncType::RC4_HMAC => password.danger_rc4_key(),
        _ => password.key(enctype, salt),
    }
}
