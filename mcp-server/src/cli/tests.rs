use clap::CommandFactory as _;

use super::*;
use crate::testing::assert_snapshot;

#[test]
fn the_help_says_what_it_always_said() {
    let mut cli = Cli::command().term_width(100);
    cli.build();
    let mut text = cli.render_long_help().to_string();
    for name in ["serve", "check", "policy", "pins", "revoke", "demo", "completions"] {
        let command = cli.find_subcommand_mut(name).unwrap();
        text += &format!("\n---- {name}\n{}", command.render_long_help());
    }
    assert_snapshot("src/cli/help.txt", &text);
}

#[test]
fn a_level_is_checked_and_keeps_messages_out_of_the_log() {
    assert!(logging::parse_level("info,krb_client=loud").is_err());
    let level = logging::parse_level("trace").unwrap();
    assert!(level.would_enable("krb_mcp", &tracing::Level::TRACE));
    assert!(!level.would_enable("rmcp::service", &tracing::Level::INFO));
    assert!(!level.would_enable("hyper::proto", &tracing::Level::DEBUG));
}

#[test]
fn the_example_call_is_valid_json() {
    let start = EXAMPLES.find("-d '").unwrap() + 4;
    let end = EXAMPLES.rfind('\'').unwrap();
    let call: serde_json::Value = serde_json::from_str(&EXAMPLES[start..end]).unwrap();
    assert!(crate::tools::find(call["params"]["name"].as_str().unwrap()).is_some());
}
