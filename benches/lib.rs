//! What the benchmarks have in common: messages as an AD domain sends them.
//!
//! `cargo bench --package krb-benches` runs everything; absolute figures mean little, ratios within
//! one run do.

use krb_proto::asn1::{EncryptedData, PrincipalName, TgsRep, Ticket};
use krb_proto::der::{self, Encoded, Int, KerberosString, UInt32};
use krb_proto::iana::{EncType, NameType};
use krb_proto::{Name, Random};

/// The same bytes every time.
pub struct Fixed;

impl Random for Fixed {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(0x5a);
    }
}

/// A TGS-REP for a user at a file server, its ticket with this much cipher.
#[must_use]
pub fn tgs_rep(ticket_cipher: usize) -> Vec<u8> {
    let client = Name::user("ALICE_ADMIN");
    let server = Name::new(NameType::SRV_INST, ["cifs", "fileserver.w25ad.net"]);
    let (realm, cipher) = (KerberosString(b"W25AD.NET"), vec![0xa5; ticket_cipher]);
    let sealed = |cipher| EncryptedData {
        etype: EncType::AES256_CTS_HMAC_SHA1_96,
        kvno: Some(UInt32::new(2)),
        cipher,
    };
    let ticket = der::encode(&Ticket {
        tkt_vno: Int,
        realm,
        sname: PrincipalName::from(&server),
        enc_part: sealed(&cipher),
    });
    let part = vec![0x3c; 300];
    der::encode(&TgsRep {
        pvno: Int,
        msg_type: Int,
        padata: None,
        crealm: realm,
        cname: PrincipalName::from(&client),
        ticket: Encoded::from_der(&ticket).expect("our own ticket"),
        enc_part: sealed(&part),
    })
}
