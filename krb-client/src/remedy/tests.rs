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
                let remedy = of_refusal(&refused, &NAMES);
                remedy.is_some_and(|remedy| remedy.cause == filled(row.cause, &NAMES, plain))
            })
        });
        assert!(reached, "another row stands in front of {} {}", row.code, row.cause);
        assert!(row.change.ends_with(['.', ')']), "{}", row.change);
        assert!(!row.cause.ends_with('.'), "{}", row.cause);
        let steps = format!("{:?}", row.steps);
        assert!(causes.insert((row.code, row.status, steps, row.not_forwardable)), "{}", row.cause);
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
    for name in ["", "-x", "@x", "a b", "a;b", "$(a)", "`a`", "a\nb"] {
        assert!(shell(name).starts_with('\''), "{name}");
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
    };
    let error = ClientError::Login(Box::new(ClientError::Exchange(refusal.into())));
    let remedy = of_error(Step::S4uProxy, &error, &NAMES).unwrap();
    assert!(remedy.cause.contains("SVC$"), "{}", remedy.cause);
    assert!(remedy.to_string().contains("keytab"), "{remedy}");
    assert_eq!(of_error(Step::Login, &ClientError::Abandoned, &NAMES), None);
}
