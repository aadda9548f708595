use krb_client::proto::formats::{Keytab, KeytabEntry};
use krb_client::proto::iana::EncType;
use krb_client::proto::{KerberosTime, Name, Principal};

use super::print;
use crate::testing::{Directory, assert_snapshot};

const EXAMPLE: &str = include_str!("../../examples/krb-mcp.jsonc");
const POLICY: &str = include_str!("../../examples/policy.cedar");
const CA: &str = include_str!("ca.pem");
const KUBERNETES: &str = include_str!("../../deploy/kubernetes.yaml");

/// The example with everything that it names.
pub(crate) fn directory() -> Directory {
    let directory = Directory::new();
    // Every environment has this variable, and no test can set one.
    directory.write("krb-mcp.jsonc", &EXAMPLE.replace("MCP_OAUTH_CLIENT_SECRET", "PATH"));
    directory.write("policy.cedar", POLICY);
    directory.write("ca.pem", CA);
    let entry = KeytabEntry {
        principal: Principal::new(Name::user("svc-mcp-server"), "W25AD.NET"),
        timestamp: KerberosTime::from_unix(0),
        kvno: 1,
        enctype: EncType::AES256_CTS_HMAC_SHA1_96,
        key_bytes: vec![7; 32].into(),
    };
    let mut keytab = Keytab::default();
    keytab.entries.push(entry);
    let file = directory.0.join("mcp.keytab");
    std::fs::write(&file, &*keytab.to_bytes().unwrap()).unwrap();
    // Not anybody's to read, which would be said.
    #[cfg(unix)]
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    directory
}

async fn check(directory: &Directory, json: bool) -> Result<String, String> {
    let mut out = Vec::new();
    let place = |text: String| text.replace(&directory.0.display().to_string(), "DIR");
    match print(&directory.0.join("krb-mcp.jsonc"), json, false, &mut out).await {
        Ok(()) => Ok(place(String::from_utf8(out).unwrap())),
        Err(error) => Err(place(error.to_string())),
    }
}

/// What is found wrong with the example in which one text of a file is replaced.
async fn problem(file: &str, old: &str, new: &str) -> String {
    let directory = directory();
    let text = std::fs::read_to_string(directory.0.join(file)).unwrap();
    assert!(text.contains(old), "{old}");
    directory.write(file, &text.replace(old, new));
    check(&directory, false).await.unwrap_err()
}

#[tokio::test]
async fn the_example_is_valid() {
    assert_snapshot("src/check/example.txt", &check(&directory(), false).await.unwrap());
}

/// What the ConfigMap that the chart renders holds under a name.
fn rendered(name: &str) -> String {
    let text = KUBERNETES.split_once(&format!("  {name}: |\n")).unwrap().1;
    let lines = text.lines().map_while(|line| line.strip_prefix("    "));
    lines.map(|line| format!("{line}\n")).collect()
}

#[tokio::test]
async fn what_the_chart_renders_is_valid() {
    let directory = directory();
    let place = directory.0.display().to_string();
    // As the volumes are mounted where there is an fsGroup: root's, the group's, and to be looked into
    // by everybody.
    for volume in ["log", "lib"] {
        std::fs::create_dir(directory.0.join(volume)).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(
            directory.0.join(volume),
            std::os::unix::fs::PermissionsExt::from_mode(0o2775),
        )
        .unwrap();
    }
    let config = rendered("krb-mcp.jsonc")
        .replace("MCP_OAUTH_CLIENT_SECRET", "PATH")
        .replace("EXAMPLE.COM", "W25AD.NET")
        .replace("/run/secrets", &place)
        .replace("/var/log/krb-mcp", &format!("{place}/log"))
        .replace("/var/lib/krb-mcp", &format!("{place}/lib"));
    directory.write("krb-mcp.jsonc", &config);
    directory.write("policy.cedar", &rendered("policy.cedar"));
    let said = check(&directory, false).await.unwrap();
    assert!(said.contains("fileserver"), "{said}");
}

#[tokio::test]
async fn programs_get_json() {
    let report = check(&directory(), true).await.unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["policy"], "DIR/policy.cedar");
    assert_eq!(report["targets"][0]["spn"], "cifs/fileserver.w25ad.net");
}

#[tokio::test]
async fn a_shared_store_is_enough_to_revoke_somebody() {
    let directory = directory();
    let text = std::fs::read_to_string(directory.0.join("krb-mcp.jsonc")).unwrap();
    let state = r#""state": { "redis": { "address": "redis.example", "key": "0123456789abcdef0123456789abcdef" } },
  "audit": {"#;
    directory.write("krb-mcp.jsonc", &text.replacen("\"audit\": {", state, 1));
    let said = check(&directory, false).await.unwrap();
    assert!(said.contains("shared state     redis.example\n"), "{said}");
    assert!(!said.contains("nobody can be revoked"), "{said}");
}

#[tokio::test]
async fn what_would_be_better_otherwise_is_a_warning() {
    let directory = directory();
    let text = std::fs::read_to_string(directory.0.join("krb-mcp.jsonc")).unwrap();
    let said = check(&directory, false).await.unwrap();
    assert!(!said.contains("warning"), "nothing of the example: {said}");
    for (old, new, warning) in [
        (r#""sid": "object_sid","#, "", "claimMappings.sid is not given"),
        (r#""mayAssert": { "realms": ["W25AD.NET"] },"#, "", "mayAssert is not given"),
        (
            r#""clockTolerance": 60"#,
            r#""dangerNamesAsSubjects": true"#,
            "security.dangerNamesAsSubjects is on",
        ),
        (
            r#""clockTolerance": 60"#,
            r#""dangerUserEditableClaims": true"#,
            "security.dangerUserEditableClaims is on",
        ),
    ] {
        assert!(text.contains(old), "{old}");
        directory.write("krb-mcp.jsonc", &text.replace(old, new));
        let said = check(&directory, false).await.unwrap();
        let expected = format!("  warning          auth.trustedIDPs[0]: {warning}");
        assert!(said.contains(&expected), "{said}");
    }
}

/// No KDC is asked there who a caller is.
#[tokio::test]
async fn what_does_not_count_where_a_service_comes_itself_is_a_warning() {
    let directory = directory();
    let text = std::fs::read_to_string(directory.0.join("krb-mcp.jsonc")).unwrap();
    let accounts = r#""sids": [] }, "onlyMembersOf": ["S-1-5-21-1-2-3-2115"], "accounts": { "finance": {
        "servicePrincipalName": "HTTP/finance.w25ad.net", "realm": "W25AD.NET",
        "serviceAccount": { "username": "svc-finance", "password": { "$secret": "PATH" } },
        "delegation": { "mode": "service-account" } } }"#;
    let (old, sid) = ("\"sids\": []\n    }", r#""sid": "object_sid","#);
    assert!(text.contains(old) && text.contains(sid));
    let text = text.replace(old, accounts);
    directory.write("krb-mcp.jsonc", &text);
    let said = check(&directory, false).await.unwrap();
    assert!(
        said.contains("  warning          kerberos.onlyMembersOf: it does not count"),
        "{said}"
    );
    assert!(!said.contains("without claimMappings.sid"), "{said}");
    directory.write("krb-mcp.jsonc", &text.replace(sid, ""));
    let said = check(&directory, false).await.unwrap();
    assert!(said.contains("service-account: without claimMappings.sid, krb-mcp revoke"), "{said}");
}

#[tokio::test]
async fn nothing_is_written() {
    let directory = directory();
    let before = std::fs::read_dir(&directory.0).unwrap().count();
    check(&directory, false).await.unwrap();
    assert_eq!(std::fs::read_dir(&directory.0).unwrap().count(), before);
}

#[tokio::test]
async fn what_would_end_the_start_is_found() {
    let config = "krb-mcp.jsonc";
    for (file, old, new, expected) in [
        (
            config,
            "mcp.keytab",
            "other.keytab",
            "DIR/krb-mcp.jsonc: kerberos.serviceAccount.keytab: ",
        ),
        (config, "svc-mcp-server", "svc-other", "for svc-other@W25AD.NET: `krb klist -ke` shows"),
        (
            config,
            r#"{ "$secret": "PATH" }"#,
            r#""""#,
            "delegation.tokenExchange.clientSecret: is empty",
        ),
        (
            config,
            "\"PATH\"",
            "\"NO_SUCH_SECRET\"",
            "delegation.tokenExchange.clientSecret: there is",
        ),
        (config, "dc.w25ad.net:88", "dc.w25ad.net:x", ": kerberos.kdcs: dc.w25ad.net:x: must be"),
        (
            config,
            "10.0.0.2:53",
            "dns.w25ad.net",
            "network.nameservers: \"dns.w25ad.net\" is neither",
        ),
        (config, "\"RS256\", ", "\"HS256\", ", "auth.trustedIDPs[0].algorithms: must list"),
        (
            config,
            "\"shares\":",
            "\"account\": \"x\", \"shares\":",
            "targets[0].account: names a service",
        ),
        (
            config,
            "\"realm\":",
            "\"delegation\": {\"mode\": \"service-account\"}, \"realm\":",
            "DIR/policy.cedar:6: policy `staff-read-files` permits the use of fileserver as its \
             service account, and not only of certain paths",
        ),
        (
            config,
            "\"realm\":",
            "\"delegation\": {\"auditUserContext\": false}, \"realm\":",
            "DIR/krb-mcp.jsonc: kerberos.delegation.auditUserContext: records always name",
        ),
        (
            config,
            "\"realm\":",
            "\"maxIdentityAgeSeconds\": 59, \"realm\":",
            "kerberos.maxIdentityAgeSeconds: must be 60 to 900 seconds",
        ),
        (
            config,
            "\"realm\":",
            "\"maxIdentityAgeSeconds\": 901, \"realm\":",
            "kerberos.maxIdentityAgeSeconds: must be 60 to 900 seconds",
        ),
        (
            config,
            "\"trustedIDPs\":",
            "\"negotiate\": {\"maxLoginAge\": 0}, \"trustedIDPs\":",
            "auth.negotiate.maxLoginAge: must be 1 to 604800 seconds",
        ),
        (
            config,
            "\"trustedIDPs\":",
            "\"negotiate\": {\"maxLoginAge\": 604801}, \"trustedIDPs\":",
            "auth.negotiate.maxLoginAge: must be 1 to 604800 seconds",
        ),
        (
            config,
            "\"audit\": {",
            "\"state\": {\"directory\": \"state\", \"key\": \"0123456789abcdef0123456789abcde\"}, \
             \"audit\": {",
            "DIR/krb-mcp.jsonc: state.key: has fewer than 32 characters",
        ),
        (
            config,
            "\"audit\": {",
            "\"state\": {\"redis\": {\"address\": \"r\", \"key\": \"0123456789abcdef0123456789abcde\"}}, \
             \"audit\": {",
            "state.redis.key: has fewer than 32 characters",
        ),
        (config, "\"sids\": []", "\"sids\": [\"x\"]", "kerberos.neverImpersonate.sids: "),
        (config, "\"ttlSeconds\": 60", "\"ttlSeconds\": 0", "cache.ttlSeconds: "),
        (
            config,
            "audit.jsonl",
            "no/such/audit.jsonl",
            "audit.file: cannot open DIR/no/such/audit.jsonl",
        ),
        (config, "\"audit.jsonl\"", "\".\"", "audit.file: cannot open DIR/."),
        (config, "cifs/fileserver", "fileserver", "DIR/krb-mcp.jsonc: targets[0].spn: must be"),
        (config, "\"policy.cedar\"", "\"no.cedar\"", "cannot read DIR/no.cedar: No such file"),
        ("ca.pem", CA, "no certificate\n", "network.caFile: DIR/ca.pem: it holds no certificate"),
        (
            "policy.cedar",
            r#"Target::"intranet""#,
            r#"Target::"internet""#,
            "DIR/policy.cedar:19: policy `staff-use-the-intranet` names",
        ),
    ] {
        let problem = problem(file, old, new).await;
        assert!(problem.contains(expected), "{old} -> {new}: {problem}");
    }
    let named = problem("policy.cedar", r#"Target::"intranet""#, r#"Target::"internet""#).await;
    assert!(named.contains("staff-use-the-intranet"), "{named}");
}

#[tokio::test]
async fn what_is_just_within_a_limit_is_valid() {
    const KEY: &str = "0123456789abcdef0123456789abcdef";
    let state = format!(
        r#""state": {{ "directory": "state", "key": "{KEY}", "redis": {{ "address": "r", "key": "{KEY}",
        "otherKey": "{KEY}" }} }}, "audit": {{"#
    );
    for (old, new) in [
        ("\"realm\":", "\"maxIdentityAgeSeconds\": 60, \"realm\":"),
        ("\"realm\":", "\"maxIdentityAgeSeconds\": 900, \"realm\":"),
        ("\"trustedIDPs\":", "\"negotiate\": {\"maxLoginAge\": 1}, \"trustedIDPs\":"),
        ("\"trustedIDPs\":", "\"negotiate\": {\"maxLoginAge\": 604800}, \"trustedIDPs\":"),
        ("\"audit\": {", &state),
    ] {
        let directory = directory();
        let text = std::fs::read_to_string(directory.0.join("krb-mcp.jsonc")).unwrap();
        assert!(text.contains(old), "{old}");
        directory.write("krb-mcp.jsonc", &text.replacen(old, new, 1));
        check(&directory, false).await.unwrap_or_else(|problem| panic!("{new}: {problem}"));
    }
}

#[tokio::test]
async fn text_is_taken_as_windows_editors_write_it() {
    let expected = check(&directory(), false).await.unwrap();
    for file in ["krb-mcp.jsonc", "policy.cedar", "ca.pem"] {
        let plain = std::fs::read_to_string(directory().0.join(file)).unwrap();
        let lines = format!("\u{feff}{}", plain.replace('\n', "\r\n"));
        let units = lines.encode_utf16();
        for bytes in [
            lines.clone().into_bytes(),
            units.clone().flat_map(u16::to_le_bytes).collect(),
            units.flat_map(u16::to_be_bytes).collect(),
        ] {
            let directory = directory();
            std::fs::write(directory.0.join(file), &bytes).unwrap();
            assert_eq!(check(&directory, false).await, Ok(expected.clone()), "{file}");
        }
    }
    // Certificates among words in some older encoding.
    let directory = directory();
    let mut bytes = b"M\xfcller's CA\n".to_vec();
    bytes.extend(CA.as_bytes());
    std::fs::write(directory.0.join("ca.pem"), bytes).unwrap();
    assert_eq!(check(&directory, false).await, Ok(expected));
}
