//! MIT krb5's reference encodings decode, mean what its `ktest.c` says, and encode back byte for
//! byte.

use std::string::String;
use std::vec::Vec;

use super::*;
use crate::der::{self, Decode, Encode, List};
use crate::iana::{AdType, ChecksumType, EncType, ErrorCode, NameType, PaType};
use crate::{KerberosTime, Name};

const REFERENCE: &str = include_str!("../../vectors/mit-reference_encode.out");

const PKINIT_REFERENCE: &str = include_str!("../../vectors/mit-pkinit_encode.out");

/// The bytes of one reference line, `encode_krb5_` left out of its name.
fn reference(name: &str) -> Vec<u8> {
    let line = [REFERENCE, PKINIT_REFERENCE]
        .iter()
        .flat_map(|file| file.lines())
        .find_map(|line| line.strip_prefix("encode_krb5_")?.strip_prefix(name)?.strip_prefix(": "))
        .unwrap_or_else(|| panic!("no reference line {name}"));
    let hex: String = line.split_whitespace().collect();
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

/// Lines of MIT's file for messages that this crate leaves out: SAM-2 was never standardized, and
/// the cookie is what MIT's KDC puts into the opaque PA-FX-COOKIE.
const OUT_OF_SCOPE: &[&str] = &[
    "sam_challenge_2",
    "sam_challenge_2_body",
    "sam_response_2",
    "enc_sam_response_enc_2",
    "secure_cookie",
];

/// Every line is read by some test of this crate.
#[test]
fn no_reference_line_is_left_out() {
    let tests = [
        include_str!("tests.rs"),
        include_str!("tests/extensions.rs"),
        include_str!("tests/pkinit.rs"),
    ];
    for line in REFERENCE.lines().chain(PKINIT_REFERENCE.lines()) {
        let name = line.strip_prefix("encode_krb5_").and_then(|line| line.split_once(": "));
        let quoted = std::format!("\"{}\"", name.unwrap().0);
        assert!(tests.iter().any(|test| test.contains(&quoted)), "{quoted} has no test");
    }
    assert!(OUT_OF_SCOPE.iter().all(|name| !reference(name).is_empty()));
}

fn round_trip<T: for<'a> Decode<'a> + Encode>(name: &str) {
    let der = reference(name);
    let value: T = der::decode(&der).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(der::encode(&value), der, "{name}");
}

/// The same for a type that borrows.
macro_rules! round_trips {
    ($($type:ty: $($name:literal),+;)*) => {$($(
        let der = reference($name);
        let value: $type = der::decode(&der).unwrap_or_else(|error| panic!("{}: {error}", $name));
        assert_eq!(der::encode(&value), der, "{}", $name);
        for end in 0..der.len() {
            assert!(der::decode::<$type>(&der[..end]).is_err(), "{} cut at {end}", $name);
        }
    )+)*};
}

#[test]
fn reference_messages_round_trip() {
    round_trips! {
        Authenticator<'_>:
            "authenticator", "authenticator(optionals empty)", "authenticator(optionals NULL)";
        Ticket<'_>: "ticket";
        EncryptionKey<'_>: "keyblock";
        EncTicketPart<'_>: "enc_tkt_part", "enc_tkt_part(optionals NULL)";
        AsRep<'_>: "as_rep", "as_rep(optionals NULL)";
        TgsRep<'_>: "tgs_rep", "tgs_rep(optionals NULL)";
        ApReq<'_>: "ap_req";
        ApRep<'_>: "ap_rep";
        EncApRepPart<'_>: "ap_rep_enc_part", "ap_rep_enc_part(optionals NULL)";
        AsReq<'_>:
            "as_req", "as_req(optionals NULL except second_ticket)",
            "as_req(optionals NULL except server)";
        TgsReq<'_>:
            "tgs_req", "tgs_req(optionals NULL except second_ticket)",
            "tgs_req(optionals NULL except server)";
        KdcReqBody<'_>:
            "kdc_req_body", "kdc_req_body(optionals NULL except second_ticket)",
            "kdc_req_body(optionals NULL except server)";
        KrbError<'_>: "error", "error(optionals NULL)";
        AuthorizationData<'_>: "authorization_data";
        List<'_, PaData<'_>>: "padata_sequence", "padata_sequence(empty)";
        List<'_, EtypeInfo2Entry<'_>>: "etype_info2", "etype_info2(only 1)";
        EncryptedData<'_>: "enc_data", "enc_data(MSB-set kvno)", "enc_data(kvno=-1)";
        PaForUser<'_>: "pa_for_user";
        PaS4uX509User<'_>: "pa_s4u_x509_user";
        KrbSafe<'_>: "safe", "safe(optionals NULL)";
        KrbPriv<'_>: "priv";
        EncKrbPrivPart<'_>: "enc_priv_part", "enc_priv_part(optionals NULL)";
        KrbCred<'_>: "cred";
        EncKrbCredPart<'_>: "enc_cred_part", "enc_cred_part(optionals NULL)";
        List<'_, TypedData<'_>>: "typed_data";
        List<'_, EtypeInfoEntry<'_>>:
            "etype_info", "etype_info(only 1)", "etype_info(no info)";
        AdKdcIssued<'_>: "ad_kdcissued";
        KrbFastResponse<'_>: "fast_response";
        PaFxFastReply<'_>: "pa_fx_fast_reply";
        OtpTokenInfo<'_>: "otp_tokeninfo", "otp_tokeninfo(optionals NULL)";
        PaOtpChallenge<'_>: "pa_otp_challenge", "pa_otp_challenge(optionals NULL)";
        PaOtpRequest<'_>: "pa_otp_req", "pa_otp_req(optionals NULL)";
        PaOtpEncRequest<'_>: "pa_otp_enc_req";
        IakerbHeader<'_>: "iakerb_header";
        IakerbFinished<'_>: "iakerb_finished";
        KdcProxyMessage<'_>: "kkdcp_message";
        SpakeSecondFactor<'_>: "spake_factor", "spake_factor(optionals NULL)";
        PaSpake<'_>:
            "pa_spake(support)", "pa_spake(challenge)", "pa_spake(response)", "pa_spake(encdata)";
        AdCammac<'_>: "cammac", "cammac(optionals NULL)";
        PaPkAsReq<'_>: "pa_pk_as_req";
        PaPkAsRep<'_>: "pa_pk_as_rep(dhInfo)", "pa_pk_as_rep(encKeyPack)";
        AuthPack<'_>: "auth_pack";
        KdcDhKeyInfo<'_>: "kdc_dh_key_info";
        ReplyKeyPack<'_>: "reply_key_pack";
        OtherInfo<'_>: "sp80056a_other_info";
        PkinitSuppPubInfo<'_>: "pkinit_supp_pub_info";
    }
    round_trip::<PaEncTsEnc>("pa_enc_ts");
    round_trip::<PaEncTsEnc>("pa_enc_ts (no usec)");
}

#[test]
fn encrypted_kdc_reply_parts_round_trip() {
    for name in ["enc_kdc_rep_part", "enc_kdc_rep_part(optionals NULL)"] {
        let der = reference(name);
        let part = EncKdcRepPart::from_der(&der).unwrap();
        let mut writer = der::Writer::new();
        part.write(der[0], &mut writer);
        assert_eq!(writer.as_slice(), der, "{name}");
    }
}

// What ktest.c fills in everywhere.
mod arbitrary;
mod extensions;
mod hostile;
mod markers;
mod pkinit;

const REALM: &[u8] = b"ATHENA.MIT.EDU";
const TIME: i64 = 771_228_197;

fn hftsai() -> Name {
    Name::new(NameType::PRINCIPAL, ["hftsai", "extra"])
}

#[test]
fn authenticator_means_what_ktest_says() {
    let der = reference("authenticator");
    let value: Authenticator<'_> = der::decode(&der).unwrap();
    assert_eq!(value.crealm.0, REALM);
    assert_eq!(value.cname.to_name(), hftsai());
    let cksum = value.cksum.unwrap();
    assert_eq!((cksum.cksumtype, cksum.checksum), (ChecksumType(1), &b"1234"[..]));
    assert_eq!(value.cusec.0, 123_456);
    assert_eq!(value.ctime, KerberosTime::from_unix(TIME));
    assert_eq!(value.subkey.unwrap().keyvalue.0, b"12345678");
    assert_eq!(value.seq_number.unwrap().get(), 17);
    let data: Vec<_> = value.authorization_data.unwrap().iter().collect();
    assert_eq!(data.len(), 2);
    assert_eq!((data[0].ad_type, data[0].ad_data), (AdType(1), &b"foobar"[..]));
}

#[test]
fn kdc_request_means_what_ktest_says() {
    let der = reference("tgs_req");
    let value: TgsReq<'_> = der::decode(&der).unwrap();
    let padata: Vec<_> = value.padata.unwrap().iter().collect();
    assert_eq!(padata.len(), 2);
    assert_eq!((padata[0].padata_type, padata[0].padata_value), (PaType(13), &b"pa-data"[..]));
    let body = value.req_body;
    assert_eq!(body.kdc_options.bits(), 0xfedc_ba90);
    assert_eq!(body.cname.unwrap().to_name(), hftsai());
    assert_eq!(body.nonce.get(), 42);
    assert_eq!(body.etype.iter().collect::<Vec<_>>(), [EncType(0), EncType(1)]);
    assert_eq!(body.addresses.unwrap().iter().count(), 2);
    assert_eq!(body.additional_tickets.unwrap().iter().count(), 2);
    assert_eq!(der::encode(&*body), body.der(), "the kept bytes are the body's");
}

#[test]
fn encrypted_parts_mean_what_ktest_says() {
    let der = reference("enc_kdc_rep_part");
    let value = EncKdcRepPart::from_der(&der).unwrap();
    assert_eq!(value.nonce.get(), 42);
    assert_eq!(value.flags.bits(), 0xfedc_ba98);
    assert_eq!(value.key_expiration, Some(KerberosTime::from_unix(TIME)));
    assert_eq!(value.sname.to_name(), hftsai());
    assert_eq!(value.last_req.iter().map(|entry| entry.lr_type).collect::<Vec<_>>(), [-5, -5]);

    let der = reference("enc_tkt_part");
    let value: EncTicketPart<'_> = der::decode(&der).unwrap();
    assert_eq!(value.transited.contents, b"EDU,MIT.,ATHENA.,WASHINGTON.EDU,CS.");
    assert_eq!(value.caddr.unwrap().iter().count(), 2);

    let der = reference("enc_data(kvno=-1)");
    let value: EncryptedData<'_> = der::decode(&der).unwrap();
    assert_eq!(value.kvno.unwrap().get(), u32::MAX);
}

#[test]
fn errors_mean_what_ktest_says() {
    let der = reference("error");
    let value: KrbError<'_> = der::decode(&der).unwrap();
    assert_eq!(value.error_code, ErrorCode::GENERIC);
    assert_eq!(value.e_text.unwrap().0, b"krb5data");
    assert_eq!(value.e_data, Some(&b"krb5data"[..]));
    assert_eq!(value.data(), None, "not METHOD-DATA, and no reason to fail");
}

#[test]
fn s4u_padata_means_what_ktest_says() {
    let der = reference("pa_for_user");
    let value: PaForUser<'_> = der::decode(&der).unwrap();
    assert_eq!(value.user_name.to_name(), hftsai());
    assert_eq!(value.auth_package.0, b"krb5data");

    let der = reference("pa_s4u_x509_user");
    let value: PaS4uX509User<'_> = der::decode(&der).unwrap();
    assert_eq!(value.user_id.nonce.get(), 13_243_546);
    assert_eq!(value.user_id.crealm.0, REALM);
    assert_eq!(value.user_id.subject_certificate, Some(&b"pa_s4u_x509_user"[..]));
    assert_eq!(value.user_id.options.unwrap().bits(), 0x8000_0000);
}

#[test]
fn ad_reasons_are_found_in_both_forms() {
    // Samba 4.22, a disabled account: bare KERB-ERROR-DATA.
    let kerb = [
        0x30, 0x15, 0xa1, 0x03, 0x02, 0x01, 0x03, 0xa2, 0x0e, 0x04, 0x0c, 0x72, 0, 0, 0xc0, 0, 0,
        0, 0, 1, 0, 0, 0,
    ];
    let data: ErrorData<'_> = ErrorData::Kerb(der::decode(&kerb).unwrap());
    assert_eq!(data.nt_status().unwrap().name(), Some("STATUS_ACCOUNT_DISABLED"));
    // Samba 4.17: the same twelve bytes as a METHOD-DATA element of type 3.
    let elements = [PaData { padata_type: PaType(3), padata_value: &kerb[11..] }];
    let method = der::encode(&List::of(&elements));
    let data: ErrorData<'_> = ErrorData::MethodData(der::decode(&method).unwrap());
    assert_eq!(data.nt_status().unwrap().name(), Some("STATUS_ACCOUNT_DISABLED"));
    // A real PA-PW-SALT is no reason.
    let elements = [PaData { padata_type: PaType(3), padata_value: b"salt" }];
    let method = der::encode(&List::of(&elements));
    assert_eq!(ErrorData::MethodData(der::decode(&method).unwrap()).nt_status(), None);
}

#[test]
fn session_keys_are_not_printed() {
    let der = reference("enc_tkt_part");
    let value: EncTicketPart<'_> = der::decode(&der).unwrap();
    assert!(!std::format!("{value:?}").contains("49, 50, 51"));
}
