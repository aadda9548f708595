//! Under what something is kept, and what opens it. Both are made from the whole of the caller's
//! token, and only the first stays in memory.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::identity::Caller;
use crate::sha256::{finish, first_32};

pub(super) type Digest = [u8; 32];

/// A secret of this process, for names that say nothing.
pub(super) struct Pepper {
    tokens: hmac::Key,
    names: hmac::Key,
}

impl Pepper {
    pub(super) fn new() -> Result<Self, Unspecified> {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let tokens = hmac::Key::generate(hmac::HMAC_SHA256, &random)?;
        let names = hmac::Key::generate(hmac::HMAC_SHA256, &random)?;
        Ok(Self { tokens, names })
    }

    /// A name for these together, that says nothing of them.
    pub(super) fn name(&self, parts: [&str; 3]) -> Digest {
        let mut name = hmac::Context::with_key(&self.names);
        for part in parts {
            name.update(&(part.len() as u64).to_be_bytes());
            name.update(part.as_bytes());
        }
        first_32(name.sign().as_ref())
    }
}

/// All that makes an exchanged token one caller's.
pub(in super::super) struct Key {
    /// The caller's token.
    pub(super) session: Digest,
    /// With everything else that was asked with and for.
    pub(super) entry: Digest,
    /// What opens it, with the session's salt. Made of what the session's name is made of, and not to be
    /// had from that name.
    opener: Zeroizing<[u8; 32]>,
}

impl Key {
    /// `None` if anything that must tell two callers apart is missing. `asked` is made of the settings
    /// of the exchange, `generation` is another each time that anybody's access was ended.
    pub(super) fn new(
        pepper: &Pepper,
        asked: &Digest,
        caller: &Caller,
        actor: Option<&str>,
        generation: u64,
    ) -> Option<Self> {
        let (issuer, subject) = (caller.issuer(), caller.subject());
        let token = caller.token().as_str();
        if issuer.is_empty() || subject.is_empty() || token.is_empty() {
            return None;
        }
        let whole = hmac::sign(&pepper.tokens, token.as_bytes());
        let whole = hmac::Key::new(hmac::HMAC_SHA256, whole.as_ref());
        let part = |label: &[u8]| first_32(hmac::sign(&whole, label).as_ref());
        let (session, opener) = (part(b"session"), Zeroizing::new(part(b"opener")));
        let mut inputs = Context::new(&SHA256);
        inputs.update(asked);
        inputs.update(&session);
        inputs.update(&generation.to_be_bytes());
        for part in [Some(issuer), Some(subject), caller.client_id(), actor] {
            field(&mut inputs, part);
        }
        let entry = finish(inputs);
        Some(Self { session, entry, opener })
    }

    pub(super) fn seal(&self, salt: &Salt, content: &[u8]) -> Result<Box<[u8]>, Unspecified> {
        // Room for all of it, so that no copy of the content is left behind.
        let mut sealed = Vec::with_capacity(NONCE + content.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(content);
        let nonce = self.cipher(salt)?.seal_in_place_append_tag(self.context(), &mut sealed)?;
        sealed.extend_from_slice(nonce.as_ref());
        Ok(sealed.into_boxed_slice())
    }

    /// The content, if this key sealed it for this, and nobody changed it.
    pub(super) fn open(
        &self,
        salt: &Salt,
        mut sealed: Zeroizing<Vec<u8>>,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let length = sealed.len().checked_sub(NONCE)?;
        let nonce = sealed.split_off(length);
        let nonce = Nonce::from(nonce.first_chunk::<NONCE>()?);
        let cipher = self.cipher(salt).ok()?;
        let content = cipher.open_in_place(nonce, self.context(), &mut sealed).ok()?.len();
        sealed.truncate(content);
        Some(sealed)
    }

    fn cipher(&self, salt: &Salt) -> Result<RandomizedNonceKey, Unspecified> {
        let opener = hmac::Key::new(hmac::HMAC_SHA256, &*self.opener);
        RandomizedNonceKey::new(&AES_256_GCM, hmac::sign(&opener, &**salt).as_ref())
    }

    /// Associated data: every input, by its digest.
    fn context(&self) -> Aad<Vec<u8>> {
        Aad::from([b"krb-mcp exchanged 1".as_slice(), &self.entry].concat())
    }
}

const NONCE: usize = 12;

/// Goes with its session, and with it what it helped to seal.
pub(super) type Salt = Zeroizing<[u8; 32]>;

pub(super) fn salt() -> Result<Salt, Unspecified> {
    let mut salt = Zeroizing::new([0; 32]);
    aws_lc_rs::rand::fill(&mut *salt)?;
    Ok(salt)
}

/// A field of its own, told apart from one that is not there and from its neighbours.
pub(in super::super) fn field(inputs: &mut Context, part: Option<&str>) {
    match part {
        None => inputs.update(&u64::MAX.to_be_bytes()),
        Some(text) => {
            inputs.update(&(text.len() as u64).to_be_bytes());
            inputs.update(text.as_bytes());
        }
    }
}
