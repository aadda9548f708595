//! What holds of every KDC's reply (RFC 4120 sections 3.1.5 and 3.3.4).

use super::{ExchangeError, Mismatch};
use crate::asn1::{EncKdcRepPart, Ticket};
use crate::credential::TicketTimes;
use crate::crypto::Key;
use crate::iana::{EncType, TicketFlags};
use crate::{Context, Credential, KerberosTime, Principal};

/// How far a KDC's clock may be from ours when it dates a ticket's start (RFC 4120 section 5.6).
const CLOCK_SKEW: i64 = 300;

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
        till: KerberosTime,
        enctypes: &[EncType],
        cx: &Context<'_>,
    ) -> Result<Self, ExchangeError> {
        if part.nonce.get() != nonce {
            return Err(ExchangeError::Mismatch(Mismatch::Nonce));
        }
        for found in [part.sname.in_realm(part.srealm), ticket.sname.in_realm(ticket.realm)] {
            if !found.is_same(server) {
                let expected = server.clone();
                return Err(ExchangeError::Mismatch(Mismatch::Server { expected, found }));
            }
        }
        if !enctypes.contains(&part.key.keytype) {
            return Err(ExchangeError::Mismatch(Mismatch::EncType(part.key.keytype)));
        }
        let times = TicketTimes {
            authtime: part.authtime,
            starttime: part.starttime.unwrap_or(part.authtime),
            endtime: part.endtime,
            renew_till: part.renew_till,
        };
        // Expiry goes by our own clock alone: the correction comes from an unauthenticated error
        // and must not make an old ticket good. A start ahead of us is what the correction is for.
        let latest_start = cx.now.max(cx.peer_time()).seconds.plus_seconds(CLOCK_SKEW);
        if times.endtime <= cx.now.seconds || times.endtime > till || times.starttime > latest_start
        {
            return Err(ExchangeError::Mismatch(Mismatch::Times));
        }
        Ok(Self {
            session_key: Key::new(part.key.keytype, part.key.keyvalue.0)?,
            times,
            flags: TicketFlags(part.flags.bits()),
        })
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
