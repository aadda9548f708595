use alloc::sync::Arc;
use alloc::vec::Vec;

use super::world::{NULL, REALM, credential, endtime, frames, null_key, principal, with_context};
use crate::exchange::{AsExchange, ClientSecret, Exchange, S4uProxy, S4uSelf, Step, TicketOptions};
use crate::{Credential, Name, Principal};
#[cfg(feature = "spake")]
use crate::{crypto::Key, iana::EncType};

/// More replies than any exchange takes.
const MAX_REPLIES: usize = 16;

/// Replies to the AS, S4U2Self and S4U2Proxy exchanges: whatever a KDC answers, what comes out is
/// the ticket that was asked for, and it comes within a bounded number of replies.
///
/// The first octet chooses the exchange, [`frames`] follow.
pub fn exchanges(input: &[u8]) {
    let _ = run(input);
}

fn run(input: &[u8]) -> Option<Credential> {
    let (choice, replies) = input.split_first()?;
    let options = || TicketOptions { enctypes: Vec::from([NULL]), ..TicketOptions::default() };
    let service = principal("service");
    let krbtgt = Principal::krbtgt(REALM.as_bytes());
    let tgt = Arc::new(credential(service.clone(), krbtgt.clone())?);
    let alice = principal("alice");
    let (obtained, client, server) = match choice {
        0 => {
            let secret = ClientSecret::Keys(Vec::from([null_key()?]));
            let exchange = AsExchange::new(alice.clone(), secret, options());
            (converse(exchange, replies)?, alice, krbtgt)
        }
        1 => {
            let exchange = S4uSelf::new(tgt, alice.clone(), service.name.clone(), options());
            (converse(exchange, replies)?, alice, service)
        }
        2 => {
            let evidence = Arc::new(credential(alice.clone(), service)?);
            let target = Principal::new(Name::user("target"), REALM);
            let exchange = S4uProxy::new(tgt, evidence, target.name.clone(), options());
            (converse(exchange, replies)?, alice, target)
        }
        // Not with the null enctype, which makes no secrets of passwords: here it is about what a
        // KDC says before it has proven anything.
        #[cfg(feature = "spake")]
        3 => {
            let enctype = EncType::AES256_CTS_HMAC_SHA1_96;
            let secret = ClientSecret::Keys(Vec::from([Key::new(enctype, &[1; 32]).ok()?]));
            let options = TicketOptions { enctypes: Vec::from([enctype]), ..options() };
            assert!(converse(AsExchange::new(alice, secret, options), replies).is_none());
            return None;
        }
        _ => return None,
    };
    assert!(obtained.client.name.same_components(&client.name), "somebody else's ticket");
    assert_eq!(obtained.client.realm, client.realm, "somebody else's ticket");
    assert_eq!(obtained.server, server, "a ticket for something else");
    assert_eq!(obtained.session_key.enctype(), NULL, "an enctype that was not offered");
    assert!(obtained.times.endtime <= endtime(), "longer than asked for");
    Some(obtained)
}

fn converse(
    mut exchange: impl Exchange<Output = Credential>,
    replies: &[u8],
) -> Option<Credential> {
    for (taken, reply) in frames(replies).enumerate() {
        assert!(taken < MAX_REPLIES, "the exchange does not come to an end");
        with_context(|cx| exchange.request(cx)).ok()?;
        if let Step::Done(credential) = with_context(|cx| exchange.receive(cx, reply)).ok()? {
            return Some(credential);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;
    use std::assert_eq;

    use super::super::tests::assert_seed;
    use super::super::world::{NONCE, NOW, framed, ticket};
    use super::*;
    use crate::asn1::{
        AsRep, EncKdcRepPart, EncryptedData, EncryptionKey, EtypeInfo2Entry, KrbError, PaData,
        SecretOctets, TgsRep,
    };
    use crate::der::{self, Encoded, Int, KerberosString, List, Microseconds, UInt32, Writer};
    use crate::iana::{EncType, ErrorCode, PaType, TicketFlags};

    fn enc_part(server: &Principal, tag: u8) -> Vec<u8> {
        let part = EncKdcRepPart {
            key: EncryptionKey { keytype: NULL, keyvalue: SecretOctets(&[]) },
            last_req: List::of(&[]),
            nonce: UInt32::new(NONCE),
            key_expiration: None,
            flags: TicketFlags::FORWARDABLE.0.into(),
            authtime: NOW.seconds,
            starttime: None,
            endtime: endtime(),
            renew_till: None,
            srealm: KerberosString(&server.realm),
            sname: (&server.name).into(),
            caddr: None,
            encrypted_pa_data: None,
        };
        let mut writer = Writer::new();
        part.write(tag, &mut writer);
        writer.into_vec()
    }

    fn as_rep(client: &Principal, server: &Principal) -> Vec<u8> {
        der::encode(&AsRep {
            pvno: Int,
            msg_type: Int,
            padata: None,
            crealm: KerberosString(&client.realm),
            cname: (&client.name).into(),
            ticket: Encoded::from_der(&ticket(server, b"sealed")).unwrap(),
            enc_part: EncryptedData {
                etype: NULL,
                kvno: None,
                cipher: &enc_part(server, EncKdcRepPart::AS_REP),
            },
        })
    }

    fn tgs_rep(client: &Principal, server: &Principal) -> Vec<u8> {
        der::encode(&TgsRep {
            pvno: Int,
            msg_type: Int,
            padata: None,
            crealm: KerberosString(&client.realm),
            cname: (&client.name).into(),
            ticket: Encoded::from_der(&ticket(server, b"sealed")).unwrap(),
            enc_part: EncryptedData {
                etype: NULL,
                kvno: None,
                cipher: &enc_part(server, EncKdcRepPart::TGS_REP),
            },
        })
    }

    fn refusal(error_code: ErrorCode, hints: &[(PaType, &[u8])]) -> Vec<u8> {
        let hints: Vec<PaData<'_>> = hints
            .iter()
            .map(|&(padata_type, padata_value)| PaData { padata_type, padata_value })
            .collect();
        let e_data = der::encode(&List::of(&hints));
        let krbtgt = Principal::krbtgt(REALM.as_bytes());
        der::encode(&KrbError {
            pvno: Int,
            msg_type: Int,
            ctime: None,
            cusec: None,
            stime: NOW.seconds,
            susec: Microseconds(0),
            error_code,
            crealm: None,
            cname: None,
            realm: KerberosString(&krbtgt.realm),
            sname: (&krbtgt.name).into(),
            e_text: None,
            e_data: Some(&e_data),
        })
    }

    fn etype_info2(etype: EncType) -> Vec<u8> {
        der::encode(&List::of(&[EtypeInfo2Entry { etype, salt: None, s2kparams: None }]))
    }

    fn conversation(choice: u8, replies: &[&[u8]]) -> Vec<u8> {
        [&[choice], &framed(replies)[..]].concat()
    }

    #[test]
    fn honest_replies_come_to_a_ticket() {
        let (alice, service) = (principal("alice"), principal("service"));
        let krbtgt = Principal::krbtgt(REALM.as_bytes());
        for (choice, name, reply) in [
            (0, "as", as_rep(&alice, &krbtgt)),
            (1, "s4u-self", tgs_rep(&alice, &service)),
            (2, "s4u-proxy", tgs_rep(&alice, &principal("target"))),
        ] {
            let seed = conversation(choice, &[&reply]);
            assert_eq!(run(&seed).map(|credential| credential.client), Some(alice.clone()));
            assert_seed("exchanges", name, &seed);
        }
        let seed = conversation(
            0,
            &[
                &refusal(ErrorCode::PREAUTH_FAILED, &[(PaType::ETYPE_INFO2, &etype_info2(NULL))]),
                &as_rep(&alice, &krbtgt),
            ],
        );
        assert!(run(&seed).is_none(), "the only key has failed");
        assert_seed("exchanges", "as-preauth-failed", &seed);
    }

    #[cfg(feature = "spake")]
    #[test]
    fn spake_is_challenged() {
        use crate::asn1::{PaSpake, SpakeChallenge, SpakeSecondFactor};
        let element = [&[0x58], &[0x66; 31][..]].concat(); // the generator of edwards25519
        let challenge = der::encode(&PaSpake::Challenge(SpakeChallenge {
            group: 1,
            pubkey: &element,
            factors: List::of(&[SpakeSecondFactor { factor_type: 1, data: None }]),
        }));
        let etype_info2 = etype_info2(EncType::AES256_CTS_HMAC_SHA1_96);
        let required = |hint| {
            let hints = [(PaType::ETYPE_INFO2, &*etype_info2), (PaType::SPAKE, hint)];
            refusal(ErrorCode::PREAUTH_REQUIRED, &hints)
        };
        let krbtgt = Principal::krbtgt(REALM.as_bytes());
        let reply = as_rep(&principal("alice"), &krbtgt);
        let more = refusal(
            ErrorCode::MORE_PREAUTH_DATA_REQUIRED,
            &[(PaType::FX_COOKIE, b"cookie"), (PaType::SPAKE, &challenge)],
        );
        for (name, replies) in [
            ("spake", &[&required(b""), &more, &reply][..]),
            ("spake-in-advance", &[&required(&challenge), &reply]),
        ] {
            let replies: Vec<&[u8]> = replies.iter().map(|reply| &reply[..]).collect();
            let seed = conversation(3, &replies);
            assert!(run(&seed).is_none());
            assert_seed("exchanges", name, &seed);
        }
    }

    #[test]
    fn a_ticket_of_somebody_else_comes_to_nothing() {
        let mallory = principal("mallory");
        for (choice, server) in [(1, "service"), (2, "target")] {
            let seed = conversation(choice, &[&tgs_rep(&mallory, &principal(server))]);
            assert!(run(&seed).is_none());
            assert_seed("exchanges", &std::format!("mallory-{choice}"), &seed);
        }
    }
}
