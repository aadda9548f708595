//! `krb man`: a manual page for each command.

use std::io::Result;
use std::path::Path;

use clap::{Arg, ArgAction, Command};

/// Writes them into a folder.
pub(crate) fn write(command: Command, folder: &Path) -> Result<()> {
    clap_mangen::generate_to(with_synopsis(command, "krb"), folder)
}

/// With each option's value in the synopsis, which clap_mangen leaves out.
fn with_synopsis(command: Command, path: &str) -> Command {
    let mut text = path.to_owned();
    let (named, placed): (Vec<_>, Vec<_>) =
        command.get_arguments().partition(|it| !it.is_positional());
    for argument in named.into_iter().chain(placed) {
        let word = word(argument);
        text += &if argument.is_required_set() { format!(" {word}") } else { format!(" [{word}]") };
    }
    if command.has_subcommands() {
        text += " COMMAND";
    }
    let below = |it: Command| {
        let path = format!("{path} {}", it.get_name());
        with_synopsis(it, &path)
    };
    command.mut_subcommands(below).override_usage(text)
}

/// An argument as it is typed.
fn word(argument: &Arg) -> String {
    let values = argument.get_value_names().unwrap_or_default().join(" ");
    let more = if matches!(argument.get_action(), ArgAction::Append) { "..." } else { "" };
    let name = match (argument.get_short(), argument.get_long()) {
        (Some(short), _) => format!("-{short}"),
        (None, Some(long)) => format!("--{long}"),
        (None, None) if argument.is_last_set() => return format!("-- {values}{more}"),
        (None, None) => return format!("{values}{more}"),
    };
    match argument.get_action().takes_values() {
        true => format!("{name} {values}{more}"),
        false => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_synopsis_has_the_values_of_options() {
        let repeated = Arg::new("of").long("of").value_name("NAME").required(true);
        let below = Command::new("below")
            .arg(Arg::new("file").short('t').value_name("FILE"))
            .arg(repeated.action(ArgAction::Append))
            .arg(Arg::new("quiet").short('q').action(ArgAction::SetTrue))
            .arg(Arg::new("who").value_name("WHO"));
        let command = with_synopsis(Command::new("krb").subcommand(below), "krb");
        let usage = |it: &Command| it.clone().render_usage().to_string();
        assert_eq!(usage(&command), "Usage: krb COMMAND");
        let below = command.get_subcommands().next().unwrap();
        assert_eq!(usage(below), "Usage: krb below [-t FILE] --of NAME... [-q] [WHO]");
    }
}
