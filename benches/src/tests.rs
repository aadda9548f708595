use std::collections::BTreeSet;

use krb_proto::asn1::{ApReq, AsRep, EncKdcRepPart, EncTicketPart, KrbError, TgsRep, TgsReq};
use krb_proto::der::{Encode, Writer, decode};

use crate::cases::{self, Id, LARGE};
use crate::messages::Message;

#[test]
fn messages_are_what_they_are_called_and_strict_der() {
    for message in Message::ALL {
        let der = message.der();
        let mut writer = Writer::new();
        macro_rules! again {
            ($type:ident) => {
                decode::<$type<'_>>(&der).unwrap().encode(&mut writer)
            };
        }
        match message {
            Message::AsRep => again!(AsRep),
            Message::TgsRep1500 | Message::TgsRep12000 => again!(TgsRep),
            Message::TgsReq => again!(TgsReq),
            Message::KrbError => again!(KrbError),
            Message::EncTicketPart => again!(EncTicketPart),
            Message::ApReq => again!(ApReq),
            Message::EncTgsRepPart => {
                EncKdcRepPart::from_der(&der).unwrap().write(EncKdcRepPart::TGS_REP, &mut writer)
            }
        }
        assert!(writer.as_slice() == der, "{message:?}");
    }
}

#[test]
fn cases_have_different_names_and_programs_get_their_files() {
    let directory = std::env::temp_dir().join(format!("krb-benches-{}", std::process::id()));
    cases::write(&directory).unwrap();
    let list = std::fs::read_to_string(directory.join("cases")).unwrap();
    let names: BTreeSet<&str> = list.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(names.len(), cases::all().len());
    for (line, id) in list.lines().zip(cases::all()) {
        let [name, _, _, input, key] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(name, id.to_string());
        let input = std::fs::read(directory.join(input)).unwrap();
        match id {
            Id::Codec(_, message) => assert!(input == message.der()),
            Id::Cipher(_, enctype, size) => {
                assert!(size <= LARGE && input.len() >= size);
                assert!(std::fs::read(directory.join(key)).unwrap() == cases::key_octets(enctype));
            }
            Id::StringToKey(_) => assert!(input == cases::PASSWORD.as_bytes()),
        }
    }
    std::fs::remove_dir_all(directory).unwrap();
}
