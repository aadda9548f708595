//! Requests that no client of ours makes.

use krb_client::OsRandom;
use krb_proto::asn1::{
    ApReq, AsReq, Authenticator, Checksum, EncryptedData, EncryptionKey, KdcReqBody, KrbError,
    PaData, PrincipalName, SecretOctets, TgsReq, Ticket,
};
use krb_proto::crypto::Key;
use krb_proto::der::{self, Encoded, Int, KerberosString, List, Microseconds, UInt32};
use krb_proto::exchange::{AsExchange, Exchange as _, Step, TicketOptions};
use krb_proto::iana::{ChecksumType, EncType, KdcOptions, KeyUsage, PaType};
use krb_proto::{Context, Credential, KerberosTime, Name};

use crate::Domain;
use crate::world::Service;

/// What a KDC makes of a request: "granted", the code of its refusal, or "none".
pub(crate) type Answer = String;

/// The body of a request for a ticket to a service.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) options: KdcOptions,
    /// Of an AS-REQ.
    pub(crate) client: Option<Name>,
    pub(crate) realm: String,
    pub(crate) service: Option<Name>,
    pub(crate) enctypes: Vec<EncType>,
    pub(crate) nonce: u32,
    pub(crate) additional: Vec<Vec<u8>>,
}

impl Body {
    pub(crate) fn new(domain: &Domain, service: Name) -> Self {
        Self {
            options: KdcOptions::FORWARDABLE,
            client: None,
            realm: domain.realm.clone(),
            service: Some(service),
            enctypes: vec![EncType::AES256_CTS_HMAC_SHA1_96],
            nonce: 42,
            additional: Vec::new(),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let tickets = self.additional.iter().map(|der| Encoded::from_der(der).expect("a ticket"));
        let tickets: Vec<Encoded<'_, Ticket<'_>>> = tickets.collect();
        der::encode(&KdcReqBody {
            kdc_options: self.options.0.into(),
            cname: self.client.as_ref().map(PrincipalName::from),
            realm: KerberosString(self.realm.as_bytes()),
            sname: self.service.as_ref().map(PrincipalName::from),
            from: None,
            till: KerberosTime::from_unix(0),
            rtime: None,
            nonce: UInt32::new(self.nonce),
            etype: List::of(&self.enctypes),
            addresses: None,
            enc_authorization_data: None,
            additional_tickets: (!tickets.is_empty()).then(|| List::of(&tickets)),
        })
    }

    /// As an AS-REQ.
    pub(crate) async fn log_in(&self, domain: &Domain) -> Answer {
        let body = self.encode();
        let request = AsReq {
            pvno: Int,
            msg_type: Int,
            padata: None,
            req_body: Encoded::from_der(&body).expect("just made"),
        };
        answer(&domain.ask(der::encode(&request)).await)
    }
}

/// A checksum over the body: of what kind, and what it is.
pub(crate) type Checking = fn(&Key, &[u8]) -> Option<(ChecksumType, Vec<u8>)>;

/// A TGS-REQ in the making.
#[derive(Clone)]
pub(crate) struct Tgs<'a> {
    pub(crate) tgt: &'a Credential,
    pub(crate) body: Body,
    /// Who the authenticator says that asks.
    pub(crate) asks: Name,
    /// How far the authenticator's time is from the KDC's, in seconds.
    pub(crate) late: i64,
    pub(crate) checking: Checking,
    pub(crate) padata: Vec<(PaType, Vec<u8>)>,
}

impl<'a> Tgs<'a> {
    pub(crate) fn new(domain: &Domain, tgt: &'a Credential, service: Name) -> Self {
        Self {
            tgt,
            body: Body::new(domain, service),
            asks: tgt.client.name.clone(),
            late: 0,
            checking: |key, body| {
                Some((key.checksum_type(), key.checksum(KeyUsage::TGS_REQ_CHECKSUM, body)))
            },
            padata: Vec::new(),
        }
    }

    pub(crate) async fn ask(&self, domain: &Domain) -> Answer {
        let (key, body) = (&self.tgt.session_key, self.body.encode());
        let subkey = key.generate_alike(&mut OsRandom);
        let checksum = (self.checking)(key, &body);
        let authenticator = Authenticator {
            authenticator_vno: Int,
            crealm: KerberosString(&self.tgt.client.realm),
            cname: (&self.asks).into(),
            cksum: checksum
                .as_ref()
                .map(|(kind, sum)| Checksum { cksumtype: *kind, checksum: sum }),
            cusec: Microseconds(0),
            ctime: domain.now().plus_seconds(self.late).seconds,
            subkey: Some(EncryptionKey {
                keytype: subkey.enctype(),
                keyvalue: SecretOctets(subkey.as_bytes()),
            }),
            seq_number: None,
            authorization_data: None,
        };
        let usage = KeyUsage::TGS_REQ_AUTHENTICATOR;
        let cipher = key.encrypt(usage, &der::encode(&authenticator), &mut OsRandom);
        let ap_req = der::encode(&ApReq {
            pvno: Int,
            msg_type: Int,
            ap_options: 0.into(),
            ticket: Encoded::from_der(&self.tgt.ticket).expect("a ticket"),
            authenticator: EncryptedData { etype: key.enctype(), kvno: None, cipher: &cipher },
        });
        let own = PaData { padata_type: PaType::TGS_REQ, padata_value: &ap_req };
        let more = self
            .padata
            .iter()
            .map(|(kind, value)| PaData { padata_type: *kind, padata_value: value });
        let padata: Vec<PaData<'_>> = [own].into_iter().chain(more).collect();
        let request = TgsReq {
            pvno: Int,
            msg_type: Int,
            padata: Some(List::of(&padata)),
            req_body: Encoded::from_der(&body).expect("just made"),
        };
        answer(&domain.ask(der::encode(&request)).await)
    }
}

fn answer(reply: &[u8]) -> Answer {
    match der::decode::<KrbError<'_>>(reply) {
        Ok(error) => error.error_code.0.to_string(),
        Err(_) if reply.is_empty() => "none".into(),
        Err(_) => "granted".into(),
    }
}

/// The service's ticket-granting ticket.
pub(crate) async fn login(domain: &Domain, service: &Service) -> Credential {
    let (client, secret) = (service.principal.clone(), service.secret.clone());
    let mut exchange = AsExchange::new(client, secret, TicketOptions::default());
    loop {
        let mut cx = Context { now: domain.now(), kdc_offset: 0, rng: &mut OsRandom };
        let request = exchange.request(&mut cx).expect("a request");
        let reply = domain.ask(request).await;
        match exchange.receive(&cx, &reply).expect("a login") {
            Step::Done(credential) => return credential,
            Step::Continue => {}
        }
    }
}
