use std::path::Path;

use serde_json::Value;

use super::{Config, jsonc};
use crate::testing::Directory;

const EXAMPLE: &str = include_str!("../../examples/krb-mcp.jsonc");

/// The example with one text replaced.
fn error(old: &str, new: &str) -> String {
    assert_eq!(EXAMPLE.matches(old).count(), 1, "{old}");
    let directory = Directory::new();
    let file = directory.write("c.jsonc", &EXAMPLE.replace(old, new));
    let error = Config::load(&file).unwrap_err().to_string();
    error.replace(&directory.0.display().to_string(), "DIR")
}

fn line_of(text: &str) -> usize {
    EXAMPLE.lines().position(|line| line.contains(text)).unwrap() + 1
}

#[test]
fn the_example_loads() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/krb-mcp.jsonc");
    let config = Config::load(&file).unwrap();
    let beside = |name| file.parent().unwrap().join(name);
    assert_eq!(config.policy.file, beside("policy.cedar"));
    assert_eq!(config.kerberos.service_account.keytab, Some(beside("mcp.keytab")));
    assert_eq!(Path::new(&config.audit.file), beside("audit.jsonl"));
    assert_eq!(config.network.ca_file, Some(beside("ca.pem")));
    assert_eq!(config.issuers(), ["https://keycloak.w25ad.net/realms/mcp_security"]);
}

#[test]
fn standard_output_and_absolute_paths_stay() {
    let directory = Directory::new();
    let text = EXAMPLE
        .replace(r#""file": "audit.jsonl""#, r#""file": "-""#)
        .replace(r#""mcp.keytab""#, r#""/etc/krb5.keytab""#);
    let config = Config::load(&directory.write("c.jsonc", &text)).unwrap();
    assert_eq!(config.audit.file, "-");
    assert_eq!(config.kerberos.service_account.keytab.unwrap(), Path::new("/etc/krb5.keytab"));
}

#[test]
fn what_is_not_json_is_found_by_line() {
    let line = line_of("callTimeoutSeconds");
    let problem = error(r#""callTimeoutSeconds": 30"#, r#""callTimeoutSeconds": 30,"#);
    assert_eq!(problem, format!("DIR/c.jsonc:{}:3: server: trailing comma", line + 1));
    let last = EXAMPLE.lines().count() + 1;
    let problem = error("  }\n}\n", "  }}{\n}\n");
    assert!(problem.starts_with(&format!("DIR/c.jsonc:{}:", last - 2)), "{problem}");
}

#[test]
fn what_is_not_known_or_missing_is_named() {
    let line = line_of("callTimeoutSeconds");
    let problem = error("callTimeoutSeconds", "callTimeout");
    assert!(problem.starts_with(&format!("DIR/c.jsonc:{line}:")), "{problem}");
    assert!(problem.contains("server.callTimeout: unknown field `callTimeout`"), "{problem}");
    assert!(problem.contains("`callTimeoutSeconds`"), "{problem}");

    let problem = error(r#""callTimeoutSeconds": 30"#, r#""callTimeoutSeconds": "30""#);
    assert!(problem.contains(r#"server.callTimeoutSeconds: invalid type: string "30""#));

    let problem = error(r#""listen": "127.0.0.1:8080","#, r#""listen": "localhost","#);
    assert!(problem.contains("server.listen: must be an IP address and a port"), "{problem}");

    let problem = error(r#""publicUrl": "https://mcp.w25ad.net/mcp","#, "");
    assert!(problem.contains("server: missing field `publicUrl`"), "{problem}");

    let problem = error(r#""audit": {"#, r#""audits": {"#);
    assert!(problem.contains("unknown field `audits`"), "{problem}");
}

#[test]
fn values_that_make_no_sense_are_refused() {
    for bad in [
        "ftp://mcp.w25ad.net/",
        "https://a@mcp.w25ad.net/",
        "https://mcp.w25ad.net/?x",
        "https://mcp.w25ad.net\\\\mcp",
        " https://mcp.w25ad.net/",
        "https://mcp.w25ad.net/a b",
    ] {
        let old = r#""publicUrl": "https://mcp.w25ad.net/mcp""#;
        let problem = error(old, &format!("\"publicUrl\": \"{bad}\""));
        assert!(problem.starts_with("DIR/c.jsonc: server.publicUrl: must be"), "{problem}");
    }
    let list = |name: &str, bad: &str| {
        let old = EXAMPLE.lines().find(|line| line.contains(&format!("\"{name}\":"))).unwrap();
        error(old, &format!("\"{name}\": [\"{bad}\"],"))
    };
    for bad in ["a b", "a@b", "http://a", ""] {
        assert!(list("allowedHosts", bad).contains("server.allowedHosts:"), "{bad}");
    }
    for bad in ["app.example.com", "https://", "ftp://a:1", "https://a:1/x", "null"] {
        let problem = list("allowedOrigins", bad);
        assert!(problem.contains("server.allowedOrigins[0]: "), "{problem}");
        assert!(problem.contains("for example https://app.example.com"), "{problem}");
    }
    for bad in ["a b", "é", ""] {
        assert!(list("scopes", bad).contains("server.scopes:"), "{bad}");
    }
    for (bad, what) in [
        (r#"{"from": []}"#, ".from: must list"),
        (r#"{"name": "a b", "from": ["::1"]}"#, ".name: must be"),
        (r#"{"name": "authorization", "from": ["::1"]}"#, ".name: must be"),
        (r#"{"from": ["10.0.0.1/24"]}"#, ".from[0]: \"10.0.0.1/24\" is neither"),
        (r#"{"name": "Client-Cert"}"#, ": missing field `from`"),
    ] {
        let old = r#""callTimeoutSeconds""#;
        let problem = error(old, &format!(r#""clientCertificateHeader": {bad}, {old}"#));
        assert!(problem.contains(&format!("server.clientCertificateHeader{what}")), "{problem}");
    }
    for bad in ["0", "601"] {
        let problem = error(r#"Seconds": 30"#, &format!("Seconds\": {bad}"));
        assert!(problem.contains("server.callTimeoutSeconds: must be 1 to 600"), "{problem}");
    }
}

#[test]
fn somebody_must_be_trusted() {
    let start = EXAMPLE.find(r#""trustedIDPs": ["#).unwrap();
    let end = start + EXAMPLE[start..].find("\n    ]").unwrap() + 6;
    let problem = error(&EXAMPLE[start..end], r#""trustedIDPs": []"#);
    assert!(problem.contains("auth.trustedIDPs: must hold at least one"), "{problem}");
}

#[test]
fn a_missing_file_is_named() {
    let problem = Config::load(Path::new("/no/such.jsonc")).unwrap_err().to_string();
    assert!(problem.starts_with("cannot read /no/such.jsonc: No such file"), "{problem}");
}

const MINIMUM: &str = include_str!("../../examples/minimum.jsonc");

/// A block with comments, laid over the minimum.
fn over_the_minimum(block: &str) -> Result<Config, String> {
    fn lay(over: &mut Value, block: Value) {
        match (over, block) {
            (Value::Object(over), Value::Object(block)) => {
                block
                    .into_iter()
                    .for_each(|(name, value)| lay(over.entry(name).or_insert(Value::Null), value));
            }
            (over, block) => *over = block,
        }
    }
    let parse = |text: &str| serde_json::from_str(&jsonc::without_comments(text)).unwrap();
    let mut whole: Value = parse(MINIMUM);
    lay(&mut whole, parse(block));
    let directory = Directory::new();
    let file = directory.write("c.jsonc", &whole.to_string());
    Config::load(&file).map_err(|error| error.to_string())
}

#[test]
fn blocks_load_as_they_were_printed_with_a_minimum_around_them() {
    let exchange = |config: Config| config.delegation.token_exchange.unwrap();
    let minimum = exchange(over_the_minimum("{}").unwrap());
    assert!(!minimum.cache.enabled);
    let printed = exchange(over_the_minimum(include_str!("blocks/exchange.jsonc")).unwrap());
    assert_eq!(printed.default_scope.as_deref(), Some("openid profile email"));
    assert!(printed.client_secret.is_some() && !printed.cache.enabled);
    let printed = exchange(over_the_minimum(include_str!("blocks/cache.jsonc")).unwrap()).cache;
    assert!(printed.enabled);
    assert_eq!((printed.ttl_seconds, printed.max_entries_per_session), (60, 10));
    assert_eq!(printed.session_timeout_ms, 900_000);
    let unknown =
        over_the_minimum(r#"{ "delegation": { "tokenExchange": { "cache": { "x": 1 } } } }"#);
    assert!(unknown.unwrap_err().contains("unknown field `x`"));
}

#[test]
fn exchanges_and_modules_are_read_wherever_they_stand() {
    let config = over_the_minimum(
        r#"{
            "auth": { "trustedIDPs": [{
                "issuer": "https://idp.example", "audience": "us", "tokenExchange": {
                    "tokenEndpoint": "https://idp.example/token", "clientId": "us",
                    "clientAuthentication": "private_key_jwt",
                    "clientKey": { "file": "key.pem", "algorithm": "PS256" },
                    "audience": ["us", "files"], "scope": "a"
                }
            }] },
            "delegation": { "modules": { "smb": { "tokenExchange": { "audience": "files" } } } }
        }"#,
    );
    let config = config.unwrap();
    assert!(config.delegation.modules.contains_key("smb"));
    let own = config.auth.trusted_idps[0].token_exchange.clone().unwrap();
    assert_eq!(own.default_scope.as_deref(), Some("a"), "by its other name");
    let file = own.client_key.unwrap().file;
    assert!(file.is_absolute() && file.ends_with("key.pem"), "relative to the configuration");
}
