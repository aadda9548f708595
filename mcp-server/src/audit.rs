//! `krb-mcp audit verify`: whether the audit log is whole, and what was begun in it and never ended.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use krb_delegation::audit::verify::{Material, OpenIntent, Problem, Verification};

use crate::config::{Config, read_text};
use crate::print::print_json;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// What can be done with the audit log.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Find any record that was changed, is missing or out of place, or was cut off the end
    ///
    /// Ends with 0 if nothing is wrong with the log, with 1 if something is, with 2 if the command line
    /// is wrong, and with 4 if it cannot be said, since a file cannot be read or makes no sense. Intents
    /// without an outcome are told, and are nothing wrong with the log.
    Verify(Verify),
}

/// The arguments of `verify`.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Verify {
    /// Configuration file, which names the log, its keys, and where heads of it are kept
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Files of a log, in any order; with --config, in addition to those that it names
    #[arg(value_name = "LOG")]
    files: Vec<PathBuf>,
    /// File with a key that records were chained with; may be given several times
    #[arg(long, value_name = "FILE")]
    key_file: Vec<PathBuf>,
    /// File with heads, or a copy of records, that was kept elsewhere; may be given several times
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// The records before this number are kept elsewhere
    #[arg(long, value_name = "NUMBER")]
    from: Option<u64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it; whether all is well.
pub(crate) fn run(command: Command, out: &mut impl io::Write) -> Result<bool, Error> {
    let Command::Verify(arguments) = command;
    let is_json = arguments.json;
    let found = material(arguments)?.verify()?;
    if is_json {
        print_json(&found, out)?;
    } else {
        write_text(&found, out)?;
    }
    Ok(found.is_whole)
}

fn material(arguments: Verify) -> Result<Material, Error> {
    let Verify { config, files, key_file, checkpoint, from, json: _ } = arguments;
    let mut material = match config {
        Some(file) => Material::of(&Config::load(&file)?.audit)
            .map_err(|error| format!("{}: {error}", file.display()))?,
        None => Material::default(),
    };
    files.into_iter().for_each(|file| material.add_file(file));
    if material.has_no_file() {
        return Err("there is no log there; name its files".into());
    }
    for file in key_file {
        let problem = |error| format!("{}: {error}", file.display());
        material.add_key(read_text(&file)?.trim_end_matches(['\r', '\n'])).map_err(problem)?;
    }
    checkpoint.into_iter().for_each(|file| material.add_checkpoints(file));
    if let Some(from) = from {
        material.begins_at(from);
    }
    Ok(material)
}

fn write_text(found: &Verification, out: &mut impl io::Write) -> io::Result<()> {
    let number = |seq: Option<u64>| seq.map_or("none".to_owned(), |seq| seq.to_string());
    let (first, last) = (number(found.first_seq), number(found.last_seq));
    let verdict = if found.is_whole { "whole" } else { "NOT whole" };
    writeln!(out, "the log is {verdict}: records {first} to {last}")?;
    for segment in &found.segments {
        let (first, last) = (number(segment.first_seq), number(segment.last_seq));
        writeln!(out, "  {}: {first} to {last}", segment.file.display())?;
    }
    match found.key_ids.as_slice() {
        [only] if only == "none" => writeln!(
            out,
            "chained without a key: who can write the file can make it anew, and only what was kept \
             elsewhere would show it"
        )?,
        ids => writeln!(out, "chained by key {}", ids.join(", then "))?,
    }
    match found.checkpoints {
        0 => writeln!(
            out,
            "compared with nothing that was kept elsewhere: whether the end was cut off cannot be seen"
        )?,
        count => {
            writeln!(out, "compared with {count} heads that were kept beside it or elsewhere")?
        }
    }
    if found.unchained > 0 {
        let lines = found.unchained;
        writeln!(out, "{lines} lines of before there was a chain: nothing protects them")?;
    }
    if found.unfinished > 0 {
        writeln!(out, "{} bytes at the end are a record that is not all there", found.unfinished)?;
    }
    for Problem { file, line, seq, text, .. } in &found.problems {
        let record = seq.map(|seq| format!("record {seq}: ")).unwrap_or_default();
        let at = match (file.display(), line) {
            _ if file == Path::new("") => String::new(),
            (file, 0) => format!("{file}: "),
            (file, line) => format!("{file}:{line}: "),
        };
        writeln!(out, "PROBLEM: {at}{record}{text}")?;
    }
    let more = found.problem_count - found.problems.len() as u64;
    if more > 0 {
        writeln!(out, "and {more} problems more")?;
    }
    for intent in &found.open_intents {
        let OpenIntent { event_id, timestamp, request_id, subject, .. } = intent;
        let OpenIntent { legacy_name, action, target, path, may_be_running, .. } = intent;
        let running = if *may_be_running { " (of the last run: it may be under way)" } else { "" };
        writeln!(
            out,
            "intent without outcome: {timestamp} {event_id} request {request_id}: {subject} as \
             {legacy_name}, {action} at {target} {path}{running}"
        )?;
    }
    let more = found.open_intent_count - found.open_intents.len() as u64;
    if more > 0 {
        writeln!(out, "and {more} intents more")?;
    }
    Ok(())
}
