//! As much of X.509 as `tls-server-end-point` needs: which hash the certificate's signature uses.

use alloc::vec::Vec;

use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::Oid;
use crate::der::{Decode, Fault, Reader};

const SEQUENCE: u8 = 0x30;
const RSASSA_PSS: Oid<'_> = Oid(b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a");

/// id-Ed25519 (RFC 8410 section 3).
const ED25519: Oid<'_> = Oid(b"\x2b\x65\x70");

/// The certificate's hash by its signature's hash function, or by SHA-256 where that is MD5 or
/// SHA-1 (RFC 5929 section 4.1). Ed25519 names no hash, so RFC 5929 leaves it undefined; the one
/// that it uses inside is what GnuTLS, and with it Samba 4.22, takes.
pub(super) fn hash(certificate: &[u8]) -> Option<Vec<u8>> {
    let digest: fn(&[u8]) -> Vec<u8> = match signature_hash(certificate).ok()?? {
        Hash::Sha224 => |data| Sha224::digest(data).to_vec(),
        Hash::Md5OrSha1 | Hash::Sha256 => |data| Sha256::digest(data).to_vec(),
        Hash::Sha384 => |data| Sha384::digest(data).to_vec(),
        Hash::Sha512 => |data| Sha512::digest(data).to_vec(),
    };
    Some(digest(certificate))
}

#[derive(Clone, Copy)]
enum Hash {
    Md5OrSha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue } (RFC 5280
/// section 4.1).
fn signature_hash(certificate: &[u8]) -> Result<Option<Hash>, Fault> {
    let mut outer = Reader::new(certificate);
    let mut inner = outer.enter(SEQUENCE)?;
    outer.finish()?;
    inner.enter(SEQUENCE)?;
    let mut algorithm = inner.enter(SEQUENCE)?;
    match Oid::decode(&mut algorithm)? {
        RSASSA_PSS => pss_hash(&mut algorithm),
        ED25519 => Ok(Some(Hash::Sha512)),
        oid => Ok(hash_of_signature(oid)),
    }
}

/// RSASSA-PSS-params begins with its hash's AlgorithmIdentifier, SHA-1 if absent (RFC 4055 section
/// 3.1).
fn pss_hash(algorithm: &mut Reader<'_>) -> Result<Option<Hash>, Fault> {
    let mut parameters = algorithm.enter(SEQUENCE)?;
    if parameters.peek_tag() != Some(0xa0) {
        return Ok(Some(Hash::Md5OrSha1));
    }
    let oid = Oid::decode(&mut parameters.enter(0xa0)?.enter(SEQUENCE)?)?;
    Ok(match oid.0 {
        b"\x2b\x0e\x03\x02\x1a" => Some(Hash::Md5OrSha1),
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, number] => match number {
            1 => Some(Hash::Sha256),
            2 => Some(Hash::Sha384),
            3 => Some(Hash::Sha512),
            4 => Some(Hash::Sha224),
            _ => None,
        },
        _ => None,
    })
}

/// PKCS #1 (RFC 8017 appendix A.2), ECDSA (RFC 5758 section 3.2, RFC 3279), DSA (RFC 5758 section
/// 3.1, RFC 3279).
fn hash_of_signature(oid: Oid<'_>) -> Option<Hash> {
    Some(match oid.0 {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, number] => match number {
            4 | 5 => Hash::Md5OrSha1,
            11 => Hash::Sha256,
            12 => Hash::Sha384,
            13 => Hash::Sha512,
            14 => Hash::Sha224,
            _ => return None,
        },
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01] | [0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03] => {
            Hash::Md5OrSha1
        }
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, number]
        | [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, number] => match number {
            1 => Hash::Sha224,
            2 => Hash::Sha256,
            3 => Hash::Sha384,
            4 => Hash::Sha512,
            _ => return None,
        },
        _ => return None,
    })
}
