//! The main job, to be looked at: alice's and bob's calls, and what each resource saw.

use krb_tests::logs::Mark;
use krb_tests::{Server, Setup, issuer, lab, pac};

#[tokio::main]
async fn main() {
    let lab = lab().expect("a lab: tests/main-job brings one up");
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    println!("MCP server at {}, identity provider at {}\n", server.url(), issuer.url());
    let path = lab.unc("reports/data.csv");
    for user in ["alice", "bob"] {
        let file_server = Mark::end_of(lab.var("FILESERVER_AUDIT"));
        println!("{user} calls kerberos-file-read {path}");
        let answer = server.read(&issuer.token(user), &path).await;
        println!("  answer       {}", answer.body["result"]["structuredContent"]);
        let saw = file_server.line(|line| line.contains("|create_file|"));
        println!("  file server  {}", saw.unwrap_or_default().trim());
        let answer = server.get(&issuer.token(user), &lab.url("/whoami")).await;
        let page = pac::page(answer.content());
        let account = page.pac_account.unwrap_or_default();
        println!("  web server   REMOTE_USER {}, account in the PAC {account}\n", page.remote_user);
    }
    println!("Audit log:");
    for record in server.audit_records() {
        println!("  {record}");
    }
}
