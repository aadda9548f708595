#[cfg(feature = "pkinit")]
use alloc::sync::Arc;
use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::ExchangeError;
use crate::Principal;
use crate::asn1::PaData;
use crate::crypto::{CryptoError, Key};
use crate::der::List;
use crate::iana::{EncType, PaType};
#[cfg(feature = "pkinit")]
use crate::pkinit::PkinitConfig;
use crate::preauth::{KeyHint, OneTimePassword, find_padata};

/// What the client proves itself with.
#[derive(Clone)]
pub enum ClientSecret {
    /// Long-term keys, from a keytab, in the order of preference
    /// ([`Keytab::login_keys`](crate::formats::Keytab::login_keys)). One round trip: the first key's
    /// enctype is known, so the first request is pre-authenticated with it. Where the KDC does not
    /// take a key, the next one of the enctype that it asks for is tried.
    Keys(Vec<Key>),
    /// A password. Two round trips: the KDC names enctype and salt first. A guessed salt would
    /// count as a wrong password where the guess is wrong.
    Password(Zeroizing<Vec<u8>>),
    /// A certificate (PKINIT). Two round trips: the KDC gives a freshness token first, without which
    /// a signature could be made long before it is used (RFC 8070).
    #[cfg(feature = "pkinit")]
    Certificate(Arc<PkinitConfig>),
    /// What a token shows (RFC 6560). Only inside FAST; the KDC says first what it takes.
    OneTimePassword(OneTimePassword),
}

/// The key that a realm's KDC makes of a password, as it said and as a login has proved
/// ([`AsExchange::known_key`](super::AsExchange::known_key)).
#[derive(Clone)]
pub struct KnownKey {
    /// Which one's: what is proved with the key is for no other's eyes.
    pub(super) realm: Vec<u8>,
    pub(super) hint: KeyHint,
    pub(super) key: Key,
}

impl KnownKey {
    /// The key.
    #[must_use]
    pub const fn key(&self) -> &Key {
        &self.key
    }
}

/// The client's long-term key, as far as it is settled which one the KDC wants.
#[derive(Clone)]
pub(super) struct ClientKey {
    secret: ClientSecret,
    /// The key in use.
    current: Option<Key>,
    /// The key in use is one that was made of the password as the KDC said before, which may say
    /// otherwise by now.
    from_before: bool,
    /// Keys that the KDC did not take.
    refused: Vec<Key>,
    /// How the KDC makes the key, as it said last.
    hint: Option<KeyHint>,
}

impl ClientKey {
    pub(super) fn new(secret: ClientSecret) -> Self {
        let current = match &secret {
            ClientSecret::Keys(keys) => keys.first().cloned(),
            ClientSecret::Password(_) | ClientSecret::OneTimePassword(_) => None,
            #[cfg(feature = "pkinit")]
            ClientSecret::Certificate(_) => None,
        };
        Self { secret, current, from_before: false, refused: Vec::new(), hint: None }
    }

    /// Begins with a key that is known, if the secret is a password.
    pub(super) fn know(&mut self, known: KnownKey) {
        if matches!(self.secret, ClientSecret::Password(_)) {
            self.current = Some(known.key);
            self.hint = Some(known.hint);
            self.from_before = true;
        }
    }

    /// Another realm's KDC is asked from here on, which has said nothing yet and refused nothing.
    pub(super) fn is_for_another_realm(&mut self) {
        *self = Self::new(self.secret.clone());
    }

    /// The key that was made of the password, with how that realm's KDC does.
    pub(super) fn known(&self, realm: &[u8]) -> Option<KnownKey> {
        match (&self.secret, &self.hint, &self.current) {
            (ClientSecret::Password(_), Some(hint), Some(key)) => {
                Some(KnownKey { realm: realm.to_vec(), hint: hint.clone(), key: key.clone() })
            }
            _ => None,
        }
    }

    /// The key in use, if one is settled.
    pub(super) fn current(&self) -> Option<&Key> {
        self.current.as_ref()
    }

    /// How the KDC makes the key, as it said last.
    pub(super) fn hint(&self) -> Option<&KeyHint> {
        self.hint.as_ref()
    }

    /// The certificate, if it is one.
    #[cfg(feature = "pkinit")]
    pub(super) fn certificate(&self) -> Option<&Arc<PkinitConfig>> {
        match &self.secret {
            ClientSecret::Certificate(config) => Some(config),
            _ => None,
        }
    }

    /// The one-time password, if it is one.
    pub(super) fn one_time_password(&self) -> Option<&OneTimePassword> {
        match &self.secret {
            ClientSecret::OneTimePassword(otp) => Some(otp),
            _ => None,
        }
    }

    /// What the KDC is asked for before it has said how to pre-authenticate.
    pub(super) fn asks_for(&self) -> Option<PaType> {
        match &self.secret {
            #[cfg(feature = "pkinit")]
            ClientSecret::Certificate(_) => Some(PaType::AS_FRESHNESS),
            _ => None,
        }
    }

    /// The KDC did not take the key in use. Is there another to try?
    pub(super) fn refuse(&mut self) -> bool {
        self.refused.extend(self.current.take());
        self.from_before || matches!(self.secret, ClientSecret::Keys(_))
    }

    fn has_refused(&self, enctype: EncType) -> bool {
        self.refused.iter().any(|key| key.enctype() == enctype)
    }

    /// These enctypes, those that there are keys of in front, and that of the key in use before all: MIT's
    /// KDC seals the reply with the account's key of the first one, whichever the client has proved itself
    /// with.
    pub(super) fn in_order(&self, enctypes: &[EncType]) -> Vec<EncType> {
        let is_current =
            |enctype| self.current.as_ref().is_some_and(|key| key.enctype() == enctype);
        let mut enctypes = enctypes.to_vec();
        if let ClientSecret::Keys(keys) = &self.secret {
            let is_there = |enctype| keys.iter().any(|key| key.enctype() == enctype);
            enctypes.sort_by_key(|&enctype| (!is_current(enctype), !is_there(enctype)));
        }
        enctypes
    }

    /// The key that the KDC asks for by PA-ETYPE-INFO2 among its hints; `None` if it has refused
    /// those already. A wrong key counts towards a lock-out, so none is tried twice.
    pub(super) fn choose(
        &mut self,
        hints: List<'_, PaData<'_>>,
        client: &Principal,
        accepted: &[EncType],
    ) -> Result<Option<Key>, ExchangeError> {
        // What there is a key of; if that is nothing, what the KDC has is said all the same.
        let mut usable = accepted.to_vec();
        if let ClientSecret::Keys(keys) = &self.secret {
            usable.retain(|enctype| keys.iter().any(|key| key.enctype() == *enctype));
        }
        let usable = if usable.is_empty() { accepted } else { &usable };
        let hint = match find_padata(hints, PaType::ETYPE_INFO2) {
            Some(value) => KeyHint::from_etype_info2(value, usable)
                .map_err(ExchangeError::Malformed)?
                .ok_or(ExchangeError::NoCommonEnctype)?,
            // No hint at all: our first enctype with the default salt (RFC 4120 section 5.2.7.5).
            None => KeyHint {
                enctype: *usable.first().ok_or(ExchangeError::NoCommonEnctype)?,
                salt: None,
                s2kparams: None,
            },
        };
        let has_refused = self.has_refused(hint.enctype);
        let hint = self.hint.insert(hint);
        let key = match &self.secret {
            // The same password again, whatever the KDC says of its salt; unless what it said of that
            // before is no longer so, and then once.
            ClientSecret::Password(_) if has_refused && !self.from_before => return Ok(None),
            ClientSecret::Password(password) => {
                let key = match hint.enctype {
                    EncType::RC4_HMAC => rc4_key(password),
                    _ => hint.key(client, password),
                };
                let key = key.map_err(ExchangeError::of_hint)?;
                if self.refused.contains(&key) {
                    return Ok(None);
                }
                self.from_before = false;
                key
            }
            ClientSecret::Keys(keys) => {
                let mut fitting = keys.iter().filter(|key| key.enctype() == hint.enctype);
                match fitting.find(|key| !self.refused.contains(key)) {
                    Some(key) => key.clone(),
                    None if has_refused => return Ok(None),
                    None => return Err(ExchangeError::NoCommonEnctype),
                }
            }
            #[cfg(feature = "pkinit")]
            ClientSecret::Certificate(_) => return Err(ExchangeError::NoCommonMechanism),
            ClientSecret::OneTimePassword(_) => return Err(ExchangeError::NoCommonMechanism),
        };
        self.current = Some(key.clone());
        Ok(Some(key))
    }
}

/// The key of a client that takes RC4, since it is among what it accepts.
fn rc4_key(password: &[u8]) -> Result<Key, CryptoError> {
    let text = core::str::from_utf8(password);
    text.map(Key::danger_rc4_from_password).map_err(|_| CryptoError::BadParameters)
}
