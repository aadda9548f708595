use zeroize::Zeroizing;

use super::{CryptoError, constant_time};

/// A key for a message authentication code, prepared once for many messages.
pub(super) trait Mac: Send + Sync {
    /// A message half read.
    type Running;

    fn new(key: &[u8]) -> Self;
    fn start(&self) -> Self::Running;
    fn update(&self, running: &mut Self::Running, data: &[u8]);
    /// Fills `out`, which may be shorter than the whole MAC, with its first octets.
    fn finish(&self, running: Self::Running, out: &mut [u8]);

    /// The MAC over the concatenation of `parts`.
    fn compute(&self, parts: &[&[u8]], out: &mut [u8]) {
        let mut running = self.start();
        for part in parts {
            self.update(&mut running, part);
        }
        self.finish(running, out);
    }

    /// Compares with the `N` octets of MAC that came with the message.
    fn verify<const N: usize>(
        &self,
        running: Self::Running,
        received: &[u8; N],
    ) -> Result<(), CryptoError> {
        let mut expected = Zeroizing::new([0; N]);
        self.finish(running, &mut *expected);
        constant_time::verify(&*expected, received)
    }
}

/// The first `N` octets of the MAC over `parts`.
pub(super) fn mac<M: Mac, const N: usize>(key: &M, parts: &[&[u8]]) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    key.compute(parts, &mut *out);
    out
}
