use clap::Parser;

use krb_delegation::state::Operator;

use super::*;
use crate::testing::Directory;

const EXAMPLE: &str = include_str!("../../examples/krb-mcp.jsonc");
const SID: &str = "S-1-5-21-1-2-3-1104";

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    asked: Pins,
}

fn configuration() -> String {
    let end = EXAMPLE.rfind('}').unwrap();
    let realm = "\"realm\": \"W25AD.NET\",";
    let other = r#""accounts": { "other": {
        "servicePrincipalName": "HTTP/x.other.test", "realm": "OTHER.TEST",
        "serviceAccount": { "username": "svc", "keytab": "other.keytab" } } },"#;
    let text = EXAMPLE[..end].replacen(realm, &format!("{realm} {other}"), 1);
    format!("{text}, \"state\": {{\"directory\": \"state\"}} }}")
}

fn pins(directory: &Directory, arguments: &[&str]) -> Result<String, String> {
    let file = directory.write("krb-mcp.jsonc", &configuration());
    let all = ["pins", arguments[0], "--config", file.to_str().unwrap()];
    let all = all.into_iter().chain(arguments[1..].iter().copied());
    let cli = Cli::try_parse_from(all).map_err(|error| error.to_string())?;
    let mut out = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(cli.asked, &mut out)).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn all_that_wait_are_approved_and_never_all_of_one_issuer_only() {
    let directory = Directory::new();
    let pins = |arguments: &[&str]| pins(&directory, arguments);
    pins(&["approve", "42", "--sid", SID]).unwrap();
    let config = Config::load(&directory.write("krb-mcp.jsonc", &configuration())).unwrap();
    let operator = Operator::new(&config.state).unwrap();
    for (issuer, realm) in [("https://a", "A"), ("https://b", "A"), ("https://b", "B")] {
        let [issuer, realm, sid] = [issuer, realm, SID].map(str::to_owned);
        let (subject, account) = ("1".to_owned(), "bob".to_owned());
        let pin = Pin { issuer, subject, realm, sid, account, at: 1, approved: false };
        operator.change_pins(&PinChange::Put(pin)).unwrap();
    }
    for which in [["--issuer", "https://a"], ["--realm", "A"]] {
        let problem = pins(&["approve", "--all", which[0], which[1]]).unwrap_err();
        assert!(problem.contains("cannot be used with"), "{problem}");
    }
    assert!(pins(&["approve", "--all", "42"]).unwrap_err().contains("cannot be used with"));
    assert_eq!(pins(&["list", "--waiting"]).unwrap().lines().count(), 3, "none was approved");
    assert_eq!(pins(&["approve", "--all", "--json"]).unwrap(), "{\"approved\":3}\n");
    assert_eq!(pins(&["list", "--waiting"]).unwrap(), "none\n");
}

#[test]
fn pins_are_approved_listed_and_released() {
    let directory = Directory::new();
    let pins = |arguments: &[&str]| pins(&directory, arguments);
    assert_eq!(pins(&["list"]).unwrap(), "none\n");
    assert!(pins(&["approve", "42"]).unwrap_err().contains("give one with --sid"));
    assert!(pins(&["approve", "42", "--sid", "S-1"]).unwrap_err().contains("--sid"));
    assert!(pins(&["approve", "42", "--sid", SID]).unwrap().starts_with("approved: 1"));
    let list = pins(&["list"]).unwrap();
    assert!(list.starts_with("approved  42 of https://keycloak.") && list.contains(SID), "{list}");
    assert!(list.contains("in W25AD.NET"), "{list}");
    assert_eq!(pins(&["list", "--waiting"]).unwrap(), "none\n");
    let other = ["approve", "42", "--sid", SID, "--realm", "OTHER.TEST"];
    assert_eq!(pins(&other).unwrap().lines().count(), 1);
    let list: serde_json::Value =
        serde_json::from_str(&pins(&["list", "--json"]).unwrap()).unwrap();
    assert_eq!(
        (list[0]["realm"].as_str(), list[1]["realm"].as_str()),
        (Some("W25AD.NET"), Some("OTHER.TEST"))
    );
    assert_eq!(pins(&["approve", "--all", "--json"]).unwrap(), "{\"approved\":0}\n", "none waits");
    assert!(pins(&["release", "42"]).unwrap().starts_with("released: 1"));
    assert!(pins(&["release", "42"]).unwrap_err().contains("is pinned to no account"));
    assert_eq!(pins(&["list"]).unwrap().lines().count(), 1, "the other realm's stays");
    assert!(pins(&["release", "42", "--issuer", "https://x"]).unwrap_err().contains("none of"));
}

#[test]
fn nobody_who_cannot_come_is_approved() {
    let directory = Directory::new();
    let pins = |arguments: &[&str]| pins(&directory, arguments);
    for (subject, realm, expected) in [
        ("", "W25AD.NET", "\"\": a subject is not empty"),
        (" 42", "W25AD.NET", "a subject is not empty"),
        ("42", "w25ad.net", "--realm: w25ad.net is none of the accounts': W25AD.NET, OTHER.TEST"),
        ("42", "", "--realm:  is none"),
        ("42", "THERE.TEST", "--realm: THERE.TEST"),
    ] {
        let problem = pins(&["approve", subject, "--sid", SID, "--realm", realm]).unwrap_err();
        assert!(problem.contains(expected), "{subject:?} {realm:?}: {problem}");
    }
    assert_eq!(pins(&["list"]).unwrap(), "none\n");
    // Of a realm that was configured once.
    let config = Config::load(&directory.write("krb-mcp.jsonc", &configuration())).unwrap();
    let (issuer, subject) = (config.issuer(None).unwrap(), "1".to_owned());
    let [realm, sid, account] = ["GONE.TEST", SID, "bob"].map(str::to_owned);
    let pin = Pin { issuer, subject, realm, sid, account, at: 1, approved: false };
    Operator::new(&config.state).unwrap().change_pins(&PinChange::Put(pin)).unwrap();
    assert!(pins(&["release", "1", "--realm", "GONE.TEST"]).unwrap().starts_with("released: 1"));
}
