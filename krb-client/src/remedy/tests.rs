//! That each row can be reached, says something of its own, and is about whom it should be.

use std::collections::HashSet;

use super::*;

const NAMES: Names<'_> = Names { account: "SVC$", user: "o'hara", target: "cifs/files.test" };
const STEPS: [Step; 5] = [Step::Login, Step::Ticket, Step::S4uSelf, Step::S4uProxy, Step::Renewal];

#[test]
fn every_row_is_reached_and_says_what_to_change() {
    let mut causes = HashSet::new();
    for row in ROWS {
        let reached = STEPS.into_iter().any(|step| {
            [true, false].into_iter().any(|forwardable| {
                let refused = Refused::new(step, row.code, row.status).with_evidence(forwardable);
                let refused = Refused { no_way: row.no_way, ..refused };
                let remedy = of_refusal(&refused, &NAMES);
                let cause = filled(row.cause, &NAMES, |name| Some(plain(name)));
                remedy.map(|remedy| remedy.cause) == cause
            })
        });
        assert!(reached, "another row stands in front of {} {}", row.code, row.cause);
        assert!(row.change.ends_with(['.', ')']), "{}", row.change);
        assert!(!row.cause.ends_with('.'), "{}", row.cause);
        let steps = format!("{:?}", row.steps);
        assert!(
            causes.insert((row.code, row.status, steps, row.not_forwardable, row.no_way)),
            "{}",
            row.cause
        );
    }
}

#[test]
fn templates_name_nobody_else() {
    for row in ROWS {
        for text in [row.cause, row.change, row.powershell, row.samba_tool] {
            // What stands in braces in PowerShell's own language has no such name in front.
            for (at, _) in text.match_indices('{').filter(|(at, _)| !text[..*at].ends_with('@')) {
                let name = text[at + 1..].split('}').next().unwrap();
                assert!(["account", "user", "target"].contains(&name), "{text}");
            }
        }
    }
}

#[test]
fn names_are_quoted_as_each_shell_wants_it() {
    let locked = Refused::new(Step::S4uSelf, ErrorCode::CLIENT_REVOKED, None);
    let remedy = of_refusal(&locked, &NAMES).unwrap();
    assert_eq!(remedy.cause, "the account o'hara is locked out or disabled");
    assert_eq!(remedy.powershell.unwrap(), "Unlock-ADAccount 'o''hara'");
    assert_eq!(remedy.samba_tool.unwrap(), r"samba-tool user unlock 'o'\''hara'");
    let list = Refused::new(Step::S4uProxy, ErrorCode::BADOPTION, None);
    let remedy = of_refusal(&list, &NAMES).unwrap();
    assert_eq!(
        remedy.powershell.unwrap(),
        "Set-ADUser 'SVC$' -Add @{'msDS-AllowedToDelegateTo'='cifs/files.test'}"
    );
    assert_eq!(
        remedy.samba_tool.unwrap(),
        "samba-tool delegation add-service 'SVC$' cifs/files.test"
    );
    for name in ["@x", "a b", "a;b", "$(a)", "`a`", "a\"b"] {
        assert_eq!(shell(name).unwrap(), format!("'{name}'"));
    }
    // Any of these ends what another began, and two are one of them.
    for quote in ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'] {
        let name = format!("a{quote};b");
        assert_eq!(powershell(&name).unwrap(), format!("'a{quote}{quote};b'"));
    }
}

#[test]
fn what_no_command_can_take_is_in_none_and_gives_a_terminal_no_orders() {
    for name in ["", "-x", "a\nb", "a\u{3}", "\u{1b}[2J", "\u{9b}31m", "a\u{202e}b"] {
        assert_eq!((shell(name), powershell(name)), (None, None), "{name:?}");
    }
    assert_eq!(powershell("a\" -x"), None, "setspn would see two arguments");
    let names = Names { user: "bob\u{1b}[2J\n\u{202e}", ..NAMES };
    let locked = Refused::new(Step::S4uSelf, ErrorCode::CLIENT_REVOKED, None);
    let remedy = of_refusal(&locked, &names).unwrap();
    assert_eq!((&remedy.powershell, &remedy.samba_tool), (&None, &None));
    assert_eq!(remedy.cause, r"the account bob\u{1b}[2J\n\u{202e} is locked out or disabled");
    assert!(remedy.to_string().chars().all(may_be_shown), "{remedy}");
}

#[test]
fn who_was_not_reached_is_said_as_it_is() {
    let of = |service, tried: bool| {
        let kdc = std::net::SocketAddr::from(([192, 0, 2, 1], 88)).into();
        let error = std::sync::Arc::new(std::io::ErrorKind::TimedOut.into());
        let tried = tried.then_some(crate::KdcFailure { kdc, error }).into_iter().collect();
        let discovery = Some("kdc.test: no such name".to_owned());
        let nobody = crate::Unreachable { service, realm: "R".into(), tried, discovery };
        (nobody.to_string(), of_error(Step::Login, &nobody.into(), &NAMES).unwrap().to_string())
    };
    for (service, tried, says) in [
        (Service::Kdc, false, ["no KDC of realm R", "have addresses"]),
        (Service::Kdc, true, ["no KDC of realm R", "port 88"]),
        (Service::Kpasswd, false, ["no kpasswd server of realm R", "_kpasswd._tcp"]),
        (Service::Kpasswd, true, ["no kpasswd server of realm R", "port 464"]),
    ] {
        let (error, remedy) = of(service, tried);
        assert!(error.starts_with(says[0]) && remedy.contains(says[1]), "{error} {remedy}");
        assert!(!remedy.contains("nothing says"), "{remedy}");
    }
}

/// The account that logs in has nothing to do with it.
#[test]
fn armor_that_is_missing_is_not_laid_to_the_account_that_logs_in() {
    let refusal = KdcRefusal {
        code: ErrorCode::PREAUTH_FAILED,
        nt_status: None,
        text: None,
        server_time: krb_proto::Timestamp::default(),
        no_way_to: None,
    };
    let cache = crate::CacheError::NotFound { cache: "FILE:armor".into() };
    for (inner, says) in
        [(ClientError::Exchange(refusal.into()), "another one"), (cache.into(), "kinit")]
    {
        let error = ClientError::Login(Box::new(ClientError::Armor(Box::new(inner))));
        let remedy = of_error(Step::Ticket, &error, &NAMES).unwrap().to_string();
        assert!(remedy.contains(says) && remedy.contains("FAST"), "{remedy}");
        assert!(!remedy.contains("SVC$"), "{remedy}");
    }
}

#[test]
fn ads_reason_counts_more_than_the_code_and_what_is_not_known_says_so() {
    let proxy = |status, forwardable| {
        let refused = Refused::new(Step::S4uProxy, ErrorCode::BADOPTION, status);
        of_refusal(&refused.with_evidence(forwardable), &NAMES).unwrap().attribute.unwrap()
    };
    assert_eq!(proxy(None, true), "msDS-AllowedToDelegateTo");
    assert_eq!(proxy(Some(NtStatus::NO_MATCH), true), "msDS-AllowedToDelegateTo");
    assert_eq!(proxy(Some(NtStatus::NOT_FOUND), true), "msDS-AllowedToActOnBehalfOfOtherIdentity");
    assert_eq!(
        proxy(Some(NtStatus::ACCOUNT_RESTRICTION), false),
        "userAccountControl (NOT_DELEGATED)"
    );
    assert!(proxy(None, false).contains("TRUSTED_TO_AUTH_FOR_DELEGATION"));
    assert_eq!(of_refusal(&Refused::new(Step::Login, ErrorCode::GENERIC, None), &NAMES), None);
}

#[test]
fn a_login_that_failed_on_the_way_is_the_accounts() {
    let refusal = KdcRefusal {
        code: ErrorCode::PREAUTH_FAILED,
        nt_status: None,
        text: None,
        server_time: krb_proto::Timestamp::default(),
        no_way_to: None,
    };
    let error = ClientError::Login(Box::new(ClientError::Exchange(refusal.into())));
    let remedy = of_error(Step::S4uProxy, &error, &NAMES).unwrap();
    assert!(remedy.cause.contains("SVC$"), "{}", remedy.cause);
    assert!(remedy.to_string().contains("keytab"), "{remedy}");
    assert_eq!(of_error(Step::Login, &ClientError::Abandoned, &NAMES), None);
}
