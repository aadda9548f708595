//! Nonces for proofs of possession (RFC 9449 section 9): a proof that holds one of this server's was
//! made after it was given out.

use aws_lc_rs::{constant_time, hmac};
use base64ct::{Base64UrlUnpadded, Encoding};
use krb_client::Entropy;

/// How long one is good, in seconds: each answer brings a new one, so that whoever is at work has one.
pub(super) const NONCE_LIFE: i64 = 300;
/// How far the clock of the replica that gave it out may be ahead, in seconds.
const AHEAD: i64 = 60;
const TIME: usize = 8;
const TAG: usize = 16;

/// Gives them out, and knows its own again: when it was given out stands in it, under a key.
#[derive(Clone)]
pub struct Nonces {
    /// The one that they are made with, and those that replicas make theirs with.
    keys: Vec<hmac::Key>,
}

impl Nonces {
    /// With these keys, of which the first one makes them.
    #[must_use]
    pub const fn new(keys: Vec<hmac::Key>) -> Self {
        Self { keys }
    }

    /// With a key of this process's alone.
    #[must_use]
    pub fn of_this_process(random: &dyn Entropy) -> Self {
        let mut key = zeroize::Zeroizing::new([0; 32]);
        random.fill(&mut *key);
        Self::new(vec![hmac::Key::new(hmac::HMAC_SHA256, &*key)])
    }

    /// A new one.
    #[must_use]
    pub(crate) fn give(&self, now: i64) -> Option<String> {
        let time = now.to_be_bytes();
        let tag = self.keys.first().map(|key| hmac::sign(key, &time))?;
        let nonce = [&time[..], tag.as_ref().get(..TAG)?].concat();
        Some(Base64UrlUnpadded::encode_string(&nonce))
    }

    /// Whether it was given out here, or by a replica, a short while ago.
    pub(super) fn knows(&self, nonce: &str, now: i64) -> bool {
        let mut octets = [0; TIME + TAG];
        let Ok(octets) = Base64UrlUnpadded::decode(nonce, &mut octets) else { return false };
        let Some((time, tag)) = octets.split_first_chunk::<TIME>() else { return false };
        let is_ours = |key: &hmac::Key| {
            let made = hmac::sign(key, time);
            let made = made.as_ref().get(..TAG).unwrap_or_default();
            constant_time::verify_slices_are_equal(made, tag).is_ok()
        };
        let given = i64::from_be_bytes(*time);
        self.keys.iter().any(is_ours) && (now - NONCE_LIFE < given && given <= now + AHEAD)
    }
}

#[cfg(test)]
mod tests {
    use krb_client::OsRandom;

    use super::*;

    #[test]
    fn what_was_given_out_is_known_for_its_time_and_nothing_else_is() {
        let nonces = Nonces::of_this_process(&OsRandom);
        let nonce = nonces.give(1_000_000).unwrap();
        for now in [1_000_000 - AHEAD, 1_000_000, 1_000_000 + NONCE_LIFE - 1] {
            assert!(nonces.knows(&nonce, now), "{now}");
        }
        for now in [1_000_000 - AHEAD - 1, 1_000_000 + NONCE_LIFE] {
            assert!(!nonces.knows(&nonce, now), "{now}");
        }
        for place in 0..nonce.len() {
            let mut changed = nonce.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            assert!(!nonces.knows(&String::from_utf8(changed).unwrap(), 1_000_000), "{place}");
        }
        let long = format!("{nonce}AAAA");
        for other in ["", "A", "nonce", &nonce[1..], &long, &nonce.to_lowercase()] {
            assert!(!nonces.knows(other, 1_000_000), "{other}");
        }
        assert!(!Nonces::of_this_process(&OsRandom).knows(&nonce, 1_000_000), "another process");
    }

    #[test]
    fn replicas_know_each_others_while_their_key_is_replaced() {
        let key = |octet| hmac::Key::new(hmac::HMAC_SHA256, &[octet; 32]);
        let (old, both) = (Nonces::new(vec![key(1)]), Nonces::new(vec![key(2), key(1)]));
        let new = Nonces::new(vec![key(2)]);
        assert!(both.knows(&old.give(7).unwrap(), 7) && both.knows(&both.give(7).unwrap(), 7));
        assert!(new.knows(&both.give(7).unwrap(), 7) && !old.knows(&both.give(7).unwrap(), 7));
    }
}
