use krb_proto::crypto::CryptoError;
use krb_proto::exchange::KdcRefusal;
use krb_proto::iana::EncType;

use super::*;

fn refused(code: ErrorCode) -> ClientError {
    let (nt_status, text, no_way_to) = (None, None, None);
    let server_time = Default::default();
    let refusal = KdcRefusal { code, nt_status, text, server_time, no_way_to };
    ClientError::Exchange(refusal.into())
}

fn alice() -> Account {
    Account {
        sid: "S-1-5-21-1-2-3-1104".parse().unwrap(),
        name: "alice".into(),
        upn: None,
        domain: "W25AD".into(),
        groups: Vec::new(),
        user_account_control: 0x10,
    }
}

const fn of(account: &Account, forwardable: bool) -> Evidenced<'_> {
    Evidenced { account, forwardable, source: Source::Kdc }
}

fn ours() -> Ours<'static> {
    Ours { name: "svc".into(), setting: "kerberos.accounts.x", spn: "HTTP/svc" }
}

/// Code, a word of the remedy, whether the message names who it is about.
fn assert_says(failure: &Failure, code: Code, remedy: &str, about: &str) {
    assert_eq!(failure.code, code, "{failure:?}");
    assert!(failure.remedy.contains(remedy), "{remedy}: {failure:?}");
    assert!(failure.message.contains(about), "{about}: {failure:?}");
}

#[test]
fn each_refusal_of_the_services_login_has_its_remedy() {
    for (code, remedy) in [
        (ErrorCode::C_PRINCIPAL_UNKNOWN, "kerberos.accounts.x.serviceAccount.username"),
        (ErrorCode::PREAUTH_FAILED, "export the keytab again"),
        (ErrorCode::BAD_INTEGRITY, "export the keytab again"),
        (ErrorCode::CLIENT_REVOKED, "Enable or unlock"),
        (ErrorCode::KEY_EXPIRED, "Set a new password"),
        (ErrorCode::ETYPE_NOSUPP, "msDS-SupportedEncryptionTypes"),
        (ErrorCode::SKEW, "clock"),
        (ErrorCode::GENERIC, "KDC's log"),
    ] {
        let failure = evidence("alice", &ours(), &ClientError::Login(refused(code).into()));
        assert_says(&failure, Code::ServiceNotTrusted, remedy, "svc cannot log in");
    }
}

#[test]
fn each_refusal_of_evidence_says_whose_doing_it_is() {
    for (code, expected, remedy, about) in [
        (ErrorCode::C_PRINCIPAL_UNKNOWN, Code::UserUnknown, "userPrincipalName", "alice"),
        (ErrorCode::POLICY, Code::UserNotUsable, "ACCOUNTDISABLE", "alice"),
        (ErrorCode::NAME_EXP, Code::UserNotUsable, "accountExpires", "alice"),
        (ErrorCode::CLIENT_REVOKED, Code::UserNotUsable, "lockoutTime", "alice"),
        (ErrorCode::KEY_EXPIRED, Code::UserNotUsable, "pwdLastSet", "alice"),
        (ErrorCode::S_PRINCIPAL_UNKNOWN, Code::ServiceNotTrusted, "setspn -S HTTP/svc svc", "svc"),
        (ErrorCode::BADOPTION, Code::ServiceNotTrusted, "NOT_DELEGATED", "svc"),
        (ErrorCode::SERVICE_REVOKED, Code::ServiceNotTrusted, "lockoutTime", "svc"),
        (ErrorCode::GENERIC, Code::KdcRefused, "KDC's log", "S4U2Self"),
    ] {
        assert_says(&evidence("alice", &ours(), &refused(code)), expected, remedy, about);
    }
    // A user of a realm that the KDC knows no way to, which is nothing of the account's.
    let error = refused(ErrorCode::S_PRINCIPAL_UNKNOWN);
    let refusal = error.refusal().unwrap().clone();
    let refusal = KdcRefusal { no_way_to: Some(b"CORP.EXAMPLE".to_vec()), ..refusal };
    let error = ClientError::Exchange(refusal.into());
    let failure = evidence("alice@corp.example", &ours(), &error);
    assert_says(&failure, Code::UserUnknown, "trust", "CORP.EXAMPLE");
}

#[test]
fn each_refusal_of_a_ticket_to_the_resource_says_whose_doing_it_is() {
    for (code, expected, remedy, about) in [
        (ErrorCode::BADOPTION, Code::TargetNotAllowed, "msDS-AllowedToDelegateTo", "HTTP/web"),
        (
            ErrorCode::S_PRINCIPAL_UNKNOWN,
            Code::TargetUnknownToKdc,
            "servicePrincipalName",
            "HTTP/web",
        ),
        (ErrorCode::POLICY, Code::UserNotUsable, "userAccountControl", "alice at HTTP/web"),
        (ErrorCode::NAME_EXP, Code::UserNotUsable, "accountExpires", "alice"),
        (ErrorCode::C_PRINCIPAL_UNKNOWN, Code::UserUnknown, "account in the directory", "alice"),
        (ErrorCode::CLIENT_REVOKED, Code::UserNotUsable, "lockoutTime", "alice"),
        (ErrorCode::KEY_EXPIRED, Code::UserNotUsable, "pwdLastSet", "alice"),
        (ErrorCode::TGT_REVOKED, Code::EvidenceRefused, "created anew", "alice"),
        (ErrorCode::GENERIC, Code::KdcRefused, "KDC's log", "S4U2Proxy"),
    ] {
        let failure = proxy(of(&alice(), true), &ours(), "HTTP/web", &refused(code));
        assert_says(&failure, expected, remedy, about);
    }
    for code in [31, 32, 33, 35, 41, 44, 45].map(ErrorCode) {
        let failure = proxy(of(&alice(), true), &ours(), "HTTP/web", &refused(code));
        assert_says(&failure, Code::KdcRefused, "krbtgt", "S4U2Proxy");
    }
}

#[test]
fn the_three_causes_of_a_bad_option_are_told_apart() {
    let refused = refused(ErrorCode::BADOPTION);
    let sensitive = Account { user_account_control: 0x4010, ..alice() };
    let protected = Account { groups: vec!["S-1-5-21-1-2-3-525".parse().unwrap()], ..alice() };
    for forwardable in [true, false] {
        for account in [&sensitive, &protected] {
            let failure = proxy(of(account, forwardable), &ours(), "HTTP/web", &refused);
            assert_says(&failure, Code::UserNotDelegatable, "NOT_DELEGATED", "alice");
        }
    }
    let failure = proxy(of(&alice(), false), &ours(), "HTTP/web", &refused);
    assert_says(&failure, Code::ServiceNotTrusted, "TRUSTED_TO_AUTH_FOR_DELEGATION", "svc");
    let failure = proxy(of(&alice(), true), &ours(), "HTTP/web", &refused);
    assert_says(&failure, Code::TargetNotAllowed, "msDS-AllowedToDelegateTo", "svc");
}

#[test]
fn a_ticket_of_the_users_own_that_is_not_forwardable_is_the_callers_affair() {
    let (refused, alice) = (refused(ErrorCode::BADOPTION), alice());
    let own = |account, forwardable| Evidenced { account, forwardable, source: Source::User };
    let failure = proxy(own(&alice, false), &ours(), "HTTP/web", &refused);
    assert_says(&failure, Code::EvidenceRefused, "kinit -f", "alice came with");
    assert_eq!(failure.blame, Blame::Caller);
    let sensitive = Account { user_account_control: 0x4010, ..alice.clone() };
    let failure = proxy(own(&sensitive, false), &ours(), "HTTP/web", &refused);
    assert_says(&failure, Code::UserNotDelegatable, "NOT_DELEGATED", "alice");
    let failure = proxy(own(&alice, true), &ours(), "HTTP/web", &refused);
    assert_says(&failure, Code::TargetNotAllowed, "msDS-AllowedToDelegateTo", "svc");
}

#[test]
fn what_is_no_refusal_is_nobodys_account() {
    let ignored = ExchangeError::Mismatch(Mismatch::S4uIgnored);
    let other = ExchangeError::Mismatch(Mismatch::Nonce);
    for (error, code, remedy) in [
        (ClientError::Exchange(ignored), Code::EvidenceRefused, "does not do S4U"),
        (ClientError::Exchange(other), Code::EvidenceRefused, "was not believed"),
        (ClientError::Abandoned, Code::Internal, "Report this"),
    ] {
        assert_says(&evidence("alice", &ours(), &error), code, remedy, "");
        assert_says(&proxy(of(&alice(), true), &ours(), "HTTP/web", &error), code, remedy, "");
    }
}

#[test]
fn the_services_own_login_is_not_taken_for_the_users_fault() {
    let account = alice();
    for code in [ErrorCode::CLIENT_REVOKED, ErrorCode::C_PRINCIPAL_UNKNOWN] {
        let error = ClientError::Login(refused(code).into());
        for failure in [
            evidence("alice", &ours(), &error),
            proxy(of(&account, true), &ours(), "HTTP/web", &error),
        ] {
            assert_eq!(failure.code, Code::ServiceNotTrusted, "{failure}");
            assert!(failure.message.contains("svc cannot log in"), "{failure}");
        }
    }
    let (service, tried) = (krb_client::Service::Kdc, vec![]);
    let silent = krb_client::Unreachable { service, realm: "R".into(), tried, discovery: None };
    let error = ClientError::Login(Box::new(silent.into()));
    assert_eq!(evidence("alice", &ours(), &error).code, Code::KdcUnreachable);
}

#[test]
fn a_failure_says_whose_doing_it_is_where_its_code_may_be_several_peoples() {
    let login = |code| ClientError::Login(refused(code).into());
    let silent = |tried| {
        let (service, realm, discovery) = (krb_client::Service::Kdc, "R".into(), None);
        ClientError::Unreachable(krb_client::Unreachable { service, realm, tried, discovery })
    };
    let kdc: std::net::SocketAddr = "127.0.0.1:88".parse().unwrap();
    let asked =
        krb_client::KdcFailure { kdc: kdc.into(), error: std::io::Error::other("no").into() };
    for (error, blame) in [
        (login(ErrorCode::SKEW), Blame::Configuration),
        (login(ErrorCode::PREAUTH_FAILED), Blame::Configuration),
        (login(ErrorCode::CLIENT_REVOKED), Blame::Directory),
        (refused(ErrorCode::C_PRINCIPAL_UNKNOWN), Blame::Directory),
        (refused(ErrorCode::TGT_REVOKED), Blame::Kdc),
        (silent(vec![asked]), Blame::Kdc),
        (silent(vec![]), Blame::Configuration),
    ] {
        let failure = proxy(of(&alice(), true), &ours(), "HTTP/web", &error);
        assert_eq!(failure.blame, blame, "{failure}");
    }
    let unknown = refused(ErrorCode::C_PRINCIPAL_UNKNOWN);
    let failure = evidence("alice", &ours(), &unknown);
    assert_eq!(failure.blame, Blame::IdentityProvider, "{failure}");
}

#[test]
fn a_fresh_ticket_that_is_refused_is_the_kdcs_affair() {
    for code in [31, 32, 33, 35, 41, 44, 45].map(ErrorCode) {
        let failure = evidence("alice", &ours(), &refused(code));
        assert_eq!(failure.code, Code::KdcRefused, "{failure}");
        assert!(failure.remedy.contains("krbtgt"), "{failure}");
    }
}

#[test]
fn who_cannot_open_its_evidence_is_told_what_it_lacks() {
    let enctype = EncType::AES128_CTS_HMAC_SHA1_96;
    let no_key = EvidenceError::NoKey { enctype, kvno: Some(3) };
    let wrong = EvidenceError::Crypto(CryptoError::IntegrityCheckFailed);
    for (error, has_keytab, remedy) in [
        (no_key, true, "no aes128-cts-hmac-sha1-96 key"),
        (wrong, true, "was exported"),
        (no_key, false, "msDS-SupportedEncryptionTypes"),
        (wrong, false, "The configured password"),
        (EvidenceError::NoPac, true, "hold a PAC"),
    ] {
        let failure = unbelievable("svc", has_keytab, &error);
        assert_eq!(failure.code, Code::EvidenceRefused);
        assert!(failure.remedy.contains(remedy), "{failure:?}");
    }
}
