//! A login: one `Authorization: Negotiate` field.

use krb_client::OsRandom;
use krb_client::proto::ap::VerifiedRequest;
use krb_client::proto::crypto::Key;
use krb_client::proto::gss::{Acceptor, AcceptorOptions};
use krb_client::proto::iana::EncType;
use krb_client::proto::spnego::http::parse_header_value;
use krb_client::proto::spnego::{NegTokenResp, SpnegoAcceptor, SpnegoError};
use krb_client::proto::{Context, Principal, Timestamp};

use super::{Shared, Visitor, lock};

/// Why nobody is let in, and the token that says so.
pub(super) struct Refused {
    pub(super) why: String,
    pub(super) token: Vec<u8>,
}

impl Refused {
    /// Without a token: the login may begin anew.
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), token: Vec::new() }
    }

    /// With the one that ends the negotiation.
    fn ended(why: impl std::fmt::Display) -> Self {
        Self { why: why.to_string(), token: NegTokenResp::rejection(None).to_token() }
    }
}

/// Who the client is, and the token that proves who we are.
pub(super) fn log_in(shared: &Shared, value: &[u8]) -> Result<(Visitor, Vec<u8>), Refused> {
    let token = parse_header_value(value)
        .map_err(|error| Refused::new(error.to_string()))?
        .ok_or_else(|| Refused::new("Authorization does not say Negotiate"))?;
    let now = shared.clock.now();
    let keys = |name: &Principal, kvno, enctype: EncType| shared.keytab.keys(name, kvno, enctype);
    let mut options = AcceptorOptions::new(&keys);
    options.request.skew = super::SKEW;
    let mut negotiation = SpnegoAcceptor::new();
    let mut cx = Context { now, kdc_offset: 0, rng: &mut OsRandom };
    let answer = match negotiation.step(&token, &options, &mut cx) {
        Ok(answer) => answer.unwrap_or_default(),
        Err(error) => return Err(refused(shared, &error, now)),
    };
    let Some(acceptor) = negotiation.acceptor() else {
        return Err(Refused::ended("the client's first token is not its Kerberos ticket"));
    };
    let request = acceptor.request();
    lock(&shared.replays).record(request, now).map_err(Refused::ended)?;
    let visitor = Visitor::of(request, &own_keys(shared, request)).map_err(Refused::ended)?;
    Ok((visitor, answer))
}

/// With the mechanism's own reason, by which a client learns that its clock is wrong.
fn refused(shared: &Shared, error: &SpnegoError, now: Timestamp) -> Refused {
    let reason = match (error, shared.keytab.entries.first()) {
        (SpnegoError::Mechanism(error), Some(entry)) => {
            Some(Acceptor::refusal(error, &entry.principal, now))
        }
        _ => None,
    };
    let token = NegTokenResp::rejection(reason.as_deref()).to_token();
    Refused { why: error.to_string(), token }
}

/// Those that can have signed the ticket's PAC.
fn own_keys(shared: &Shared, request: &VerifiedRequest) -> Vec<Key> {
    shared.keytab.keys_for(&request.server).filter_map(|entry| entry.key().ok()).collect()
}
