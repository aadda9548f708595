//! To whom the story is told.

use std::io::{self, Stdout, Write};
use std::time::Duration;

use serde_json::{Value, json};

use super::addresses::Addresses;
use super::invitation;
use super::step::{Step, milliseconds};
use super::terminal::Terminal;
use super::world::World;

pub(super) enum Teller {
    /// To people.
    People(Terminal<Stdout>),
    /// To programs, a JSON object a line.
    Programs(Box<dyn Write + Send>),
}

impl Teller {
    pub(super) fn new(json: bool) -> Self {
        if json { Self::Programs(Box::new(io::stdout())) } else { Self::People(Terminal::own()) }
    }

    pub(super) fn beginning(&mut self, addresses: &Addresses) -> io::Result<()> {
        match self {
            Self::People(terminal) => terminal.beginning(addresses),
            Self::Programs(out) => line(out, "started", json!(addresses)),
        }
    }

    pub(super) fn step(&mut self, step: &Step) -> io::Result<()> {
        match self {
            Self::People(terminal) => terminal.step(step),
            Self::Programs(out) => line(out, "step", json!(step)),
        }
    }

    pub(super) fn ending(&mut self, right: usize, of: usize, time: Duration) -> io::Result<()> {
        match self {
            Self::People(terminal) => terminal.ending(right, of, time.as_secs_f64()),
            Self::Programs(out) => {
                let milliseconds = milliseconds(time);
                let ok = right == of;
                line(
                    out,
                    "ended",
                    json!({ "ok": ok, "right": right, "of": of, "milliseconds": milliseconds }),
                )
            }
        }
    }

    pub(super) fn invitation(&mut self, world: &World) -> io::Result<()> {
        match self {
            Self::People(terminal) => terminal.invitation(world),
            Self::Programs(out) => {
                let commands = invitation::commands(world).into_iter();
                let commands: Vec<_> = commands
                    .map(|(what, command)| json!({ "what": what, "command": command }))
                    .collect();
                line(out, "staying", json!({ "folder": world.folder(), "try": commands }))
            }
        }
    }
}

/// `{"event": …}` with the members of `value`, at once.
fn line(out: &mut impl Write, event: &str, mut value: Value) -> io::Result<()> {
    value["event"] = event.into();
    writeln!(out, "{value}")?;
    out.flush()
}
