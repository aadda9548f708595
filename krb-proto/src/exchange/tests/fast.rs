//! FAST around the exchanges, against a KDC in memory that opens the armor and seals its answers.

mod as_exchange;
mod otp;
mod tgs;

use super::*;
use crate::ap::{RequestPolicy, VerifiedRequest};
use crate::asn1::{KrbFastFinished, KrbFastResponse};
use crate::crypto::CryptoError;
use crate::preauth::fast::{
    Challenger, FastError, RequestPlaintext, armor_key, explicit_tgs_armor_key, open_challenge,
    seal_challenge, seal_response, strengthened,
};
use crate::preauth::find_padata;

/// An armored request, as the KDC sees it once it has opened it.
struct Opened {
    armor_key: Key,
    padata: Padata,
    /// What stands inside.
    body: Vec<u8>,
    /// Who asks, outside of the armor.
    outer_client: Option<Name>,
}

fn armor_of(ap_req: &[u8]) -> Key {
    let keys = |_: &Principal, _: Option<u32>, _: EncType| vec![service_key()];
    let verified =
        VerifiedRequest::verify(ap_req, &RequestPolicy::new(&keys), Timestamp::new(NOW, 0))
            .unwrap();
    armor_key(&verified.subkey.unwrap(), &verified.session_key).unwrap()
}

fn owned(list: List<'_, PaData<'_>>) -> Padata {
    list.iter().map(|pa| (pa.padata_type, pa.padata_value.to_vec())).collect()
}

fn open_as(request: &[u8]) -> Opened {
    let request: AsReq<'_> = der::decode(request).unwrap();
    let outer = request.padata.unwrap();
    assert_eq!(outer.iter().count(), 1, "everything else stands inside");
    let value = find_padata(outer, PaType::FX_FAST).unwrap();
    let armor_key = armor_of(RequestPlaintext::armor(value).unwrap().unwrap());
    let plaintext = RequestPlaintext::open(&armor_key, value, request.req_body.der()).unwrap();
    let inner = plaintext.request().unwrap();
    Opened {
        padata: owned(inner.padata),
        body: inner.req_body.der().to_vec(),
        outer_client: request.req_body.cname.map(|name| name.to_name()),
        armor_key,
    }
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
    let body: KdcReqBody<'_> = der::decode(&opened.body).unwrap();
    let mut list = hints;
    list.push((PaType::FX_ERROR, error(inner, None)));
    let list = padata(&list);
    let response = KrbFastResponse {
        padata: List::of(&list),
        strengthen_key: None,
        finished: None,
        nonce: body.nonce,
    };
    let value = seal_response(&opened.armor_key, &response, &mut Counter(3));
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
