//! A ticket with what is needed to use it.

use alloc::vec::Vec;

use crate::crypto::Key;
use crate::iana::TicketFlags;
use crate::{KerberosTime, Principal};

/// When a ticket is good (RFC 4120 section 5.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TicketTimes {
    /// When the client was first authenticated.
    pub authtime: KerberosTime,
    /// From when the ticket is good; `authtime` if absent on the wire.
    pub starttime: KerberosTime,
    /// Until when the ticket is good.
    pub endtime: KerberosTime,
    /// Until when it may be renewed, if it may.
    pub renew_till: Option<KerberosTime>,
}

/// A ticket, its session key and what the KDC said of both.
///
/// `Debug` shows names, times and flags, never the key.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Who the ticket is for, as the KDC named them.
    pub client: Principal,
    /// The service the ticket is good at.
    pub server: Principal,
    /// The session key.
    pub session_key: Key,
    /// Its times.
    pub times: TicketTimes,
    /// Its flags.
    pub flags: TicketFlags,
    /// The Ticket, DER, exactly as it was received.
    pub ticket: Vec<u8>,
}

impl Credential {
    /// The realm whose KDC takes it, if it is a ticket-granting ticket.
    #[must_use]
    pub fn target_realm(&self) -> Option<&[u8]> {
        match self.server.name.components.as_slice() {
            [krbtgt, realm] if krbtgt == b"krbtgt" => Some(realm),
            _ => None,
        }
    }
}
