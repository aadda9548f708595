//! What goes to KDCs and what comes back, in words for whoever looks for a fault: events of
//! [`TRACE`], at the level of traces, one for each message. No key, no password and nothing of what is
//! sealed is in them. The program `krb` writes them to the file that `KRB5_TRACE` names.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use krb_proto::asn1::{AsRep, AsReq, KdcReqBody, KrbError, PaData, TgsRep, TgsReq, Ticket};
use krb_proto::der::{self, Encoded, List};
use krb_proto::iana::{EncType, KdcOptions, PaType};
use krb_proto::{Principal, kpasswd};
use tokio::time::Instant;
use tracing::{Level, enabled, trace};

use crate::{Carry, Carrying, Endpoint};

/// The target of the events.
pub const TRACE: &str = "krb_client::trace";

/// Carries as another one does, and says what.
pub(crate) struct Traced(pub(crate) Arc<dyn Carry>);

impl Carry for Traced {
    fn carry(&self, to: Endpoint, message: Vec<u8>, until: Instant) -> Carrying<'_> {
        if !enabled!(target: TRACE, Level::TRACE) {
            return self.0.carry(to, message, until);
        }
        trace!(target: TRACE, "Sending to {to}: {}", Described(&message));
        let (asked, carried) = (to.to_string(), self.0.carry(to, message, until));
        Box::pin(async move {
            let reply = carried.await;
            match &reply {
                Ok(reply) => trace!(target: TRACE, "Received from {asked}: {}", Described(reply)),
                Err(error) => trace!(target: TRACE, "No answer from {asked}: {error}"),
            }
            reply
        })
    }
}

/// A message, in words.
struct Described<'a>(&'a [u8]);

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = self.0;
        if let Ok(request) = der::decode::<AsReq<'_>>(message) {
            f.write_str("AS-REQ")?;
            request_in_words(f, &request.req_body, request.padata)?;
        } else if let Ok(request) = der::decode::<TgsReq<'_>>(message) {
            f.write_str("TGS-REQ")?;
            request_in_words(f, &request.req_body, request.padata)?;
        } else if let Ok(reply) = der::decode::<AsRep<'_>>(message) {
            let client = reply.cname.in_realm(reply.crealm);
            reply_in_words(f, "AS-REP", &client, &reply.ticket, reply.enc_part.etype)?;
        } else if let Ok(reply) = der::decode::<TgsRep<'_>>(message) {
            let client = reply.cname.in_realm(reply.crealm);
            reply_in_words(f, "TGS-REP", &client, &reply.ticket, reply.enc_part.etype)?;
        } else if let Ok(error) = der::decode::<KrbError<'_>>(message) {
            error_in_words(f, &error)?;
        } else if kpasswd::is_request(message) {
            f.write_str("a request to change a password, or the answer")?;
        } else {
            f.write_str("no message of Kerberos")?;
        }
        write!(f, " ({} bytes)", message.len())
    }
}

fn request_in_words(
    f: &mut fmt::Formatter<'_>,
    body: &Encoded<'_, KdcReqBody<'_>>,
    padata: Option<List<'_, PaData<'_>>>,
) -> fmt::Result {
    if let Some(client) = &body.cname {
        write!(f, " of {}", client.in_realm(body.realm))?;
    }
    if let Some(server) = &body.sname {
        write!(f, " for {}", server.in_realm(body.realm))?;
    }
    let enctypes = body.etype.iter().map(|enctype: EncType| enctype.to_string());
    write!(f, "; enctypes {}", joined(enctypes))?;
    write!(f, "; options {}", KdcOptions(body.kdc_options.bits()))?;
    let additional = body.additional_tickets.iter().flat_map(|tickets| tickets.iter()).count();
    if additional > 0 {
        write!(f, "; {additional} more ticket")?;
    }
    padata_in_words(f, padata)
}

fn reply_in_words(
    f: &mut fmt::Formatter<'_>,
    kind: &str,
    client: &Principal,
    ticket: &Encoded<'_, Ticket<'_>>,
    enctype: EncType,
) -> fmt::Result {
    let server = ticket.sname.in_realm(ticket.realm);
    let sealed = ticket.enc_part.etype;
    write!(f, "{kind} with a ticket of {client} for {server}, sealed with {sealed}")?;
    write!(f, "; the rest with {enctype}")
}

fn error_in_words(f: &mut fmt::Formatter<'_>, error: &KrbError<'_>) -> fmt::Result {
    write!(f, "KRB-ERROR {} ({})", error.error_code, error.error_code.0)?;
    if let Some(status) = error.data().and_then(|data| data.nt_status()) {
        write!(f, ", {status}")?;
    }
    if let Some(text) = error.e_text {
        write!(f, ", {:?}", String::from_utf8_lossy(text.0))?;
    }
    padata_in_words(f, Some(error.method_data()))
}

fn padata_in_words(
    f: &mut fmt::Formatter<'_>,
    padata: Option<List<'_, PaData<'_>>>,
) -> fmt::Result {
    let types = padata.iter().flat_map(|list| list.iter()).map(|pa| pa.padata_type);
    let types = joined(types.map(|pa_type: PaType| format!("{pa_type} ({})", pa_type.0)));
    if types.is_empty() { Ok(()) } else { write!(f, "; padata {types}") }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    for part in parts {
        // Writing into a text does not fail.
        let _ = write!(text, "{}{part}", if text.is_empty() { "" } else { ", " });
    }
    text
}

#[cfg(all(test, feature = "cli"))]
mod tests;
