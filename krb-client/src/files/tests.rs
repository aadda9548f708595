use krb_proto::credential::TicketTimes;
use krb_proto::crypto::Key;
use krb_proto::iana::{EncType, NameType, TicketFlags};
use krb_proto::{Name, Principal};

use super::*;

fn tgt(realm: &[u8]) -> Credential {
    Credential {
        client: Principal::new(Name::user("host"), realm),
        server: Principal::krbtgt(realm),
        session_key: Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[1; 32]).unwrap(),
        times: TicketTimes::default(),
        flags: TicketFlags::NONE,
        ticket: realm.to_vec(),
    }
}

#[tokio::test]
async fn a_tgt_is_found_by_name_and_realm_whatever_its_name_type() {
    let path = std::env::temp_dir().join(format!("krb-client-tgt-{}", std::process::id()));
    for name_type in [NameType::SRV_INST, NameType::PRINCIPAL, NameType::UNKNOWN] {
        let mut foreign = tgt(b"OTHER");
        foreign.server.name = Name::krbtgt(b"R");
        let mut own = tgt(b"R");
        own.server.name.name_type = name_type;
        write_ccache(&path, &own.client, &[&foreign, &own]).await.unwrap();
        assert_eq!(read_tgt(&path, b"R").await.unwrap().ticket, b"R", "{name_type:?}");
    }
    let missing = read_tgt(&path, b"ELSEWHERE").await.unwrap_err();
    assert!(matches!(missing, ClientError::NoTicket { .. }), "{missing}");
    std::fs::remove_file(&path).unwrap();
}
