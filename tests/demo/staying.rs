//! It stays up for those who want to try it.

use std::process::Command;

use serde_json::{Value, json};

use crate::{Demo, Folder};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// A call as the printed `curl` line makes it.
fn call(mcp: &str, token: &str, url: &str) -> Value {
    let message = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "kerberos-http-request", "arguments": { "url": url } }
    });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(mcp).bearer_auth(token).json(&message);
    runtime().block_on(async { request.send().await.unwrap().json().await.unwrap() })
}

#[test]
fn what_others_do_is_told_until_it_is_told_to_end() {
    for signal in ["-TERM", "-INT"] {
        let folder = Folder::new(&format!("demo-staying{signal}"));
        let mut demo = Demo::start(folder.path());
        let started = demo.until("started");
        assert_eq!(demo.until("ended")["ok"], true);
        let staying = demo.until("staying");
        let files = staying["folder"].as_str().unwrap().to_owned();
        let (mcp, web) = (&started["mcp"], &started["webApplication"]);
        let url = format!("{}/documents/handbook", web.as_str().unwrap());
        let token = std::fs::read_to_string(format!("{files}/bob.jwt")).unwrap();
        let answer = call(mcp.as_str().unwrap(), &token, &url);
        let body = &answer["result"]["structuredContent"]["data"]["body"];
        assert!(body.as_str().unwrap().contains("All staff"), "{answer:#}");

        let step = demo.until("step");
        assert_eq!((&step["number"], &step["scripted"]), (&json!(6), &json!(false)), "{step:#}");
        assert_eq!(step["title"], "bob calls kerberos-http-request");
        assert_eq!(step["resource"][0]["visitor"]["account"], "bob");
        assert_eq!(step["audit"][1]["outcome"], "OK");

        let ended = demo.end(signal);
        assert!(ended.success(), "{ended}");
        assert!(folder.is_empty(), "its files are gone");
    }
}

/// The commands that are printed are of use: at least as far as a shell reads them.
#[test]
fn the_commands_are_for_a_shell() {
    let folder = Folder::new("demo-commands");
    let mut demo = Demo::start(folder.path());
    let staying = demo.until("staying");
    let commands = staying["try"].as_array().unwrap();
    assert!(commands.len() >= 4);
    for command in commands {
        let command = command["command"].as_str().unwrap();
        let read = Command::new("sh").args(["-n", "-c", command]).status().unwrap();
        assert!(read.success(), "{command}");
    }
    let curl = commands[0]["command"].as_str().unwrap();
    if Command::new("curl").arg("--version").output().is_ok() {
        let output = Command::new("sh").args(["-c", curl]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("All staff read this"), "{text}");
    }
    assert!(demo.end("-TERM").success());
}
