//! Diffie-Hellman in the groups 14 and 16 of RFC 3526. Their primes are safe: p = 2q + 1 with q
//! prime, and 2 generates the subgroup of order q.

use alloc::vec::Vec;

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{JacobiSymbol, Odd, U512, U2048, U4096, Uint};
use zeroize::Zeroizing;

use crate::Random;

/// RFC 3526 section 3: 2^2048 - 2^1984 - 1 + 2^64 * ([2^1918 pi] + 124476).
const PRIME_14: Odd<U2048> = Odd::<U2048>::from_be_hex(
    "\
    ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22\
    514a08798e3404ddef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6\
    f44c42e9a637ed6b0bff5cb6f406b7edee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3d\
    c2007cb8a163bf0598da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb\
    9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3be39e772c180e8603\
    9b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6955817183995497cea956ae515d2261898fa0510\
    15728e5a8aacaa68ffffffffffffffff",
);

/// RFC 3526 section 5: 2^4096 - 2^4032 - 1 + 2^64 * ([2^3966 pi] + 240904).
const PRIME_16: Odd<U4096> = Odd::<U4096>::from_be_hex(
    "\
    ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22\
    514a08798e3404ddef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6\
    f44c42e9a637ed6b0bff5cb6f406b7edee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3d\
    c2007cb8a163bf0598da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb\
    9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3be39e772c180e8603\
    9b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6955817183995497cea956ae515d2261898fa0510\
    15728e5a8aaac42dad33170d04507a33a85521abdf1cba64ecfb850458dbef0a8aea71575d060c7d\
    b3970f85a6e1e4c7abf5ae8cdb0933d71e8c94e04a25619dcee3d2261ad2ee6bf12ffa06d98a0864\
    d87602733ec86a64521f2b18177b200cbbe117577a615d6c770988c0bad946e208e24fa074e5ab31\
    43db5bfce0fd108e4b82d120a92108011a723c12a787e6d788719a10bdba5b2699c327186af4e23c\
    1a946834b6150bda2583e9ca2ad44ce8dbbbc2db04de8ef92e8efc141fbecaa6287c59474e6bc05d\
    99b2964fa090c3a2233ba186515be7ed1f612970cee2d7afb81bdd762170481cd0069127d5b05aa9\
    93b4ea988d8fddc186ffb7dc90a6c08f4df435c934063199ffffffffffffffff",
);

/// A group modulo a safe prime.
pub(super) struct Modp<const LIMBS: usize> {
    prime: Odd<Uint<LIMBS>>,
}

pub(super) const GROUP_14: Modp<{ U2048::LIMBS }> = Modp { prime: PRIME_14 };
pub(super) const GROUP_16: Modp<{ U4096::LIMBS }> = Modp { prime: PRIME_16 };

/// A private exponent. 512 random bits are more than twice the strength of either group, which is
/// all that an exponent needs (RFC 3526 section 8), and an eighth of the work of a full one.
#[derive(Clone)]
pub(super) struct Exponent(Zeroizing<U512>);

impl Exponent {
    pub(super) fn generate(rng: &mut dyn Random) -> Self {
        let mut octets = Zeroizing::new([0; U512::BYTES]);
        rng.fill(&mut *octets);
        Self(Zeroizing::new(U512::from_be_slice(&*octets)))
    }
}

impl<const LIMBS: usize> Modp<LIMBS> {
    /// The prime's octets.
    pub(super) fn prime(&self) -> Vec<u8> {
        self.prime.get().to_be_bytes().as_ref().to_vec()
    }

    /// (p - 1) / 2, the order of the subgroup that 2 generates.
    pub(super) fn order(&self) -> Vec<u8> {
        self.prime.get().shr_vartime(1).to_be_bytes().as_ref().to_vec()
    }

    /// 2 to the power of `exponent`: the public value, as long as the prime.
    pub(super) fn public(&self, exponent: &Exponent) -> Vec<u8> {
        self.power(&Uint::from_u8(2), exponent).to_vec()
    }

    /// The secret shared with the owner of the public value `peer`, as long as the prime
    /// (RFC 4556 section 3.2.3.1); `None` if that is no member of the group that makes secrets.
    pub(super) fn agree(&self, exponent: &Exponent, peer: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        Some(self.power(&self.validated(peer)?, exponent))
    }

    /// Between 2 and p - 2, and in the subgroup of order q (RFC 2631 section 2.1.5): 0, 1 and p - 1
    /// make a secret that everybody knows, and a value outside of the subgroup gives away whether
    /// our exponent is odd. Members of the subgroup are the squares, so no power is needed to see.
    fn validated(&self, peer: &[u8]) -> Option<Uint<LIMBS>> {
        let padding = Uint::<LIMBS>::BYTES.checked_sub(peer.len())?;
        let mut octets = alloc::vec![0; padding];
        octets.extend_from_slice(peer);
        let value = Uint::from_be_slice(&octets);
        let last = self.prime.get().wrapping_sub(&Uint::ONE);
        if value <= Uint::ONE
            || value >= last
            || value.jacobi_symbol_vartime(&self.prime) != JacobiSymbol::One
        {
            return None;
        }
        Some(value)
    }

    /// In constant time for the exponent.
    fn power(&self, base: &Uint<LIMBS>, exponent: &Exponent) -> Zeroizing<Vec<u8>> {
        let parameters = FixedMontyParams::new_vartime(self.prime);
        let power = FixedMontyForm::new(base, &parameters).pow(&*exponent.0).retrieve();
        Zeroizing::new(power.to_be_bytes().as_ref().to_vec())
    }
}
