//! Channel bindings: the octets, the certificate's hash, and the acceptor's policy.

use std::vec;

use super::super::testing::{NOW, Service, TestRng, at, hex, initiate};
use super::super::{Acceptor, AcceptorOptions, GssError, GssFlags, InitiatorOptions};
use super::*;
use crate::Principal;
use crate::ap::ClientData;
use crate::iana::EncType;

/// Computed apart from this crate (Python's hashlib): MD5 of the families, lengths and data, each
/// number four octets little-endian.
#[test]
fn bnd_is_the_md5_of_rfc_4121() {
    let hash: Vec<u8> = (0..32).collect();
    let end_point = ChannelBindings::tls_server_end_point(&hash);
    assert_eq!(end_point.digest()[..], hex("8f1214c9c9cab8dc3bf866da9aba57a7"));
    let addresses = ChannelBindings::new(b"data").with_addresses(
        Address { family: 2, octets: vec![192, 0, 2, 1] },
        Address { family: 2, octets: vec![192, 0, 2, 2] },
    );
    assert_eq!(addresses.digest()[..], hex("fa328ea90bf59bd6254a085498448913"));
    let swapped = ChannelBindings {
        initiator: addresses.acceptor.clone(),
        acceptor: addresses.initiator.clone(),
        ..addresses.clone()
    };
    assert_ne!(swapped.digest(), addresses.digest());
    assert_eq!(ChannelBindings::tls_unique(&[1, 2]), ChannelBindings::new(b"tls-unique:\x01\x02"));
    let exported = ChannelBindings::tls_exporter(&[7; 32]);
    assert_eq!(exported.application_data, [&b"tls-exporter:"[..], &[7; 32]].concat());
}

/// A self-signed certificate with ecdsa-with-SHA384 and the SHA-384 of its DER, both from OpenSSL
/// 3.0 (`openssl req -x509 -sha384`, `openssl dgst -sha384`).
#[test]
fn the_certificates_own_hash_is_used() {
    let certificate = hex(CERTIFICATE);
    let hash = "871cf6cdb5ab9674b49c1f6c15c7ff0231af0624cf1d1a379165181b601b55fd\
        6310a743b3b580bfc5ce4ce63d4786fd";
    assert_eq!(
        ChannelBindings::tls_server_end_point_of(&certificate),
        Some(ChannelBindings::tls_server_end_point(&hex(hash)))
    );
    for end in 0..certificate.len() {
        assert_eq!(ChannelBindings::tls_server_end_point_of(&certificate[..end]), None);
    }
}

const CERTIFICATE: &str = "\
    3082016d30820113a00302010202144e54a52785e6e14e1de59096bad8846fd5577a03300a06082a8648ce3d04\
    0303300c310a300806035504030c0161301e170d3236313132363038343235335a170d32363131323730383432\
    35335a300c310a300806035504030c01613059301306072a8648ce3d020106082a8648ce3d030107034200049f\
    832b393d84131dde98ef4a07bc00c79afc6a5a6c4d1188b0883f7c3c2f2174164614e207eb58c3536b6740e762\
    340ad5ba3c1fae948a7408fafe2d14b7ed00a3533051301d0603551d0e0416041434030715a279e6b348fa2601\
    e61078a520fb0bf4301f0603551d2304183016801434030715a279e6b348fa2601e61078a520fb0bf4300f0603\
    551d130101ff040530030101ff300a06082a8648ce3d040303034800304502210093ae64b637cc070f5519a162\
    8a9728682c0945f77dd268445fa12aeb15dde91602202d3b5d9b9afc9662315f3556197a75e7ac8d8df50e5ab0\
    1b9c7f7d8f40af0324";

/// Only the algorithm decides: OIDs of RFC 8017, RFC 5758, RFC 3279 and RFC 4055, written by hand.
#[test]
fn old_hashes_become_sha_256_and_unknown_ones_nothing() {
    let length = |oid: &str, parameters: &str| {
        let oid = hex(oid);
        let algorithm = [&[0x06, oid.len() as u8], &oid[..], &hex(parameters)].concat();
        let fields = [&[0x30, 0, 0x30, algorithm.len() as u8], &algorithm[..], &[3, 1, 0]].concat();
        let certificate = [&[0x30, fields.len() as u8], &fields[..]].concat();
        certificate::hash(&certificate).map(|hash| hash.len())
    };
    let pss = "2a864886f70d01010a";
    for (oid, parameters, expected) in [
        ("2a864886f70d010104", "0500", Some(32)), // md5WithRSAEncryption
        ("2a864886f70d010105", "0500", Some(32)), // sha1WithRSAEncryption
        ("2a864886f70d01010b", "0500", Some(32)),
        ("2a864886f70d01010c", "0500", Some(48)),
        ("2a864886f70d01010d", "0500", Some(64)),
        ("2a864886f70d01010e", "0500", Some(28)),
        ("2a864886f70d010101", "0500", None), // rsaEncryption is no signature
        ("2a8648ce3d0401", "", Some(32)),     // ecdsa-with-SHA1
        ("2a8648ce3d040301", "", Some(28)),
        ("2a8648ce3d040302", "", Some(32)),
        ("2a8648ce3d040303", "", Some(48)),
        ("2a8648ce3d040304", "", Some(64)),
        ("2a8648ce380403", "", Some(32)),     // dsa-with-sha1
        ("608648016503040302", "", Some(32)), // dsa-with-sha256
        ("2b6570", "", Some(64)),             // Ed25519, as GnuTLS
        ("2b6571", "", None),                 // Ed448
        (pss, "3000", Some(32)),              // SHA-1 by default
        (pss, "300da00b300906052b0e03021a0500", Some(32)),
        (pss, "3011a00f300d06096086480165030402020500", Some(48)),
        (pss, "3011a00f300d06096086480165030402030500", Some(64)),
        (pss, "3011a00f300d06096086480165030402080500", None), // SHA3-256
        (pss, "", None),
    ] {
        assert_eq!(length(oid, parameters), expected, "{oid} {parameters}");
    }
}

/// Whether the client gets in, and if so, whether as bound.
fn accept(
    sent: Option<&ChannelBindings>,
    always_binds: bool,
    channel: ChannelPolicy<'_>,
) -> Result<bool, GssError> {
    let service = Service::new(EncType::AES128_CTS_HMAC_SHA1_96);
    let client_data = ClientData { always_binds, integrity: None };
    let options = InitiatorOptions { channel_bindings: sent, client_data, ..Default::default() };
    let (_, token) = initiate(&service.credential(), &options);
    let keys = |name: &Principal, kvno, enctype| service.find_key(name, kvno, enctype);
    let options = AcceptorOptions { channel, ..AcceptorOptions::new(&keys) };
    let (acceptor, _) = Acceptor::accept(&token, &options, &mut at(NOW, &mut TestRng(4)))?;
    Ok(acceptor.context().flags().contains(GssFlags::CHANNEL_BOUND))
}

#[test]
fn the_acceptor_decides_who_must_be_bound() {
    use ChannelPolicy::{IfBound, Ignore, Require};
    let (own, other) = (ChannelBindings::new(b"own"), ChannelBindings::new(b"other"));
    let refused = Err(GssError::ChannelBindings);
    for always_binds in [false, true] {
        assert_eq!(accept(Some(&own), always_binds, Ignore), Ok(false), "RFC 4121 section 4.1.1");
        assert_eq!(accept(None, always_binds, Ignore), Ok(false));
        for policy in [IfBound(&own), Require(&own)] {
            assert_eq!(accept(Some(&own), always_binds, policy), Ok(true));
            assert_eq!(accept(Some(&other), always_binds, policy), refused);
        }
        assert_eq!(accept(None, always_binds, Require(&own)), refused);
    }
    assert_eq!(accept(None, false, IfBound(&own)), Ok(false));
    assert_eq!(accept(None, true, IfBound(&own)), refused, "it says that it always binds");
}
