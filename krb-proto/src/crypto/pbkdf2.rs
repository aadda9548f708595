//! PBKDF2 with HMAC (RFC 8018 section 5.2).

use core::array;
use core::slice;

use zeroize::Zeroize;

use super::hash::Hash;
use super::hmac::Hmac;
use super::mac::Mac;

/// Fills `out`. Two blocks of output are made side by side where two are wanted: each is one long
/// chain of hashes in which every step waits for the last, so the processor has room for another.
pub(super) fn pbkdf2<H: Hash>(password: &[u8], salt: &[u8], iterations: u32, out: &mut [u8]) {
    let key = Hmac::<H>::new(password);
    let digest_len = H::INITIAL.digest().as_ref().len();
    let mut index = 0;
    let mut next = || {
        index += 1;
        Chain::start(&key, salt, index)
    };
    for pair in out.chunks_mut(2 * digest_len) {
        if pair.len() > digest_len {
            let mut chains = [next(), next()];
            run(&key, &mut chains, iterations);
            for (chain, out) in chains.iter().zip(pair.chunks_mut(digest_len)) {
                chain.write(out);
            }
        } else {
            let mut chain = [next()];
            run(&key, &mut chain, iterations);
            let [chain] = &chain;
            chain.write(pair);
        }
    }
}

/// One block of output: U_1 xor U_2 xor ... in the words of the RFC.
struct Chain<H: Hash> {
    /// The last U, padded to be hashed behind one block of key.
    message: H::Block,
    sum: H::Digest,
}

impl<H: Hash> Chain<H> {
    fn start(key: &Hmac<H>, salt: &[u8], index: u32) -> Self {
        let mut sum = H::INITIAL.digest();
        key.compute(&[salt, &index.to_be_bytes()], sum.as_mut());
        let mut message = H::ZERO_BLOCK;
        let digest_len = sum.as_ref().len();
        let (digest, padding) = message.as_mut().split_at_mut(digest_len);
        digest.copy_from_slice(sum.as_ref());
        if let Some(first) = padding.first_mut() {
            *first = 0x80;
        }
        let hashed = H::ZERO_BLOCK.as_ref().len() + digest_len;
        H::write_length(&mut message, hashed as u64 * 8);
        Self { message, sum }
    }

    fn hash_message(&self, key: &H) -> H::Digest {
        let mut state = key.clone();
        state.compress(slice::from_ref(&self.message));
        state.digest()
    }

    fn set_message(&mut self, digest: &H::Digest) {
        let digest = digest.as_ref();
        self.message.as_mut().split_at_mut(digest.len()).0.copy_from_slice(digest);
    }

    fn write(&self, out: &mut [u8]) {
        out.iter_mut().zip(self.sum.as_ref()).for_each(|(out, sum)| *out = *sum);
    }
}

impl<H: Hash> Drop for Chain<H> {
    fn drop(&mut self) {
        self.message.zeroize();
        self.sum.zeroize();
    }
}

/// Takes all chains through their iterations in lockstep.
fn run<H: Hash, const N: usize>(key: &Hmac<H>, chains: &mut [Chain<H>; N], iterations: u32) {
    for _ in 1..iterations {
        for state in [&key.inner, &key.outer] {
            let digests: [_; N] = array::from_fn(|i| chains[i].hash_message(state));
            for (chain, digest) in chains.iter_mut().zip(&digests) {
                chain.set_message(digest);
            }
        }
        for chain in chains.iter_mut() {
            let last = chain.message.as_ref().iter();
            chain.sum.as_mut().iter_mut().zip(last).for_each(|(sum, last)| *sum ^= last);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::super::hash::Sha1;
    use super::super::tests::hex;
    use super::*;

    /// RFC 6070 section 2: one block of output, a part of one, and one and a part.
    #[test]
    fn rfc_6070() {
        for (password, salt, iterations, expected) in [
            (&b"password"[..], &b"salt"[..], 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"),
            (b"password", b"salt", 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
            (b"password", b"salt", 4096, "4b007901b765489abead49d926f721d065a429c1"),
            (
                b"passwordPASSWORDpassword",
                b"saltSALTsaltSALTsaltSALTsaltSALTsalt",
                4096,
                "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038",
            ),
            (b"pass\0word", b"sa\0lt", 4096, "56fa6aa75548099dcc37d7f03425e0c3"),
        ] {
            let expected = hex(expected);
            let mut out = vec![0; expected.len()];
            pbkdf2::<Sha1>(password, salt, iterations, &mut out);
            assert_eq!(out, expected);
        }
    }

    /// Three blocks: two side by side, one alone.
    #[test]
    fn more_output_begins_with_the_shorter() {
        let mut long = [0; 60];
        pbkdf2::<Sha1>(b"password", b"salt", 3, &mut long);
        for len in 0..long.len() {
            let mut short = vec![0; len];
            pbkdf2::<Sha1>(b"password", b"salt", 3, &mut short);
            assert_eq!(short, long[..len]);
        }
    }
}
