//! Names that the file server made up, and real ones that look like them.

use krb_tests::{Lab, Server, Setup, issuer};
use serde_json::{Value, json};

use crate::lab;

/// Files that everybody may read, and the short name of one.
fn files(lab: &Lab) {
    lab.shell(
        r#"cd "$LAB/share" && mkdir -p "names/long secret folder" names/OTHER~1 && cd names
           echo colon >'a:b.txt'; echo real >'report~1.txt'; echo plain >plain.txt
           echo plan >'long secret folder/plan.txt'; echo inner >'OTHER~1/inner.txt'
           # As macOS writes a question mark.
           printf 'x' >"$(printf 'how\357\200\245.txt')"
           chmod -R a+rX ."#,
    );
}

/// What the file server calls it for programs of the last century.
fn short_name(lab: &Lab, path: &str) -> String {
    let host = lab.var("FILESERVER_HOST");
    let login = "bob%Passw0rd!bob";
    let said = lab.shell(&format!("smbclient //{host}/corp -U '{login}' -c 'altname \"{path}\"'"));
    said.trim().to_owned()
}

#[tokio::test]
async fn a_made_up_name_reads_nothing_and_a_real_one_that_looks_like_it_does() {
    let lab = lab!();
    files(lab);
    let issuer = issuer().await;
    let mut setup = Setup::new(lab, &issuer.url());
    setup.policy = r#"
        @id("all") permit (principal, action, resource);
        @id("secret") forbid (principal, action, resource == Target::"fileserver") when {
            context.path == "/corp/names/long secret folder" ||
            context.path like "/corp/names/long secret folder/*"
        };"#
    .into();
    let server = Server::start(lab, &setup);
    let token = issuer.token_for("bob");
    let read = async |path: &str| server.read(&token, &lab.unc(path)).await;
    let list = async |path: &str| {
        let arguments = json!({ "path": lab.unc(path) });
        server.call(Some(&token), "kerberos-list-directory", arguments).await
    };

    // Real names with a tilde, of files and of folders.
    assert_eq!(read("names/report~1.txt").await.content(), "real\n");
    assert_eq!(read("names/Report~1.TXT").await.content(), "real\n");
    assert_eq!(read("names/OTHER~1/inner.txt").await.content(), "inner\n");
    assert_eq!(list("names/OTHER~1").await.data()["entries"][0]["name"], "inner.txt");

    // The short name of a folder that policy forbids by its long one.
    assert_eq!(read("names/long secret folder/plan.txt").await.code(), "POLICY_DENIED");
    let short = short_name(lab, "names\\long secret folder");
    assert!(short.contains('~'), "{short}");
    for path in [format!("names/{short}/plan.txt"), format!("names/{short}")] {
        let (code, message, remedy) = read(&path).await.error();
        assert_eq!(code, "INVALID_ARGUMENT", "{path}");
        assert!(!format!("{message}{remedy}").contains("secret"), "{message} {remedy}");
    }
    assert_eq!(list(&format!("names/{short}")).await.code(), "INVALID_ARGUMENT");

    // What the listing has can be read, or it says that it cannot.
    let listing = list("names").await;
    let entries = listing.data()["entries"].as_array().expect("entries");
    let of = |name: &str| {
        let entry = entries.iter().find(|entry| entry["name"] == name);
        entry.unwrap_or_else(|| panic!("no {name} in {entries:#?}"))
    };
    for name in ["plain.txt", "report~1.txt", "OTHER~1", "long secret folder"] {
        assert_eq!(of(name)["readable"], Value::Null, "{name}");
    }
    let mangled: Vec<&str> = entries
        .iter()
        .filter(|entry| entry["readable"] == false)
        .filter_map(|entry| entry["name"].as_str())
        .collect();
    let [made_up, macs] = mangled[..] else { panic!("{entries:#?}") };
    assert!(made_up.contains('~') && made_up.starts_with('A'), "{made_up}");
    assert_eq!(macs, "how?.txt");
    assert_eq!(entries.len(), 6, "{entries:#?}");
    for name in mangled {
        assert_eq!(read(&format!("names/{name}")).await.code(), "INVALID_ARGUMENT", "{name}");
    }
}
