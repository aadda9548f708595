use clap::Parser;

use super::*;
use crate::testing::assert_snapshot;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    init: Init,
}

async fn init(arguments: &[&str]) -> (Result<(), String>, String) {
    let Cli { init } = Cli::parse_from([&["init"], arguments].concat());
    let mut out = Vec::new();
    let done = init.run(Ask::nobody(), &mut out).await;
    (done.map_err(|error| error.to_string()), String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn what_is_missing_is_named_at_once_and_nothing_is_written() {
    let folder = std::env::temp_dir().join(format!("krb-init-missing-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let directory = folder.display().to_string();
    let (done, said) = init(&["--directory", &directory, "--offline", "--realm", "A.TEST"]).await;
    assert_eq!(done.unwrap_err(), "--account, --issuer, --target must be given");
    assert!(said.starts_with("keytab: "), "{said}");
    let mut lines = vec!["--directory", &directory, "--offline", "--realm", "A.TEST\n// x"];
    lines.extend(["--account", "a", "--issuer", "https://i.test", "--target", "//h/s"]);
    assert!(init(&lines).await.0.unwrap_err().contains("--realm"), "it would end a comment");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn what_is_written_is_what_was_said_and_is_never_written_over() {
    let folder = std::env::temp_dir().join(format!("krb-init-written-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let directory = folder.display().to_string();
    let mut arguments = vec!["--directory", &directory, "--offline", "--realm", "W25AD.NET"];
    arguments.extend(["--account", "svc-mcp", "--issuer", "https://idp.w25ad.net/realms/x"]);
    arguments.extend(["--kdc", "dc.w25ad.net", "--target", "\\\\FileServer.w25ad.net\\corp"]);
    let (done, said) = init(&arguments).await;
    done.unwrap();
    // Neither the keytab nor the secret is there.
    assert!(said.contains("not yet: ") && said.contains("mcp.keytab: "), "{said}");
    let file = folder.join(CONFIG);
    let text = std::fs::read_to_string(&file).unwrap();
    assert_snapshot("src/setup/first.jsonc", &text);
    let config = Config::load(&file).unwrap();
    assert_eq!(config.kerberos.kdcs, ["dc.w25ad.net"]);
    for there in [CONFIG, POLICY] {
        std::fs::write(folder.join(there), "mine").unwrap();
        let (done, _) = init(&arguments).await;
        assert!(done.unwrap_err().contains("is there already"));
        assert_eq!(std::fs::read_to_string(folder.join(there)).unwrap(), "mine");
        std::fs::remove_file(folder.join(there)).unwrap();
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// What cannot become a configuration is refused before anybody is asked, and nothing is written.
#[tokio::test]
async fn what_cannot_be_right_is_refused_and_what_is_odd_is_said() {
    let folder = std::env::temp_dir().join(format!("krb-init-wrong-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let directory = folder.display().to_string();
    let with = async |realm: &str, issuer: &str, directory: &str| {
        let mut all = vec!["--offline", "--account", "Svc", "--target", "//h/s", "--realm", realm];
        all.extend(["--issuer", issuer, "--directory", directory]);
        init(&all).await
    };
    for (realm, issuer, option) in [
        ("W25AD NET", "https://i.test", "--realm: "),
        ("W25AD..NET", "https://i.test", "--realm: "),
        ("svc@W25AD.NET", "https://i.test", "--realm: "),
        ("W25AD.NET", "http://i.test", "--issuer: "),
        ("W25AD.NET", "i.test/realms/x", "--issuer: "),
        ("W25AD.NET", "ftp://localhost", "--issuer: "),
    ] {
        let problem = with(realm, issuer, &directory).await.0.unwrap_err();
        assert!(problem.starts_with(option), "{problem}");
    }
    let absent = folder.join("absent").display().to_string();
    let problem = with("W25AD.NET", "https://i.test", &absent).await.0.unwrap_err();
    assert!(problem.contains("there is no folder") && problem.contains(&absent), "{problem}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);

    let (done, said) = with("w25ad.net", "http://localhost:8180/realms/x", &directory).await;
    done.unwrap();
    assert!(said.contains("Active Directory's is W25AD.NET"), "{said}");
    assert!(said.contains("SPN: HTTP/svc.w25ad.net is guessed"), "{said}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn targets_are_shares_https_and_databases() {
    let setting = |text: &str| Target::read(text).map(|target| target.setting());
    for text in ["//files/corp", "\\\\files\\corp", "smb://files/corp/"] {
        let share = setting(text).unwrap();
        assert_eq!(share["names"], serde_json::json!(["files"]), "{text}");
        assert_eq!(share["shares"], serde_json::json!(["corp"]), "{text}");
    }
    let web = setting("https://web.test/app/").unwrap();
    assert_eq!(
        (&web["spn"], &web["url"]),
        (&"HTTP/web.test".into(), &"https://web.test/app/".into())
    );
    for (text, engine, port) in [
        ("postgresql://db.test/hr", "postgresql", None),
        ("postgres://DB.test:5433/hr", "postgresql", Some(5433)),
        ("sqlserver://db.test/hr", "sqlserver", None),
        ("mssql://db.test:1434/hr", "sqlserver", Some(1434)),
    ] {
        let database = setting(text).unwrap();
        assert_eq!((&database["engine"], &database["name"]), (&engine.into(), &"db".into()));
        assert_eq!(database["port"].as_u64(), port, "{text}");
        let config: Result<krb_delegation::targets::TargetConfig, _> =
            serde_json::from_value(database);
        krb_delegation::targets::Targets::new(vec![config.unwrap()]).unwrap();
    }
    for text in [
        "postgresql://alice@db.test/hr",
        "postgresql://alice:secret@db.test/hr",
        "postgresql://db.test/",
        "postgresql://db.test/a/b",
        "postgresql://db.test/hr?sslmode=disable",
        "sqlserver:///hr",
    ] {
        assert!(setting(text).is_err(), "{text}");
    }
    for text in ["http://web.test/", "//files", "//files/a/b", "files", "ftp://a/b", "//../x", ""] {
        assert!(setting(text).is_err(), "{text}");
    }
}
