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
        // In a key derivation this is a key.
        let mut digest = outer.finish();
        copy(digest.as_ref(), out);
        digest.zeroize();
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

#[cfg(test)]
mod tests {
    use super::super::hash::{Md5, Sha1, Sha256, Sha384};
    use super::super::tests::hex;
    use super::*;

    fn assert_hmac<H: Hash>(key: &[u8], data: &[u8], expected: &str) {
        let mut out = [0; 48];
        let out = &mut out[..expected.len() / 2];
        Hmac::<H>::new(key).compute(&[data], out);
        assert_eq!(out, hex(expected));
    }

    /// RFC 2202 sections 2 and 3, test cases 2 and 6: a short key, one longer than a block.
    #[test]
    fn rfc_2202() {
        let (key, data) = (b"Jefe", b"what do ya want for nothing?");
        assert_hmac::<Md5>(key, data, "750c783e6ab0b503eaa86e310a5db738");
        assert_hmac::<Sha1>(key, data, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        let (key, data) = ([0xaa; 80], b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_hmac::<Md5>(&key, data, "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
        assert_hmac::<Sha1>(&key, data, "aa4ae5e15272d00e95705637ce8a3b55ed402112");
    }

    /// RFC 4231 sections 4.3 and 4.7, test cases 2 and 6: a short key, one longer than a block.
    #[test]
    fn rfc_4231() {
        let (key, data) = (b"Jefe", b"what do ya want for nothing?");
        assert_hmac::<Sha256>(
            key,
            data,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        );
        assert_hmac::<Sha384>(
            key,
            data,
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e\
             8e2240ca5e69e2c78b3239ecfab21649",
        );
        let (key, data) = ([0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_hmac::<Sha256>(
            &key,
            data,
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        );
        assert_hmac::<Sha384>(
            &key,
            data,
            "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6\
             0c2ef6ab4030fe8296248df163f44952",
        );
    }
}
