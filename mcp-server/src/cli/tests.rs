use std::sync::mpsc;

use clap::CommandFactory as _;

use super::*;
use crate::testing::assert_snapshot;

#[test]
fn the_help_says_what_it_always_said() {
    let mut cli = Cli::command().term_width(100);
    cli.build();
    let mut text = cli.render_long_help().to_string();
    commands(&mut cli, "", &mut text);
    assert_snapshot("src/cli/help.txt", &text);
}

/// The help of every command below this one.
fn commands(of: &mut clap::Command, before: &str, text: &mut String) {
    for command in of.get_subcommands_mut().filter(|command| command.get_name() != "help") {
        let name = format!("{before}{}", command.get_name());
        *text += &format!("\n---- {name}\n{}", command.render_long_help());
        commands(command, &format!("{name} "), text);
    }
}

#[test]
fn a_read_that_hangs_holds_up_no_end() {
    let (release, hang) = mpsc::channel::<()>();
    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || {
        let work = async move { drop(tokio::task::spawn_blocking(move || hang.recv())) };
        ended.send(block_on(work)).unwrap();
    });
    assert!(end.recv_timeout(Duration::from_secs(20)).expect("it ends").is_ok());
    drop(release);
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
