use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hmac, rand};
use zeroize::Zeroizing;

use crate::state::directory::hex;

/// Of the form of what is kept, in every name and under every seal.
const VERSION: &str = "krb-mcp 1";
/// Names lie together, wherever a store has several places for them.
const PREFIX: &str = "{krb-mcp}:";

/// What something in the store is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// The number of the last revocation.
    Head,
    /// Whose access was ended.
    Revocations,
    /// Which accounts some of the subjects are.
    Pins,
    Ticket,
    /// A proof of possession that was used.
    Proof,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Revocations => "revocations",
            Self::Pins => "pins",
            Self::Ticket => "ticket",
            Self::Proof => "proof",
        }
    }
}

/// Seals what leaves the process under a key that the store never sees, and names it so that the store
/// does not see whose it is.
pub(super) struct Sealer {
    names: hmac::Key,
    seals: LessSafeKey,
    /// For nonces, of which no store is told.
    pub(super) nonces: hmac::Key,
}

impl Sealer {
    pub(super) fn new(secret: &[u8]) -> Option<Self> {
        let master = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derived = |what: &[u8]| hmac::sign(&master, what);
        let names = hmac::Key::new(hmac::HMAC_SHA256, derived(b"krb-mcp store names").as_ref());
        let seals = UnboundKey::new(&AES_256_GCM, derived(b"krb-mcp store seals").as_ref()).ok()?;
        let nonces = hmac::Key::new(hmac::HMAC_SHA256, derived(b"krb-mcp nonces").as_ref());
        Some(Self { names, seals: LessSafeKey::new(seals), nonces })
    }

    /// What it is called in the store.
    pub(super) fn name(&self, kind: Kind, slot: &[u8]) -> String {
        let tag = hmac::sign(&self.names, &bound_to(kind, slot));
        format!("{PREFIX}{}", hex(tag.as_ref()))
    }

    /// Seals a value for this slot and no other.
    pub(super) fn seal(&self, kind: Kind, slot: &[u8], value: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).ok()?;
        let aad = Aad::from(bound_to(kind, slot));
        let mut inside = Zeroizing::new(value.to_vec());
        let unique = Nonce::assume_unique_for_key(nonce);
        let tag = self.seals.seal_in_place_separate_tag(unique, aad, &mut inside).ok()?;
        Some([&nonce[..], &inside, tag.as_ref()].concat())
    }

    /// The value, if this was sealed for this slot.
    pub(super) fn open(
        &self,
        kind: Kind,
        slot: &[u8],
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let aad = Aad::from(bound_to(kind, slot));
        let mut inside = Zeroizing::new(sealed.to_vec());
        let unique = Nonce::assume_unique_for_key(*nonce);
        let length = self.seals.open_in_place(unique, aad, &mut inside).ok()?.len();
        inside.truncate(length);
        Some(inside)
    }
}

/// The version, what it is, and the whole of its slot (the user's generation is in a ticket's).
fn bound_to(kind: Kind, slot: &[u8]) -> Vec<u8> {
    [VERSION.as_bytes(), &[0], kind.as_str().as_bytes(), &[0], slot].concat()
}
