//! HMAC (RFC 2104).

use zeroize::Zeroize;

use super::hash::{Hash, Hasher};
use super::mac::Mac;

/// An HMAC key as the two hash states that its inner and outer padded block lead to, so that a
/// message does not pay for them again.
pub(super) struct Hmac<H: Hash> {
    pub(super) inner: H,
    pub(super) outer: H,
}

impl<H: Hash> Mac for Hmac<H> {
    type Running = Hasher<H>;

    fn new(key: &[u8]) -> Self {
        let mut block = H::ZERO_BLOCK;
        if key.len() > block.as_ref().len() {
            let mut hasher = Hasher::<H>::new();
            hasher.update(key);
            let mut digest = hasher.finish();
            copy(digest.as_ref(), block.as_mut());
            digest.zeroize();
        } else {
            copy(key, block.as_mut());
        }
        let state_after = |block: &H::Block| {
            let mut state = H::INITIAL;
            state.compress(core::slice::from_ref(block));
            state
        };
        block.as_mut().iter_mut().for_each(|octet| *octet ^= 0x36);
        let inner = state_after(&block);
        block.as_mut().iter_mut().for_each(|octet| *octet ^= 0x36 ^ 0x5c);
        let outer = state_after(&block);
        block.zeroize();
        Self { inner, outer }
    }

    fn start(&self) -> Hasher<H> {
        Hasher::resume(self.inner.clone(), H::ZERO_BLOCK.as_ref().len() as u64)
    }

    fn update(&self, running: &mut Hasher<H>, data: &[u8]) {
        running.update(data);
    }

    fn finish(&self, running: Hasher<H>, out: &mut [u8]) {
        let mut outer = Hasher::resume(self.outer.clone(), H::ZERO_BLOCK.as_ref().len() as u64);
        outer.update(running.finish().as_ref());
        copy(outer.finish().as_ref(), out);
    }
}

/// Copies as much as fits.
fn copy(from: &[u8], to: &mut [u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

impl<H: Hash> Drop for Hmac<H> {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}
