//! Who is impersonated and who is not, by the groups that a PAC shows.

use krb_tests::logs::Mark;
use krb_tests::{Server, Setup, issuer};

use crate::identity::s4u2proxy_happened;
use crate::lab;

/// Members of these are refused on what the PAC shows.
const REFUSED: [&str; 11] = [
    "Cert Publishers",
    "Domain Admins",
    "Domain Controllers",
    "Enterprise Admins",
    "Enterprise Key Admins",
    "Enterprise Read-only Domain Controllers",
    "Group Policy Creator Owners",
    "Key Admins",
    "Protected Users",
    "Read-only Domain Controllers",
    "Schema Admins",
];
/// Members of these are not told from anybody: the KDC leaves BUILTIN out of PACs, and DnsAdmins
/// has another SID in each domain. docs/security.md says what an operator does about it.
const NOT_SEEN: [&str; 7] = [
    "Account Operators",
    "Administrators",
    "Backup Operators",
    "DnsAdmins",
    "Print Operators",
    "Replicator",
    "Server Operators",
];

fn member_of(group: &str) -> String {
    format!("in-{}", group.to_lowercase().replace(' ', "-"))
}

#[tokio::test]
async fn members_of_privileged_groups_are_refused_where_the_pac_shows_it() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let kdc = Mark::end_of(lab.var("KDC_LOG"));
    for group in REFUSED {
        let token = issuer.token_for(&member_of(group));
        let (code, message, _) = server.get(&token, &lab.url("/whoami")).await.error();
        assert_eq!(code, "NEVER_IMPERSONATED", "{group}: {message}");
        assert!(message.contains(group), "{group}: {message}");
    }
    assert!(!s4u2proxy_happened(lab, &kdc), "{}", kdc.since());
    for group in NOT_SEEN {
        let member = member_of(group);
        let answer = server.get(&issuer.token_for(&member), &lab.url("/whoami")).await;
        assert!(answer.content().contains(&member), "{group}: {answer:?}");
    }
    assert!(s4u2proxy_happened(lab, &kdc), "it would have been seen");
}

#[tokio::test]
async fn what_a_pac_does_not_show_is_kept_out_by_an_allow_list() {
    let lab = lab!();
    let issuer = issuer().await;
    let mut setup = Setup::new(lab, &issuer.url());
    // Any group will do that has members.
    let sid = lab.shell(
        "samba-tool group show g000 --attributes=objectSid -H $LAB/dc/private/sam.ldb \
         | sed -n 's/^objectSid: //p'",
    );
    setup.only_members_of = vec![sid.trim().into()];
    let server = Server::start(lab, &setup);
    let answer = server.get(&issuer.token_for("many"), &lab.url("/whoami")).await;
    assert!(answer.content().contains("many"), "{answer:?}");
    for outsider in ["bob".to_owned(), member_of("Administrators"), member_of("DnsAdmins")] {
        let (code, message, _) =
            server.get(&issuer.token_for(&outsider), &lab.url("/whoami")).await.error();
        assert_eq!(code, "NEVER_IMPERSONATED", "{outsider}: {message}");
        assert!(message.contains("onlyMembersOf"), "{outsider}: {message}");
    }
}

#[tokio::test]
async fn the_service_itself_is_known_however_it_is_spelt() {
    let lab = lab!();
    let issuer = issuer().await;
    let account = lab.var("SVC_ACCOUNT");
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    for name in [account.clone(), account.to_uppercase()] {
        let token = issuer.token_for(&name);
        let (code, message, _) = server.get(&token, &lab.url("/whoami")).await.error();
        assert_eq!(code, "NEVER_IMPERSONATED", "{message}");
        assert!(message.contains("the service's own account"), "{message}");
    }
}
