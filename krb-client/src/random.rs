use rand::Rng;

/// Where randomness comes from, for all who share it: one source for keys, nonces and confounders, so
/// that tests can give another.
pub trait Entropy: Send + Sync {
    /// Fills `out` with random bytes.
    fn fill(&self, out: &mut [u8]);
}

impl krb_proto::Random for &dyn Entropy {
    fn fill(&mut self, out: &mut [u8]) {
        Entropy::fill(*self, out);
    }
}

/// Randomness from a user-space generator that is seeded, and seeded again, by the operating
/// system: a system call for every confounder would cost more than the encryption.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

impl krb_proto::Random for OsRandom {
    fn fill(&mut self, out: &mut [u8]) {
        rand::rng().fill_bytes(out);
    }
}

impl Entropy for OsRandom {
    fn fill(&self, out: &mut [u8]) {
        rand::rng().fill_bytes(out);
    }
}
