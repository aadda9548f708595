//! CMAC (RFC 4493, NIST SP 800-38B) with a cipher of 128-bit blocks.

use zeroize::Zeroize;

use super::cbc_cts::{BLOCK, Block, Cipher, cipher};
use super::mac::Mac;

/// A CMAC key: the cipher, and what is mixed into a last block that is whole or is not.
pub(super) struct Cmac<C> {
    cipher: C,
    whole: u128,
    partial: u128,
}

/// A CMAC half read. A block is held back until it is known not to be the last.
pub(super) struct Running {
    chain: u128,
    pending: [u8; BLOCK],
    pending_len: usize,
}

impl<C: Cipher> Cmac<C> {
    fn encrypt(&self, block: u128) -> u128 {
        encrypt(&self.cipher, block)
    }
}

fn encrypt<C: Cipher>(cipher: &C, block: u128) -> u128 {
    let mut block = Block::from(block.to_be_bytes());
    cipher.encrypt_block(&mut block);
    u128::from_be_bytes(block.into())
}

/// Multiplies by x in GF(2^128), without a branch on the secret bit.
fn double(value: u128) -> u128 {
    (value << 1) ^ ((value >> 127) * 0x87)
}

impl<C: Cipher> Mac for Cmac<C> {
    type Running = Running;

    fn new(key: &[u8]) -> Self {
        let cipher: C = cipher(key);
        let whole = double(encrypt(&cipher, 0));
        Self { cipher, whole, partial: double(whole) }
    }

    fn start(&self) -> Running {
        Running { chain: 0, pending: [0; BLOCK], pending_len: 0 }
    }

    fn update(&self, running: &mut Running, mut data: &[u8]) {
        while !data.is_empty() {
            if running.pending_len == BLOCK {
                let block = u128::from_be_bytes(running.pending);
                running.chain = self.encrypt(running.chain ^ block);
                running.pending_len = 0;
            }
            let free = running.pending.split_at_mut(running.pending_len).1;
            let (head, rest) = data.split_at(free.len().min(data.len()));
            free.split_at_mut(head.len()).0.copy_from_slice(head);
            running.pending_len += head.len();
            data = rest;
        }
    }

    fn finish(&self, mut running: Running, out: &mut [u8]) {
        let padding = running.pending.split_at_mut(running.pending_len).1;
        padding.fill(0);
        let mask = match padding.first_mut() {
            None => self.whole,
            Some(first) => {
                *first = 0x80;
                self.partial
            }
        };
        let last = running.chain ^ u128::from_be_bytes(running.pending) ^ mask;
        let mac = self.encrypt(last).to_be_bytes();
        out.iter_mut().zip(mac).for_each(|(out, octet)| *out = octet);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.pending.zeroize();
        self.chain.zeroize();
    }
}

impl<C> Drop for Cmac<C> {
    fn drop(&mut self) {
        self.whole.zeroize();
        self.partial.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::hex;
    use super::*;

    fn assert_cmacs<C: Cipher>(expected: [&str; 4]) {
        let key = Cmac::<C>::new(&hex("2b7e151628aed2a6abf7158809cf4f3c"));
        let message = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
             30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710");
        for (len, expected) in [0, 16, 40, 64].into_iter().zip(expected) {
            for cut in 0..=len {
                let (head, tail) = message[..len].split_at(cut);
                let mut out = [0; BLOCK];
                key.compute(&[head, tail], &mut out);
                assert_eq!(out[..], hex(expected), "{len} octets cut at {cut}");
            }
        }
    }

    /// RFC 4493 section 4.
    #[test]
    fn rfc_4493() {
        assert_cmacs::<aes::Aes128>([
            "bb1d6929e95937287fa37d129b756746",
            "070a16b46b4d4144f79bdd9dd04a287c",
            "dfa66747de9ae63030ca32611497c827",
            "51f0bebf7e3b9d92fc49741779363cfe",
        ]);
    }

    /// MIT's src/lib/crypto/crypto_tests/t_cmac.c.
    #[test]
    fn camellia() {
        assert_cmacs::<camellia::Camellia128>([
            "ba925782aaa1f5d9a00f89648094fc71",
            "6d962854a3b9fda56d7d45a95ee17993",
            "5c18d119ccd6766144ac1866131d9f22",
            "c2699a6eba55ce9d939a8a4e19466ee9",
        ]);
    }
}
