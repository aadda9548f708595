//! Which site of Active Directory a machine is in: the LDAP ping (MS-ADTS 6.3.3), one datagram to a
//! domain controller's LDAP port and one back.
//!
//! Nothing authenticates the answer. So it says where to ask first, and nothing else may come of it.

mod answer;
mod ber;
mod request;

pub use answer::{DomainController, PingError};

use alloc::string::String;
use alloc::vec::Vec;

use crate::Random;

/// A question of which domain controller answers here, and which site it finds the sender in.
#[derive(Clone, Debug)]
pub struct LdapPing {
    message_id: u32,
    domain: String,
}

impl LdapPing {
    /// Asks for a DNS domain, which the realm's name is one as well.
    #[must_use]
    pub fn new(domain: &str, rng: &mut dyn Random) -> Self {
        let mut bytes = [0; 4];
        rng.fill(&mut bytes);
        // Positive, and never the 0 of messages that answer nothing (RFC 4511 section 4.1.1.1).
        let message_id = u32::from_be_bytes(bytes) & 0x7fff_ffff | 1;
        Self { message_id, domain: domain.into() }
    }

    /// The datagram.
    #[must_use]
    pub fn request(&self) -> Vec<u8> {
        request::write(self.message_id, &self.domain)
    }

    /// Takes the datagram that came back.
    ///
    /// # Errors
    /// [`PingError`], also if it answers another question or for another domain.
    pub fn receive(&self, reply: &[u8]) -> Result<DomainController, PingError> {
        answer::read(reply, self.message_id, &self.domain)
    }
}

#[cfg(test)]
mod tests;
