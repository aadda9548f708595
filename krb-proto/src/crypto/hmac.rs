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
    use alloc::vec;
    use alloc::vec::Vec;

    use super::super::hash::{Md5, Sha1, Sha256, Sha384};
    use super::super::tests::hex;
    use super::*;

    /// The seven keys and messages that both RFCs have: a short key, one of the hash's length, one of
    /// its own, and one longer than a block.
    fn assert_hmacs<H: Hash>(short: usize, long: usize, last: &[u8], expected: [&str; 7]) {
        let counted: Vec<u8> = (1..=25).collect();
        let cases: [(&[u8], &[u8]); 7] = [
            (&[0x0b; 20][..short], b"Hi There"),
            (b"Jefe", b"what do ya want for nothing?"),
            (&[0xaa; 20][..short], &[0xdd; 50]),
            (&counted, &[0xcd; 50]),
            (&[0x0c; 20][..short], b"Test With Truncation"),
            (&[0xaa; 131][..long], b"Test Using Larger Than Block-Size Key - Hash Key First"),
            (&[0xaa; 131][..long], last),
        ];
        for ((key, data), expected) in cases.into_iter().zip(expected) {
            let expected = hex(expected);
            let mut out = vec![0; expected.len()];
            Hmac::<H>::new(key).compute(&[data], &mut out);
            assert_eq!(out, expected);
        }
    }

    /// RFC 2202 sections 2 and 3.
    #[test]
    fn rfc_2202() {
        let last = b"Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data";
        assert_hmacs::<Md5>(
            16,
            80,
            last,
            [
                "9294727a3638bb1c13f48ef8158bfc9d",
                "750c783e6ab0b503eaa86e310a5db738",
                "56be34521d144c88dbb8c733f0e8b3f6",
                "697eaf0aca3a3aea3a75164746ffaa79",
                "56461ef2342edc00f9bab995690efd4c",
                "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd",
                "6f630fad67cda0ee1fb1f562db3aa53e",
            ],
        );
        assert_hmacs::<Sha1>(
            20,
            80,
            last,
            [
                "b617318655057264e28bc0b6fb378c8ef146be00",
                "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
                "125d7342b9ac11cd91a39af48aa17b4f63f175d3",
                "4c9007f4026250c6bc8414f9bf50c86c2d7235da",
                "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04",
                "aa4ae5e15272d00e95705637ce8a3b55ed402112",
                "e8e99d0f45237d786d6bbaa7965c7808bbff1a91",
            ],
        );
    }

    /// RFC 4231 section 4; the fifth is cut to 128 bits.
    #[test]
    fn rfc_4231() {
        let last =
            b"This is a test using a larger than block-size key and a larger than block-size \
            data. The key needs to be hashed before being used by the HMAC algorithm.";
        assert_hmacs::<Sha256>(
            20,
            131,
            last,
            [
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
                "a3b6167473100ee06e0c796c2955552b",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ],
        );
        assert_hmacs::<Sha384>(
            20,
            131,
            last,
            [
                "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c\
                 faea9ea9076ede7f4af152e8b2fa9cb6",
                "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e\
                 8e2240ca5e69e2c78b3239ecfab21649",
                "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b\
                 2a5ab39dc13814b94e3ab6e101a34f27",
                "3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e\
                 6801dd23c4a7d679ccf8a386c674cffb",
                "3abf34c3503b2a23a46efc619baef897",
                "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6\
                 0c2ef6ab4030fe8296248df163f44952",
                "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5\
                 a678cc31e799176d3860e6110c46523e",
            ],
        );
    }
}
