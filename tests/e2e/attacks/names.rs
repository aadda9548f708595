//! Other spellings of a path that policy forbids. What the server takes for the same is asked of
//! the server itself, by another client.

use std::fs;
use std::path::PathBuf;

use krb_tests::lab::shipped_server;
use krb_tests::server::Answer;
use krb_tests::{Lab, Server, Setup, issuer};
use serde_json::json;

use crate::lab;

/// Pairs of code points that Windows or Samba takes for one.
const PAIRS: &str = include_str!("../../../delegation/src/targets/fold/pairs.txt");

/// A folder on the share, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(lab: &Lab, name: &str) -> Self {
        let path = PathBuf::from(lab.var("LAB")).join("share").join(name);
        let _old = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, path: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "found").unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _leftover = fs::remove_dir_all(&self.0);
    }
}

/// Which of these paths on the share Samba's own client opens, each as one line of its batch.
fn opened_by_smbclient(lab: &Lab, paths: &[String]) -> Vec<bool> {
    let (cache, batch) = (lab.scratch("names.ccache"), lab.scratch("names.batch"));
    let lines: String = paths.iter().map(|path| format!("allinfo \"{path}\";")).collect();
    fs::write(&batch, lines).unwrap();
    let said = lab.shell(&format!(
        "export KRB5CCNAME=FILE:{cache} LC_ALL=C.UTF-8
         echo 'Passw0rd!bob' | kinit bob >/dev/null
         smbclient --use-kerberos=required //{host}/corp -c \"$(<{batch})\" 2>&1",
        cache = cache.display(),
        batch = batch.display(),
        host = lab.var("FILESERVER_HOST"),
    ));
    let opened: Vec<bool> = said
        .lines()
        .filter_map(|line| match (line.contains("altname:"), line.contains("NT_STATUS_")) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        })
        .collect();
    assert_eq!(opened.len(), paths.len(), "{said}");
    opened
}

async fn list(server: &Server, token: &str, path: &str) -> Answer {
    server.call(Some(token), "kerberos-list-directory", json!({ "path": path })).await
}

fn setup(lab: &Lab, issuer: &str, forbidden: &str) -> Setup {
    let mut setup = Setup::new(lab, issuer);
    setup.policy += &format!(
        "@id(\"no\") forbid (principal, action, resource is Target) when {{ {forbidden} }};"
    );
    setup
}

#[tokio::test]
async fn what_the_file_server_takes_for_a_forbidden_folder_is_forbidden() {
    let lab = lab!();
    let folder = Folder::new(lab, "names");
    for name in ["payroll", "κρυφός", "Отчёты", "straße", "工资", "résumé", "open"]
    {
        folder.file(&format!("{name}/x.txt"));
    }
    let issuer = issuer().await;
    let forbidden = ["payroll", "κρυφόσ", "отчёты", "straße", "工资", "résumé"]
        .map(|name| format!("context.path like \"/corp/names/{name}/*\""))
        .join(" || ");
    let server = Server::start(lab, &setup(lab, &issuer.url(), &forbidden));
    let token = issuer.token("bob");

    let open = server.read(&token, &lab.unc("names/open/x.txt")).await;
    assert_eq!(open.content(), "found");
    assert!(list(&server, &token, &lab.unc("names/Open/")).await.data().is_object());

    let spellings = [
        "payroll",
        "PayRoll",
        "PAYROLL",
        "payroll.",
        "payroll ",
        "PAYROL~1",
        "./payroll",
        "open/../payroll",
        "payroll\u{200b}",
        "pay\u{ad}roll",
        "paуroll",
        "payro\u{29f}l",
        "payroll::$INDEX_ALLOCATION",
        "@GMT-2026.11.28-00.00.00/payroll",
        "κρυφός",
        "κρυφόσ",
        "ΚΡΥΦΌΣ",
        "κρυφο\u{301}ς",
        "Отчёты",
        "отчёты",
        "ОТЧЁТЫ",
        "straße",
        "STRAßE",
        "strasse",
        "straẞe",
        "ſtraße",
        "工资",
        "résumé",
        "RÉSUMÉ",
        "re\u{301}sume\u{301}",
    ];
    let paths: Vec<String> =
        spellings.iter().map(|name| format!("names/{name}/x.txt").replace('/', "\\")).collect();
    let opened = opened_by_smbclient(lab, &paths);
    assert!(opened.iter().filter(|opened| **opened).count() >= 12, "{opened:?}");
    for (spelling, opened) in spellings.iter().zip(opened) {
        let file = server.read(&token, &lab.unc(&format!("names/{spelling}/x.txt"))).await.code();
        let listing = list(&server, &token, &lab.unc(&format!("names/{spelling}"))).await.code();
        let refused = ["POLICY_DENIED", "INVALID_ARGUMENT"];
        if opened {
            assert!(refused.contains(&&*file), "{spelling}: {file}");
            assert!(refused.contains(&&*listing), "{spelling}: {listing}");
        } else {
            // Never reached whatever policy says; nothing is found under a spelling of this kind.
            assert!(refused.contains(&&*file) || file == "NOT_FOUND", "{spelling}: {file}");
        }
    }
}

#[tokio::test]
async fn every_letter_that_the_file_server_takes_for_another_is_one_to_policy() {
    let lab = lab!();
    let folder = Folder::new(lab, "letters");
    let code = |hex: &str| char::from_u32(u32::from_str_radix(hex, 16).unwrap()).unwrap();
    let pairs: Vec<(char, char)> = PAIRS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once(' ').unwrap())
        .map(|(one, other)| (code(one), code(other)))
        .collect();
    for (one, _) in &pairs {
        folder.file(&format!("x{one}"));
    }
    let others: Vec<String> = pairs.iter().map(|(_, other)| format!("letters\\x{other}")).collect();
    let opened = opened_by_smbclient(lab, &others);
    let same: Vec<(char, char)> =
        pairs.iter().zip(&opened).filter(|(_, opened)| **opened).map(|(pair, _)| *pair).collect();
    assert!(same.len() > 600, "{} letters", same.len());
    assert!(same.contains(&('Σ', 'ς')), "the letter that lower case alone does not join");

    // As many in one name as a file system takes: one call says it of all. Words of several scripts
    // cannot stand in a policy.
    let joined = |chunk: &[(char, char)], which: fn(&(char, char)) -> char| {
        chunk.iter().map(|pair| format!("-{}", which(pair))).collect::<String>()
    };
    let names: Vec<(String, String)> = same
        .chunks(60)
        .map(|chunk| (joined(chunk, |pair| pair.0), joined(chunk, |pair| pair.1)))
        .collect();
    let issuer = issuer().await;
    let token = issuer.token("bob");
    let everything = "context.path like \"/corp/letters/open*\"";
    let server = Server::start(lab, &setup(lab, &issuer.url(), everything));
    for (one, other) in &names {
        folder.file(&format!("y{one}/x.txt"));
        // The server does take the one for the other, as a whole too.
        let path = lab.unc(&format!("letters/y{other}/x.txt"));
        assert_eq!(server.read(&token, &path).await.content(), "found");
    }
    drop(server);
    // A rule about the one, as the server's own error says it must be written.
    for (one, other) in &names {
        let server = Server::start(lab, &forbid_as_told(lab, &issuer.url(), one));
        for spelling in [one, other] {
            let path = lab.unc(&format!("letters/y{spelling}/x.txt"));
            assert_eq!(server.read(&token, &path).await.code(), "POLICY_DENIED", "{spelling}");
        }
    }
}

/// A policy that forbids a folder, with its name as `krb-mcp check` says that it must be written.
fn forbid_as_told(lab: &Lab, issuer: &str, name: &str) -> Setup {
    let rule = |path: &str| setup(lab, issuer, &format!("context.path like \"{path}*\""));
    let path = format!("/corp/letters/y{name}/");
    let folder = lab.scratch("names-check");
    fs::create_dir_all(&folder).unwrap();
    rule(&path).write(lab, &folder);
    let file = folder.join("krb-mcp.jsonc").display().to_string();
    let checked = lab.run(&shipped_server().display().to_string(), &["check", "--config", &file]);
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    let told = said.split_once("there it is written \"").map(|(_, rest)| rest);
    rule(told.and_then(|rest| rest.split_once('"')).map_or(&path, |(told, _)| told))
}

#[tokio::test]
async fn other_spellings_of_a_forbidden_url_never_reach_the_web_server() {
    let lab = lab!();
    let issuer = issuer().await;
    let forbidden = "context.path == \"/private\" || context.path like \"/private/*\"";
    let server = Server::start(lab, &setup(lab, &issuer.url(), forbidden));
    let token = issuer.token("alice");
    assert!(server.get(&token, &lab.url("/whoami?x=/private/")).await.content().contains("x=/p"));
    for path in [
        "/private",
        "/private/",
        "/PRIVATE/",
        "/%70rivate/",
        "/%50RIVATE/index.html",
        "/private;x/",
        "/private;/index.html",
        "/private%3Bx/",
        "/private./",
        "/private%20/",
        "/pri%C2%ADvate/",
        "/private/?x",
        "/private/%69ndex.html",
    ] {
        assert_eq!(server.get(&token, &lab.url(path)).await.code(), "POLICY_DENIED", "{path}");
    }
    for path in [
        "//private/",
        "/x/../private/",
        "/x/%2e%2e/private/",
        "/x/..;/private/",
        "/%2fprivate/",
        "/x%5c..%5cprivate/",
        "/%2570rivate/",
        "/x/%252e%252e/private/",
        "/%c1%b0rivate/",
        "/%u0070rivate/",
        "/;x/private/",
        "/private::$INDEX_ALLOCATION/",
        "/PRIVAT~1/",
        "/x%ef%bc%8f..%ef%bc%8fprivate/",
        "/private%00/",
    ] {
        assert_eq!(server.get(&token, &lab.url(path)).await.code(), "INVALID_ARGUMENT", "{path}");
    }
}
