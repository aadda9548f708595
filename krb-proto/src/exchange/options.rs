use alloc::vec::Vec;

use super::TgsArmor;
use crate::crypto;
use crate::iana::EncType;

/// What kind of ticket to ask for.
#[derive(Clone, Debug)]
pub struct TicketOptions {
    /// Enctypes for the session key, the preferred first; also the only ones accepted.
    pub enctypes: Vec<EncType>,
    /// Ask for a forwardable ticket. S4U2Self evidence that was not asked so is never usable for
    /// classic S4U2Proxy.
    pub forwardable: bool,
    /// Life asked for, in seconds.
    pub lifetime: i64,
    /// FAST in a TGS exchange.
    pub fast: TgsArmor,
}

impl Default for TicketOptions {
    /// Forwardable, ten hours, the strong enctypes.
    fn default() -> Self {
        Self {
            enctypes: crypto::SUPPORTED.to_vec(),
            forwardable: true,
            lifetime: 36_000,
            fast: TgsArmor::Off,
        }
    }
}
