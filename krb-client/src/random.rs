use rand::Rng;

/// Randomness from a user-space generator that is seeded, and seeded again, by the operating
/// system: a system call for every confounder would cost more than the encryption.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

impl krb_proto::Random for OsRandom {
    fn fill(&mut self, out: &mut [u8]) {
        rand::rng().fill_bytes(out);
    }
}
