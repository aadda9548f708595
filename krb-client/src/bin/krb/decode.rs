//! `krb decode`: what a message or a file of Kerberos says.

mod authdata;
mod capture;
mod decoder;
mod formats;
mod gss;
mod input;
mod kdc;
mod keys;
mod message;
mod pac;
mod packet;
mod padata;
mod stream;
#[cfg(test)]
mod tests;
mod ticket;
mod tree;

use krb_client::files;
use serde_json::json;

use self::capture::Capture;
use self::decoder::Decoder;
pub(crate) use self::decoder::address;
use self::input::Input;
use self::stream::Carried;
use self::tree::{Fields, Tree};
use crate::output::{Unusable, ended, failure_json};
use crate::secret::{keys, octets_in};
use crate::{Failure, report, report_json};

#[derive(clap::Args)]
pub(crate) struct Decode {
    /// What to decode; standard input if it is `-` or absent.
    #[arg(value_name = "FILE", default_value = "-")]
    file: String,
    /// Decrypt with the keys in this keytab.
    #[arg(short = 'k', long, value_name = "FILE")]
    keytab: Option<String>,
    /// Decrypt with this key too, ENCTYPE:HEX; may be given again. Whoever lists processes sees it
    /// meanwhile: --key-file is for keys that are in use.
    #[arg(long, value_name = "ENCTYPE:HEX")]
    key: Vec<String>,
    /// Decrypt with the keys in this file, or standard input if it is `-`, too: ENCTYPE:HEX, one in a
    /// line.
    #[arg(long, value_name = "FILE")]
    key_file: Vec<String>,
    /// Print it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Neither messages nor captures of a sitting are longer.
const MAX_INPUT: u64 = 64 << 20;

pub(crate) async fn run(arguments: &Decode) -> Result<(), Failure> {
    let mut decoder = Decoder::default();
    if let Some(keytab) = &arguments.keytab {
        decoder.keys.add_keytab(&files::read_keytab(&files::keytab_path(keytab)?).await?)?;
    }
    for key in keys(&arguments.key, &arguments.key_file)? {
        decoder.keys.add_given(key)?;
    }
    let given = octets_in(&arguments.file, MAX_INPUT)?;
    let input = Input::read(&given).map_err(|error| Unusable::new(&arguments.file, error))?;
    let messages = decode(&mut decoder, input);
    let failure: Option<Failure> = match decoder.problems {
        0 => None,
        1 => Some("one part of it is not what it should be".into()),
        many => Some(format!("{many} parts of it are not what they should be").into()),
    };
    if arguments.json {
        let messages: Vec<_> = messages.iter().map(Tree::json).collect();
        let error = failure.as_deref().map(failure_json);
        report_json(&json!({ "messages": messages, "error": error }))?;
    } else {
        report(&text(&messages))?;
    }
    failure.map_or(Ok(()), ended)
}

fn decode(decoder: &mut Decoder, input: Input) -> Vec<Tree> {
    match input {
        Input::Octets(octets) => vec![decoder.message(&octets)],
        Input::Capture(Capture { messages, packets, cut }) => {
            let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
            let summary = Fields::of("capture")
                .with("packets", count(packets))
                .with("of-other-protocols-or-cut-off", count(cut))
                .with("messages", count(messages.len()));
            let messages = messages.iter().map(|carried| carried_message(decoder, carried));
            std::iter::once(summary.into()).chain(messages).collect()
        }
    }
}

fn carried_message(decoder: &mut Decoder, carried: &Carried) -> Tree {
    let Carried { packet, time, from, to, transport, octets } = carried;
    Fields::default()
        .with("packet", i64::try_from(*packet).unwrap_or(i64::MAX))
        .show_some("time", *time)
        .show("from", from)
        .show("to", to)
        .with("transport", *transport)
        .with("message", decoder.message(octets))
        .into()
}

/// A line between one message and the next.
fn text(messages: &[Tree]) -> String {
    let mut text = String::new();
    for (at, message) in messages.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        message.write(0, &mut text);
    }
    text.truncate(text.trim_end().len());
    text
}
