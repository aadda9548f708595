//! What to try while it runs.

use super::agent;
use super::world::World;

/// What each shows, and the command.
pub(super) fn commands(world: &World) -> Vec<(&'static str, String)> {
    let folder = world.folder().display();
    let mcp = &world.addresses.mcp;
    let (kdc, port) = (world.addresses.kdc, world.addresses.web_port);
    let web = &world.addresses.web_application;
    let url = format!("{web}/documents/handbook");
    let call = agent::message("kerberos-http-request", &serde_json::json!({ "url": url }));
    vec![
        (
            "a call of bob's; tokens in that folder are always fresh",
            format!(
                "curl {mcp} -H 'Content-Type: application/json' \\\n  \
                 -H \"Authorization: Bearer $(cat {folder}/bob.jwt)\" \\\n  -d '{call}'"
            ),
        ),
        (
            "the tools, as alice sees them in the MCP Inspector (Node.js 22.19)",
            format!(
                "npx @modelcontextprotocol/inspector@latest --cli {mcp} --transport http \\\n  \
                 --method tools/list --header \"Authorization: Bearer $(cat {folder}/alice.jwt)\""
            ),
        ),
        (
            "the same tickets from the command line, without a Kerberos library",
            format!(
                "cargo run --release -p krb-client --features cli -- s4u \\\n  \
                 --client svc-mcp@DEMO.TEST -k {folder}/mcp.keytab --kdc {kdc} \\\n  \
                 -c {folder}/delegated.cc ALICE_ADMIN HTTP/web.demo.test\n\
                 cargo run --release -p krb-client --features cli -- klist -ef \\\n  \
                 {folder}/delegated.cc"
            ),
        ),
        (
            "alice in person, with MIT's programs where they are (her password: alice's password)",
            format!(
                "export KRB5_CONFIG={folder}/krb5.conf KRB5CCNAME={folder}/alice.cc\n\
                 kinit ALICE_ADMIN@DEMO.TEST\n\
                 curl --negotiate -u : --resolve web.demo.test:{port}:127.0.0.1 {web}/whoami"
            ),
        ),
        (
            "what the server was configured with",
            format!("cargo run --release -p krb-mcp -- check --config {folder}/krb-mcp.jsonc"),
        ),
        ("every call leaves its records", format!("tail -n 2 {folder}/audit.jsonl")),
    ]
}
