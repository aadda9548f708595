//! What a call is made of, for tests.

use std::time::Duration;

use krb_client::proto::credential::TicketTimes;
use krb_client::proto::crypto::Key;
use krb_client::proto::iana::{EncType, TicketFlags};
use krb_client::proto::{Credential, KerberosTime, Name, Principal};
use krb_client::{SystemClock, UserTicket};

use crate::credential::kerberos::Account;
use crate::identity::{Caller, Subject};
use crate::policy::{Permit, Policy};
use crate::resources::smb;
use crate::targets::Targets;

pub(crate) fn caller() -> Caller {
    Caller::unverified("https://idp.example.com", "42", Some("agent"))
}

/// Policy's word that alice may read a file.
pub(crate) fn permit() -> Permit {
    let targets = r#"[{"name": "fileserver", "kind": "smb", "host": "files.example.com",
        "spn": "cifs/files.example.com", "names": ["files"], "shares": ["corp"]}]"#;
    let targets = Targets::new(serde_json::from_str(targets).unwrap()).unwrap();
    let policy = r#"@id("staff-read") permit (principal, action, resource);"#;
    let policy = Policy::from_cedar(policy, &targets).unwrap();
    let path = r"\\files\corp\data.csv".to_owned();
    let operation = smb::Operation { verb: smb::Verb::Read, path };
    let resolved = targets.resolve(&operation.into()).unwrap();
    policy.decide(Subject::unproven(&caller(), "ALICE_ADMIN"), resolved).unwrap()
}

pub(crate) fn account() -> Account {
    Account {
        sid: "S-1-5-21-1-2-3-1104".parse().unwrap(),
        name: "ALICE_ADMIN".into(),
        upn: None,
        domain: "W25AD".into(),
        groups: Vec::new(),
        user_account_control: 0x10,
    }
}

pub(crate) fn ticket(flags: u32) -> UserTicket {
    let client = Principal::new(Name::user("ALICE_ADMIN"), "R");
    let ticket = Credential {
        server: client.clone(),
        client,
        session_key: Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[1; 32]).unwrap(),
        times: TicketTimes {
            endtime: KerberosTime::from_unix(1_700_036_040),
            ..TicketTimes::default()
        },
        flags: TicketFlags(flags),
        ticket: Vec::new(),
    };
    UserTicket::of(ticket.into(), &SystemClock, Duration::from_secs(900))
}
