use core::fmt;
use core::ops::BitOr;

/// Context flags (RFC 4121 section 4.1.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct GssFlags(pub u32);

impl GssFlags {
    /// The initiator hands a credential on.
    pub const DELEG: Self = Self(1);
    /// The acceptor proves its identity with an AP-REP.
    pub const MUTUAL: Self = Self(2);
    /// Replayed messages are detected.
    pub const REPLAY: Self = Self(4);
    /// Messages out of order are detected.
    pub const SEQUENCE: Self = Self(8);
    /// Messages may be encrypted.
    pub const CONF: Self = Self(16);
    /// Messages may be signed.
    pub const INTEG: Self = Self(32);
    /// The initiator is bound to the acceptor's channel. Never sent: the acceptor finds it out.
    pub const CHANNEL_BOUND: Self = Self(0x800);
    /// Three tokens instead of two, without frames, as DCE RPC has them (RFC 4757 section 7.1).
    pub const DCE_STYLE: Self = Self(0x1000);

    /// Are all flags of `other` set?
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These flags without those of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for GssFlags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for GssFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GssFlags({:#x})", self.0)
    }
}
