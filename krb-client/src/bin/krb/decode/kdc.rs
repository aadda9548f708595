use krb_proto::asn1::{
    AsRep, AsReq, ErrorData, KdcProxyMessage, KdcReqBody, KerbExtError, KrbError, PaData, TgsRep,
    TgsReq, TypedData,
};
use krb_proto::der::{self, List};
use krb_proto::iana::{KdcOptions, KeyUsage, KpasswdResult, PaType};

use super::decoder::{Decoder, addresses, name, realm};
use super::tree::{Fields, Tree};

/// A TGS's reply is sealed with a subkey or a session key; which of the two is not said.
const TGS_REP: [KeyUsage; 2] = [KeyUsage::TGS_REP_SUBKEY, KeyUsage::TGS_REP_SESSION_KEY];

impl Decoder {
    pub(super) fn as_req(&mut self, octets: &[u8]) -> Tree {
        self.decoded("AS-REQ", octets, |decoder, request: AsReq<'_>| {
            let padata = request.padata.map(|padata| decoder.padata(&padata));
            Fields::of("AS-REQ")
                .with_some("padata", padata)
                .with("req-body", decoder.kdc_req_body(&request.req_body))
        })
    }

    pub(super) fn tgs_req(&mut self, octets: &[u8]) -> Tree {
        self.decoded("TGS-REQ", octets, |decoder, request: TgsReq<'_>| {
            let padata = request.padata.map(|padata| decoder.padata(&padata));
            Fields::of("TGS-REQ")
                .with_some("padata", padata)
                .with("req-body", decoder.kdc_req_body(&request.req_body))
        })
    }

    pub(super) fn kdc_req_body(&mut self, body: &KdcReqBody<'_>) -> Fields {
        let usages = [KeyUsage::TGS_REQ_AUTH_DATA_SUBKEY, KeyUsage::TGS_REQ_AUTH_DATA_SESSION_KEY];
        let authorization = body.enc_authorization_data.map(|sealed| {
            self.sealed(&sealed, &usages, |decoder, plain, _| match der::decode(plain) {
                Ok(data) => decoder.authorization_data(&data, None, None),
                Err(error) => decoder.malformed("AuthorizationData", plain, error),
            })
        });
        let tickets = body.additional_tickets.map(|tickets| {
            tickets.iter().map(|ticket| self.ticket(ticket.der())).collect::<Vec<_>>()
        });
        Fields::default()
            .show("kdc-options", KdcOptions(body.kdc_options.bits()))
            .with_some("cname", body.cname.map(name))
            .with("realm", realm(body.realm))
            .with_some("sname", body.sname.map(name))
            .show_some("from", body.from)
            .show("till", body.till)
            .show_some("rtime", body.rtime)
            .with("nonce", body.nonce.get())
            .with("etype", Tree::list(body.etype.iter().map(|etype| etype.to_string())))
            .with_some("addresses", body.addresses.as_ref().map(addresses))
            .with_some("enc-authorization-data", authorization)
            .with_some("additional-tickets", tickets)
    }

    pub(super) fn as_rep(&mut self, octets: &[u8]) -> Tree {
        self.decoded("AS-REP", octets, |decoder, reply: AsRep<'_>| {
            let padata = decoder.reply_padata(reply.padata);
            let ticket = decoder.ticket(reply.ticket.der());
            let usages = [KeyUsage::AS_REP];
            let sealed = decoder.sealed(&reply.enc_part, &usages, |decoder, plain, _| {
                decoder.enc_kdc_rep_part(plain)
            });
            Fields::of("AS-REP")
                .with_some("padata", padata)
                .with("crealm", realm(reply.crealm))
                .with("cname", name(reply.cname))
                .with("ticket", ticket)
                .with("enc-part", sealed)
        })
    }

    pub(super) fn tgs_rep(&mut self, octets: &[u8]) -> Tree {
        self.decoded("TGS-REP", octets, |decoder, reply: TgsRep<'_>| {
            let padata = decoder.reply_padata(reply.padata);
            let ticket = decoder.ticket(reply.ticket.der());
            let sealed = decoder.sealed(&reply.enc_part, &TGS_REP, |decoder, plain, _| {
                decoder.enc_kdc_rep_part(plain)
            });
            Fields::of("TGS-REP")
                .with_some("padata", padata)
                .with("crealm", realm(reply.crealm))
                .with("cname", name(reply.cname))
                .with("ticket", ticket)
                .with("enc-part", sealed)
        })
    }

    /// Of a reply: what strengthens its key stands in it, or nothing does.
    fn reply_padata(&mut self, padata: Option<List<'_, PaData<'_>>>) -> Option<Tree> {
        self.strengthen = None;
        padata.map(|padata| self.padata(&padata))
    }

    pub(super) fn krb_error(&mut self, octets: &[u8]) -> Tree {
        self.decoded("KRB-ERROR", octets, |decoder, error: KrbError<'_>| {
            let data = error.e_data.map(|octets| decoder.error_data(&error, octets));
            Fields::of("KRB-ERROR")
                .show_some("ctime", error.ctime)
                .show("stime", error.stime)
                .with("susec", error.susec.0)
                .with("error-code", format!("{} ({})", error.error_code.0, error.error_code))
                .with_some("crealm", error.crealm.map(realm))
                .with_some("cname", error.cname.map(name))
                .with("realm", realm(error.realm))
                .with("sname", name(error.sname))
                .with_some("e-text", error.e_text.map(realm))
                .with_some("e-data", data)
        })
    }

    fn error_data(&mut self, error: &KrbError<'_>, octets: &[u8]) -> Tree {
        match error.data() {
            Some(ErrorData::MethodData(list)) => return self.padata(&list),
            Some(ErrorData::Kerb(data)) => {
                let value = data.data_value.map(extended);
                return Fields::of("KERB-ERROR-DATA")
                    .with("data-type", data.data_type)
                    .with_some("data-value", value)
                    .into();
            }
            None => {}
        }
        if let Ok(list) = der::decode::<List<'_, TypedData<'_>>>(octets) {
            return Tree::list(list.iter().map(|data| {
                Fields::default()
                    .show("data-type", PaType(data.data_type))
                    .with_some("data-value", data.data_value.map(Tree::octets))
            }));
        }
        // What the service for passwords says without a session (RFC 3244 section 2).
        match octets.split_first_chunk() {
            Some((result, text)) if error.sname.to_name().to_string() == "kadmin/changepw" => {
                kpasswd_result(u16::from_be_bytes(*result), text).into()
            }
            _ => Tree::octets(octets),
        }
    }

    pub(super) fn kdc_proxy(&mut self, octets: &[u8]) -> Tree {
        self.decoded("KDC-PROXY-MESSAGE", octets, |decoder, message: KdcProxyMessage<'_>| {
            Fields::of("KDC-PROXY-MESSAGE")
                .with("kerb-message", decoder.message(message.kerb_message))
                .with_some("target-domain", message.target_domain.map(realm))
                .with_some("dclocator-hint", message.dclocator_hint)
        })
    }
}

/// KERB-EXT-ERROR, or octets.
pub(super) fn extended(octets: &[u8]) -> Tree {
    match KerbExtError::from_bytes(octets) {
        Some(error) => {
            let status = match error.status.name() {
                Some(name) => format!("{:#010x} ({name})", error.status.0),
                None => format!("{:#010x}", error.status.0),
            };
            Fields::of("KERB-EXT-ERROR").with("status", status).with("flags", error.flags).into()
        }
        None => Tree::octets(octets),
    }
}

pub(super) fn kpasswd_result(result: u16, text: &[u8]) -> Fields {
    let known = KpasswdResult(result);
    Fields::default()
        .with("result", format!("{result} ({known})"))
        .with_some("result-string", (!text.is_empty()).then(|| Tree::text(text)))
}
