use alloc::vec::Vec;

use super::SpnegoError;
use crate::der::{
    self, Decode, DecodeContents, Encode, EncodeContents, Encoded, Enumerated, KerberosFlags, List,
    Reader, Writer, sequence,
};
use crate::gss::{self, GssError, Oid, frame, unframe};

sequence! {
    /// NegTokenInit (RFC 4178 section 4.2.1).
    pub struct NegTokenInit<'a> {
        [0] mech_types: Encoded<'a, List<'a, Oid<'a>>>,
        [1] req_flags: Option<KerberosFlags<'a>>,
        [2] mech_token: Option<&'a [u8]>,
        [3] mech_list_mic: Option<&'a [u8]>,
        ...
    }

    /// NegTokenResp (RFC 4178 section 4.2.2).
    pub struct NegTokenResp<'a> {
        [0] neg_state: Option<NegState>,
        [1] supported_mech: Option<Oid<'a>>,
        [2] response_token: Option<&'a [u8]>,
        [3] mech_list_mic: Option<&'a [u8]>,
        ...
    }
}

/// negState (RFC 4178 section 4.2.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NegState(pub i32);

impl NegState {
    /// No further token is needed.
    pub const ACCEPT_COMPLETED: Self = Self(0);
    /// A further token is needed.
    pub const ACCEPT_INCOMPLETE: Self = Self(1);
    /// The negotiation failed.
    pub const REJECT: Self = Self(2);
    /// A further token is needed, and MICs over the mechanism list are to be exchanged.
    pub const REQUEST_MIC: Self = Self(3);
}

impl DecodeContents<'_> for NegState {
    fn decode_contents(contents: Reader<'_>) -> Result<Self, der::Fault> {
        Enumerated::decode_contents(contents).map(|value| Self(value.0))
    }
}

impl EncodeContents for NegState {
    const TAG: u8 = Enumerated::TAG;

    fn encode_contents(&self, writer: &mut Writer) {
        Enumerated(self.0).encode_contents(writer);
    }

    fn contents_len(&self) -> usize {
        Enumerated(self.0).contents_len()
    }
}

/// The alternatives of NegotiationToken (RFC 4178 section 4.2).
const NEG_TOKEN_INIT: u8 = 0xa0;
const NEG_TOKEN_RESP: u8 = 0xa1;

/// The AP-REQ in a client's token, within a negotiation or without one, for those who look at logins
/// without taking part in them. Nothing is verified.
///
/// ```
/// # fn main() -> Result<(), krb_proto::spnego::SpnegoError> {
/// # let token: &[u8] = b"\x6e\x00";
/// use krb_proto::{asn1::ApReq, der, spnego};
///
/// let message = spnego::ap_req_in(token)?;
/// if let Ok(request) = der::decode::<ApReq<'_>>(message) {
///     let service = request.ticket.sname.in_realm(request.ticket.realm);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`GssError::UnexpectedToken`] where the client's token has none in it (yet), else those of
/// [`gss::ap_req_in`].
pub fn ap_req_in(token: &[u8]) -> Result<&[u8], SpnegoError> {
    let inner = match token.first() {
        Some(&NEG_TOKEN_RESP) => NegTokenResp::from_token(token)?.response_token,
        _ => match NegTokenInit::from_token(token) {
            Ok(init) => init.mech_token,
            // Not SPNEGO's framing: the mechanism's own, or none at all.
            Err(_) => Some(token),
        },
    };
    Ok(gss::ap_req_in(inner.ok_or(GssError::UnexpectedToken)?)?)
}

impl<'a> NegTokenInit<'a> {
    /// The token that opens a negotiation: framed as SPNEGO's initial token (RFC 2743 section 3.1).
    #[must_use]
    pub fn to_token(&self) -> Vec<u8> {
        frame(Oid::SPNEGO, |writer| {
            self.encode(writer);
            writer.close(NEG_TOKEN_INIT, 0);
        })
    }

    /// Reads an opening token.
    ///
    /// # Errors
    /// [`SpnegoError::UnexpectedMechanism`] if it is one of another mechanism (raw Kerberos, NTLM in
    /// GSS framing), [`SpnegoError::Malformed`].
    pub fn from_token(token: &'a [u8]) -> Result<Self, SpnegoError> {
        let mut inner = unframe(Oid::SPNEGO, token).map_err(|error| match error {
            GssError::Malformed(error) => SpnegoError::Malformed(error),
            _ => SpnegoError::UnexpectedMechanism,
        })?;
        let init = Self::decode_explicit(&mut inner, NEG_TOKEN_INIT);
        let whole = init.and_then(|init| inner.finish().map(|()| init));
        whole.map_err(|fault| fault.within(token).into())
    }
}

impl<'a> NegTokenResp<'a> {
    /// The answer that ends a negotiation, with the mechanism's own refusal if there is one (see
    /// [`Acceptor::refusal`](crate::gss::Acceptor::refusal)).
    #[must_use]
    pub const fn rejection(mechanism_refusal: Option<&'a [u8]>) -> Self {
        Self {
            neg_state: Some(NegState::REJECT),
            supported_mech: None,
            response_token: mechanism_refusal,
            mech_list_mic: None,
        }
    }

    /// A token of the negotiation after the first.
    #[must_use]
    pub fn to_token(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.encode(&mut writer);
        writer.close(NEG_TOKEN_RESP, 0);
        writer.into_vec()
    }

    /// Reads a token of the negotiation after the first.
    ///
    /// # Errors
    /// [`SpnegoError::Malformed`].
    pub fn from_token(token: &'a [u8]) -> Result<Self, SpnegoError> {
        Ok(der::read(token, |reader| Self::decode_explicit(reader, NEG_TOKEN_RESP))?)
    }
}
