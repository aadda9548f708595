use std::path::Path;

use serde_json::Value;

use super::{Config, jsonc, toml, yaml};
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
fn every_file_is_relative_to_the_configuration() {
    let database = r#""targets": [
        { "name": "db", "kind": "sql", "engine": "postgresql", "host": "db.w25ad.net",
          "databases": ["sales"],
          "login": { "mode": "mapped", "certificate": "db.crt", "key": "db.key" } },"#;
    let text = EXAMPLE.replacen(r#""targets": ["#, database, 1);
    let directory = Directory::new();
    let mut config = Config::load(&directory.write("c.jsonc", &text)).unwrap();
    let mut files = Vec::new();
    config.each_file(&mut |setting, _, path| files.push((setting.to_owned(), path.clone())));
    for (setting, path) in &files {
        assert!(path.starts_with(&directory.0), "{setting}: {}", path.display());
    }
    for setting in ["targets[0].login.certificate", "targets[0].login.key"] {
        assert!(files.iter().any(|(named, _)| named == setting), "{files:?}");
    }
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
    assert!(problem.contains("server.callTimeoutSeconds: invalid type: string, expected"));

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
        (r#"{"from": ["10.0.0.5", "0.0.0.0/0"]}"#, ".from: must list the reverse proxies and no"),
        (r#"{"from": ["::/0"]}"#, ".from: must list the reverse proxies and no"),
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
    laid_over_the_minimum(jsonc::read(block).unwrap())
}

fn laid_over_the_minimum(block: Value) -> Result<Config, String> {
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
    let mut whole: Value = jsonc::read(MINIMUM).unwrap();
    lay(&mut whole, block);
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
fn a_configuration_is_the_same_as_json_as_toml_and_as_yaml() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let load = |name| format!("{:?}", Config::load(&examples.join(name)).unwrap());
    for form in ["minimum.toml", "minimum.yaml"] {
        assert_eq!(load(form), load("minimum.jsonc"), "{form}");
    }
    let directory = Directory::new();
    let text = include_str!("../../examples/minimum.yaml");
    Config::load(&directory.write("c.YML", text)).unwrap();
    for (json, as_toml, as_yaml) in [
        (
            include_str!("blocks/cache.jsonc"),
            include_str!("blocks/cache.toml"),
            include_str!("blocks/cache.yaml"),
        ),
        (
            include_str!("blocks/exchange.jsonc"),
            include_str!("blocks/exchange.toml"),
            include_str!("blocks/exchange.yaml"),
        ),
    ] {
        let block: Value = jsonc::read(json).unwrap();
        assert_eq!(toml::read::<Value>(as_toml).unwrap(), block);
        assert_eq!(yaml::read::<Value>(as_yaml).unwrap(), block);
        laid_over_the_minimum(block).unwrap();
    }
}

/// What a file of that name says is wrong with it.
fn problem_in(name: &str, text: &str) -> String {
    let directory = Directory::new();
    let error = Config::load(&directory.write(name, text)).unwrap_err().to_string();
    error.replace(&directory.0.display().to_string(), "DIR")
}

#[test]
fn what_is_wrong_is_named_by_line_and_setting_in_each_form() {
    const TOML: &str = include_str!("../../examples/minimum.toml");
    const YAML: &str = include_str!("../../examples/minimum.yaml");
    let change = |text: &str, old: &str, new: &str| {
        assert_eq!(text.matches(old).count(), 1, "{old}");
        text.replace(old, new)
    };
    for (name, text, old, new, expected) in [
        ("c.toml", TOML, "clientId", "client_id", "12:1: delegation.tokenExchange.client_id: "),
        ("c.toml", TOML, "clientId", "client_id", "unknown field `client_id`"),
        (
            "c.toml",
            TOML,
            "realm = \"W25AD.NET\"",
            "realm = 5",
            "18:9: kerberos.realm: invalid type",
        ),
        (
            "c.toml",
            TOML,
            "\"$secret\"",
            "\"secret\"",
            "delegation.tokenExchange.clientSecret: a secret is",
        ),
        ("c.toml", TOML, "[audit]", "[audit", "c.toml:32:"),
        (
            "c.yaml",
            YAML,
            "clientId",
            "client_id",
            "11:5: delegation.tokenExchange.client_id: unknown field",
        ),
        (
            "c.yaml",
            YAML,
            "realm: W25AD.NET",
            "realm: 5",
            "16:3: kerberos.realm: invalid type: integer, expected a string",
        ),
        ("c.yaml", YAML, "    host:", "    hosts:", "targets[0]"),
        ("c.yaml", YAML, "[corp]", "[corp", "c.yaml:2"),
        (
            "c.yaml",
            YAML,
            "  publicUrl: http://localhost:8080/mcp",
            "  x: 1",
            "server.x: unknown field `x`",
        ),
        ("c.yaml", YAML, "  realm: W25AD.NET\n", "", "14:1: kerberos: missing field `realm`"),
    ] {
        let problem = problem_in(name, &change(text, old, new));
        assert!(problem.contains(expected), "{new}: {problem}");
    }
}

/// A password of digits, or anything where something else belongs.
#[test]
fn no_value_is_shown_by_what_is_said_of_it_in_each_form() {
    const SECRET: &str = "8273645591";
    for written in [
        SECRET.to_owned(),
        format!("-{SECRET}"),
        format!("{SECRET}.25"),
        format!("[\"{SECRET}\"]"),
        format!("{{\"$secret\": {SECRET}}}"),
    ] {
        let old = r#""clientSecret": { "$secret": "MCP_OAUTH_CLIENT_SECRET" }"#;
        let problem = error(old, &format!(r#""clientSecret": {written}"#));
        assert!(problem.contains("clientSecret"), "{written}: {problem}");
        assert!(!problem.contains(SECRET), "{written}: {problem}");
    }
    let password = |text: String| text.replace("PASSWORD", SECRET);
    for (name, text) in [
        ("c.yaml", "state:\n  key: PASSWORD\n"),
        ("c.yaml", "state:\n  key: {PASSWORD: x}\n"),
        ("c.yaml", "state:\n  key: {PASSWORD}\n"),
        ("c.yaml", "state: PASSWORD\n"),
        ("c.yaml", "state: \"PASSWORD\"\n"),
        ("c.toml", "[state]\nkey = PASSWORD\n"),
        ("c.toml", "[state]\nkey = PASSWORD.5\n"),
        ("c.toml", "[state]\nkey = {\"PASSWORD\" = 1}\n"),
        ("c.toml", "state = \"PASSWORD\"\n"),
        ("c.jsonc", "{\"state\": \"PASSWORD, expected \\\"x\\\"\"}"),
        ("c.jsonc", "{\"state\": {\"key\": {\"$secret\": \"A\", \"PASSWORD\": 1}}}"),
    ] {
        let problem = problem_in(name, &password(text.to_owned()));
        assert!(problem.contains("state"), "{text}: {problem}");
        assert!(!problem.contains(SECRET), "{text}: {problem}");
    }
}

/// In a section of which the names are the operator's, too.
#[test]
fn a_name_that_is_there_twice_is_refused_in_each_form() {
    for (name, text) in [
        ("c.jsonc", r#"{ "a": 1, "b": { "x": 1, "y": 2, "x": 1 } }"#),
        ("c.toml", "a = 1\n[b]\nx = 1\ny = 2\nx = 1\n"),
        ("c.toml", "[b.x]\ny = 2\n[b.x]\n"),
        ("c.yaml", "a: 1\nb:\n  x: 1\n  y: 2\n  \"x\": 1\n"),
        ("c.yaml", "b: {x: 1, x: 1}\n"),
    ] {
        let problem = problem_in(name, text);
        let words = ["there twice", "duplicate key"];
        assert!(words.iter().any(|word| problem.contains(word)), "{name}: {problem}");
    }
    let module = r#""modules": { "smb": {}, "smb": {} }, "tokenExchange": {"#;
    let problem = error(r#""tokenExchange": {"#, module);
    assert!(problem.contains("delegation.modules: `smb` is there twice"), "{problem}");
}

#[test]
fn of_yaml_only_that_is_taken_which_nobody_takes_for_something_else() {
    let value = |text: &str| yaml::read::<Value>(&format!("a: {text}\n")).unwrap()["a"].clone();
    for text in [
        "no",
        "NO",
        "yes",
        "on",
        "off",
        "y",
        "0755",
        "0o17",
        "0x1F",
        "1_000",
        "+5",
        ".5",
        "5.",
        ".inf",
        ".nan",
        "12:30:00",
        "2026-01-01",
        "=",
        "tRUE",
        "1.2.3",
    ] {
        assert_eq!(value(text), text, "is text");
    }
    for (text, meant) in [
        ("true", Value::Bool(true)),
        ("False", Value::Bool(false)),
        ("", Value::Null),
        ("~", Value::Null),
        ("-7", (-7).into()),
        ("18446744073709551615", u64::MAX.into()),
        ("1.5", 1.5.into()),
        ("'true'", "true".into()),
        ("\"5\"", "5".into()),
        ("|\n  5\n", "5\n".into()),
    ] {
        assert_eq!(value(text), meant, "{text}");
    }
    for (text, expected) in [
        ("a: &x 1\nb: *x\n", "1:4: a: anchors"),
        ("a: *x\n", "1:4"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "1:4: a: anchors"),
        ("c:\n  <<: {b: 1}\n", "2:3: c: merge keys"),
        ("a: !!str 5\n", "a: tags"),
        ("a: !include other.yaml\n", "a: tags"),
        ("? [a, b]\n: 1\n", "a name must be a text"),
        ("a: 1\n---\nb: 1\n", "second document"),
        ("a: [1, 2\n", "2:1"),
        ("\ta: 1\n", ""),
        ("", "invalid type: null"),
    ] {
        let problem = problem_in("c.yaml", text);
        assert!(problem.contains(expected), "{text:?}: {problem}");
    }
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(yaml::read::<Value>(&nested(32)).is_ok());
    assert!(yaml::read::<Value>(&nested(33)).unwrap_err().problem.contains("nested too deeply"));
    assert!(yaml::read::<Value>(&"[".repeat(1 << 20)).is_err());
    for form in ["c.jsonc", "c.toml"] {
        let deep = problem_in(form, &format!("a = {}", nested(1 << 16)));
        assert!(deep.contains(form), "{deep}");
    }
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
