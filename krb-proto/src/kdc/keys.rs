use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use once_cell::race::OnceBox;
use zeroize::Zeroizing;

use crate::crypto::{Key, constant_time_eq};
use crate::iana::EncType;

/// How many versions of its keys an account keeps: the current one, and those that tickets may
/// still be sealed with.
pub const MAX_KEY_VERSIONS: usize = 3;

/// What the KDC has string-to-key for, the strongest first: its order of preference.
pub(super) const PREFERENCE: [EncType; 7] = [
    EncType::AES256_CTS_HMAC_SHA384_192,
    EncType::AES128_CTS_HMAC_SHA256_128,
    EncType::AES256_CTS_HMAC_SHA1_96,
    EncType::AES128_CTS_HMAC_SHA1_96,
    EncType::CAMELLIA256_CTS_CMAC,
    EncType::CAMELLIA128_CTS_CMAC,
    EncType::RC4_HMAC,
];

/// The long-term keys of an account, of krbtgt or of a trust, the newest version first.
///
/// A password's keys are made when they are first asked for, once: string-to-key is thousands of
/// hashes, and a realm has many accounts that never log in. Clones share what is made.
#[derive(Clone, Default)]
pub struct Keys {
    versions: Vec<Version>,
}

#[derive(Clone)]
struct Version {
    kvno: u32,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Given(Vec<Key>),
    Password(Arc<Password>),
}

struct Password {
    password: Zeroizing<String>,
    salt: Vec<u8>,
    made: [OnceBox<Option<Key>>; PREFERENCE.len()],
}

impl Password {
    fn key(&self, enctype: EncType) -> Option<&Key> {
        let index = PREFERENCE.iter().position(|known| *known == enctype)?;
        let make = || match enctype {
            EncType::RC4_HMAC => Some(Key::danger_rc4_from_password(&self.password)),
            _ => Key::from_password(enctype, self.password.as_bytes(), &self.salt, None).ok(),
        };
        self.made.get(index)?.get_or_init(|| Box::new(make())).as_ref()
    }
}

impl Keys {
    /// No keys at all.
    #[must_use]
    pub const fn none() -> Self {
        Self { versions: Vec::new() }
    }

    fn push(&mut self, kvno: u32, material: Material) {
        self.versions.retain(|version| version.kvno != kvno);
        self.versions.insert(0, Version { kvno, material });
        self.versions.truncate(MAX_KEY_VERSIONS);
    }

    /// A newer version: these keys, one of each enctype.
    pub fn push_keys(&mut self, kvno: u32, keys: impl IntoIterator<Item = Key>) {
        self.push(kvno, Material::Given(keys.into_iter().collect()));
    }

    /// A newer version: the keys of a password with this salt.
    pub fn push_password(&mut self, kvno: u32, password: &str, salt: Vec<u8>) {
        let password = Password {
            password: Zeroizing::new(password.to_string()),
            salt,
            made: [const { OnceBox::new() }; PREFERENCE.len()],
        };
        self.push(kvno, Material::Password(Arc::new(password)));
    }

    /// The version that the next keys get.
    #[must_use]
    pub fn next_kvno(&self) -> u32 {
        self.current_kvno().map_or(1, |kvno| kvno.saturating_add(1))
    }

    /// Is this the password of one of the newest versions, as many as `versions`?
    #[must_use]
    pub fn was_password(&self, password: &str, versions: usize) -> bool {
        self.versions.iter().take(versions).any(|version| match &version.material {
            Material::Password(old) => {
                constant_time_eq(old.password.as_bytes(), password.as_bytes())
            }
            Material::Given(_) => false,
        })
    }

    /// The newest version.
    #[must_use]
    pub fn current_kvno(&self) -> Option<u32> {
        self.versions.first().map(|version| version.kvno)
    }

    /// The newest key of an enctype.
    #[must_use]
    pub fn current(&self, enctype: EncType) -> Option<&Key> {
        self.versions.first()?.key(enctype)
    }

    /// The salt of the newest version, if it came from a password.
    #[must_use]
    pub fn salt(&self) -> Option<&[u8]> {
        match &self.versions.first()?.material {
            Material::Password(password) => Some(&password.salt),
            Material::Given(_) => None,
        }
    }

    /// The keys that a ticket of this enctype and version may be sealed with: of a version that is
    /// known only that; without one, or with an unknown one, all.
    pub(super) fn candidates(
        &self,
        enctype: EncType,
        kvno: Option<u32>,
    ) -> impl Iterator<Item = Key> {
        let known = self.versions.iter().any(|version| Some(version.kvno) == kvno);
        let fitting = self.versions.iter().filter(move |v| !known || Some(v.kvno) == kvno);
        fitting.filter_map(move |version| version.key(enctype).cloned())
    }

    /// Every key that was given, of all versions: krbtgt's.
    pub(super) fn every(&self) -> impl Iterator<Item = &Key> {
        self.versions.iter().flat_map(|version| match &version.material {
            Material::Given(keys) => keys.as_slice(),
            Material::Password(_) => &[],
        })
    }

    /// Each version with its keys of these enctypes, the newest first, for keytabs.
    pub(super) fn all(&self, enctypes: &[EncType]) -> impl Iterator<Item = (u32, &Key)> {
        self.versions.iter().flat_map(move |version| {
            enctypes.iter().filter_map(move |&e| version.key(e).map(|key| (version.kvno, key)))
        })
    }

    /// Of these enctypes the one that the KDC prefers, with the newest key of it.
    pub(super) fn preferred(&self, allowed: &[EncType]) -> Option<&Key> {
        let known = PREFERENCE.iter().filter(|enctype| allowed.contains(enctype));
        known.chain(allowed).find_map(|&enctype| self.current(enctype))
    }
}

impl Version {
    fn key(&self, enctype: EncType) -> Option<&Key> {
        match &self.material {
            Material::Given(keys) => keys.iter().find(|key| key.enctype() == enctype),
            Material::Password(password) => password.key(enctype),
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.versions.iter().map(|version| version.kvno)).finish()
    }
}
