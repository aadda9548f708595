use std::fmt::Write as _;

use krb_proto::asn1::{IakerbHeader, KerbTgtReply, KerbTgtRequest};
use krb_proto::der::{self, Decode as _, KerberosString, List, Oid, Reader};
use krb_proto::iana::KeyUsage;
use krb_proto::spnego::{NegState, NegTokenInit, NegTokenResp};

use super::decoder::{Decoder, length, name, realm};
use super::tree::{Fields, Tree};

const INITIAL_TOKEN: u8 = 0x60;

impl Decoder {
    /// A token that begins with its mechanism (RFC 2743 section 3.1).
    pub(super) fn gss_token(&mut self, token: &[u8]) -> Tree {
        const KIND: &str = "GSS token";
        let (mechanism, inner) = match framed(token) {
            Ok(found) => found,
            Err(error) => return self.malformed(KIND, token, error),
        };
        self.deeper(KIND, token, |decoder| {
            if mechanism == Oid::SPNEGO {
                return decoder.neg_token_init(token, inner);
            }
            let fields = Fields::of(KIND).with("mechanism", oid(mechanism));
            let content = match inner {
                [1, 0, message @ ..] => decoder.ap_req(message, KeyUsage::AP_REQ_AUTHENTICATOR),
                [2, 0, message @ ..] => decoder.ap_rep(message),
                [3, 0, message @ ..] => decoder.krb_error(message),
                [4, 0, message @ ..] => decoder.tgt_request(message),
                [4, 1, message @ ..] => decoder.tgt_reply(message),
                [5, 1, message @ ..] => decoder.iakerb(message),
                [1, 1, rest @ ..] => rfc1964("MIC token", rest),
                [2, 1, rest @ ..] => rfc1964("Wrap token", rest),
                [1, 2, rest @ ..] => rfc1964("delete token", rest),
                other => decoder.malformed("token", other, "no token of the Kerberos mechanism"),
            };
            fields.with("token", content).into()
        })
    }

    fn neg_token_init(&mut self, token: &[u8], inner: &[u8]) -> Tree {
        let init = match NegTokenInit::from_token(token) {
            Ok(init) => init,
            Err(error) => {
                return match neg_token_init2(inner) {
                    Some(fields) => fields.into(),
                    None => self.malformed("NegTokenInit", token, error),
                };
            }
        };
        let mechanism = init.mech_types.iter().next();
        Fields::of("NegTokenInit")
            .with("mechTypes", Tree::list(init.mech_types.iter().map(oid)))
            .show_some("reqFlags", init.req_flags.map(|flags| format!("{:#x}", flags.bits())))
            .with_some("mechToken", init.mech_token.map(|token| self.mech_token(token)))
            .with_some("mechListMIC", init.mech_list_mic.map(|mic| self.mech_token(mic)))
            .with_some("optimistic", mechanism.map(oid))
            .into()
    }

    pub(super) fn neg_token_resp(&mut self, token: &[u8]) -> Tree {
        const KIND: &str = "NegTokenResp";
        let resp = match NegTokenResp::from_token(token) {
            Ok(resp) => resp,
            Err(error) => return self.malformed(KIND, token, error),
        };
        self.deeper(KIND, token, |decoder| {
            Fields::of(KIND)
                .with_some("negState", resp.neg_state.map(neg_state))
                .with_some("supportedMech", resp.supported_mech.map(oid))
                .with_some("responseToken", resp.response_token.map(|it| decoder.mech_token(it)))
                .with_some("mechListMIC", resp.mech_list_mic.map(|it| decoder.mech_token(it)))
                .into()
        })
    }

    /// The token of whichever mechanism it is.
    fn mech_token(&mut self, token: &[u8]) -> Tree {
        match token {
            [b'N', b'T', b'L', b'M', b'S', b'S', b'P', 0, number, 0, 0, 0, ..] => {
                Fields::of("NTLM").with("message", *number).with("octets", length(token)).into()
            }
            [b'N', b'E', b'G', b'O', b'E', b'X', b'T', b'S', ..] => {
                Fields::of("NegoEx").with("octets", length(token)).into()
            }
            _ => self.known(token).unwrap_or_else(|| Tree::octets(token)),
        }
    }

    fn tgt_request(&mut self, octets: &[u8]) -> Tree {
        self.decoded("KERB-TGT-REQUEST", octets, |_, request: KerbTgtRequest<'_>| {
            Fields::of("KERB-TGT-REQUEST")
                .with_some("server-name", request.server_name.map(name))
                .with_some("realm", request.realm.map(realm))
        })
    }

    fn tgt_reply(&mut self, octets: &[u8]) -> Tree {
        self.decoded("KERB-TGT-REPLY", octets, |decoder, reply: KerbTgtReply<'_>| {
            Fields::of("KERB-TGT-REPLY").with("ticket", decoder.ticket(reply.ticket.der()))
        })
    }

    /// IAKERB-HEADER and, behind it, a message to or from a KDC.
    fn iakerb(&mut self, octets: &[u8]) -> Tree {
        const KIND: &str = "IAKERB-HEADER";
        let mut reader = Reader::new(octets);
        let header = match IakerbHeader::decode(&mut reader) {
            Ok(header) => header,
            Err(fault) => return self.malformed(KIND, octets, fault.within(octets)),
        };
        let message = reader.rest();
        let message = (!message.is_empty()).then(|| self.message(message));
        Fields::of(KIND)
            .with("target-realm", Tree::text(header.target_realm.octets()))
            .with_some("cookie", header.cookie.map(Tree::octets))
            .with_some("message", message)
            .into()
    }
}

/// A token of RFC 4121 section 4.2, of which everything but the message can be read.
pub(super) fn cfx(token: &[u8]) -> Option<Fields> {
    let (header, rest) = token.split_first_chunk::<16>()?;
    let kind = match header {
        [4, 4, _, 0xff, 0xff, ..] => "MIC token",
        [5, 4, _, 0xff, ..] => "Wrap token",
        _ => return None,
    };
    let [_, _, bits, _, ec_high, ec_low, rrc_high, rrc_low, number @ ..] = *header;
    let named = [(1, "sent-by-acceptor"), (2, "sealed"), (4, "acceptor-subkey")];
    let names = named.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name);
    let fields = Fields::of(kind)
        .with("flags", Tree::list(names))
        .show("sequence-number", u64::from_be_bytes(number));
    Some(if kind == "MIC token" {
        fields.with("checksum-octets", length(rest))
    } else {
        fields
            .with("extra-count", u16::from_be_bytes([ec_high, ec_low]))
            .with("right-rotation-count", u16::from_be_bytes([rrc_high, rrc_low]))
            .with("octets", length(rest))
    })
}

/// A token of RFC 1964 or RFC 4757, behind its two first octets.
fn rfc1964(kind: &str, rest: &[u8]) -> Tree {
    let algorithm = match rest.first_chunk() {
        Some([0x11, 0]) => "hmac-rc4",
        Some([0, 0]) => "des-mac-md5",
        Some([4, 0]) => "hmac-sha1-des3-kd",
        _ => "unknown",
    };
    Fields::of(kind).with("sign-algorithm", algorithm).with("octets", length(rest)).into()
}

/// The mechanism of an initial token, and what is behind it.
fn framed(token: &[u8]) -> Result<(Oid<'_>, &[u8]), der::DecodeError> {
    let read = || {
        let mut outer = Reader::new(token);
        let mut inner = outer.enter(INITIAL_TOKEN)?;
        outer.finish()?;
        let mechanism = Oid::decode(&mut inner)?;
        Ok((mechanism, inner.rest()))
    };
    read().map_err(|fault: der::Fault| fault.within(token))
}

/// What Windows' servers open with (MS-SPNG 2.2.1): as NegTokenInit, with hints in the MIC's place.
fn neg_token_init2(inner: &[u8]) -> Option<Fields> {
    let mut sequence = Reader::new(inner).enter(0xa0).ok()?.enter(0x30).ok()?;
    let mut fields = Fields::of("NegTokenInit2");
    while let Some(tag) = sequence.peek_tag() {
        let mut value = sequence.enter(tag).ok()?;
        fields = match tag {
            0xa0 => {
                let list: List<'_, Oid<'_>> = List::decode(&mut value).ok()?;
                fields.with("mechTypes", Tree::list(list.iter().map(oid)))
            }
            0xa2 => fields.with("mechToken", Tree::octets(value.rest())),
            0xa3 => {
                let mut hints = value.enter(0x30).ok()?;
                let name = KerberosString::decode_explicit(&mut hints, 0xa0).ok();
                fields.with_some("hintName", name.map(realm))
            }
            0xa4 => fields.with("mechListMIC", Tree::octets(value.rest())),
            _ => return None,
        };
    }
    Some(fields)
}

fn neg_state(state: NegState) -> String {
    match state {
        NegState::ACCEPT_COMPLETED => "accept-completed".to_owned(),
        NegState::ACCEPT_INCOMPLETE => "accept-incomplete".to_owned(),
        NegState::REJECT => "reject".to_owned(),
        NegState::REQUEST_MIC => "request-mic".to_owned(),
        NegState(other) => other.to_string(),
    }
}

/// The flags in an authenticator's checksum (RFC 4121 section 4.1.1.1).
pub(super) fn flags(bits: u32) -> Tree {
    const NAMES: [(u32, &str); 12] = [
        (1, "deleg"),
        (2, "mutual"),
        (4, "replay"),
        (8, "sequence"),
        (0x10, "conf"),
        (0x20, "integ"),
        (0x40, "anonymous"),
        (0x800, "channel-bound"),
        (0x1000, "dce-style"),
        (0x2000, "identify"),
        (0x4000, "extended-error"),
        (0x8000, "deleg-policy"),
    ];
    Tree::list(NAMES.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name))
}

/// The name of a mechanism, or the numbers of an object identifier.
pub(super) fn oid(oid: Oid<'_>) -> String {
    const NTLM: &[u8] = b"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a";
    const NEGOEX: &[u8] = b"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x1e";
    let name = match oid {
        Oid::KRB5 => "krb5",
        Oid::MS_KRB5 => "ms-krb5",
        Oid::KRB5_USER_TO_USER => "krb5-user-to-user",
        Oid::IAKERB => "iakerb",
        Oid::SPNEGO => "spnego",
        Oid(NTLM) => "ntlm",
        Oid(NEGOEX) => "negoex",
        Oid(octets) => return numbers(octets),
    };
    format!("{} ({name})", numbers(oid.0))
}

fn numbers(octets: &[u8]) -> String {
    let (mut text, mut number, mut is_first) = (String::new(), 0_u64, true);
    for octet in octets {
        number = number.wrapping_shl(7) | u64::from(octet & 0x7f);
        if octet & 0x80 != 0 {
            continue;
        }
        if is_first {
            let first = (number / 40).min(2);
            let _ = write!(text, "{first}.{}", number - 40 * first);
        } else {
            let _ = write!(text, ".{number}");
        }
        (number, is_first) = (0, false);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_identifiers_have_their_numbers() {
        assert_eq!(oid(Oid::SPNEGO), "1.3.6.1.5.5.2 (spnego)");
        assert_eq!(oid(Oid::KRB5), "1.2.840.113554.1.2.2 (krb5)");
        assert_eq!(oid(Oid(&[0x88, 0x37, 1])), "2.999.1");
        let endless = [0xff; 40];
        assert_eq!(oid(Oid(&endless)), "");
    }
}
