use super::*;

#[test]
fn the_help_says_what_it_always_said() {
    let mut arguments = Arguments::command().term_width(100);
    arguments.build();
    let mut text = arguments.render_long_help().to_string();
    commands(&mut arguments, "", &mut text);
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin/krb/help.txt");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    let line = text.lines().zip(expected.lines()).take_while(|(now, before)| now == before).count();
    assert!(
        text == expected,
        "{} is another from line {} on; if that is right, run once with UPDATE_SNAPSHOTS=1",
        file.display(),
        line + 1
    );
}

/// The help of every command below this one that is shown.
fn commands(of: &mut clap::Command, before: &str, text: &mut String) {
    let shown =
        |command: &&mut clap::Command| command.get_name() != "help" && !command.is_hide_set();
    for command in of.get_subcommands_mut().filter(shown) {
        let name = format!("{before}{}", command.get_name());
        *text += &format!("\n---- {name}\n{}", command.render_long_help());
        commands(command, &format!("{name} "), text);
    }
}

/// Each says how it is used: an example that names the command itself.
#[test]
fn every_command_has_an_example() {
    let mut arguments = Arguments::command();
    arguments.build();
    // `krb help` names them all once more.
    let commands = |of: &'static str| move |command: &&clap::Command| command.get_name() != of;
    let mut waiting: Vec<_> = arguments.get_subcommands().filter(commands("help")).collect();
    while let Some(command) = waiting.pop() {
        let below: Vec<_> = command.get_subcommands().collect();
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let name = command.get_name();
        assert!(help.contains(name), "{name} has no example");
        waiting.extend(below.into_iter().filter(commands("help")));
    }
}
