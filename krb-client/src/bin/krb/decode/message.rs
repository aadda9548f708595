use krb_proto::asn1::{EtypeInfo2Entry, PaData};
use krb_proto::der::{self, List, Reader};
use krb_proto::formats::{CredentialCache, Keytab, read_java_ticket};
use krb_proto::iana::KeyUsage;

use super::decoder::Decoder;
use super::gss::cfx;
use super::kdc::kpasswd_result;
use super::tree::{Fields, Tree};

/// Over TCP a message has its length in front (RFC 4120 section 7.2.2).
const LENGTH: usize = 4;
/// Versions of the protocol for passwords: change, set; of all replies: 1 (RFC 3244 section 2).
const CHANGE: u16 = 1;
const SET: u16 = 0xff80;

impl Decoder {
    /// Whatever it is.
    pub(super) fn message(&mut self, octets: &[u8]) -> Tree {
        match self.known(octets) {
            Some(tree) => tree,
            None => self.malformed("unknown", octets, "nothing of Kerberos begins like this"),
        }
    }

    /// `None` if nothing of Kerberos begins like this.
    pub(super) fn known(&mut self, octets: &[u8]) -> Option<Tree> {
        Some(match octets {
            [0x60, ..] => self.gss_token(octets),
            [0x61, ..] => self.ticket(octets),
            [0x62, ..] => self.authenticator(octets, None),
            [0x63, ..] => self.enc_ticket_part(octets, None),
            [0x6a, ..] => self.as_req(octets),
            [0x6b, ..] => self.as_rep(octets),
            [0x6c, ..] => self.tgs_req(octets),
            [0x6d, ..] => self.tgs_rep(octets),
            [0x6e, ..] => self.ap_req(octets, KeyUsage::AP_REQ_AUTHENTICATOR),
            [0x6f, ..] => self.ap_rep(octets),
            [0x74, ..] => self.krb_safe(octets),
            [0x75, ..] => self.krb_priv(octets, unnamed),
            [0x76, ..] => self.cred_or_kirbi(octets),
            [0x79 | 0x7a, ..] => self.enc_kdc_rep_part(octets),
            [0x7b, ..] => self.enc_ap_rep_part(octets),
            [0x7c, ..] => self.enc_krb_priv_part(octets, unnamed),
            [0x7d, ..] => self.enc_krb_cred_part(octets),
            [0x7e, ..] => self.krb_error(octets),
            [0xa1, ..] => self.neg_token_resp(octets),
            [0x30, ..] => self.sequence(octets),
            _ => return self.undelimited(octets),
        })
    }

    /// What is not DER from its first octet on.
    fn undelimited(&mut self, octets: &[u8]) -> Option<Tree> {
        if let Some(tree) = cfx(octets) {
            return Some(tree.into());
        }
        if let Some(message) = tcp(octets) {
            return Some(self.message(message));
        }
        if let Some((version, ap, rest)) = kpasswd(octets) {
            return Some(self.kpasswd(version, ap, rest));
        }
        if let Ok(ticket) = read_java_ticket(octets) {
            return Some(self.java_ticket(&ticket));
        }
        if octets.first() == Some(&5) {
            return Some(self.file(octets));
        }
        // A PAC's count of buffers, and version 0.
        match octets.split_first_chunk::<8>() {
            Some(([1..=64, 0, 0, 0, 0, 0, 0, 0], _)) => Some(self.pac(octets, None, None)),
            _ => None,
        }
    }

    /// A sequence without a tag of its own: whichever of those that travel alone.
    fn sequence(&mut self, octets: &[u8]) -> Tree {
        if let Ok(list) = der::decode::<List<'_, EtypeInfo2Entry<'_>>>(octets)
            && !list.is_empty()
        {
            return self.etype_info2(octets);
        }
        // METHOD-DATA's elements begin with the tag 1, those of authorization data with 0.
        if let Ok(list) = der::decode::<List<'_, PaData<'_>>>(octets)
            && !list.is_empty()
        {
            return Fields::of("METHOD-DATA").with("elements", self.padata(&list)).into();
        }
        if let Ok(data) = der::decode(octets) {
            let elements = self.authorization_data(&data, None, None);
            return Fields::of("AuthorizationData").with("elements", elements).into();
        }
        self.kdc_proxy(octets)
    }

    /// The protocol for passwords: a request, or a reply.
    fn kpasswd(&mut self, version: u16, ap: &[u8], rest: &[u8]) -> Tree {
        let is_request = ap.first() == Some(&0x6e);
        let kind = if is_request { "kpasswd request" } else { "kpasswd reply" };
        let message = (!ap.is_empty()).then(|| self.message(ap));
        // A new password is shown to nobody.
        let read: fn(&mut Self, &[u8]) -> Tree = if is_request {
            |_, data| format!("{} octets with the new password", data.len()).into()
        } else {
            |_, data| match data.split_first_chunk() {
                Some((result, text)) => kpasswd_result(u16::from_be_bytes(*result), text).into(),
                None => Tree::octets(data),
            }
        };
        let protected = match rest.first() {
            Some(0x75) => self.krb_priv(rest, read),
            _ => self.message(rest),
        };
        Fields::of(kind)
            .show("version", format_args!("{version:#x}"))
            .with_some("ap", message)
            .with("protected", protected)
            .into()
    }

    fn java_ticket(&mut self, ticket: &krb_proto::Credential) -> Tree {
        let inside = self.ticket(&ticket.ticket);
        Fields::of("Java KerberosTicket")
            .show("client", &ticket.client)
            .show("server", &ticket.server)
            .show("session-key", ticket.session_key.enctype())
            .show("flags", ticket.flags)
            .show("endtime", ticket.times.endtime)
            .with("ticket", inside)
            .into()
    }

    /// Caches and keytabs both begin with 5 and a version; of 1 and 2 there are both.
    fn file(&mut self, octets: &[u8]) -> Tree {
        let keytab = Keytab::from_bytes(octets);
        let cache = CredentialCache::from_bytes(octets);
        match (octets, keytab, cache) {
            // A file of none is a keytab: a cache has an owner.
            ([5, 1 | 2, ..], Ok(keytab), Err(_)) => self.keytab(&keytab),
            ([5, 1 | 2, ..], Ok(keytab), Ok(cache)) if cache.entries.is_empty() => {
                self.keytab(&keytab)
            }
            (_, _, Ok(cache)) => self.ccache(&cache),
            ([5, 1 | 2, ..], Err(error), _) => self.malformed("keytab", octets, error),
            (_, _, Err(error)) => self.malformed("ccache", octets, error),
        }
    }
}

/// What was said in confidence, of whose protocol nothing is known: it may be a new password.
fn unnamed(_: &mut Decoder, data: &[u8]) -> Tree {
    format!("{} octets", data.len()).into()
}

/// A message behind its length.
pub(super) fn tcp(octets: &[u8]) -> Option<&[u8]> {
    let (length, message) = octets.split_first_chunk::<LENGTH>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    (length == message.len() && length > 0).then_some(message)
}

/// Version, AP-REQ or AP-REP, and what follows it.
fn kpasswd(octets: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (header, rest) = octets.split_first_chunk::<6>()?;
    let [length, version, ap] =
        [[header[0], header[1]], [header[2], header[3]], [header[4], header[5]]]
            .map(u16::from_be_bytes);
    let fits = usize::from(length) == octets.len() && [CHANGE, SET].contains(&version);
    let (ap, rest) = rest.split_at_checked(ap.into())?;
    fits.then_some((version, ap, rest))
}

/// Whether a whole value of DER stands in front, and where it ends.
pub(super) fn value_in_front(octets: &[u8]) -> Option<usize> {
    let mut reader = Reader::new(octets);
    reader.enter(reader.peek_tag()?).ok()?;
    Some(octets.len() - reader.rest().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_in_front_are_seen() {
        assert_eq!(tcp(&[0, 0, 0, 2, 1, 2]), Some(&[1, 2][..]));
        assert_eq!(tcp(&[0, 0, 0, 3, 1, 2]), None);
        assert_eq!(tcp(&[0, 0, 0, 0]), None);
        assert_eq!(kpasswd(&[0, 8, 0, 1, 0, 1, 7, 8]), Some((1, &[7][..], &[8][..])));
        assert_eq!(kpasswd(&[0, 8, 0, 2, 0, 1, 7, 8]), None, "another version");
        assert_eq!(kpasswd(&[0, 8, 0, 1, 0, 3, 7, 8]), None, "longer than it is");
        assert_eq!(value_in_front(&[0x30, 1, 5, 9, 9]), Some(3));
    }
}
