use super::*;
use crate::resources::{Task, http, smb};
use crate::{Code, Failure};

fn configs(json: &str) -> Vec<TargetConfig> {
    serde_json::from_str(json).unwrap()
}

fn targets() -> Targets {
    Targets::new(configs(
        r#"[
        {"name": "fileserver", "kind": "smb", "host": "files.example.com",
         "spn": "cifs/files.example.com", "names": ["files", "files.example.com"],
         "shares": ["Corp"]},
        {"name": "archive", "kind": "smb", "host": "10.0.0.9", "port": 1445,
         "spn": "cifs/archive.example.com", "names": ["files"], "shares": ["old"]},
        {"name": "webapp", "kind": "http", "url": "http://web.example.com:8080/app/",
         "spn": "HTTP/web.example.com", "names": ["intranet"], "dangerPlainHttp": true}
    ]"#,
    ))
    .unwrap()
}

fn read(path: &str) -> Operation {
    smb::Operation { verb: smb::Verb::Read, path: path.into() }.into()
}

fn get(url: &str) -> Operation {
    let (method, url) = ("GET".into(), url.into());
    http::Operation { method, url, headers: vec![], body: None }.into()
}

#[test]
fn a_unc_path_names_a_target_by_host_and_share() {
    let resolved = targets().resolve(&read(r"\\FILES.example.COM\CORP\Reports\Data.csv")).unwrap();
    let target = resolved.target();
    assert_eq!((target.name(), target.kind()), ("fileserver", "smb"));
    assert_eq!(target.spn(), "cifs/files.example.com");
    assert_eq!((target.host(), target.port()), ("files.example.com", 445));
    // The share as configured, the path as written.
    let task = smb::Task {
        verb: smb::Verb::Read,
        share: "Corp".into(),
        path: r"Reports\Data.csv".into(),
        written: r"\\FILES.example.COM\CORP\Reports\Data.csv".into(),
    };
    assert_eq!(resolved.task(), &Task::Smb(task));
    assert_eq!(resolved.action(), "file:read");
    assert_eq!(resolved.policy_path(), "/corp/reports/data.csv");

    let other = targets().resolve(&read("//files/OLD/x")).unwrap();
    assert_eq!((other.target().name(), other.target().host()), ("archive", "10.0.0.9"));
    assert_eq!(other.target().port(), 1445);
}

#[test]
fn a_url_names_a_target_by_origin_and_base_path() {
    for (url, sent) in [
        ("http://web.example.com:8080/app", "http://web.example.com:8080/app"),
        ("http://WEB.example.com:8080/app/a?q=1", "http://web.example.com:8080/app/a?q=1"),
        // A listed name is replaced by the configured host.
        ("http://intranet:8080/app/%61", "http://web.example.com:8080/app/a"),
    ] {
        let resolved = targets().resolve(&get(url)).unwrap();
        assert_eq!(resolved.target().name(), "webapp");
        let Task::Http(task) = resolved.task() else { panic!("{url}: {resolved:?}") };
        assert_eq!((&*task.method, task.url.as_str()), ("GET", sent));
        assert_eq!((task.headers.len(), &task.body), (0, &None));
    }
}

#[test]
fn every_unknown_address_gets_the_same_answer() {
    let targets = targets();
    let answers: Vec<Failure> = [
        read(r"\\files.example.com\old\x"), // that share is listed under another host name
        read(r"\\files\missing\x"),
        read(r"\\10.0.0.9\old\x"),
        read(r"\\elsewhere\corp\x"),
    ]
    .iter()
    .map(|operation| targets.resolve(operation).unwrap_err().explain(&[]))
    .collect();
    assert!(answers.iter().all(|failure| failure == &answers[0]));
    assert_eq!(answers[0].code, Code::UnknownTarget);

    for url in [
        "https://web.example.com:8080/app",
        "http://web.example.com/app",
        "http://web.example.com:8080/",
        "http://web.example.com:8080/apps",
        "http://web.example.com.evil.example:8080/app",
        "http://web.example.com.:8080/app",
    ] {
        assert_eq!(
            targets.resolve(&get(url)).unwrap_err().explain(&[]).code,
            Code::UnknownTarget,
            "{url}"
        );
    }
    let text = format!("{answers:?}");
    for target in targets.iter() {
        assert!(!text.contains(target.name()) && !text.contains(target.spn()), "{text}");
    }
}

#[test]
fn a_share_can_be_listed_but_not_read() {
    let root = r"\\files\corp".to_owned();
    let list = smb::Operation { verb: smb::Verb::List, path: root.clone() };
    let listed = targets().resolve(&list.into()).unwrap();
    assert_eq!(listed.policy_path(), "/corp/");
    assert_eq!(
        targets().resolve(&read(&root)).unwrap_err().explain(&[]).code,
        Code::InvalidArgument
    );
}

#[test]
fn misconfigured_targets_are_refused_by_setting() {
    let smb = |change: &str, to: &str| {
        r#"{"name": "a", "kind": "smb", "host": "a.example.com", "spn": "cifs/a.example.com",
            "names": ["a"], "shares": ["s"]}"#
            .replace(change, to)
    };
    let http = |name: &str, url: &str| {
        format!(
            r#"{{"name": "{name}", "kind": "http", "url": "{url}", "spn": "HTTP/w",
                "dangerPlainHttp": true}}"#
        )
    };
    for (json, setting) in [
        (smb("\"a\", \"kind", "\"\", \"kind"), "targets[0].name"),
        (smb("\"a\", \"kind", "\"a\\\"b\", \"kind"), "targets[0].name"),
        (smb("cifs/a.example.com", "cifs"), "targets[0].spn"),
        (smb("cifs/a.example.com", "cifs/a@REALM"), "targets[0].spn"),
        (smb("cifs/a.example.com", "cifs/a/b"), "targets[0].spn"),
        (smb("cifs/a.example.com", "cifs/a:0"), "targets[0].spn"),
        (smb("cifs/a.example.com", "cifs/a:+1"), "targets[0].spn"),
        (smb("\"host\": \"a.example.com\"", "\"host\": \"a b\""), "targets[0].host"),
        (smb("\"spn\"", "\"port\": 0, \"spn\""), "targets[0].port"),
        (smb("[\"a\"]", "[]"), "targets[0].names"),
        (smb("[\"a\"]", "[\"*\"]"), "targets[0].names"),
        (smb("[\"s\"]", "[]"), "targets[0].shares"),
        (smb("[\"s\"]", "[\"ipc$\"]"), "targets[0].shares"),
        (smb("[\"s\"]", "[\"s\\\\t\"]"), "targets[0].shares"),
        (http("w", "ftp://w/"), "targets[0].url"),
        (http("w", "http://u@w/"), "targets[0].url"),
        (http("w", "http://w/?q"), "targets[0].url"),
        (http("w", "http://w").replace("true", "false"), "targets[0].url"),
        (http("w", "http://127.0.0.1").replace("true", "false"), "targets[0].url"),
        (http("w", "https://w"), "targets[0].dangerPlainHttp"),
        (
            http("w", "http://w").replace("true", r#"true, "allowHeaders": ["X-WebAuth-User"]"#),
            "targets[0].allowHeaders",
        ),
        (format!("{}, {}", smb("", ""), http("A", "http://w/")), "targets[1].name"),
        (
            format!(
                "{}, {}",
                smb("", ""),
                smb("\"a\", \"kind", "\"b\", \"kind").replace("\"s\"", "\"S\"")
            ),
            "targets[1].shares",
        ),
        (
            format!("{}, {}", http("w", "http://w/a"), http("v", "http://w:80/a/b")),
            "targets[1].url",
        ),
    ] {
        let error = Targets::new(configs(&format!("[{json}]"))).expect_err(&json);
        assert_eq!(error.setting, setting, "{json}: {error}");
    }
    Targets::new(configs(&format!("[{}, {}]", http("w", "http://w/a"), http("v", "http://w/b"))))
        .unwrap();
    Targets::new(configs(&format!("[{}]", http("w", "https://w").replace("true", "false"))))
        .unwrap();
}

#[test]
fn unknown_settings_are_refused() {
    for json in [
        r#"{"name": "w", "kind": "http", "url": "http://w", "spn": "HTTP/w", "shares": []}"#,
        r#"{"name": "w", "kind": "ftp", "url": "http://w", "spn": "HTTP/w"}"#,
        r#"{"name": "w", "kind": "http", "url": "http://w"}"#,
    ] {
        serde_json::from_str::<TargetConfig>(json).expect_err(json);
    }
}

#[test]
fn a_header_field_that_cannot_be_sent_is_refused_before_anything_is_done() {
    let get = |field: &str| {
        let headers = vec![(field.to_owned(), "x".to_owned())];
        let (method, url) = ("GET".into(), "http://web.example.com:8080/app".into());
        targets().resolve(&http::Operation { method, url, headers, body: None }.into())
    };
    get("Accept").unwrap();
    assert_eq!(get("X-Remote-User").unwrap_err().explain(&[]).code, Code::InvalidArgument);
}
