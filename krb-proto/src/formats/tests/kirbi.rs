//! Kirbi files: those of another tool, ours, and what is refused.

use super::*;
use crate::asn1::{EncKrbCredPart, EncryptedData, KrbCred, KrbCredInfo};
use crate::der::{self, List};
use crate::oracles::tests::assert_seed;

const IMPACKET: &[u8] = include_bytes!("../../../vectors/impacket-0.13.1.kirbi");

#[test]
fn what_impacket_wrote_is_read() {
    let entries = read_kirbi(IMPACKET).unwrap();
    let [tgt, cifs] = &entries[..] else { panic!("{entries:?}") };
    let realm = "ATHENA.MIT.EDU";
    let alice = Principal::new(Name::user("alice"), realm);
    assert_eq!((&tgt.client, &cifs.client), (&alice, &alice));
    assert_eq!(tgt.server, Principal::krbtgt(realm.as_bytes()));
    let server = Name::new(NameType::SRV_HST, ["cifs", "files.mit.edu"]);
    assert_eq!(cifs.server, Principal::new(server, realm));
    assert_eq!(*tgt.key_bytes, (0..32).collect::<Vec<u8>>());
    assert_eq!(*cifs.key_bytes, (0..16).collect::<Vec<u8>>());
    assert_eq!(tgt.enctype, EncType::AES256_CTS_HMAC_SHA1_96);
    assert_eq!(cifs.enctype, EncType::AES128_CTS_HMAC_SHA1_96);
    assert_eq!((tgt.flags.0, cifs.flags.0), (0x40e1_0000, 0x00a5_0000));
    // It writes no authtime; the start is as good.
    let start = 1_700_000_000;
    assert_eq!(tgt.times, [start, start, start + 36_000, start + 604_800]);
    assert_eq!(cifs.times, [start + 60, start + 60, start + 36_000, 0]);
    assert_eq!(tgt.ticket, cifs.ticket);
    assert!(tgt.credential().is_ok() && cifs.credential().is_ok());
    for end in 0..IMPACKET.len() {
        assert!(matches!(read_kirbi(&IMPACKET[..end]), Err(KirbiError::Malformed(_))), "{end}");
    }
}

/// A value as Windows' encoder writes it: each length in four octets.
fn in_four_octets(der: &[u8]) -> Vec<u8> {
    let mut reader = der::Reader::new(der);
    let mut out = Vec::new();
    while let Some(tag) = reader.peek_tag() {
        let contents = reader.enter(tag).unwrap().rest();
        let contents = if tag & 0x20 == 0 { contents.to_vec() } else { in_four_octets(contents) };
        out.extend([tag, 0x84]);
        out.extend((contents.len() as u32).to_be_bytes());
        out.extend(contents);
    }
    out
}

#[test]
fn what_windows_tools_write_is_read() {
    use base64ct::{Base64, Encoding};
    let expected = read_kirbi(IMPACKET).unwrap();
    let cred: KrbCred<'_> = der::decode(IMPACKET).unwrap();
    let part = in_four_octets(cred.enc_part.cipher);
    let enc_part = EncryptedData { etype: NULL, kvno: None, cipher: &part };
    // The description alone, the tickets alone, all of it.
    let inner = der::encode(&KrbCred { enc_part, ..cred });
    for file in [inner.clone(), in_four_octets(IMPACKET), in_four_octets(&inner)] {
        assert!(der::decode::<KrbCred<'_>>(&file).is_err() || file == inner, "the wire is strict");
        assert_eq!(read_kirbi(&file).unwrap(), expected, "tickets come out as DER");
        let text = Base64::encode_string(&file);
        let lines: Vec<&str> =
            text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
        for text in [text.clone(), lines.join("\r\n"), lines.join("\n      ")] {
            assert_eq!(read_kirbi(text.as_bytes()).unwrap(), expected);
        }
    }
    let windows = in_four_octets(&inner);
    assert_seed("files", "kirbi-ber", &windows);
    assert_seed("files", "kirbi-base64", Base64::encode_string(&windows).as_bytes());
    // Within a ciphertext nothing is touched.
    let secret = expected[0].ticket.clone();
    assert!(IMPACKET.windows(secret.len()).any(|part| part == secret));
}

#[test]
fn what_is_written_is_read_again() {
    let mut entries = read_kirbi(IMPACKET).unwrap();
    entries[0].addresses = Vec::from([(2, Vec::from([192, 0, 2, 1])), (24, Vec::from([0; 16]))]);
    entries[1].times = [0; 4];
    entries[1].enctype = EncType(-133);
    let file = write_kirbi(&entries).unwrap();
    assert_eq!(read_kirbi(&file).unwrap(), entries);
    assert_eq!(write_kirbi(&read_kirbi(&file).unwrap()).unwrap(), file);
    // A configuration entry has no place in it, and what is no ticket neither.
    let mut configuration = entries[0].clone();
    configuration.server.realm = b"X-CACHECONF:".to_vec();
    configuration.ticket = b"yes".to_vec();
    let some = [entries[0].clone(), configuration, entries[1].clone()];
    assert_eq!(write_kirbi(&some).unwrap(), file);
    entries[0].ticket.push(0);
    assert!(write_kirbi(&entries).is_err());
    assert_eq!(read_kirbi(&write_kirbi(&[]).unwrap()).unwrap(), []);
}

/// Impacket's file with these descriptions of tickets, and said to be encrypted so.
fn edited(edit: impl FnOnce(&mut Vec<KrbCredInfo<'_>>), etype: EncType) -> Vec<u8> {
    let cred: KrbCred<'_> = der::decode(IMPACKET).unwrap();
    let part: EncKrbCredPart<'_> = der::decode(cred.enc_part.cipher).unwrap();
    let mut infos: Vec<_> = part.ticket_info.iter().collect();
    edit(&mut infos);
    let part = der::encode(&EncKrbCredPart { ticket_info: List::of(&infos), ..part });
    let enc_part = EncryptedData { etype, kvno: None, cipher: &part };
    der::encode(&KrbCred { enc_part, ..cred })
}

const NULL: EncType = EncType(0);

#[test]
fn an_encrypted_one_is_refused() {
    for etype in [EncType::AES256_CTS_HMAC_SHA1_96, EncType::RC4_HMAC, EncType(-1)] {
        assert_eq!(read_kirbi(&edited(|_| (), etype)), Err(KirbiError::Encrypted(etype)));
    }
}

#[test]
fn tickets_and_descriptions_must_be_as_many() {
    assert_eq!(read_kirbi(&edited(|_| (), NULL)).unwrap().len(), 2);
    let fewer = edited(|infos| infos.truncate(1), NULL);
    assert_eq!(read_kirbi(&fewer), Err(KirbiError::Count));
    assert_eq!(read_kirbi(&edited(|infos| infos.clear(), NULL)), Err(KirbiError::Count));
}

#[test]
fn names_are_needed_and_the_rest_is_not() {
    let edits: [fn(&mut KrbCredInfo<'_>); 4] =
        [|i| i.prealm = None, |i| i.pname = None, |i| i.srealm = None, |i| i.sname = None];
    for edit in edits {
        let file = edited(|infos| edit(&mut infos[1]), NULL);
        assert_eq!(read_kirbi(&file), Err(KirbiError::Incomplete));
    }
    let file = edited(
        |infos| {
            let info = &mut infos[0];
            info.flags = None;
            (info.authtime, info.starttime, info.endtime) = (None, None, None);
            (info.renew_till, info.caddr) = (None, None);
        },
        NULL,
    );
    let entry = &read_kirbi(&file).unwrap()[0];
    assert_eq!((entry.times, entry.flags.0, entry.addresses.len()), ([0; 4], 0, 0));
    for (enctype, taken) in [(-0x8000, true), (-0x8001, false), (0x7fff, true), (0x8000, false)] {
        let enctype = EncType(enctype);
        let file = edited(|infos| infos[0].key.keytype = enctype, NULL);
        let read = read_kirbi(&file).map(|entries| entries[0].enctype);
        assert_eq!(read, if taken { Ok(enctype) } else { Err(KirbiError::Enctype(enctype)) });
    }
}

proptest! {
    #[test]
    fn kirbi_files_round_trip(mut entries in prop::collection::vec(cache_entry(), 0..4)) {
        let ticket = read_kirbi(IMPACKET).unwrap().remove(0).ticket;
        for entry in &mut entries {
            // What a KRB-CRED has no place for, and times that it leaves out.
            entry.is_skey = false;
            entry.ticket.clone_from(&ticket);
            if entry.times[0] == 0 {
                entry.times[0] = entry.times[1];
            }
        }
        let file = write_kirbi(&entries).unwrap();
        prop_assert_eq!(read_kirbi(&file).unwrap(), entries);
    }
}
