//! What Windows has in authenticators.

use std::vec;

use super::super::*;
use crate::gss::testing::{NOW, Service, TestRng, at};

const AES: EncType = EncType::AES256_CTS_HMAC_SHA1_96;

/// A TGS-REQ's AP-REQ: usage 7, and an rsa-md5 over the body in the authenticator.
#[test]
fn an_unkeyed_checksum_is_for_those_who_ask_for_danger() {
    let service = Service::new(AES);
    // RFC 1321 appendix A.5, RFC 1320 appendix A.5, RFC 3174 section 7.3.
    let body = b"abc";
    let rsa_md5 = b"\x90\x01\x50\x98\x3c\xd2\x4f\xb0\xd6\x96\x3f\x7d\x28\xe1\x7f\x72";
    let rsa_md4 = b"\xa4\x48\x01\x7a\xaf\x21\xd8\x52\x5f\xc1\x0a\xe8\x7a\xa6\x72\x9d";
    let sha1 = b"\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e\x25\x71\x78\x50\xc2\x6c\x9c\xd0\xd8\x9d";
    let options = ApReqOptions {
        usage: KeyUsage::TGS_REQ_AUTHENTICATOR,
        ap_options: ApOptions::NONE,
        checksum: Some((ChecksumType::RSA_MD5, rsa_md5)),
        subkey: None,
        sequence_number: None,
        authorization_data: None,
    };
    let request = ApRequest::new(&service.credential(), &options, &mut at(NOW, &mut TestRng(3)));
    let message = request.unwrap().message;
    let keys = |_: &crate::Principal, _, _| vec![service.key.clone()];
    let policy = RequestPolicy::new(&keys);
    let refused = VerifiedRequest::verify(&message, &policy, NOW).unwrap_err();
    assert!(matches!(refused, ApRequestError::Authenticator(_)), "the usage of applications");
    let policy = RequestPolicy { usage: KeyUsage::TGS_REQ_AUTHENTICATOR, ..policy };
    let verified = VerifiedRequest::verify(&message, &policy, NOW).unwrap();

    let (kind, sum) = verified.checksum.unwrap();
    let (key, usage) = (&verified.session_key, KeyUsage::TGS_REQ_CHECKSUM);
    let not_allowed = Err(CryptoError::ChecksumTypeNotAllowed(ChecksumType::RSA_MD5));
    assert_eq!(key.verify_checksum(usage, kind, body, &sum), not_allowed);
    assert_eq!(key.danger_verify_checksum(usage, kind, body, &sum), Ok(()));
    assert!(key.danger_verify_checksum(usage, kind, b"abd", &sum).is_err());
    assert!(key.danger_verify_checksum(usage, kind, body, &sum[..15]).is_err());
    for (kind, sum) in [(ChecksumType::RSA_MD4, &rsa_md4[..]), (ChecksumType::SHA1, sha1)] {
        assert_eq!(key.danger_verify_checksum(usage, kind, body, sum), Ok(()), "{kind}");
        assert!(key.verify_checksum(usage, kind, body, sum).is_err(), "{kind}");
    }
    // Keyed ones as ever, unknown ones never.
    let keyed = key.checksum(usage, body);
    assert_eq!(key.danger_verify_checksum(usage, key.checksum_type(), body, &keyed), Ok(()));
    assert!(key.danger_verify_checksum(usage, ChecksumType(1), body, &[0; 4]).is_err());
}
