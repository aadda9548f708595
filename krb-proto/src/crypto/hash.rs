//! The hashes at the level of their compression functions. HMAC keeps states in the middle of a
//! hash, and PBKDF2 hashes one block over and over; a streaming interface hides both.

use zeroize::Zeroize;

/// A Merkle-Damgard hash: a chaining state, a compression function and a length padding.
pub(super) trait Hash: Clone + Zeroize + Send + Sync {
    /// What one compression takes.
    type Block: AsRef<[u8]> + AsMut<[u8]> + Clone + Zeroize;
    /// What comes out.
    type Digest: AsRef<[u8]> + AsMut<[u8]> + Clone + Zeroize;
    const ZERO_BLOCK: Self::Block;
    const INITIAL: Self;

    /// Splits into whole blocks and the rest.
    fn blocks(data: &[u8]) -> (&[Self::Block], &[u8]);
    fn compress(&mut self, blocks: &[Self::Block]);
    /// Writes the length in bits where the padding of the last block ends.
    fn write_length(block: &mut Self::Block, bits: u64);
    fn digest(&self) -> Self::Digest;
}

macro_rules! hash {
    (
        $(#[$doc:meta])*
        $name:ident([$word:ty; $words:literal] = $initial:expr,
            block $block:literal, digest $digest:literal, $to_bytes:ident, $compress:path)
    ) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub(super) struct $name([$word; $words]);

        impl Zeroize for $name {
            fn zeroize(&mut self) {
                self.0.zeroize();
            }
        }

        impl Hash for $name {
            type Block = [u8; $block];
            type Digest = [u8; $digest];
            const ZERO_BLOCK: Self::Block = [0; $block];
            const INITIAL: Self = Self($initial);

            fn blocks(data: &[u8]) -> (&[Self::Block], &[u8]) {
                data.as_chunks()
            }

            #[inline]
            fn compress(&mut self, blocks: &[Self::Block]) {
                $compress(&mut self.0, blocks);
            }

            #[inline]
            fn write_length(block: &mut Self::Block, bits: u64) {
                if let Some(end) = block.last_chunk_mut() {
                    *end = bits.$to_bytes();
                }
            }

            #[inline]
            fn digest(&self) -> Self::Digest {
                let mut digest = [0; $digest];
                for (out, word) in digest.chunks_exact_mut(size_of::<$word>()).zip(&self.0) {
                    out.copy_from_slice(&word.$to_bytes());
                }
                digest
            }
        }
    };
}

hash! {
    /// RFC 1321.
    Md5([u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476],
        block 64, digest 16, to_le_bytes, md5::block_api::compress)
}

hash! {
    /// FIPS 180-4.
    Sha1([u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0],
        block 64, digest 20, to_be_bytes, sha1::block_api::compress)
}

hash! {
    /// FIPS 180-4.
    Sha256([u32; 8] = [
            0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a,
            0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
        ],
        block 64, digest 32, to_be_bytes, sha2::block_api::compress256)
}

hash! {
    /// FIPS 180-4: SHA-512 with other initial values, cut to 384 bits.
    Sha384([u64; 8] = [
            0xcbbb_9d5d_c105_9ed8, 0x629a_292a_367c_d507,
            0x9159_015a_3070_dd17, 0x152f_ecd8_f70e_5939,
            0x6733_2667_ffc0_0b31, 0x8eb4_4a87_6858_1511,
            0xdb0c_2e0d_64f9_8fa7, 0x47b5_481d_befa_4fa4,
        ],
        block 128, digest 48, to_be_bytes, sha2::block_api::compress512)
}

/// A hash that is being fed.
pub(super) struct Hasher<H: Hash> {
    state: H,
    pending: H::Block,
    pending_len: usize,
    length: u64,
}

impl<H: Hash> Hasher<H> {
    pub(super) fn new() -> Self {
        Self::resume(H::INITIAL, 0)
    }

    /// Goes on where `length` octets, a multiple of the block length, led to `state`.
    pub(super) fn resume(state: H, length: u64) -> Self {
        Self { state, pending: H::ZERO_BLOCK, pending_len: 0, length }
    }

    pub(super) fn update(&mut self, mut data: &[u8]) {
        self.length += data.len() as u64;
        if self.pending_len > 0 {
            let free = self.pending.as_mut().split_at_mut(self.pending_len).1;
            let taken = free.len().min(data.len());
            let (head, rest) = data.split_at(taken);
            free.split_at_mut(taken).0.copy_from_slice(head);
            self.pending_len += taken;
            if taken == data.len() && self.pending_len < self.pending.as_ref().len() {
                return;
            }
            self.state.compress(core::slice::from_ref(&self.pending));
            data = rest;
        }
        let (blocks, rest) = H::blocks(data);
        self.state.compress(blocks);
        self.pending.as_mut().split_at_mut(rest.len()).0.copy_from_slice(rest);
        self.pending_len = rest.len();
    }

    pub(super) fn finish(mut self) -> H::Digest {
        // The length takes 8 octets of a 64-octet block and 16 of a 128-octet block.
        let block_len = self.pending.as_ref().len();
        let length_at = block_len - block_len / 8;
        let padding = self.pending.as_mut().split_at_mut(self.pending_len).1;
        padding.fill(0);
        if let Some(first) = padding.first_mut() {
            *first = 0x80;
        }
        if self.pending_len >= length_at {
            self.state.compress(core::slice::from_ref(&self.pending));
            self.pending.as_mut().fill(0);
        }
        H::write_length(&mut self.pending, self.length * 8);
        self.state.compress(core::slice::from_ref(&self.pending));
        self.state.digest()
    }
}

impl<H: Hash> Drop for Hasher<H> {
    fn drop(&mut self) {
        // May hold the state of a secret key and the end of a plaintext.
        self.state.zeroize();
        self.pending.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;
    use sha1::Digest;

    use super::*;

    fn hash<H: Hash>(parts: &[&[u8]]) -> H::Digest {
        let mut hasher = Hasher::<H>::new();
        parts.iter().for_each(|part| hasher.update(part));
        hasher.finish()
    }

    fn same_as_the_streaming_hashes(data: &[u8], parts: &[&[u8]]) {
        assert_eq!(hash::<Md5>(parts)[..], md5::Md5::digest(data)[..]);
        assert_eq!(hash::<Sha1>(parts)[..], sha1::Sha1::digest(data)[..]);
        assert_eq!(hash::<Sha256>(parts)[..], sha2::Sha256::digest(data)[..]);
        assert_eq!(hash::<Sha384>(parts)[..], sha2::Sha384::digest(data)[..]);
    }

    #[test]
    fn every_length_around_the_padding() {
        let data: Vec<u8> = (0..=255).cycle().take(300).collect();
        for len in 0..=data.len() {
            same_as_the_streaming_hashes(&data[..len], &[&data[..len]]);
        }
    }

    proptest! {
        #[test]
        fn the_parts_do_not_matter(
            data in prop::collection::vec(any::<u8>(), 0..700),
            cuts in prop::collection::vec(0..=700_usize, 0..6),
        ) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| (*cut).min(data.len())).collect();
            cuts.extend([0, data.len()]);
            cuts.sort_unstable();
            let parts: Vec<&[u8]> = cuts.windows(2).map(|cut| &data[cut[0]..cut[1]]).collect();
            same_as_the_streaming_hashes(&data, &parts);
        }
    }
}
