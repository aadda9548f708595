//! What ties each record to all before it: a keyed hash over the record and the link before.

use std::fmt::{self, Display};
use std::str::FromStr;

use aws_lc_rs::{constant_time, hmac};

/// Bytes of text that a key has at least: half of what `openssl rand -hex 32` gives.
pub(super) const MIN_KEY: usize = 32;
/// What a chain without a key is made with. It is no secret.
const PUBLIC: &[u8] = b"krb-mcp: a chain without a key";
/// What the id of such a key is called.
const NO_KEY: &str = "none";

// What is signed is never one thing and the other.
const RECORD: &[u8] = b"krb-mcp audit record\0";
const HEAD: &[u8] = b"krb-mcp audit head\0";
const KEY_ID: &[u8] = b"krb-mcp audit key id\0";

const DIGITS: [u8; 16] = *b"0123456789abcdef";

/// The end of a chain, or a signature by its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub(super) struct Link([u8; 32]);

impl Link {
    /// What stands before the first record.
    pub(super) const GENESIS: Self = Self([0; 32]);

    fn of(tag: &hmac::Tag) -> Self {
        let mut link = [0; 32];
        link.copy_from_slice(tag.as_ref());
        Self(link)
    }

    /// Whether it is the same, found out in a time that does not depend on where they differ.
    pub(super) fn is(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Written at once: each record has one.
        let digits =
            self.0.map(|byte| [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]));
        f.write_str(str::from_utf8(digits.as_flattened()).unwrap_or_default())
    }
}

impl FromStr for Link {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut link = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(());
        }
        for (byte, digits) in link.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = std::str::from_utf8(digits).map_err(drop)?;
            *byte = u8::from_str_radix(digits, 16).map_err(drop)?;
        }
        Ok(Self(link))
    }
}

/// What a chain is made with.
#[derive(Clone)]
pub(super) struct ChainKey {
    key: hmac::Key,
    id: String,
}

impl ChainKey {
    /// A key that the configuration names; `None` if it is too short to be one.
    pub(super) fn new(secret: &str) -> Option<Self> {
        if secret.len() < MIN_KEY {
            return None;
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let id = Link::of(&hmac::sign(&key, KEY_ID)).to_string()[..16].to_owned();
        Some(Self { key, id })
    }

    /// Stands for no key: whoever can write the log can make such a chain.
    pub(super) fn none() -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, PUBLIC), id: NO_KEY.into() }
    }

    /// Which key it is. It tells nothing of the key.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Whether it is a secret.
    pub(super) fn is_secret(&self) -> bool {
        self.id != NO_KEY
    }

    /// The link of a record, as it stands in the log up to where its link begins.
    pub(super) fn link(&self, before: &Link, record: &[u8]) -> Link {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(RECORD);
        context.update(&before.0);
        context.update(record);
        Link::of(&context.sign())
    }

    /// The signature of a head.
    pub(super) fn sign(&self, head: &[u8]) -> Link {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(HEAD);
        context.update(head);
        Link::of(&context.sign())
    }
}

impl fmt::Debug for ChainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainKey({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_depend_on_key_record_and_all_before() {
        let (a, b) = (ChainKey::new(&"a".repeat(32)).unwrap(), ChainKey::new(&"b".repeat(32)));
        let b = b.unwrap();
        let first = a.link(&Link::GENESIS, b"one");
        assert!(first.is(&a.link(&Link::GENESIS, b"one")));
        for other in [
            b.link(&Link::GENESIS, b"one"),
            ChainKey::none().link(&Link::GENESIS, b"one"),
            a.link(&Link::GENESIS, b"onE"),
            a.link(&first, b"one"),
            a.sign(b"one"),
        ] {
            assert!(!first.is(&other));
        }
        assert_eq!(first.to_string().parse(), Ok(first));
        for text in ["", "0", &"g".repeat(64), &"0".repeat(63), &"é".repeat(32), &"+1".repeat(32)]
        {
            assert_eq!(text.parse::<Link>(), Err(()), "{text}");
        }
    }

    #[test]
    fn a_key_has_an_id_and_is_not_shown() {
        assert!(ChainKey::new(&"a".repeat(MIN_KEY - 1)).is_none());
        let secret = "correct horse battery staple, twice";
        let key = ChainKey::new(secret).unwrap();
        assert_eq!(key.id().len(), 16);
        assert!(key.is_secret() && !ChainKey::none().is_secret());
        assert!(!format!("{key:?}").contains("horse"));
        assert_eq!(key.id(), ChainKey::new(secret).unwrap().id());
    }
}
