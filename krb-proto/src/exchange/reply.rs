//! What holds of every KDC's reply (RFC 4120 sections 3.1.5 and 3.3.4).

use super::asked::Asked;
use super::{ExchangeError, Mismatch};
use crate::ap::received_key;
use crate::asn1::{EncKdcRepPart, Ticket};
use crate::credential::TicketTimes;
use crate::crypto::Key;
use crate::iana::{EncType, TicketFlags};
use crate::{Context, Credential, Principal};

/// Is this reply a KRB-ERROR?
pub(super) fn is_error(reply: &[u8]) -> bool {
    reply.first() == Some(&0x7e)
}

/// An encrypted reply part that answers our request.
pub(super) struct VerifiedPart {
    session_key: Key,
    times: TicketTimes,
    flags: TicketFlags,
}

impl VerifiedPart {
    pub(super) fn new(
        part: &EncKdcRepPart<'_>,
        ticket: &Ticket<'_>,
        nonce: u32,
        server: &Principal,
        asked: &Asked,
        enctypes: &[EncType],
        cx: &Context<'_>,
    ) -> Result<Self, ExchangeError> {
        if part.nonce.get() != nonce {
            return Err(ExchangeError::Mismatch(Mismatch::Nonce));
        }
        for (name, realm) in [(&part.sname, part.srealm), (&ticket.sname, ticket.realm)] {
            if !name.is_same(realm, server) {
                let (expected, found) = (server.clone(), name.in_realm(realm));
                return Err(ExchangeError::Mismatch(Mismatch::Server { expected, found }));
            }
        }
        if !enctypes.contains(&part.key.keytype) {
            return Err(ExchangeError::Mismatch(Mismatch::EncType(part.key.keytype)));
        }
        let times = asked.hold(part, cx)?;
        Ok(Self {
            // RC4 where it is among what was offered, and there by its name alone.
            session_key: received_key(&part.key, true).map_err(ExchangeError::Crypto)?,
            times,
            flags: TicketFlags(part.flags.bits()),
        })
    }

    pub(super) const fn session_key(&self) -> &Key {
        &self.session_key
    }

    pub(super) fn into_credential(
        self,
        client: Principal,
        server: Principal,
        ticket: &[u8],
    ) -> Credential {
        Credential {
            client,
            server,
            session_key: self.session_key,
            times: self.times,
            flags: self.flags,
            ticket: ticket.to_vec(),
        }
    }
}
