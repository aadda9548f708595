use alloc::string::String;
use alloc::vec::Vec;

use crate::Principal;
use crate::asn1::EtypeInfo2Entry;
use crate::crypto::{CryptoError, Key};
use crate::der::{self, DecodeError, List};
use crate::iana::EncType;

/// How the KDC derives the client's key: one ETYPE-INFO2 entry (RFC 4120 section 5.2.7.5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyHint {
    /// The enctype.
    pub enctype: EncType,
    /// The salt. `None` means the default salt, which is not the same as an empty one.
    pub salt: Option<Vec<u8>>,
    /// Parameters of string-to-key.
    pub s2kparams: Option<Vec<u8>>,
}

impl KeyHint {
    /// The KDC's first ETYPE-INFO2 entry (it lists them by its preference) whose enctype is
    /// `accepted`.
    ///
    /// # Errors
    /// If the value is no ETYPE-INFO2.
    pub fn from_etype_info2(
        value: &[u8],
        accepted: &[EncType],
    ) -> Result<Option<Self>, DecodeError> {
        let entries: List<'_, EtypeInfo2Entry<'_>> = der::decode(value)?;
        Ok(entries.iter().find(|entry| accepted.contains(&entry.etype)).map(|entry| Self {
            enctype: entry.etype,
            salt: entry.salt.map(|salt| salt.0.to_vec()),
            s2kparams: entry.s2kparams.map(<[u8]>::to_vec),
        }))
    }

    /// The client's key from its password.
    ///
    /// # Errors
    /// [`CryptoError`], also if the KDC asks for an iteration count that is out of bounds.
    pub fn key(&self, client: &Principal, password: &[u8]) -> Result<Key, CryptoError> {
        let default;
        let salt = match &self.salt {
            Some(salt) => salt,
            None => {
                default = default_salt(client);
                &default
            }
        };
        Key::from_password(self.enctype, password, salt, self.s2kparams.as_deref())
    }
}

/// The default salt (RFC 4120 section 4): the realm, then every component, with nothing between.
#[must_use]
pub fn default_salt(client: &Principal) -> Vec<u8> {
    let mut salt = client.realm.clone();
    client.name.components.iter().for_each(|component| salt.extend_from_slice(component));
    salt
}

/// The salt that Active Directory gives an account (MS-KILE 3.1.1.2): a computer's, and a managed
/// service account's, whose names end in `$`, has the host's name in it; any other one's is the
/// default, of the account's own name (its sAMAccountName, and its letter case counts) and not of
/// one of its SPNs. An account that was renamed keeps the salt that it had until its password is
/// changed: what the KDC says ([`KeyHint`]) is better than this wherever it can be asked.
///
/// ```
/// # use krb_proto::{Principal, preauth::directory_salt};
/// let web = Principal::parse("WEB1$@EXAMPLE.COM", None)?;
/// assert_eq!(directory_salt(&web), b"EXAMPLE.COMhostweb1.example.com");
/// # Ok::<(), krb_proto::PrincipalParseError>(())
/// ```
#[must_use]
pub fn directory_salt(account: &Principal) -> Vec<u8> {
    let [name] = account.name.components.as_slice() else { return default_salt(account) };
    let Some(host) = name.strip_suffix(b"$") else { return default_salt(account) };
    let lower = |octets: &[u8]| String::from_utf8_lossy(octets).to_lowercase();
    let (host, domain) = (lower(host), lower(&account.realm));
    [&account.realm[..], b"host", host.as_bytes(), b".", domain.as_bytes()].concat()
}
