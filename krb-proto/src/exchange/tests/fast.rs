//! FAST around the exchanges, against a KDC in memory that opens the armor and seals its answers.

mod as_exchange;
mod otp;
mod tgs;

use super::*;
use crate::ap::{RequestPolicy, VerifiedRequest};
use crate::asn1::{KrbFastFinished, KrbFastResponse};
use crate::crypto::CryptoError;
use crate::preauth::fast::{
    Challenger, FastError, FastRequestError, KdcFast, RequestPlaintext, open_challenge,
    seal_challenge, seal_response, strengthened,
};
use crate::preauth::find_padata;

/// An armored request, as the KDC sees it once it has opened it.
struct Opened {
    fast: KdcFast,
    padata: Padata,
    /// What stands inside.
    body: Vec<u8>,
    /// Who asks, outside of the armor.
    outer_client: Option<Name>,
}

impl Opened {
    fn new(fast: KdcFast, outer_client: Option<Name>) -> Self {
        let inner = fast.request().unwrap();
        let (padata, body) = (owned(inner.padata), inner.req_body.der().to_vec());
        Self { fast, padata, body, outer_client }
    }
}

/// The ticket-granting service's keys.
fn tgs_keys(_: &Principal, _: Option<u32>, _: EncType) -> Vec<Key> {
    vec![service_key()]
}

fn owned(list: List<'_, PaData<'_>>) -> Padata {
    list.iter().map(|pa| (pa.padata_type, pa.padata_value.to_vec())).collect()
}

fn open_as(request: &[u8]) -> Opened {
    let request: AsReq<'_> = der::decode(request).unwrap();
    let outer = request.padata.unwrap();
    assert_eq!(outer.iter().count(), 1, "everything else stands inside");
    let value = find_padata(outer, PaType::FX_FAST).unwrap();
    let policy = RequestPolicy::new(&tgs_keys);
    let now = Timestamp::new(NOW, 0);
    let fast = KdcFast::open_as(value, request.req_body.der(), &policy, now).unwrap();
    Opened::new(fast, request.req_body.cname.map(|name| name.to_name()))
}

fn open_tgs(request: &[u8]) -> Opened {
    let request: TgsReq<'_> = der::decode(request).unwrap();
    let outer = request.padata.unwrap();
    let ap_req = find_padata(outer, PaType::TGS_REQ).unwrap();
    let value = find_padata(outer, PaType::FX_FAST).unwrap();
    let policy = RequestPolicy::new(&tgs_keys);
    let now = Timestamp::new(NOW, 0);
    let tgs = RequestPolicy { usage: KeyUsage::TGS_REQ_AUTHENTICATOR, ..policy };
    let tgs = VerifiedRequest::verify(ap_req, &tgs, now).unwrap();
    Opened::new(
        KdcFast::open_tgs(value, ap_req, tgs.subkey.as_ref(), &tgs.session_key, &policy, now)
            .unwrap(),
        None,
    )
}

/// What the KDC seals with its answer; a test may change any of it.
struct Sealed {
    armor_key: Key,
    nonce: u32,
    padata: Padata,
    strengthen_key: Option<Key>,
    finished: bool,
    client: Principal,
    checksum: (crate::iana::ChecksumType, Vec<u8>),
}

impl Sealed {
    fn new(armor_key: Key, answer: &Answer) -> Self {
        let checksum = armor_key.checksum(KeyUsage::FAST_FINISHED, &answer.ticket());
        Self {
            nonce: answer.nonce,
            padata: vec![],
            strengthen_key: None,
            finished: true,
            client: answer.client.clone(),
            checksum: (armor_key.checksum_type(), checksum),
            armor_key,
        }
    }

    fn fx_fast(&self) -> Vec<u8> {
        let finished = KrbFastFinished {
            timestamp: KerberosTime::from_unix(NOW),
            usec: Microseconds(1),
            crealm: KerberosString(&self.client.realm),
            cname: (&self.client.name).into(),
            ticket_checksum: Checksum { cksumtype: self.checksum.0, checksum: &self.checksum.1 },
        };
        let padata = padata(&self.padata);
        let response = KrbFastResponse {
            padata: List::of(&padata),
            strengthen_key: self.strengthen_key.as_ref().map(|key| EncryptionKey {
                keytype: key.enctype(),
                keyvalue: SecretOctets(key.as_bytes()),
            }),
            finished: self.finished.then_some(finished),
            nonce: UInt32::new(self.nonce),
        };
        seal_response(&self.armor_key, &response, &mut Counter(3))
    }
}

/// An error inside of the armor, beside METHOD-DATA; `outer` stands outside.
fn armored_error(opened: &Opened, outer: ErrorCode, inner: ErrorCode, hints: Padata) -> Vec<u8> {
    let hints = padata(&hints);
    let inner = error(inner, None);
    let value = with_context(&mut Counter(3), |cx| opened.fast.seal_error(&inner, &hints, cx));
    error(outer, Some(&der::encode(&List::of(&padata(&[(PaType::FX_FAST, value)])))))
}

fn hints(mechanisms: &[PaType]) -> Padata {
    let enctype = EncType::AES256_CTS_HMAC_SHA1_96;
    let entry = [EtypeInfo2Entry { etype: enctype, salt: None, s2kparams: None }];
    let mut list = vec![(PaType::ETYPE_INFO2, der::encode(&List::of(&entry)))];
    list.extend(mechanisms.iter().map(|&mechanism| (mechanism, vec![])));
    list
}

/// A ticket-granting ticket for armor whose session key is of this enctype.
fn armor_ticket(enctype: EncType) -> Arc<Credential> {
    let mut answer = tgt_answer();
    answer.session_key = Key::generate(enctype, &mut Counter(77)).unwrap();
    Arc::new(credential_of(&answer))
}
