use std::sync::Mutex;

use krb_client::Entropy;

/// The same numbers in each run (SplitMix64), for nothing but tests.
pub struct Seeded(Mutex<u64>);

impl Seeded {
    /// Begins with this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Entropy for Seeded {
    fn fill(&self, out: &mut [u8]) {
        let mut state = self.0.lock().expect("a seed");
        for octets in out.chunks_mut(8) {
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut next = *state;
            next = (next ^ (next >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            next = (next ^ (next >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            next ^= next >> 31;
            octets.copy_from_slice(&next.to_le_bytes()[..octets.len()]);
        }
    }
}
