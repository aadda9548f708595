//! Requests that our client does not make, and replies that it does not take.

use std::vec;

use super::*;
use crate::ap::{ApReqOptions, ApRequest};
use crate::asn1::{
    ApReq, AsReq, Authenticator, EncKdcRepPart, EncryptedData, KdcReqBody, KrbError, PrincipalName,
    TgsRep, TgsReq, Ticket,
};
use crate::credential::TicketTimes;
use crate::crypto::Key;
use crate::der::{self, Encoded, Int, KerberosString, List, UInt32};
use crate::iana::{
    ApOptions, ChecksumType, EncType, ErrorCode, KdcOptions, KeyUsage, PaType, TicketFlags,
};
use crate::preauth::borrow_padata;

/// A TGS-REQ in the making.
pub(super) struct RawTgs<'a> {
    pub(super) tgt: &'a Credential,
    pub(super) service: Name,
    pub(super) realm: &'a str,
    pub(super) options: KdcOptions,
    pub(super) ap_options: ApOptions,
    pub(super) nonce: u32,
    pub(super) subkey: Option<Key>,
    /// The checksum in the authenticator; `None` for the honest one.
    pub(super) checksum: Option<Option<(ChecksumType, Vec<u8>)>>,
    pub(super) padata: Vec<(PaType, Vec<u8>)>,
    /// With what key usage, and what.
    pub(super) authorization_data: Option<(KeyUsage, Vec<u8>)>,
    pub(super) additional: Vec<Vec<u8>>,
}

impl<'a> RawTgs<'a> {
    pub(super) fn new(tgt: &'a Credential, service: Name) -> Self {
        Self {
            tgt,
            service,
            realm: REALM,
            options: KdcOptions::FORWARDABLE,
            ap_options: ApOptions::NONE,
            nonce: 42,
            subkey: Some(tgt.session_key.generate_alike(&mut TestRng(31))),
            checksum: None,
            padata: vec![],
            authorization_data: None,
            additional: vec![],
        }
    }

    /// What the reply is encrypted with, and what PA-S4U-X509-USER is signed with.
    pub(super) fn reply_key(&self) -> &Key {
        self.subkey.as_ref().unwrap_or(&self.tgt.session_key)
    }

    fn body(&self) -> Vec<u8> {
        let tickets: Vec<Encoded<'_, Ticket<'_>>> =
            self.additional.iter().map(|der| Encoded::from_der(der).unwrap()).collect();
        let cipher;
        let enc_authorization_data = match &self.authorization_data {
            Some((usage, data)) => {
                cipher = self.reply_key().encrypt(*usage, data, &mut TestRng(32));
                Some(EncryptedData {
                    etype: self.reply_key().enctype(),
                    kvno: None,
                    cipher: &cipher,
                })
            }
            None => None,
        };
        der::encode(&KdcReqBody {
            kdc_options: self.options.0.into(),
            cname: None,
            realm: KerberosString(self.realm.as_bytes()),
            sname: Some(PrincipalName::from(&self.service)),
            from: None,
            till: time(0),
            rtime: None,
            nonce: UInt32::new(self.nonce),
            etype: List::of(&[EncType::AES256_CTS_HMAC_SHA1_96]),
            addresses: None,
            enc_authorization_data,
            additional_tickets: (!tickets.is_empty()).then(|| List::of(&tickets)),
        })
    }

    pub(super) fn request(&self, now: i64) -> Vec<u8> {
        let body = self.body();
        let key = &self.tgt.session_key;
        let honest = key.checksum(KeyUsage::TGS_REQ_CHECKSUM, &body);
        let checksum = match &self.checksum {
            None => Some((key.checksum_type(), &honest[..])),
            Some(checksum) => checksum.as_ref().map(|(kind, sum)| (*kind, &sum[..])),
        };
        let ap_req = ApRequest::new(
            self.tgt,
            &ApReqOptions {
                usage: KeyUsage::TGS_REQ_AUTHENTICATOR,
                ap_options: self.ap_options,
                checksum,
                subkey: self.subkey.as_ref(),
                sequence_number: None,
                authorization_data: None,
            },
            &mut Context { now: Timestamp::new(now, 7), kdc_offset: 0, rng: &mut TestRng(33) },
        )
        .unwrap();
        let mut padata = vec![(PaType::TGS_REQ, ap_req.message)];
        padata.extend(self.padata.iter().cloned());
        der::encode(&TgsReq {
            pvno: Int,
            msg_type: Int,
            padata: Some(List::of(&borrow_padata(&padata))),
            req_body: Encoded::from_der(&body).unwrap(),
        })
    }

    pub(super) fn ask(&self, world: &mut World) -> Result<Answer, ErrorCode> {
        let request = self.request(world.now);
        let reply = world.ask(&request);
        open(self.reply_key(), self.subkey.is_some(), &reply)
    }
}

/// A TGS-REP that is believed whatever it says.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) credential: Credential,
    pub(super) padata: Vec<(PaType, Vec<u8>)>,
    pub(super) nonce: u32,
    pub(super) addresses: Vec<(i32, Vec<u8>)>,
}

fn open(key: &Key, has_subkey: bool, reply: &[u8]) -> Result<Answer, ErrorCode> {
    if let Ok(error) = der::decode::<KrbError<'_>>(reply) {
        return Err(error.error_code);
    }
    let reply: TgsRep<'_> = der::decode(reply).unwrap();
    let usage = if has_subkey { KeyUsage::TGS_REP_SUBKEY } else { KeyUsage::TGS_REP_SESSION_KEY };
    let plaintext = key.decrypt(usage, reply.enc_part.cipher).unwrap();
    let part = EncKdcRepPart::from_der(&plaintext).unwrap();
    let padata = reply.padata.iter().flat_map(|list| list.iter());
    let addresses = part.caddr.iter().flat_map(|list| list.iter());
    Ok(Answer {
        padata: padata.map(|pa| (pa.padata_type, pa.padata_value.to_vec())).collect(),
        nonce: part.nonce.get(),
        addresses: addresses.map(|it| (it.addr_type, it.address.to_vec())).collect(),
        credential: Credential {
            client: reply.cname.in_realm(reply.crealm),
            server: part.sname.in_realm(part.srealm),
            session_key: Key::new(part.key.keytype, part.key.keyvalue.0).unwrap(),
            times: TicketTimes {
                authtime: part.authtime,
                starttime: part.starttime.unwrap_or(part.authtime),
                endtime: part.endtime,
                renew_till: part.renew_till,
            },
            flags: TicketFlags(part.flags.bits()),
            ticket: reply.ticket.der().to_vec(),
        },
    })
}

/// Our client's request, with whatever reply there is to it.
pub(super) fn ask_as_client(
    world: &mut World,
    tgt: &Arc<Credential>,
    goal: TgsGoal,
) -> Result<Answer, ErrorCode> {
    let options = TicketOptions { canonicalize: true, ..TicketOptions::default() };
    let mut exchange = TgsExchange::new(tgt.clone(), goal, options);
    let now = Timestamp::new(world.now, 5);
    let request =
        exchange.request(&mut Context { now, kdc_offset: 0, rng: &mut world.rng }).unwrap();
    let message: TgsReq<'_> = der::decode(&request).unwrap();
    let ap_req = message.padata.unwrap().iter().next().unwrap().padata_value;
    let ap_req: ApReq<'_> = der::decode(ap_req).unwrap();
    let usage = KeyUsage::TGS_REQ_AUTHENTICATOR;
    let plaintext = tgt.session_key.decrypt(usage, ap_req.authenticator.cipher).unwrap();
    let authenticator: Authenticator<'_> = der::decode(&plaintext).unwrap();
    let subkey = authenticator.subkey.unwrap();
    let subkey = Key::new(subkey.keytype, subkey.keyvalue.0).unwrap();
    let reply = world.ask(&request);
    open(&subkey, true, &reply)
}

/// An AS-REQ of an account that need not prove anything.
pub(super) fn as_request(
    client: &Name,
    service: &Name,
    options: KdcOptions,
    enctypes: &[EncType],
    padata: &[(PaType, Vec<u8>)],
) -> Vec<u8> {
    let body = der::encode(&KdcReqBody {
        kdc_options: options.0.into(),
        cname: Some(client.into()),
        realm: KerberosString(REALM.as_bytes()),
        sname: Some(service.into()),
        from: None,
        till: time(0),
        rtime: None,
        nonce: UInt32::new(7),
        etype: List::of(enctypes),
        addresses: None,
        enc_authorization_data: None,
        additional_tickets: None,
    });
    der::encode(&AsReq {
        pvno: Int,
        msg_type: Int,
        padata: Some(List::of(&borrow_padata(padata))),
        req_body: Encoded::from_der(&body).unwrap(),
    })
}
