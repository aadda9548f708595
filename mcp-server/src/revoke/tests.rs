use clap::Parser;

use super::*;
use crate::testing::Directory;

const EXAMPLE: &str = include_str!("../../examples/krb-mcp.jsonc");

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    asked: Revoke,
}

/// The command, as it is called in a directory with the example and what its state is.
fn revoke(directory: &Directory, state: &str, arguments: &[&str]) -> Result<String, String> {
    revoke_with(directory, EXAMPLE, state, arguments)
}

fn revoke_with(
    directory: &Directory,
    example: &str,
    state: &str,
    arguments: &[&str],
) -> Result<String, String> {
    let end = example.rfind('}').unwrap();
    let text = format!("{}, \"state\": {state} }}", &example[..end]);
    let file = directory.write("krb-mcp.jsonc", &text);
    let file = file.to_str().unwrap();
    let all = ["revoke", "--config", file].into_iter().chain(arguments.iter().copied());
    let cli = Cli::try_parse_from(all).map_err(|error| error.to_string())?;
    let mut out = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(cli.asked, &mut out)).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(out).unwrap())
}

const STATE: &str = r#"{"directory": "state"}"#;
const SID: &str = "S-1-5-21-1-2-3-1104";

#[test]
fn what_is_revoked_is_listed_until_it_is_lifted() {
    let directory = Directory::new();
    let revoke = |arguments: &[&str]| revoke(&directory, STATE, arguments);
    assert_eq!(revoke(&["--list"]).unwrap(), "nobody\n");
    assert!(revoke(&["ALICE"]).unwrap().starts_with("account ALICE: access is ended, within"));
    assert!(revoke(&["ALICE"]).unwrap().contains("Revoke its SID, too"));
    assert!(!revoke(&[SID]).unwrap().contains("Revoke its SID"));
    revoke(&["--subject", "42"]).unwrap();
    let list = revoke(&["--list"]).unwrap();
    assert_eq!(list.lines().count(), 3, "one name twice is one: {list}");
    assert!(list.contains(SID) && list.contains("subject 42 of https://keycloak."), "{list}");

    assert!(revoke(&["--lift", "alice"]).unwrap().contains("access is given back"));
    assert!(revoke(&["--lift", "alice"]).unwrap_err().contains("is not there"));
    assert!(!revoke(&["--list"]).unwrap().contains("ALICE"));
    let list: serde_json::Value =
        serde_json::from_str(&revoke(&["--list", "--json"]).unwrap()).unwrap();
    assert_eq!(list[0]["whose"]["account"], "ALICE", "what was lifted stays known: {list}");
    assert!(list[0]["lifted"].is_number());
}

#[test]
fn a_sid_is_kept_as_an_accounts_is_written() {
    let directory = Directory::new();
    for (number, typed) in
        ["S-1-5-021-1-2-3-001104", "s-1-5-21-1-2-3-1104", "S-1-0x5-21-1-2-3-1104"]
            .into_iter()
            .chain(["S-1-0X000000000005-21-1-2-3-1104"])
            .enumerate()
    {
        let revoke = |arguments: &[&str]| revoke(&directory, STATE, arguments).unwrap();
        assert!(
            revoke(&[typed]).starts_with(&format!("account {SID}: access is ended")),
            "{typed}"
        );
        assert_eq!(revoke(&["--list"]).lines().count(), 1, "{typed}");
        let lifted = if number % 2 == 0 { SID } else { typed };
        assert!(revoke(&["--lift", lifted]).contains("access is given back"));
        assert_eq!(revoke(&["--list"]), "nobody\n");
    }
    for none in ["S-1-5-21-1-2-3-4294967296", "s-1-", "S-1-5-x", "S-1-0x-21"] {
        let problem = revoke(&directory, STATE, &[none]).unwrap_err();
        assert!(problem.contains("SID"), "{none}: {problem}");
    }
    assert!(revoke(&directory, STATE, &["s-11"]).unwrap().starts_with("account s-11:"));
}

#[test]
fn what_would_revoke_nobody_is_refused() {
    let directory = Directory::new();
    let problem =
        |state: &str, arguments: &[&str]| revoke(&directory, state, arguments).unwrap_err();
    let long = "a".repeat(400);
    for name in [
        r"W25AD\alice",
        "alice@w25ad.net",
        "",
        " bob",
        "bob ",
        "bo\tb",
        "bob\n",
        "adm-*",
        "bob,eve",
        &long,
        " S-1-5-21-1",
    ] {
        let no_name = "is no account's sAMAccountName: ";
        assert!(problem(STATE, &[name]).contains(no_name), "{name}");
        assert!(problem(STATE, &["--lift", name]).contains(no_name), "{name}");
    }
    assert!(problem(STATE, &["S-1-5-21-1-2-3"]).contains("no account's and no group's SID"));
    for subject in ["", " ", " 42", "42\n"] {
        let problem = problem(STATE, &["--subject", subject]);
        assert!(problem.contains("--subject: ") && problem.contains("a subject is"), "{problem}");
    }
    assert_eq!(revoke(&directory, STATE, &["--list"]).unwrap(), "nobody\n");
    let stranger = ["--subject", "42", "--issuer", "https://idp.example.com"];
    assert!(problem(STATE, &stranger).contains("none of the configuration's"));
    assert!(problem("{}", &["alice"]).contains("no state.directory"));
    assert!(problem(STATE, &[]).contains("required"));
    assert!(problem(STATE, &["alice", "--list"]).contains("cannot be used with"));
    let short = r#"{"directory": "state", "key": "too short"}"#;
    assert!(problem(short, &["alice"]).contains("state.key: has fewer than 32"));
}

/// By the UPN where tokens say that, and with a word where nothing but tokens says who comes.
#[test]
fn it_goes_by_what_tokens_say_where_nobody_else_says_it() {
    let directory = Directory::new();
    let (mappings, kerberos) = (r#""claimMappings": {"#, r#""kerberos": {"#);
    let by_upn = EXAMPLE.replace(mappings, &format!(r#"{mappings} "upn": "upn","#));
    let by_upn = by_upn.replace(r#""sid": "object_sid","#, "");
    let by_upn = by_upn.replace(r#""legacyUsername": "legacy_name","#, "");
    let itself = r#"{ "delegation": { "mode": "service-account" },"#;
    let as_itself = by_upn.replace(kerberos, &kerberos.replace('{', itself));
    let revoke =
        |example: &str, who: &str| revoke_with(&directory, example, STATE, &[who]).unwrap();
    for (who, form) in
        [("alice@w25ad.net", None), ("alice", Some("sAMAccountName")), (SID, Some("SID"))]
    {
        let said = revoke(&by_upn, who);
        assert!(said.contains("access is ended") && !said.contains("comes itself"), "{said}");
        let said = revoke(&as_itself, who);
        assert_eq!(said.contains("comes itself"), form.is_some(), "{who}: {said}");
        assert!(
            form.is_none_or(|form| said.contains(&format!("do not say its {form}:"))),
            "{said}"
        );
    }
    let said = revoke(&EXAMPLE.replace(kerberos, &kerberos.replace('{', itself)), SID);
    assert!(!said.contains("comes itself"), "their tokens say it: {said}");
}

/// Of a user whom several claims name, one of these is nobody.
#[test]
fn a_part_of_a_subject_is_refused() {
    let directory = Directory::new();
    let mappings = r#""claimMappings": {"#;
    assert_eq!(EXAMPLE.matches(mappings).count(), 1);
    let several = EXAMPLE.replace(mappings, &format!(r#"{mappings} "userId": ["tid", "oid"],"#));
    let revoke = |subject: &str| revoke_with(&directory, &several, STATE, &["--subject", subject]);
    for subject in ["o", "t/", "/o", "t/o/x", "//"] {
        let problem = revoke(subject).unwrap_err();
        assert!(problem.contains("is tid/oid (userId)"), "{subject}: {problem}");
    }
    assert!(revoke("t/o").unwrap().starts_with("subject t/o of"));
}
