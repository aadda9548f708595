//! A certification authority for tests: certificates with any fault, made as they are needed.

use alloc::boxed::Box;
use std::sync::LazyLock;
use std::vec;
use std::vec::Vec;

use p256::ecdsa::SigningKey;

use super::super::*;
use crate::Random;

pub(crate) struct Counter(pub(crate) u8);

impl Random for Counter {
    fn fill(&mut self, out: &mut [u8]) {
        for octet in out {
            self.0 = self.0.wrapping_mul(5).wrapping_add(1);
            *octet = self.0;
        }
    }
}

pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    let length = match contents.len() {
        len @ 0..0x80 => vec![len as u8],
        len @ 0x80..0x100 => vec![0x81, len as u8],
        len => vec![0x82, (len >> 8) as u8, len as u8],
    };
    [&[tag], &*length, &contents].concat()
}

pub(crate) const EC_P256: &[u8] =
    b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const ECDSA_SHA256: &[u8] = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";

/// A key pair by a number.
#[derive(Clone)]
pub(crate) struct Key(SigningKey);

impl Key {
    pub(crate) fn new(number: u8) -> Self {
        Self(SigningKey::from_slice(&[number; 32]).unwrap())
    }

    fn pkcs8(&self) -> Vec<u8> {
        let key = tlv(0x30, &[&[2, 1, 1], &tlv(4, &[&self.0.to_bytes()])]);
        tlv(0x30, &[&[2, 1, 0], EC_P256, &tlv(4, &[&key])])
    }

    pub(crate) fn signer(&self, certificates: &[&[u8]]) -> SoftwareSigner {
        let certificates = certificates.iter().map(|der| der.to_vec()).collect();
        SoftwareSigner::from_pkcs8(certificates, &self.pkcs8()).unwrap()
    }

    /// As a SubjectPublicKeyInfo.
    pub(crate) fn public(&self) -> Vec<u8> {
        let point = self.0.verifying_key().to_sec1_point(false);
        tlv(0x30, &[EC_P256, &tlv(3, &[&[0], point.as_bytes()])])
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.signer(&[]).sign(message, &mut Counter(0)).unwrap()
    }
}

pub(crate) fn name(common: &str) -> Vec<u8> {
    let attribute = tlv(0x30, &[b"\x06\x03\x55\x04\x03", &tlv(0x0c, &[common.as_bytes()])]);
    tlv(0x30, &[&tlv(0x31, &[&attribute])])
}

/// What a certificate says; everything may be changed.
#[derive(Clone)]
pub(crate) struct Spec {
    pub(crate) subject: &'static str,
    pub(crate) issuer: &'static str,
    pub(crate) serial: u8,
    pub(crate) validity: [&'static str; 2],
    pub(crate) extensions: Vec<Vec<u8>>,
}

pub(crate) fn extension(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    tlv(0x30, &[&tlv(6, &[oid]), critical, &tlv(4, &[value])])
}

pub(crate) fn ca_extension(path_length: Option<u8>) -> Vec<u8> {
    let length = path_length.map_or(vec![], |length| vec![2, 1, length]);
    extension(b"\x55\x1d\x13", true, &tlv(0x30, &[&[1, 1, 0xff], &length]))
}

pub(crate) fn key_usage(bits: u8, unused: u8) -> Vec<u8> {
    extension(b"\x55\x1d\x0f", true, &[3, 2, unused, bits])
}

/// An extended key usage, by the OID of the purpose.
pub(crate) fn purpose(oid: &[u8]) -> Vec<u8> {
    extension(b"\x55\x1d\x25", false, &tlv(0x30, &[&tlv(6, &[oid])]))
}

pub(crate) fn for_kdc() -> Vec<u8> {
    purpose(b"\x2b\x06\x01\x05\x02\x03\x05")
}

/// id-pkinit-KPClientAuth.
pub(crate) fn for_login() -> Vec<u8> {
    purpose(b"\x2b\x06\x01\x05\x02\x03\x04")
}

/// subjectAltName.
pub(crate) fn names(names: &[Vec<u8>]) -> Vec<u8> {
    let names: Vec<&[u8]> = names.iter().map(|name| &**name).collect();
    extension(b"\x55\x1d\x11", false, &tlv(0x30, &names))
}

fn other_name(oid: &[u8], value: &[u8]) -> Vec<u8> {
    tlv(0xa0, &[&tlv(6, &[oid]), &tlv(0xa0, &[value])])
}

pub(crate) fn host_name(host: &str) -> Vec<u8> {
    names(&[tlv(0x82, &[host.as_bytes()])])
}

/// id-pkinit-san.
pub(crate) fn principal(components: &[&str], realm: &str) -> Vec<u8> {
    let string = |text: &str| tlv(0x1b, &[text.as_bytes()]);
    let components: Vec<Vec<u8>> = components.iter().map(|text| string(text)).collect();
    let components: Vec<&[u8]> = components.iter().map(|component| &**component).collect();
    let components = tlv(0x30, &components);
    let principal = tlv(0x30, &[&tlv(0xa0, &[&[2, 1, 2]]), &tlv(0xa1, &[&components])]);
    let value = tlv(0x30, &[&tlv(0xa0, &[&string(realm)]), &tlv(0xa1, &[&principal])]);
    other_name(b"\x2b\x06\x01\x05\x02\x02", &value)
}

/// A userPrincipalName.
pub(crate) fn upn(text: &str) -> Vec<u8> {
    other_name(b"\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x03", &tlv(0x0c, &[text.as_bytes()]))
}

pub(crate) fn email(text: &str) -> Vec<u8> {
    tlv(0x81, &[text.as_bytes()])
}

pub(crate) fn uri(text: &str) -> Vec<u8> {
    tlv(0x86, &[text.as_bytes()])
}

/// The extension with the account's SID.
pub(crate) fn sid(text: &str) -> Vec<u8> {
    let name = other_name(b"\x2b\x06\x01\x04\x01\x82\x37\x19\x02\x01", &tlv(4, &[text.as_bytes()]));
    extension(b"\x2b\x06\x01\x04\x01\x82\x37\x19\x02", false, &tlv(0x30, &[&name]))
}

/// subjectKeyIdentifier.
pub(crate) fn key_identifier(octets: &[u8]) -> Vec<u8> {
    extension(b"\x55\x1d\x0e", false, &tlv(4, &[octets]))
}

/// id-pkinit-san for krbtgt/`realm`@`realm`.
pub(crate) fn kdc_name(realm: &str) -> Vec<u8> {
    names(&[principal(&["krbtgt", realm], realm)])
}

pub(crate) const YEAR_2026: [&str; 2] = ["260101000000Z", "261231235959Z"];
/// 2026-06-01T00:00:00Z.
pub(crate) const JUNE: i64 = 1_780_272_000;

impl Spec {
    pub(crate) fn ca(subject: &'static str, issuer: &'static str) -> Self {
        let extensions = vec![ca_extension(None), key_usage(0x04, 2)];
        Self { subject, issuer, serial: 1, validity: YEAR_2026, extensions }
    }

    pub(crate) fn kdc(issuer: &'static str) -> Self {
        let extensions = vec![kdc_name("EXAMPLE.COM"), key_usage(0x80, 7)];
        Self { subject: "kdc", issuer, serial: 2, validity: YEAR_2026, extensions }
    }

    /// Of a client that logs in, with these names.
    pub(crate) fn client(names: Vec<u8>) -> Self {
        let extensions = vec![names, key_usage(0x80, 7), for_login()];
        Self { subject: "alice", issuer: "ca", serial: 3, validity: YEAR_2026, extensions }
    }

    pub(crate) fn signed(&self, key: &Key, by: &Key) -> Vec<u8> {
        let time = |text: &str| tlv(0x17, &[text.as_bytes()]);
        let extensions: Vec<&[u8]> = self.extensions.iter().map(|e| &**e).collect();
        let tbs = tlv(
            0x30,
            &[
                b"\xa0\x03\x02\x01\x02",
                &[2, 1, self.serial],
                ECDSA_SHA256,
                &name(self.issuer),
                &tlv(0x30, &self.validity.map(time).each_ref().map(|time| &**time)),
                &name(self.subject),
                &key.public(),
                &tlv(0xa3, &[&tlv(0x30, &extensions)]),
            ],
        );
        tlv(0x30, &[&tbs, ECDSA_SHA256, &tlv(3, &[&[0], &by.sign(&tbs)])])
    }
}

/// The client's configuration: certificate and key of its own, and what it trusts.
pub(crate) fn config(anchors: &[&[u8]], groups: &[Group], hosts: &[&str]) -> PkinitConfig {
    static ALICE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        Spec::client(names(&[principal(&["alice"], "EXAMPLE.COM")]))
            .signed(&Key::new(3), &Key::new(1))
    });
    PkinitConfig {
        signer: Some(Box::new(Key::new(3).signer(&[&ALICE]))),
        anchors: TrustAnchors::from_der(anchors).unwrap(),
        groups: groups.to_vec(),
        kdc_hosts: hosts.iter().map(|host| (*host).into()).collect(),
    }
}
