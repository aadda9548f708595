//! The reference lines beyond AS, TGS, AP and S4U mean what `ktest.c` says.

use std::assert_eq;
use std::string::ToString;
use std::vec::Vec;

use super::*;
use crate::der::{Microseconds, Oid, Utf8String};
use crate::iana::{KdcOptions, OtpFlags};

fn assert_sample_ticket(ticket: &Ticket<'_>) {
    assert_eq!(ticket.sname.in_realm(ticket.realm).to_string(), "hftsai/extra@ATHENA.MIT.EDU");
    assert_enc_data(&ticket.enc_part);
}

fn assert_enc_data(data: &EncryptedData<'_>) {
    assert_eq!((data.etype, data.kvno.unwrap().get()), (EncType(0), 5));
    assert_eq!(data.cipher, b"krbASN.1 test message");
}

fn assert_cksum(checksum: &Checksum<'_>) {
    assert_eq!((checksum.cksumtype, checksum.checksum), (ChecksumType(1), &b"1234"[..]));
}

const ADDRESS: HostAddress<'_> = HostAddress { addr_type: 2, address: &[18, 208, 0, 35] };
const AT: Option<KerberosTime> = Some(KerberosTime::from_unix(TIME));
const USEC: Option<Microseconds> = Some(Microseconds(123_456));

#[test]
fn protected_messages() {
    let der = reference("safe");
    let KrbSafe { safe_body: body, cksum, .. } = der::decode(&der).unwrap();
    assert_eq!(body.user_data, b"krb5data");
    assert_eq!((body.timestamp, body.usec, body.seq_number.unwrap().get()), (AT, USEC, 17));
    assert_eq!((body.s_address, body.r_address), (ADDRESS, Some(ADDRESS)));
    assert_cksum(&cksum);

    let der = reference("safe(optionals NULL)");
    let KrbSafe { safe_body: body, .. } = der::decode(&der).unwrap();
    assert_eq!((body.timestamp, body.usec, body.seq_number, body.r_address), Default::default());

    let der = reference("priv");
    assert_enc_data(&der::decode::<KrbPriv<'_>>(&der).unwrap().enc_part);

    let der = reference("enc_priv_part");
    let part: EncKrbPrivPart<'_> = der::decode(&der).unwrap();
    assert_eq!(part.user_data, b"krb5data");
    assert_eq!((part.timestamp, part.usec, part.seq_number.unwrap().get()), (AT, USEC, 17));
    assert_eq!((part.s_address, part.r_address), (ADDRESS, Some(ADDRESS)));
}

#[test]
fn forwarded_credentials() {
    let der = reference("cred");
    let cred: KrbCred<'_> = der::decode(&der).unwrap();
    assert_eq!(cred.tickets.iter().count(), 2);
    cred.tickets.iter().for_each(|ticket| assert_sample_ticket(&ticket));
    assert_enc_data(&cred.enc_part);

    let der = reference("enc_cred_part");
    let part: EncKrbCredPart<'_> = der::decode(&der).unwrap();
    assert_eq!((part.nonce.unwrap().get(), part.timestamp, part.usec), (42, AT, USEC));
    assert_eq!((part.s_address, part.r_address), (Some(ADDRESS), Some(ADDRESS)));
    assert_eq!(part.ticket_info.iter().count(), 2);
    for info in part.ticket_info.iter() {
        assert_eq!((info.key.keytype, info.key.keyvalue.0), (EncType(1), &b"12345678"[..]));
        assert_eq!(info.pname.unwrap().in_realm(info.prealm.unwrap()).name, hftsai());
        assert_eq!(info.sname.unwrap().in_realm(info.srealm.unwrap()).realm, REALM);
        assert_eq!(info.flags.unwrap().bits(), 0xfedc_ba98);
        assert_eq!(
            (info.authtime, info.starttime, info.endtime, info.renew_till),
            (AT, AT, AT, AT)
        );
        assert_eq!(info.caddr.unwrap().iter().collect::<Vec<_>>(), [ADDRESS, ADDRESS]);
    }

    // Only the first entry is bare in this one.
    let der = reference("enc_cred_part(optionals NULL)");
    let part: EncKrbCredPart<'_> = der::decode(&der).unwrap();
    let names: Vec<_> = part.ticket_info.iter().map(|info| info.pname.is_some()).collect();
    assert_eq!(names, [false, true]);
    assert_eq!((part.nonce, part.timestamp, part.s_address), Default::default());
}

#[test]
fn lists_of_hints() {
    let der = reference("typed_data");
    let list: List<'_, TypedData<'_>> = der::decode(&der).unwrap();
    let expected = TypedData { data_type: 13, data_value: Some(b"pa-data") };
    assert_eq!(list.iter().collect::<Vec<_>>(), [expected, expected]);

    let der = reference("etype_info");
    let list: List<'_, EtypeInfoEntry<'_>> = der::decode(&der).unwrap();
    let entries: Vec<_> = list.iter().map(|entry| (entry.etype.0, entry.salt)).collect();
    assert_eq!(entries, [(0, Some(&b"Morton's #0"[..])), (1, None), (2, Some(b"Morton's #2"))]);
}

#[test]
fn fast_messages() {
    let der = reference("fast_response");
    let response: KrbFastResponse<'_> = der::decode(&der).unwrap();
    assert_eq!(response.padata.iter().count(), 2);
    assert_eq!(response.strengthen_key.unwrap().keyvalue.0, b"12345678");
    assert_eq!(response.nonce.get(), 42);
    let finished = response.finished.unwrap();
    assert_eq!((Some(finished.timestamp), Some(finished.usec)), (AT, USEC));
    assert_eq!(finished.cname.in_realm(finished.crealm).name, hftsai());
    assert_cksum(&finished.ticket_checksum);

    let der = reference("pa_fx_fast_reply");
    let PaFxFastReply::ArmoredData(armored) = der::decode(&der).unwrap();
    assert_enc_data(&armored.enc_fast_rep);
}

#[test]
fn authorization_data() {
    let der = reference("ad_kdcissued");
    let issued: AdKdcIssued<'_> = der::decode(&der).unwrap();
    assert_cksum(&issued.ad_checksum);
    assert_eq!(issued.i_sname.unwrap().in_realm(issued.i_realm.unwrap()).name, hftsai());
    assert_eq!(issued.elements.iter().map(|e| e.ad_data).collect::<Vec<_>>(), [b"foobar"; 2]);

    let der = reference("cammac");
    let cammac: AdCammac<'_> = der::decode(&der).unwrap();
    let elements: Vec<_> = cammac.elements.iter().map(|e| (e.ad_type.0, e.ad_data)).collect();
    assert_eq!(elements, [(1, &b"ad1"[..]), (2, b"ad2")]);
    let macs = |verifier: VerifierMac<'_>, checksum: &[u8]| {
        assert_eq!(verifier.identifier.unwrap().to_name(), hftsai());
        assert_eq!((verifier.kvno.unwrap().get(), verifier.enctype), (5, Some(EncType(16))));
        assert_eq!(verifier.mac.checksum, checksum);
    };
    macs(cammac.kdc_verifier.unwrap(), b"cksumkdc");
    macs(cammac.svc_verifier.unwrap(), b"cksumsvc");
    let others: Vec<_> = cammac.other_verifiers.unwrap().iter().collect();
    let [Verifier::Mac(bare), Verifier::Mac(full)] = others[..] else { panic!("two verifiers") };
    assert_eq!((bare.identifier, bare.kvno, bare.enctype), (None, None, None));
    assert_eq!(bare.mac.checksum, b"cksum1");
    macs(full, b"cksum2");
}

#[test]
fn one_time_passwords() {
    let sha256 = AlgorithmIdentifier {
        algorithm: Oid(b"\x60\x86\x48\x01\x65\x03\x04\x02\x01"),
        parameters: None,
    };
    let der = reference("pa_otp_challenge");
    let challenge: PaOtpChallenge<'_> = der::decode(&der).unwrap();
    assert_eq!((challenge.nonce, challenge.s2kparams), (&b"maxnonce"[..], Some(&b"1234"[..])));
    assert_eq!(challenge.otp_service.unwrap().to_str(), Some("testservice"));
    assert_eq!(challenge.salt.unwrap().0, b"keysalt");
    let tokens: Vec<_> = challenge.otp_token_info.iter().collect();
    let [bare, full] = tokens[..] else { panic!("two tokens") };
    assert_eq!((bare.flags.bits(), bare.otp_length, bare.iteration_count), (0, None, None));
    let flags = OtpFlags::NEXT_OTP
        | OtpFlags::COMBINE
        | OtpFlags::COLLECT_PIN
        | OtpFlags::MUST_ENCRYPT_NONCE
        | OtpFlags::SEPARATE_PIN_REQUIRED
        | OtpFlags::CHECK_DIGIT;
    assert_eq!(full.flags.bits(), flags.0);
    assert_eq!(full.otp_vendor.unwrap().to_str(), Some("Examplecorp"));
    assert_eq!(full.otp_challenge, Some(&b"hark!"[..]));
    assert_eq!(
        (full.otp_length, full.otp_format, full.iteration_count),
        (Some(10), Some(2), Some(1000))
    );
    assert_eq!(full.otp_token_id, Some(&b"yourtoken"[..]));
    assert_eq!(full.otp_alg_id.unwrap().to_str(), Some("urn:ietf:params:xml:ns:keyprov:pskc:hotp"));
    let sha1 = AlgorithmIdentifier { algorithm: Oid(b"\x2b\x0e\x03\x02\x1a"), parameters: None };
    assert_eq!(full.supported_hash_alg.unwrap().iter().collect::<Vec<_>>(), [sha256, sha1]);

    let der = reference("pa_otp_req");
    let request: PaOtpRequest<'_> = der::decode(&der).unwrap();
    assert_eq!(request.flags.bits(), (OtpFlags::NEXT_OTP | OtpFlags::COMBINE).0);
    assert_eq!((request.nonce, request.otp_counter), (Some(&b"nonce"[..]), Some(&b"346"[..])));
    assert_enc_data(&request.enc_data);
    assert_eq!((request.hash_alg, request.iteration_count), (Some(sha256), Some(1000)));
    assert_eq!(request.otp_value.unwrap().0, b"frogs");
    assert_eq!(request.otp_pin.unwrap().0, b"myfirstpin");
    assert_eq!((request.otp_time, request.otp_format), (AT, Some(2)));
    let printed = std::format!("{request:?}");
    assert!(!printed.contains("frogs") && !printed.contains("102, 114"), "{printed}");

    let der = reference("pa_otp_enc_req");
    assert_eq!(der::decode::<PaOtpEncRequest<'_>>(&der).unwrap().nonce, b"krb5data");
}

#[test]
fn spake() {
    let message = |name| reference(name);
    let der = message("pa_spake(support)");
    let PaSpake::Support(support) = der::decode(&der).unwrap() else { panic!("support") };
    assert_eq!(support.groups.iter().collect::<Vec<_>>(), [1, 2]);

    let der = message("pa_spake(challenge)");
    let PaSpake::Challenge(challenge) = der::decode(&der).unwrap() else { panic!("challenge") };
    assert_eq!((challenge.group, challenge.pubkey), (1, &b"T value"[..]));
    let factors: Vec<_> = challenge.factors.iter().map(|f| (f.factor_type, f.data)).collect();
    assert_eq!(factors, [(1, None), (2, Some(&b"fdata"[..]))]);

    let der = message("pa_spake(response)");
    let PaSpake::Response(response) = der::decode(&der).unwrap() else { panic!("response") };
    assert_eq!(response.pubkey, b"S value");
    assert_enc_data(&response.factor);

    let der = message("pa_spake(encdata)");
    let PaSpake::EncData(data) = der::decode(&der).unwrap() else { panic!("encdata") };
    assert_enc_data(&data);
}

/// RFC 6560 section 4.3 and appendix A, by hand: last-req stands before format, and is of the module
/// whose tags are EXPLICIT.
#[test]
fn a_change_of_pin() {
    let der = b"\x30\x2c\x80\x05\0\x40\0\0\0\x82\x01\x04\x83\x01\x08\
        \xa4\x1a\x30\x18\xa0\x03\x02\x01\x06\xa1\x11\x18\x0f19940610060317Z\x85\x01\0";
    let change: PaOtpPinChange<'_> = der::decode(der).unwrap();
    assert_eq!((change.flags.bits(), change.pin), (0x4000_0000, None));
    assert_eq!((change.min_length, change.max_length, change.format), (Some(4), Some(8), Some(0)));
    let last: Vec<_> = change.last_req.unwrap().iter().collect();
    assert_eq!((last[0].lr_type, Some(last[0].lr_value)), (6, AT));
    assert_eq!(der::encode(&change), der);
}

#[test]
fn a_proxied_message() {
    let der = reference("kkdcp_message");
    let message: KdcProxyMessage<'_> = der::decode(&der).unwrap();
    assert_eq!(
        (message.target_domain.unwrap().0, message.dclocator_hint),
        (&b"krb5data"[..], None)
    );
    let request: AsReq<'_> = der::decode(message.kerb_message).unwrap();
    let options = KdcOptions(request.req_body.kdc_options.bits());
    assert!(options.contains(KdcOptions::FORWARDABLE));
}

#[test]
fn a_message_behind_the_service() {
    let der = reference("iakerb_header");
    let header: IakerbHeader<'_> = der::decode(&der).unwrap();
    let realm = IakerbRealm::Utf8String(Utf8String(b"krb5data"));
    assert_eq!((header.target_realm, header.cookie), (realm, Some(&b"krb5data"[..])));
    // The same line of MIT krb5 1.20.1: the realm is an OCTET STRING.
    let mut old = der;
    old[4] = 4;
    let header: IakerbHeader<'_> = der::decode(&old).unwrap();
    assert_eq!(header.target_realm, IakerbRealm::OctetString(b"krb5data"));
    assert_eq!(der::encode(&header), old);
    let der = reference("iakerb_finished");
    assert_cksum(&der::decode::<IakerbFinished<'_>>(&der).unwrap().gss_mic);
}
