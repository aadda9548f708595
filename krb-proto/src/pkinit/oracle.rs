//! What must hold of hostile bytes up to where a signature would have to be forged.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::certificate::Certificate;
use super::client::DH_KEY_DATA;
use super::signed_data::open;
use super::{Group, Pkinit, PkinitConfig, SoftwareSigner, TrustAnchors};
use crate::KerberosTime;
use crate::asn1::PaPkAsRep;
use crate::der;

/// The first octet says what the others are.
pub(crate) fn pkinit(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind {
        0 => reply(bytes),
        1 => certificate(bytes),
        2 => groups(bytes),
        3 => drop(SoftwareSigner::from_pkcs8(Vec::new(), bytes)),
        _ => (),
    }
}

/// A PA-PK-AS-REP: nobody is trusted, so nothing is believed.
fn reply(bytes: &[u8]) {
    let Ok(PaPkAsRep::DhInfo(info)) = der::decode(bytes) else { return };
    let now = KerberosTime::from_unix(1_795_686_396);
    let opened = open(info.dh_signed_data, DH_KEY_DATA, &TrustAnchors::default(), now);
    assert!(opened.is_err(), "believed without an anchor");
}

fn certificate(bytes: &[u8]) {
    let Ok(certificate) = Certificate::from_der(bytes) else { return };
    assert_eq!(certificate.der(), bytes);
    let (key, ca) = (certificate.key(), certificate.may_certify(0));
    let named = certificate.names_kdc_of(b"PKINIT.TEST");
    let _ = (key, ca, named, certificate.is_kdc_at("kdc.pkinit.test"), certificate.may_sign());
}

/// TD-DH-PARAMETERS: whatever a KDC names, the client goes through its own groups once.
fn groups(bytes: &[u8]) {
    let key = include_bytes!("../../vectors/pkinit-mit-1.20/alice.p8");
    let Ok(signer) = SoftwareSigner::from_pkcs8(Vec::new(), key) else { return };
    let groups = Vec::from([Group::P384, Group::P256, Group::Modp14]);
    let mut pkinit = Pkinit::new(Arc::new(PkinitConfig {
        signer: Some(Box::new(signer)),
        anchors: TrustAnchors::default(),
        groups,
        kdc_hosts: Vec::new(),
    }));
    let changes = (0..3).take_while(|_| pkinit.change_group(bytes) == Ok(true)).count();
    assert!(changes < 3, "a group was tried twice");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::{AsRep, SubjectPublicKeyInfo};
    use crate::der::List;
    use crate::iana::PaType;
    use crate::oracles::tests::assert_seed;

    fn seed(name: &str, kind: u8, bytes: &[u8]) {
        assert_seed("pkinit", name, &[&[kind], bytes].concat());
    }

    #[test]
    fn seeds() {
        let reply = include_bytes!("../../vectors/pkinit-mit-1.20/reply-2.der");
        let reply: AsRep<'_> = der::decode(reply).unwrap();
        let mut padata = reply.padata.unwrap().iter();
        let proof = padata.find(|pa| pa.padata_type == PaType::PK_AS_REP).unwrap();
        seed("reply", 0, proof.padata_value);
        seed("certificate", 1, include_bytes!("../../vectors/pkinit-mit-1.20/alice.der"));
        // An id-ecPublicKey on P-256 and one on secp256k1.
        let p256 =
            b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
        let info = [b"\x30\x19", &p256[..], b"\x03\x02\x00\x04"].concat();
        let algorithm = der::decode::<SubjectPublicKeyInfo<'_>>(&info).unwrap().algorithm;
        let other = crate::asn1::AlgorithmIdentifier {
            parameters: Some(b"\x06\x05\x2b\x81\x04\x00\x0a"),
            ..algorithm
        };
        seed("groups", 2, &der::encode(&List::of(&[other, algorithm])));
        let key = b"\x30\x41\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\
            \x48\xce\x3d\x03\x01\x07\x04\x27\x30\x25\x02\x01\x01\x04\x20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        assert!(SoftwareSigner::from_pkcs8(Vec::new(), key).is_ok());
        seed("key", 3, key);
    }
}
