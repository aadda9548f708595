//! The simplified profile of RFC 3961 section 5: n-fold, key derivation, and the encryption that
//! computes a MAC over the plaintext. RFC 3962 fills it with AES, RFC 6803 with Camellia.

use zeroize::Zeroize;

use super::CryptoError;
use super::cbc_cts::{self, BLOCK, Block, Cipher, DECRYPT_STEP, cipher};
use super::mac::Mac;
use super::profile::Sealing;
use crate::Random;

/// The n-fold of section 5.1 to a cipher block: copies of `input`, each rotated 13 bits further to
/// the right, laid end to end until they fill whole blocks, and those summed in ones' complement.
///
/// `input` is one of our constants, none longer than a block.
fn n_fold(input: &[u8]) -> [u8; BLOCK] {
    debug_assert!((1..=BLOCK).contains(&input.len()));
    let bits = 8 * input.len();
    let mut copy = [0; BLOCK];
    copy.split_at_mut(BLOCK - input.len()).1.copy_from_slice(input);
    let mut value = u128::from_be_bytes(copy);

    let copies = BLOCK / greatest_common_divisor(input.len(), BLOCK);
    let rotation = 13 % bits;
    let mut sum = 0_u128;
    for copy in 1..=copies {
        // What goes over the end of a block is summed at the beginning of the next one: as if it was
        // rotated within one.
        let (added, carry) = sum.overflowing_add(value.rotate_right((copy * bits % 128) as u32));
        sum = added + u128::from(carry);
        value = (value >> rotation) | ((value << (bits - rotation)) & (u128::MAX >> (128 - bits)));
    }
    sum.to_be_bytes()
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// DR and DK (section 5.1): fills `out` by encrypting the folded constant over and over.
pub(super) fn derive<C: Cipher>(key: &[u8], constant: &[u8], out: &mut [u8]) {
    let cipher: C = cipher(key);
    let mut block = Block::from(n_fold(constant));
    for out in out.chunks_mut(BLOCK) {
        cipher.encrypt_block(&mut block);
        out.iter_mut().zip(&block).for_each(|(out, octet)| *out = *octet);
    }
    block.as_mut_slice().zeroize();
}

/// CBC-CTS of confounder and plaintext, and behind it `MAC` octets of a MAC over both.
pub(super) struct EncryptAndMac<C, M, const MAC: usize> {
    pub(super) cipher: C,
    pub(super) mac: M,
}

impl<C: Cipher, M: Mac, const MAC: usize> Sealing for EncryptAndMac<C, M, MAC> {
    fn seal(&self, message: &mut [u8], rng: &mut dyn Random) {
        let (text, tag) = message.split_at_mut(message.len() - MAC);
        rng.fill(text.split_at_mut(BLOCK).0);
        let mut running = self.mac.start();
        let mac_plaintext = |piece: &[u8]| self.mac.update(&mut running, piece);
        cbc_cts::encrypt(&self.cipher, text, mac_plaintext, |_| ());
        self.mac.finish(running, tag);
    }

    fn open(&self, message: &mut [u8]) -> Result<(), CryptoError> {
        let (text, tag) = message
            .split_last_chunk_mut::<MAC>()
            .filter(|(text, _)| text.len() >= BLOCK)
            .ok_or(CryptoError::CiphertextTooShort)?;
        let mut running = self.mac.start();
        cbc_cts::decrypt::<_, DECRYPT_STEP>(&self.cipher, text, |piece| {
            self.mac.update(&mut running, piece);
        });
        // The MAC covers the plaintext, so that it had to be made first; nobody sees a wrong one.
        self.mac.verify(running, tag).inspect_err(|_| text.zeroize())
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::super::tests::hex;
    use super::*;

    /// n-fold for any lengths, by the letter of RFC 3961 section 5.1 and bit by bit.
    fn slow_n_fold<const N: usize>(input: &[u8]) -> [u8; N] {
        let bits: Vec<u32> = input
            .iter()
            .flat_map(|octet| (0..8).rev().map(move |bit| u32::from(octet >> bit & 1)))
            .collect();
        let mut sums = [0_u32; N];
        for at in 0..8 * input.len() * N / greatest_common_divisor(input.len(), N) {
            let (copy, bit) = (at / bits.len(), at % bits.len());
            // Rotated to the right: the bit that was 13 places to the left for each copy.
            let from = (bit + bits.len() * 13 * (copy + 1) - 13 * copy) % bits.len();
            sums[at / 8 % N] += bits[from] << (7 - at % 8);
        }
        let mut carry = 0;
        loop {
            for sum in sums.iter_mut().rev() {
                *sum += carry;
                carry = *sum >> 8;
                *sum &= 0xff;
            }
            if carry == 0 {
                return sums.map(|sum| sum as u8);
            }
        }
    }

    proptest! {
        #[test]
        fn n_fold_is_by_the_letter(input in prop::collection::vec(any::<u8>(), 1..=BLOCK)) {
            prop_assert_eq!(n_fold(&input), slow_n_fold(&input));
        }
    }

    /// RFC 3961 appendix A.1.
    #[test]
    fn n_fold_vectors() {
        assert_eq!(slow_n_fold(b"012345"), 0xbe07_2631_276b_1955_u64.to_be_bytes());
        assert_eq!(slow_n_fold(b"password"), [0x78, 0xa0, 0x7b, 0x6c, 0xaf, 0x85, 0xfa]);
        assert_eq!(
            slow_n_fold(b"Rough Consensus, and Running Code"),
            0xbb6e_d308_70b7_f0e0_u64.to_be_bytes()
        );
        assert_eq!(
            slow_n_fold(b"password"),
            [
                0x59, 0xe4, 0xa8, 0xca, 0x7c, 0x03, 0x85, 0xc3, 0xc3, 0x7b, 0x3f, 0x6d, 0x20, 0x00,
                0x24, 0x7c, 0xb6, 0xe6, 0xbd, 0x5b, 0x3e
            ]
        );
        assert_eq!(
            slow_n_fold(b"MASSACHVSETTS INSTITVTE OF TECHNOLOGY"),
            [
                0xdb, 0x3b, 0x0d, 0x8f, 0x0b, 0x06, 0x1e, 0x60, 0x32, 0x82, 0xb3, 0x08, 0xa5, 0x08,
                0x41, 0x22, 0x9a, 0xd7, 0x98, 0xfa, 0xb9, 0x54, 0x0c, 0x1b
            ]
        );
        assert_eq!(
            slow_n_fold(b"Q"),
            [
                0x51, 0x8a, 0x54, 0xa2, 0x15, 0xa8, 0x45, 0x2a, 0x51, 0x8a, 0x54, 0xa2, 0x15, 0xa8,
                0x45, 0x2a, 0x51, 0x8a, 0x54, 0xa2, 0x15
            ]
        );
        assert_eq!(
            slow_n_fold(b"ba"),
            [
                0xfb, 0x25, 0xd5, 0x31, 0xae, 0x89, 0x74, 0x49, 0x9f, 0x52, 0xfd, 0x92, 0xea, 0x98,
                0x57, 0xc4, 0xba, 0x24, 0xcf, 0x29, 0x7e
            ]
        );
        // MIT's src/lib/crypto/crypto_tests/t_nfold.c.
        for (input, expected) in [
            ("basch", "1aab6b42964b98b21f8cde2d2448ba3455d7862c9731643f"),
            ("eichin", "65696368696e4b732b4b1b43da1a5b995a58d2c6d0d2dcca"),
            ("sommerfeld", "2f7a98557c6ee4abadf4e71192dd442bd4ff5325a5def75c"),
        ] {
            assert_eq!(slow_n_fold::<24>(input.as_bytes()), hex(expected)[..]);
        }
        assert_eq!(slow_n_fold(b"kerberos"), 0x6b65_7262_6572_6f73_u64.to_be_bytes());
        assert_eq!(
            n_fold(b"kerberos"),
            0x6b65_7262_6572_6f73_7b9b_5b2b_9313_2b93_u128.to_be_bytes()
        );
    }
}
