use alloc::sync::Arc;
use alloc::vec::Vec;

use super::world::{NULL, REALM, credential, endtime, frames, null_key, principal, with_context};
#[cfg(feature = "spake")]
use crate::crypto::Key;
use crate::exchange::{
    AsExchange, ClientSecret, Exchange, Step, TgsArmor, TgsExchange, TgsGoal, TicketOptions,
};
#[cfg(feature = "spake")]
use crate::iana::EncType;
use crate::{Credential, Name, Principal};

/// More replies than any exchange takes.
const MAX_REPLIES: usize = 16;

/// The bit of the first octet that asks for FAST.
const FAST: u8 = 0x80;
/// PA-DATA's padata-type where it is PA-FX-FAST.
const FX_FAST: [u8; 6] = [0xa1, 0x04, 0x02, 0x02, 0x00, 0x88];

/// Replies to the AS, S4U2Self and S4U2Proxy exchanges: whatever a KDC answers, what comes out is
/// the ticket that was asked for, and it comes within a bounded number of replies.
///
/// The first octet chooses the exchange, and whether it runs inside FAST; [`frames`] follow.
pub fn exchanges(input: &[u8]) {
    let _ = run(input);
}

fn run(input: &[u8]) -> Option<Credential> {
    let (choice, replies) = input.split_first()?;
    let fast = choice & FAST != 0;
    let options = || TicketOptions {
        enctypes: Vec::from([NULL]),
        fast: if fast { TgsArmor::Implicit } else { TgsArmor::Off },
        ..TicketOptions::default()
    };
    let service = principal("service");
    let krbtgt = Principal::krbtgt(REALM.as_bytes());
    let tgt = Arc::new(credential(service.clone(), krbtgt.clone())?);
    let alice = principal("alice");
    let (obtained, client, server) = match choice & !FAST {
        0 => {
            let secret = ClientSecret::Keys(Vec::from([null_key()?]));
            let mut exchange = AsExchange::new(alice.clone(), secret, options());
            if fast {
                exchange = exchange.armored(tgt);
            }
            (converse(exchange, replies, fast)?, alice, krbtgt)
        }
        1 => {
            let goal = TgsGoal::S4uSelf { user: alice.clone(), service: service.name.clone() };
            let exchange = TgsExchange::new(tgt, goal, options());
            (converse(exchange, replies, fast)?, alice, service)
        }
        2 => {
            let evidence = Arc::new(credential(alice.clone(), service)?);
            let target = Principal::new(Name::user("target"), REALM);
            let goal = TgsGoal::S4uProxy { evidence, target: target.name.clone() };
            let exchange = TgsExchange::new(tgt, goal, options());
            (converse(exchange, replies, fast)?, alice, target)
        }
        // Not with the null enctype, which makes no secrets of passwords: here it is about what a
        // KDC says before it has proven anything.
        #[cfg(feature = "spake")]
        3 => {
            let enctype = EncType::AES256_CTS_HMAC_SHA1_96;
            let secret = ClientSecret::Keys(Vec::from([Key::new(enctype, &[1; 32]).ok()?]));
            let options = TicketOptions { enctypes: Vec::from([enctype]), ..options() };
            let mut exchange = AsExchange::new(alice, secret, options);
            if fast {
                exchange = exchange.armored(tgt);
            }
            assert!(converse(exchange, replies, fast).is_none());
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
    fast: bool,
) -> Option<Credential> {
    for (taken, reply) in frames(replies).enumerate() {
        assert!(taken < MAX_REPLIES, "the exchange does not come to an end");
        with_context(|cx| exchange.request(cx)).ok()?;
        if let Step::Done(credential) = with_context(|cx| exchange.receive(cx, reply)).ok()? {
            let armored = reply.windows(FX_FAST.len()).any(|octets| octets == FX_FAST);
            assert!(armored || !fast, "a reply without armor");
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
    use crate::Timestamp;
    use crate::asn1::{
        AsRep, Checksum, EncKdcRepPart, EncryptedData, EncryptionKey, EtypeInfo2Entry, KrbError,
        KrbFastFinished, KrbFastResponse, PaData, SecretOctets, TgsRep,
    };
    use crate::der::{self, Encoded, Int, KerberosString, List, Microseconds, UInt32, Writer};
    use crate::iana::{ChecksumType, EncType, ErrorCode, PaType, TicketFlags};
    use crate::preauth::fast::{Challenger, seal_challenge, seal_response};

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
        as_rep_with(client, server, None)
    }

    fn as_rep_with(
        client: &Principal,
        server: &Principal,
        padata: Option<List<'_, PaData<'_>>>,
    ) -> Vec<u8> {
        der::encode(&AsRep {
            pvno: Int,
            msg_type: Int,
            padata,
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
        tgs_rep_with(client, server, None)
    }

    fn tgs_rep_with(
        client: &Principal,
        server: &Principal,
        padata: Option<List<'_, PaData<'_>>>,
    ) -> Vec<u8> {
        der::encode(&TgsRep {
            pvno: Int,
            msg_type: Int,
            padata,
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
            e_data: Some(&e_data),
            ..KrbError::new(
                error_code,
                Timestamp { microseconds: 0, ..NOW },
                &krbtgt.realm,
                &krbtgt.name,
            )
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

    /// A KDC's PA-FX-FAST; with `finished` it vouches for a ticket of that client.
    fn fx_fast(padata: &[PaData<'_>], finished: Option<&Principal>) -> Vec<u8> {
        let finished = finished.map(|client| KrbFastFinished {
            timestamp: NOW.seconds,
            usec: Microseconds(0),
            crealm: KerberosString(&client.realm),
            cname: (&client.name).into(),
            ticket_checksum: Checksum { cksumtype: ChecksumType(0), checksum: b"" },
        });
        let response = KrbFastResponse {
            padata: List::of(padata),
            strengthen_key: Some(EncryptionKey { keytype: NULL, keyvalue: SecretOctets(b"") }),
            finished,
            nonce: UInt32::new(NONCE),
        };
        with_context(|cx| seal_response(&null_key().unwrap(), &response, cx.rng))
    }

    #[test]
    fn fast_is_taken_and_nothing_else_where_it_was_asked_for() {
        let (alice, service) = (principal("alice"), principal("service"));
        let krbtgt = Principal::krbtgt(REALM.as_bytes());
        let key = null_key().unwrap();
        let challenge =
            with_context(|cx| seal_challenge(Challenger::Kdc, &key, &key, NOW, cx.rng)).unwrap();
        let challenge =
            [PaData { padata_type: PaType::ENCRYPTED_CHALLENGE, padata_value: &challenge }];
        let fast = |padata: &[PaData<'_>]| fx_fast(padata, Some(&alice));
        let (with_challenge, without) = (fast(&challenge), fast(&[]));
        let padata = |value| [PaData { padata_type: PaType::FX_FAST, padata_value: value }];
        let (with_challenge, without) = (padata(&with_challenge), padata(&without));
        let target = principal("target");
        let tgs = |server| tgs_rep_with(&alice, server, Some(List::of(&without)));
        for (choice, name, reply, bare) in [
            (
                0,
                "fast-as",
                as_rep_with(&alice, &krbtgt, Some(List::of(&with_challenge))),
                as_rep(&alice, &krbtgt),
            ),
            (1, "fast-s4u-self", tgs(&service), tgs_rep(&alice, &service)),
            (2, "fast-s4u-proxy", tgs(&target), tgs_rep(&alice, &target)),
        ] {
            let seed = conversation(FAST | choice, &[&reply]);
            assert_eq!(run(&seed).map(|credential| credential.client), Some(alice.clone()));
            assert_seed("exchanges", name, &seed);
            assert!(run(&conversation(FAST | choice, &[&bare])).is_none(), "{name}: bare");
        }
        let unproven = as_rep_with(&alice, &krbtgt, Some(List::of(&without)));
        assert!(run(&conversation(FAST, &[&unproven])).is_none(), "without the KDC's challenge");

        let inner = refusal(ErrorCode::PREAUTH_REQUIRED, &[]);
        let hint = etype_info2(NULL);
        let inside = [
            PaData { padata_type: PaType::FX_ERROR, padata_value: &inner },
            PaData { padata_type: PaType::ETYPE_INFO2, padata_value: &hint },
            PaData { padata_type: PaType::FX_COOKIE, padata_value: b"cookie" },
        ];
        let outer =
            refusal(ErrorCode::PREAUTH_REQUIRED, &[(PaType::FX_FAST, &fx_fast(&inside, None))]);
        let seed = conversation(FAST, &[&outer]);
        assert!(run(&seed).is_none());
        assert_seed("exchanges", "fast-error", &seed);
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
