//! The server's own log: on standard error, as text or as JSON lines, without secrets.

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

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
        Format::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(level)).init();
}
