use alloc::string::{String, ToString};
use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::keys::Keys;
use crate::crypto::Key;
use crate::iana::EncType;
use crate::pac::Sid;

/// Another realm that this one trusts, or that trusts this one.
#[derive(Clone, Debug)]
pub struct Trust {
    pub(super) realm: String,
    pub(super) domains: Vec<String>,
    /// Keys of `krbtgt/THAT@THIS`: tickets for clients that go there.
    pub(super) outgoing: Keys,
    /// Keys of `krbtgt/THIS@THAT`: tickets of clients that come from there.
    pub(super) incoming: Keys,
    pub(super) password: Option<Zeroizing<String>>,
    /// The enctypes of the trust's keys.
    pub enctypes: Vec<EncType>,
    /// The SID of the other realm's domain. Who it is not known of is let in without a word of
    /// groups: nothing in a PAC from there can be told from a lie.
    pub domain_sid: Option<Sid>,
    /// May clients come from further realms through that one?
    pub transitive: bool,
    /// May they be forwarded: is there delegation across the trust?
    pub delegation: bool,
}

impl Trust {
    /// A trust in both directions, without keys yet.
    #[must_use]
    pub fn new(realm: &str) -> Self {
        Self {
            realm: realm.to_string(),
            domains: Vec::from([realm.to_lowercase()]),
            outgoing: Keys::none(),
            incoming: Keys::none(),
            password: None,
            enctypes: Vec::from([EncType::AES256_CTS_HMAC_SHA1_96]),
            domain_sid: None,
            transitive: false,
            delegation: true,
        }
    }

    /// With the password that both realms know. Both make the same keys of it.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(Zeroizing::new(password.to_string()));
        self
    }

    /// With a key for the tickets that take clients there.
    #[must_use]
    pub fn outgoing_key(mut self, kvno: u32, key: Key) -> Self {
        self.outgoing.push_keys(kvno, [key]);
        self
    }

    /// With a key for the tickets that bring clients from there.
    #[must_use]
    pub fn incoming_key(mut self, kvno: u32, key: Key) -> Self {
        self.incoming.push_keys(kvno, [key]);
        self
    }

    /// With the SID of the other realm's domain.
    #[must_use]
    pub fn domain_sid(mut self, sid: Sid) -> Self {
        self.domain_sid = Some(sid);
        self
    }

    /// With one more DNS domain, or UPN suffix, whose names belong there.
    #[must_use]
    pub fn domain(mut self, domain: &str) -> Self {
        self.domains.push(domain.to_lowercase());
        self
    }

    /// With whatever `change` does to it.
    #[must_use]
    pub fn set(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The other realm's name.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Does this domain, in lower case, belong there, as it is or as one below?
    pub(super) fn has_domain(&self, name: &str) -> bool {
        self.domains.iter().any(|domain| {
            name.strip_suffix(domain.as_str())
                .is_some_and(|front| front.is_empty() || front.ends_with('.'))
        })
    }
}
