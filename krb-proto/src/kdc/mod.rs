//! The KDC's side of the exchanges, without I/O: the mirror of [`exchange`](crate::exchange), for
//! development and tests.
//!
//! [`handle`] answers one request from what a [`Realm`] knows and keeps nothing else: whoever has a
//! realm has a KDC. It refuses what Active Directory refuses (MS-KILE 3.3.5, MS-SFU 3.2.5), and what
//! it does not do; every [`Refusal`] says which right was missing. It is no KDC for production:
//! nothing is stored, bad passwords are not counted, requests are not remembered other than changes of
//! passwords, so that one that is sent twice is answered twice, as all KDCs do that were asked.

mod account;
mod as_req;
mod event;
mod fast;
mod granted;
mod keys;
mod kpasswd;
mod lookup;
mod pac;
mod policy;
mod preauth;
mod realm;
mod refusal;
mod request;
mod state;
mod target;
mod tgs;
mod ticket;
mod times;
mod trust;

pub use account::{Account, AccountKind, Trustee};
pub use event::{Asked, Event, Outcome};
pub use keys::{Keys, MAX_KEY_VERSIONS};
pub use kpasswd::change_password;
pub use policy::{Compat, Lifetimes, Policy};
pub use realm::{Member, Realm};
pub use refusal::Refusal;
pub use ticket::{NewTicket, TicketKeys};
pub use trust::Trust;

use alloc::vec::Vec;

use self::granted::Granted;
use self::request::Request;
use self::tgs::Header;
use crate::asn1::{AsReq, TgsReq};
use crate::der;
use crate::iana::ErrorCode;
use crate::preauth::fast::KdcFast;
use crate::{Context, Principal};

/// The longest request that is read: a ticket with a thousand groups takes a tenth of it.
pub const MAX_REQUEST: usize = 0x2_0000;

/// What a KDC answers.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The AS-REP, TGS-REP or KRB-ERROR; empty if nothing is to be sent.
    pub message: Vec<u8>,
    /// What happened.
    pub event: Event,
}

/// Answers an AS-REQ or TGS-REQ. What is neither is not answered.
pub fn handle(cx: &mut Context<'_>, realm: &Realm, request: &[u8]) -> Reply {
    const AS_REQ: u8 = 0x6a;
    const TGS_REQ: u8 = 0x6c;
    let mut event = Event::default();
    let (fast, granted) = match request.first() {
        Some(&(AS_REQ | TGS_REQ)) if request.len() > MAX_REQUEST => {
            let text = "the request is too long";
            (None, Err(Refusal::new(ErrorCode::FIELD_TOOLONG, text)))
        }
        Some(&AS_REQ) => login(cx, realm, request, &mut event),
        Some(&TGS_REQ) => ticket(cx, realm, request, &mut event),
        _ => return Reply { message: Vec::new(), event },
    };
    answer(cx, realm, request, fast.as_ref(), granted, event)
}

fn malformed() -> Refusal {
    Refusal::new(ErrorCode::GENERIC, "the request cannot be read")
}

/// What came of a request, and the armor that the answer goes into.
type Worked = (Option<KdcFast>, Result<Granted, Refusal>);

fn login(cx: &mut Context<'_>, realm: &Realm, message: &[u8], event: &mut Event) -> Worked {
    let Ok(AsReq { padata, req_body, .. }) = der::decode(message) else {
        return (None, Err(malformed()));
    };
    let outer = Request::new(realm, message, padata, &req_body, cx.now);
    let fast = match fast::open_as(&outer, cx.now) {
        Ok(fast) => fast,
        Err(refusal) => return (None, Err(refusal)),
    };
    let request = fast::inside(&outer, fast.as_ref());
    let granted = request.and_then(|request| as_req::grant(&request, event, cx));
    (fast, granted)
}

fn ticket(cx: &mut Context<'_>, realm: &Realm, message: &[u8], event: &mut Event) -> Worked {
    let Ok(TgsReq { padata, req_body, .. }) = der::decode(message) else {
        return (None, Err(malformed()));
    };
    let outer = Request::new(realm, message, padata, &req_body, cx.now);
    let opened = Header::verify(&outer).and_then(|header| {
        let fast = fast::open_tgs(&outer, &header, cx.now)?;
        Ok((header, fast))
    });
    let (header, fast) = match opened {
        Ok(opened) => opened,
        Err(refusal) => return (None, Err(refusal)),
    };
    let request = fast::inside(&outer, fast.as_ref());
    let granted = request.and_then(|request| tgs::grant(&request, &header, event, cx));
    (fast, granted)
}

/// Makes a reply of what was granted or refused.
fn answer(
    cx: &mut Context<'_>,
    realm: &Realm,
    request: &[u8],
    fast: Option<&KdcFast>,
    granted: Result<Granted, Refusal>,
    mut event: Event,
) -> Reply {
    let message = granted.and_then(|mut granted| {
        if let Some(fast) = fast {
            fast::seal(fast, &mut granted, cx)?;
        }
        let message = granted.message(request, cx.rng).map_err(|_| malformed())?;
        event.outcome = Outcome::Granted {
            flags: granted.flags,
            endtime: granted.times.endtime,
            ticket: granted.ticket_enctype,
            session: granted.session_key.enctype(),
        };
        Ok(message)
    });
    let message = message.unwrap_or_else(|refusal| {
        let (client, server) = (event.client.as_ref(), event.server.as_ref());
        let write = |client: Option<&Principal>, e_data: Option<&[u8]>| {
            refusal.message(realm, client, server, cx.now, e_data)
        };
        let message = match fast {
            None => write(client, refusal.e_data().as_deref()),
            Some(fast) => {
                let e_data = fast::seal_refusal(fast, &refusal, &write(client, None), cx);
                let seen = client.filter(|_| !fast.hides_client());
                refusal.message(realm, seen, server, cx.now, Some(&e_data))
            }
        };
        event.outcome = Outcome::Refused(refusal);
        message
    });
    Reply { message, event }
}

#[cfg(test)]
mod tests;
