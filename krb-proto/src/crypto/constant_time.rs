use core::hint::black_box;

use super::CryptoError;

/// Compares secrets in a time that depends on their lengths only, never on where they differ.
#[must_use]
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    // black_box: the optimiser must not see that the answer is known once a bit is set.
    let difference = a.iter().zip(b).fold(0, |seen, (x, y)| black_box(seen | (x ^ y)));
    difference == 0
}

/// Whether a MAC or checksum is the one it should be.
pub(super) fn verify(expected: &[u8], received: &[u8]) -> Result<(), CryptoError> {
    if constant_time_eq(expected, received) {
        Ok(())
    } else {
        Err(CryptoError::IntegrityCheckFailed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_only_if_every_octet_is() {
        let secret = [7; 24];
        assert!(constant_time_eq(&secret, &secret));
        assert!(constant_time_eq(&[], &[]));
        assert!(!constant_time_eq(&secret, &secret[..23]));
        for at in 0..secret.len() {
            let mut other = secret;
            other[at] ^= 0x80;
            assert!(!constant_time_eq(&secret, &other), "octet {at}");
        }
    }
}
