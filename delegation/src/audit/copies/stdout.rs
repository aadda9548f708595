//! Records on standard output, beside the log's file.

use std::io::{self, Write as _};

use super::config::StdoutConfig;
use super::{Delivered, Line, Sink};

/// Standard output.
pub(super) struct Stdout {
    is_required: bool,
}

impl Stdout {
    pub(super) const fn new(config: &StdoutConfig) -> Self {
        Self { is_required: config.required }
    }
}

impl Sink for Stdout {
    fn name(&self) -> &'static str {
        "stdout"
    }

    fn is_required(&self) -> bool {
        self.is_required
    }

    fn deliver(&mut self, lines: &[Line]) -> Delivered {
        let mut text = Vec::new();
        for line in lines {
            text.extend_from_slice(line.text.as_bytes());
            text.push(b'\n');
        }
        let mut out = io::stdout().lock();
        let written = out.write_all(&text).and_then(|()| out.flush());
        written.map(|()| 0).map_err(|error| (0, error.to_string()))
    }
}
