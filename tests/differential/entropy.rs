//! Random octets that are the same in every run: what is found is found again, and what is
//! explained is always seen. `DIFFERENTIAL_SEED=n` draws others, of which what is rare may not be.

use krb_proto::Random;

pub struct Entropy(u64);

fn seed() -> String {
    std::env::var("DIFFERENTIAL_SEED").unwrap_or_default()
}

/// Are these the octets of every run?
pub fn is_usual() -> bool {
    seed().is_empty()
}

impl Entropy {
    /// Each test has octets of its own, so that a change to one does not change another's.
    pub fn new(test: &str) -> Self {
        let seed = seed();
        // FNV-1a.
        let hash = test.bytes().chain(seed.bytes()).fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
            (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(hash)
    }

    // splitmix64
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.word() % limit as u64) as usize
    }

    pub fn octets(&mut self, length: usize) -> Vec<u8> {
        let mut octets = vec![0; length];
        self.fill(&mut octets);
        octets
    }
}

impl Random for Entropy {
    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&self.word().to_le_bytes()[..chunk.len()]);
        }
    }
}
