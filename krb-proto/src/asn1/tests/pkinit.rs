//! The reference lines of PKINIT mean what `ktest.c` says.

use std::assert_eq;
use std::vec::Vec;

use super::*;
use crate::der::{Any, BitString, Oid};

/// ktest_make_sample_oid: the krb5 mechanism.
const KRB5: Oid<'_> = Oid(b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02");
const ALGORITHM: AlgorithmIdentifier<'_> =
    AlgorithmIdentifier { algorithm: KRB5, parameters: Some(b"\x04\x06params") };
const BARE: AlgorithmIdentifier<'_> = AlgorithmIdentifier { algorithm: KRB5, parameters: None };
const DATA: &[u8] = b"krb5data";
const KDF: KdfAlgorithmId<'_> = KdfAlgorithmId { kdf_id: Oid(DATA) };

#[test]
fn request() {
    let der = reference("pa_pk_as_req");
    let request: PaPkAsReq<'_> = der::decode(&der).unwrap();
    assert_eq!((request.signed_auth_pack, request.kdc_pk_id), (DATA, Some(DATA)));
    let expected = ExternalPrincipalIdentifier {
        subject_name: Some(DATA),
        issuer_and_serial_number: Some(DATA),
        subject_key_identifier: Some(DATA),
    };
    assert_eq!(request.trusted_certifiers.unwrap().iter().collect::<Vec<_>>(), [expected]);

    let der = reference("auth_pack");
    let pack: AuthPack<'_> = der::decode(&der).unwrap();
    let authenticator = pack.pk_authenticator;
    assert_eq!(
        (authenticator.cusec.0, authenticator.ctime),
        (123_456, KerberosTime::from_unix(TIME))
    );
    assert_eq!(authenticator.nonce.get(), 42);
    assert_eq!(
        (authenticator.pa_checksum, authenticator.freshness_token),
        (Some(DATA), Some(DATA))
    );
    let checksum2 = PaChecksum2 { checksum: DATA, algorithm_identifier: ALGORITHM };
    assert_eq!(authenticator.pa_checksum2, Some(checksum2));
    assert_eq!(pack.client_public_value, Some(Any(b"\x04\x06pvalue")));
    let types: Vec<_> = pack.supported_cms_types.unwrap().iter().collect();
    assert_eq!(types, [ALGORITHM, BARE]);
    assert_eq!(pack.client_dh_nonce, Some(DATA));
    assert_eq!(pack.supported_kdfs.unwrap().iter().collect::<Vec<_>>(), [KDF]);
}

#[test]
fn reply() {
    let der = reference("pa_pk_as_rep(dhInfo)");
    let info = DhRepInfo { dh_signed_data: DATA, server_dh_nonce: Some(DATA), kdf: Some(KDF) };
    assert_eq!(der::decode::<PaPkAsRep<'_>>(&der), Ok(PaPkAsRep::DhInfo(info)));

    let der = reference("pa_pk_as_rep(encKeyPack)");
    assert_eq!(der::decode::<PaPkAsRep<'_>>(&der), Ok(PaPkAsRep::EncKeyPack(DATA)));

    let der = reference("kdc_dh_key_info");
    let info: KdcDhKeyInfo<'_> = der::decode(&der).unwrap();
    assert_eq!((info.subject_public_key, info.nonce.get()), (BitString(DATA), 42));
    assert_eq!(info.dh_key_expiration, Some(KerberosTime::from_unix(TIME)));

    let der = reference("reply_key_pack");
    let pack: ReplyKeyPack<'_> = der::decode(&der).unwrap();
    assert_eq!((pack.reply_key.keytype, pack.reply_key.keyvalue.0), (EncType(1), &b"12345678"[..]));
    assert_eq!(
        (pack.as_checksum.cksumtype, pack.as_checksum.checksum),
        (ChecksumType(1), &b"1234"[..])
    );
}

#[test]
fn key_derivation() {
    let der = reference("sp80056a_other_info");
    let info: OtherInfo<'_> = der::decode(&der).unwrap();
    assert_eq!(info.algorithm_id, BARE);
    for party in [info.party_u_info, info.party_v_info] {
        let party: Krb5PrincipalName<'_> = der::decode(party).unwrap();
        assert_eq!((party.realm.0, party.principal_name.to_name()), (REALM, hftsai()));
    }
    assert_eq!((info.supp_pub_info, info.supp_priv_info), (Some(DATA), None));

    let der = reference("pkinit_supp_pub_info");
    let info: PkinitSuppPubInfo<'_> = der::decode(&der).unwrap();
    assert_eq!(info.enctype, EncType::AES256_CTS_HMAC_SHA384_192);
    assert_eq!((info.as_req, info.pk_as_rep), (DATA, DATA));
}

/// MIT has no reference lines for these; the bytes are written by the letter of the ASN.1.
#[test]
fn typed_data_of_refusals() {
    let algorithm = b"\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
    let list = [b"\x30\x0d", &algorithm[..]].concat();
    let groups: TdDhParameters<'_> = der::decode(&list).unwrap();
    assert_eq!(groups.iter().collect::<Vec<_>>(), [BARE]);
    let digests: TdCmsDigestAlgorithmsData<'_> = der::decode(&list).unwrap();
    assert_eq!(der::encode(&digests), list);

    let data = [b"\x30\x20\xa0\x0f", &list[..], b"\xa1\x0d", algorithm].concat();
    let data_value: TdCertDigestAlgorithmsData<'_> = der::decode(&data).unwrap();
    assert_eq!(data_value.rejected_algorithm, Some(BARE));
    assert_eq!(der::encode(&data_value), data);

    let certifiers = b"\x30\x08\x30\x06\x81\x01i\x82\x01k";
    let trusted: TdTrustedCertifiers<'_> = der::decode(certifiers).unwrap();
    let invalid: TdInvalidCertificates<'_> = der::decode(certifiers).unwrap();
    let verified: AdInitialVerifiedCas<'_> = der::decode(certifiers).unwrap();
    let only = ExternalPrincipalIdentifier {
        subject_name: None,
        issuer_and_serial_number: Some(b"i"),
        subject_key_identifier: Some(b"k"),
    };
    for list in [trusted, invalid, verified] {
        assert_eq!(list.iter().collect::<Vec<_>>(), [only]);
        assert_eq!(der::encode(&list), certifiers);
    }
}
