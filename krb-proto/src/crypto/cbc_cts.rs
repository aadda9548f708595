//! CBC with ciphertext stealing (CBC-CS3, RFC 3962 section 5) from an initial vector of zeros.
//! The last two blocks are always swapped, also where the message fills them.
//!
//! Each direction lets the caller read along in small pieces, so that a MAC is computed between
//! the blocks of the cipher: both are chains in which every step waits for the last, and the
//! processor runs the two side by side as long as they alternate within its reach.

use aes::cipher::consts::U16;
use aes::cipher::inout::InOutBuf;
use aes::cipher::typenum::Unsigned;
use aes::cipher::{
    Array, BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncBackend,
    BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit,
};
use zeroize::Zeroize;

/// Octets of a cipher block, of the confounder, and the least that can be encrypted.
pub(super) const BLOCK: usize = 16;
pub(super) type Block = Array<u8, U16>;

/// Blocks between two looks of the caller. Measured: 64 octets for the chained encryption.
const ENCRYPT_STEP: usize = 4;
/// 128 octets for the decryption, whose blocks do not wait for each other.
pub(super) const DECRYPT_STEP: usize = 8;
/// As many as any processor decrypts at once, for who does not look.
pub(super) const DECRYPT_AT_ONCE: usize = 64;

/// A block cipher of 128-bit blocks.
pub(super) trait Cipher:
    KeyInit + BlockSizeUser<BlockSize = U16> + BlockCipherEncrypt + BlockCipherDecrypt + Send + Sync
{
}

impl<C> Cipher for C where
    C: KeyInit
        + BlockSizeUser<BlockSize = U16>
        + BlockCipherEncrypt
        + BlockCipherDecrypt
        + Send
        + Sync
{
}

/// The cipher with a key that the caller knows to be of the right length.
pub(super) fn cipher<C: KeyInit>(key: &[u8]) -> C {
    debug_assert_eq!(key.len(), C::key_size());
    let mut array = aes::cipher::Key::<C>::default();
    array.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let cipher = C::new(&array);
    array.as_mut_slice().zeroize();
    cipher
}

/// Encrypts in place. `before` reads each piece of plaintext, `after` each piece of ciphertext.
///
/// # Panics
/// With less than a block, which no caller can have: a confounder is a block.
pub(super) fn encrypt<C: Cipher>(
    cipher: &C,
    data: &mut [u8],
    before: impl FnMut(&[u8]),
    after: impl FnMut(&[u8]),
) {
    assert!(data.len() >= BLOCK, "ciphertext stealing needs a block");
    cipher.encrypt_with_backend(Encrypt { data, before, after });
}

/// Decrypts in place, `STEP` blocks at a time. `after` reads each piece of plaintext.
///
/// # Panics
/// With less than a block: the caller has refused it.
pub(super) fn decrypt<C: Cipher, const STEP: usize>(
    cipher: &C,
    data: &mut [u8],
    after: impl FnMut(&[u8]),
) {
    assert!(data.len() >= BLOCK, "ciphertext stealing needs a block");
    cipher.decrypt_with_backend(Decrypt::<_, STEP> { data, after });
}

/// Where the last two blocks begin: one whole, one of 1 to 16 octets, or a single block alone.
fn tail_start(len: usize) -> usize {
    (len - 1).saturating_sub(BLOCK) / BLOCK * BLOCK
}

fn xor(block: &mut Block, with: &[u8]) {
    block.iter_mut().zip(with).for_each(|(to, from)| *to ^= from);
}

/// A whole message in one call of the cipher's backend: what the backend prepares for many blocks
/// is prepared once, and the chain stays in registers.
struct Encrypt<'a, Before, After> {
    data: &'a mut [u8],
    before: Before,
    after: After,
}

impl<Before, After> BlockSizeUser for Encrypt<'_, Before, After> {
    type BlockSize = U16;
}

impl<Before, After> BlockCipherEncClosure for Encrypt<'_, Before, After>
where
    Before: FnMut(&[u8]),
    After: FnMut(&[u8]),
{
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(mut self, backend: &B) {
        let (head, tail) = self.data.split_at_mut(tail_start(self.data.len()));
        let mut chain = 0;
        for piece in head.chunks_mut(ENCRYPT_STEP * BLOCK) {
            (self.before)(piece);
            for block in piece.as_chunks_mut::<BLOCK>().0 {
                chain = encrypt_block(backend, chain ^ u128::from_ne_bytes(*block));
                *block = chain.to_ne_bytes();
            }
            (self.after)(piece);
        }

        (self.before)(tail);
        let (penultimate, last) = tail.split_at_mut(BLOCK);
        let mut block = Block::from(chain.to_ne_bytes());
        xor(&mut block, penultimate);
        backend.encrypt_block_inplace(&mut block);
        if !last.is_empty() {
            let stolen = block;
            xor(&mut block, last);
            backend.encrypt_block_inplace(&mut block);
            last.iter_mut().zip(&stolen).for_each(|(to, from)| *to = *from);
        }
        penultimate.copy_from_slice(&block);
        (self.after)(tail);
    }
}

#[inline(always)]
fn encrypt_block<B: BlockCipherEncBackend<BlockSize = U16>>(backend: &B, block: u128) -> u128 {
    let mut block = Block::from(block.to_ne_bytes());
    backend.encrypt_block_inplace(&mut block);
    u128::from_ne_bytes(block.into())
}

/// As [`Encrypt`].
struct Decrypt<'a, After, const STEP: usize> {
    data: &'a mut [u8],
    after: After,
}

impl<After, const STEP: usize> BlockSizeUser for Decrypt<'_, After, STEP> {
    type BlockSize = U16;
}

impl<After, const STEP: usize> BlockCipherDecClosure for Decrypt<'_, After, STEP>
where
    After: FnMut(&[u8]),
{
    #[inline(always)]
    fn call<B: BlockCipherDecBackend<BlockSize = U16>>(mut self, backend: &B) {
        let (head, tail) = self.data.split_at_mut(tail_start(self.data.len()));
        let mut chain = Block::default();
        let mut ciphertext = [Block::default(); STEP];
        for piece in head.chunks_mut(STEP * BLOCK) {
            let blocks: &mut [Block] = Array::cast_slice_from_core_mut(piece.as_chunks_mut().0);
            ciphertext.iter_mut().zip(blocks.iter()).for_each(|(to, from)| *to = *from);
            decrypt_blocks(backend, blocks);
            for (block, ciphertext) in blocks.iter_mut().zip(&ciphertext) {
                xor(block, &chain);
                chain = *ciphertext;
            }
            (self.after)(piece);
        }

        let (penultimate, last) = tail.split_at_mut(BLOCK);
        let mut block = Block::default();
        block.copy_from_slice(penultimate);
        backend.decrypt_block_inplace(&mut block);
        if !last.is_empty() {
            // `block` is now the last plaintext, zero padded, xor the ciphertext that stands in
            // `last` as far as it goes and in `block` itself from there on.
            let mut previous = block;
            previous.iter_mut().zip(last.iter()).for_each(|(to, from)| *to = *from);
            last.iter_mut().zip(&block).for_each(|(to, from)| *to ^= from);
            block = previous;
            backend.decrypt_block_inplace(&mut block);
        }
        xor(&mut block, &chain);
        penultimate.copy_from_slice(&block);
        block.zeroize();
        (self.after)(tail);
    }
}

/// As many blocks at once as the backend takes.
#[inline(always)]
fn decrypt_blocks<B: BlockCipherDecBackend<BlockSize = U16>>(backend: &B, blocks: &mut [Block]) {
    let blocks = InOutBuf::from(blocks);
    if B::ParBlocksSize::USIZE > 1 {
        let (together, rest) = blocks.into_chunks::<B::ParBlocksSize>();
        together.into_iter().for_each(|blocks| backend.decrypt_par_blocks(blocks));
        backend.decrypt_tail_blocks(rest);
    } else {
        blocks.into_iter().for_each(|block| backend.decrypt_block(block));
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use aes::Aes128;

    use super::super::tests::hex;
    use super::*;

    /// RFC 3962 appendix B.
    #[test]
    fn chicken_teriyaki() {
        let cipher: Aes128 = cipher(b"chicken teriyaki");
        let input = b"I would like the General Gau's Chicken, please, and wonton soup.";
        for expected in [
            "c6353568f2bf8cb4d8a580362da7ff7f97",
            "fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5",
            "39312523a78662d5be7fcbcc98ebf5a897687268d6ecccc0c07b25e25ecfe584",
            "97687268d6ecccc0c07b25e25ecfe584b3fffd940c16a18c1b5549d2f838029e\
             39312523a78662d5be7fcbcc98ebf5",
            "97687268d6ecccc0c07b25e25ecfe5849dad8bbb96c4cdc03bc103e1a194bbd8\
             39312523a78662d5be7fcbcc98ebf5a8",
            "97687268d6ecccc0c07b25e25ecfe58439312523a78662d5be7fcbcc98ebf5a8\
             4807efe836ee89a526730dbc2f7bc8409dad8bbb96c4cdc03bc103e1a194bbd8",
        ] {
            let expected = hex(expected);
            let plaintext = &input[..expected.len()];
            let mut data = plaintext.to_vec();
            encrypt(&cipher, &mut data, |_| (), |_| ());
            assert_eq!(data, expected);
            decrypt::<_, DECRYPT_STEP>(&cipher, &mut data, |_| ());
            assert_eq!(data, plaintext);
        }
    }

    /// One block after the other, by the letter of RFC 3962 section 5.
    fn slow_encrypt(cipher: &Aes128, plaintext: &[u8]) -> Vec<u8> {
        let mut chain = Block::default();
        let mut blocks = Vec::new();
        for piece in plaintext.chunks(BLOCK) {
            xor(&mut chain, piece);
            cipher.encrypt_block(&mut chain);
            blocks.push(chain);
        }
        if let [.., penultimate, last] = &mut blocks[..] {
            core::mem::swap(penultimate, last);
        }
        let mut ciphertext = blocks.concat();
        ciphertext.truncate(plaintext.len());
        ciphertext
    }

    #[test]
    fn the_caller_reads_all_of_both_texts_in_order() {
        let cipher: Aes128 = cipher(&[1; 16]);
        for len in BLOCK..80 * BLOCK {
            let plaintext: Vec<u8> = (0..=255).cycle().take(len).collect();
            let mut data = plaintext.clone();
            let (mut before, mut after) = (Vec::new(), Vec::new());
            encrypt(
                &cipher,
                &mut data,
                |piece| before.extend_from_slice(piece),
                |piece| after.extend_from_slice(piece),
            );
            assert_eq!(data, slow_encrypt(&cipher, &plaintext));
            assert_eq!(before, plaintext);
            assert_eq!(after, data);
            let mut at_once = data.clone();
            decrypt::<_, DECRYPT_AT_ONCE>(&cipher, &mut at_once, |_| ());
            assert_eq!(at_once, plaintext);
            after.clear();
            decrypt::<_, DECRYPT_STEP>(&cipher, &mut data, |piece| after.extend_from_slice(piece));
            assert_eq!(data, plaintext);
            assert_eq!(after, plaintext);
        }
    }
}
