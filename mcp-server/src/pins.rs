//! `krb-mcp pins`: which account each subject is taken for, as an operator lists, approves and
//! releases it. It writes to the state that the configuration names; servers that use it see that by
//! themselves.

use std::io;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use krb_client::proto::KerberosTime;
use krb_client::proto::pac::Sid;
use krb_client::{Clock, SystemClock};
use krb_delegation::state::{Operator, Pin};
use serde_json::json;

use crate::config::Config;
use crate::print::print_json;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// What is done with them.
#[derive(Subcommand)]
pub(crate) enum Pins {
    /// List them
    List {
        #[command(flatten)]
        common: Common,
        /// Only those that nobody approved yet
        #[arg(long)]
        waiting: bool,
    },
    /// Say that a subject is the account that it is pinned to, or the one with this SID
    Approve {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        which: Which,
        /// The account's SID, in the place of the one that is pinned, or before there is one
        #[arg(long, value_name = "SID", requires = "subject")]
        sid: Option<Sid>,
        /// All that wait, whatever their issuer and realm
        #[arg(
            long,
            conflicts_with_all = ["subject", "issuer", "realm"],
            required_unless_present = "subject"
        )]
        all: bool,
    },
    /// Forget the account of a subject: it is then whoever it is at its next sight
    Release {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Args)]
pub(crate) struct Common {
    /// Configuration file (JSON with comments, or TOML or YAML by its suffix)
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which subject.
#[derive(Args)]
pub(crate) struct Which {
    /// The `sub` of its tokens
    subject: Option<String>,
    /// Their issuer, where the configuration has several
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// The realm of the account, where it is not that of the configuration's first service account
    #[arg(long, value_name = "REALM")]
    realm: Option<String>,
}

/// Does it, and says what was done.
pub(crate) fn run(asked: Pins, out: &mut impl io::Write) -> Result<(), Error> {
    match asked {
        Pins::List { common, waiting } => {
            let (_, operator) = open(&common)?;
            let mut pins = operator.pins()?;
            pins.retain(|pin| !waiting || !pin.approved);
            list(&pins, common.json, out)
        }
        Pins::Approve { common, which, sid, all } => {
            let (config, operator) = open(&common)?;
            if all {
                let count = operator.approve(|pin| !pin.approved)?;
                return done(count, "approved", common.json, out);
            }
            let of = which.of(&config)?;
            let count = match sid {
                Some(sid) => {
                    let at = SystemClock.now().seconds.unix();
                    let (issuer, subject, realm) = of;
                    // Nothing goes by the name; it is known when the account is seen.
                    let (sid, account, approved) = (sid.to_string(), "?".to_owned(), true);
                    operator.pin(Pin { issuer, subject, realm, sid, account, at, approved })?;
                    1
                }
                None => operator.approve(is(&of))?,
            };
            if count == 0 {
                let problem = "is pinned to no account yet: give one with --sid";
                return Err(format!("subject {} {problem}", of_text(&which)).into());
            }
            done(count, "approved", common.json, out)
        }
        Pins::Release { common, which } => {
            let (config, operator) = open(&common)?;
            let count = operator.release(is(&which.of(&config)?))?;
            if count == 0 {
                return Err(format!("subject {} is pinned to no account", of_text(&which)).into());
            }
            done(count, "released", common.json, out)
        }
    }
}

fn open(common: &Common) -> Result<(Config, Operator), Error> {
    let config = Config::load(&common.config)?;
    let operator = Operator::new(&config.state)?;
    Ok((config, operator))
}

type Of = (String, String, String);

fn is(of: &Of) -> impl Fn(&Pin) -> bool {
    move |pin| (&pin.issuer, &pin.subject, &pin.realm) == (&of.0, &of.1, &of.2)
}

fn of_text(which: &Which) -> &str {
    which.subject.as_deref().unwrap_or_default()
}

impl Which {
    fn of(&self, config: &Config) -> Result<Of, Error> {
        let subject = self.subject.clone().ok_or("a subject is needed")?;
        let issuer = config.issuer(self.issuer.as_deref())?;
        let realm = self.realm.clone().unwrap_or_else(|| config.kerberos.realm.clone());
        Ok((issuer, subject, realm))
    }
}

fn list(pins: &[Pin], json: bool, out: &mut impl io::Write) -> Result<(), Error> {
    if json {
        return print_json(&pins, out);
    }
    if pins.is_empty() {
        writeln!(out, "none")?;
    }
    for Pin { issuer, subject, realm, sid, account, at, approved } in pins {
        let word = if *approved { "approved" } else { "seen" };
        let since = KerberosTime::from_unix(*at);
        writeln!(out, "{word:<8}  {subject} of {issuer}: {account} ({sid}) in {realm}, {since}")?;
    }
    Ok(())
}

fn done(count: usize, what: &str, json: bool, out: &mut impl io::Write) -> Result<(), Error> {
    if json {
        writeln!(out, "{}", json!({ what: count }))?;
    } else {
        writeln!(out, "{what}: {count}; a server that runs knows within a second")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
