//! The server's own log: on standard error, as text or as JSON lines, without secrets.

use std::fmt::Debug;

use clap::ValueEnum;
use tracing::{
    Event, Metadata,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    Layer as _,
    filter::{FilterExt as _, ParseError, Targets},
    fmt,
    layer::{Context, Filter, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

/// How log lines are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Parses `info` or `info,krb_client=debug`.
pub(crate) fn parse_level(text: &str) -> Result<Targets, ParseError> {
    // rmcp and hyper print whole messages (file contents, tokens) below these levels.
    text.parse::<Targets>().map(|targets| {
        targets.with_target("rmcp", LevelFilter::WARN).with_target("hyper", LevelFilter::INFO)
    })
}

/// Starts logging; for the start of the process.
pub(crate) fn start(level: Targets, format: Format) {
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let lines = match format {
        Format::Text => lines.boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(level.and(NotForClientsThatLeft))).init();
}

/// Keeps out what rmcp says, at level ERROR, of every client that went away before its answer: that
/// the channel to it is closed. The call's own line has said so, and it is nobody's error.
struct NotForClientsThatLeft;

impl<S> Filter<S> for NotForClientsThatLeft {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        if !event.metadata().target().starts_with("rmcp::") {
            return true;
        }
        let mut closed = ClosedChannel(false);
        event.record(&mut closed);
        !closed.0
    }
}

struct ClosedChannel(bool);

impl Visit for ClosedChannel {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0 |= field.name() == "error" && format!("{value:?}") == "channel closed";
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_client_that_left_is_no_error() {
        let log = Log::default();
        let writer = log.clone();
        let lines = fmt::layer().with_writer(move || writer.clone()).with_ansi(false);
        let lines = lines.with_filter(parse_level("info").unwrap().and(NotForClientsThatLeft));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            tracing::error!(target: "rmcp::service", error = %"channel closed", "one");
            tracing::error!(target: "rmcp::service", error = %"disk on fire", "two");
            tracing::error!(target: "krb_mcp::serve", error = %"channel closed", "three");
        });
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert!(lines.len() == 2 && text.contains("two") && text.contains("three"), "{text}");
    }
}
