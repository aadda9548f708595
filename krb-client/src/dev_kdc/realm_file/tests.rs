use krb_proto::iana::EncType;
use krb_proto::kdc::{Compat, Trustee};

use super::*;

fn realm_of(text: &str) -> Realm {
    let mut realms = RealmFile::parse(text).unwrap().realms();
    assert_eq!(realms.len(), 1);
    realms.remove(0)
}

fn problem_of(text: &str) -> String {
    RealmFile::parse(text).err().unwrap_or_else(|| panic!("taken: {text}")).to_string()
}

/// The example that the documents lead to.
#[test]
fn the_example_is_a_realm() {
    let realm = realm_of(include_str!("../../../../docs/example-realm.toml"));
    assert_eq!(realm.name(), "EXAMPLE.TEST");
    let front = realm.account("svc-mcp").unwrap();
    assert!(front.trusted_to_auth_for_delegation);
    assert_eq!(front.allowed_to_delegate_to, ["HTTP/web.example.test"]);
    assert!(realm.account("DANA").unwrap().not_delegated);
    assert_eq!(realm.account("alice").unwrap().groups, [1600]);
    let trustee = Trustee::Account("svc-mcp".into());
    assert_eq!(realm.account("files$").unwrap().allowed_to_act, [trustee]);
    assert!(!realm.keytab(front).entries.is_empty(), "random keys");
}

/// Every key of an account, each with what it makes of one; the page has a row for each.
#[test]
fn every_key_is_read_and_described() {
    let realm = realm_of(
        r#"
        [[realm]]
        name = "EXAMPLE.TEST"
        compat = "ad-2025"
        enctypes = ["aes128-cts", "aes256-sha2"]
        domain_sid = "S-1-5-21-1-2-3"
        ticket_lifetime = "8h"
        renewable_lifetime = "1d"
        clock_skew = "60s"
        groups = { staff = 1600 }
        [realm.users.alice]
        keys = ["aes128-cts:000102030405060708090a0b0c0d0e0f"]
        kvno = 7
        enctypes = ["aes128-cts"]
        upn = "a@example.test"
        spns = ["HTTP/alice.example.test"]
        rid = 1234
        groups = ["staff", 1700]
        not_delegated = true
        protected_user = true
        trusted_to_auth_for_delegation = true
        trusted_for_delegation = true
        allowed_to_delegate_to = ["HTTP/x"]
        allowed_to_act = ["bob", "S-1-5-21-9-8-7-1000"]
        disabled = true
        locked = true
        must_change_password = true
        smartcard_required = true
        no_preauth = true
        expires = 2031-12-31T01:00:00+01:00
        password_expires = 1970-01-01T00:00:10Z
        max_life = "1h30m"
        [realm.services]
        bob = { password = "x" }
        [realm.computers]
        "HOST$" = { password = "x" }
        [realm.trusts."OTHER.TEST"]
        password = "known to both"
        domains = ["other.example"]
        domain_sid = "S-1-5-21-4-5-6"
        enctypes = ["aes128-cts"]
        transitive = true
        delegation = false
        "#,
    );
    assert_eq!(realm.policy.compat, Compat::Ad2025);
    let enctypes = [EncType::AES128_CTS_HMAC_SHA1_96, EncType::AES256_CTS_HMAC_SHA384_192];
    assert_eq!(realm.policy.enctypes, enctypes);
    assert_eq!(realm.domain_sid().to_string(), "S-1-5-21-1-2-3");
    assert_eq!((realm.policy.lifetimes.ticket, realm.policy.lifetimes.renewable), (28_800, 86_400));
    assert_eq!(realm.policy.skew, 60);
    let alice = realm.account("alice").unwrap();
    assert_eq!(alice.long_term_keys().current_kvno(), Some(7));
    assert!(alice.long_term_keys().current(EncType::AES128_CTS_HMAC_SHA1_96).is_some());
    assert_eq!(alice.enctypes.as_deref(), Some(&[EncType::AES128_CTS_HMAC_SHA1_96][..]));
    assert_eq!(alice.user_principal_name(), Some("a@example.test"));
    assert_eq!(alice.service_principal_names(), ["HTTP/alice.example.test"]);
    assert_eq!((alice.relative_id(), &alice.groups[..]), (Some(1234), &[1600, 1700][..]));
    for flag in [
        alice.not_delegated,
        alice.protected_user,
        alice.trusted_to_auth_for_delegation,
        alice.trusted_for_delegation,
        alice.disabled,
        alice.locked,
        alice.must_change_password,
        alice.smartcard_required,
        alice.no_preauth,
    ] {
        assert!(flag);
    }
    assert_eq!(alice.allowed_to_delegate_to, ["HTTP/x"]);
    let sid = Trustee::Sid("S-1-5-21-9-8-7-1000".parse().unwrap());
    assert_eq!(alice.allowed_to_act, [Trustee::Account("bob".into()), sid]);
    assert_eq!(alice.expires.unwrap().to_string(), "2031-12-31T00:00:00Z");
    assert_eq!(alice.password_expires.unwrap().unix(), 10);
    assert_eq!(alice.max_life, Some(5400));
    let trust = realm.trust("OTHER.TEST").unwrap();
    assert!(trust.transitive && !trust.delegation);
    assert_eq!(trust.enctypes, [EncType::AES128_CTS_HMAC_SHA1_96]);
    assert_eq!(trust.domain_sid.as_ref().unwrap().to_string(), "S-1-5-21-4-5-6");
}

/// The page's tables name the keys that there are: `expected one of` is the library's list of them.
#[test]
fn the_page_describes_the_keys_that_there_are() {
    let page = include_str!("../../../../docs/dev-kdc.md");
    for table in ["", "[realm.users.a]\n", "[realm.trusts.T]\npassword = \"x\"\n"] {
        let problem = problem_of(&format!("[[realm]]\nname = \"R\"\n{table}nonsense = 1"));
        let (_, keys) = problem.split_once("expected one of ").unwrap();
        for key in keys.split(", ").map(|key| key.trim_matches('`')) {
            assert!(page.contains(&format!("`{key}`")), "docs/dev-kdc.md says nothing of {key}");
        }
    }
}

#[test]
fn what_means_nothing_is_refused_with_its_line() {
    for (text, line, problem) in [
        ("", None, "it has no realm"),
        ("[[realm]]", Some(1), "missing field `name`"),
        ("[[realm]]\nname = \"A B\"", Some(2), "letters, digits"),
        ("[[realm]]\nname = \"R\\n[libdefaults]\"", Some(2), "letters, digits"),
        ("[[realm]]\nname = \"R\"\n[[realm]]\nname = \"r\"", Some(4), "there twice"),
        (
            "[[realm]]\nname = \"R\"\ncompat = \"windows\"",
            Some(3),
            "expected one of `strict`, `ad`",
        ),
        ("[[realm]]\nname = \"R\"\nenctypes = [\"aes\"]", Some(3), "as in a krb5.conf"),
        ("[[realm]]\nname = \"R\"\nclock_skew = \"soon\"", Some(3), "\"10h\""),
        ("[[realm]]\nname = \"R\"\nclock_skew = \"-5s\"", Some(3), "\"10h\""),
        ("[[realm]]\nname = \"R\"\n[realm.users.a]\npasword = \"x\"", Some(4), "`password`"),
        ("[[realm]]\nname = \"R\"\n[realm.users.a]\npassword = \"\"", Some(4), "not empty"),
        ("[[realm]]\nname = \"R\"\n[realm.users.a]\nkvno = 3", Some(3), "kvno"),
        ("[[realm]]\nname = \"R\"\n[realm.users.a]\ngroups = [\"g\"]", Some(4), "no group g"),
        ("[[realm]]\nname = \"R\"\n[realm.users.a]\ngroups = [true]", Some(4), "or its RID"),
        ("[[realm]]\nname = \"R\"\n[realm.users.a]\nexpires = 2031-12-31", Some(4), "a moment"),
        (
            "[[realm]]\nname = \"R\"\n[realm.users.a]\nkeys = [\"aes256-cts:00\"]",
            Some(4),
            "a key is",
        ),
        (
            "[[realm]]\nname = \"R\"\n[realm.users.a]\nallowed_to_act = [\"b\"]",
            Some(4),
            "no account",
        ),
        (
            "[[realm]]\nname = \"R\"\n[realm.users]\na = {}\n[realm.services]\nA = {}",
            Some(6),
            "twice",
        ),
        (
            "[[realm]]\nname = \"R\"\n[realm.users]\na = {spns=[\"x/y\"]}\nb = {spns=[\"X/Y\"]}",
            Some(5),
            "already",
        ),
        ("[[realm]]\nname = \"R\"\n[realm.trusts.T]\n", Some(3), "missing field `password`"),
        ("[[realm]\n", Some(1), ""),
        ("[realm]\nname = \"R\"", Some(1), "[[realm]]"),
        (
            "[[realm]]\nname = \"R\"\n[realm.users.a]\nexpires = \"2031-12-31T00:00:00Z\"",
            Some(4),
            "without quotes",
        ),
    ] {
        let error = RealmFile::parse(text).err().unwrap_or_else(|| panic!("taken: {text}"));
        assert_eq!(error.line, line, "{text}\n{error}");
        assert!(error.problem.contains(problem), "{text}\n{error}");
    }
    let long = "#".repeat(MAX_TEXT + 1);
    assert!(problem_of(&long).contains("longer than"));
    assert!(problem_of(&long[..MAX_TEXT]).contains("no realm"), "read, and found empty");
}

#[test]
fn no_error_has_a_secret_in_it() {
    let secret = "5318008";
    for written in [
        "pasword = \"5318008\"",
        "password = 5318008",
        "password = 5318008.5",
        "password = [\"5318008\"]",
        "password = \"5318008",
        "password = \"5318008\", disabled = 1",
        "keys = [\"aes256-cts:5318008\"]",
        "keys = \"aes256-cts:5318008\"",
        "password = \"5318008\"\nkeys = [\"aes128-cts:000102030405060708090a0b0c0d0e0f\"]",
    ] {
        let problem = problem_of(&format!("[[realm]]\nname = \"R\"\n[realm.users.a]\n{written}"));
        assert!(!problem.contains(secret), "{written}: {problem}");
    }
}
