//! `krb-mcp pins`: which account each subject is taken for, as an operator lists, approves and
//! releases it. It writes to the state that the configuration names; servers that use it see that by
//! themselves.

use std::io;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use krb_client::proto::KerberosTime;
use krb_client::proto::pac::Sid;
use krb_client::{Clock, SystemClock};
use krb_delegation::state::{Pin, PinChange, PinOf};
use serde_json::json;

use crate::config::Config;
use crate::place::Place;
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
pub(crate) async fn run(asked: Pins, out: &mut impl io::Write) -> Result<(), Error> {
    let (Pins::List { common, .. } | Pins::Approve { common, .. } | Pins::Release { common, .. }) =
        &asked;
    let config = Config::load(&common.config)?;
    let (place, json) = (Place::new(&config)?, common.json);
    let now = SystemClock.now().seconds.unix();
    let (change, what, which, none) = match asked {
        Pins::List { waiting, .. } => {
            let mut pins = place.pins().await?;
            pins.retain(|pin| !waiting || !pin.approved);
            return list(&pins, json, out);
        }
        Pins::Approve { which, sid, all, .. } => {
            let of = if all { None } else { Some(which.somebody(&config)?) };
            let change = match (of, sid) {
                (Some(PinOf { issuer, subject, realm }), Some(sid)) => {
                    // Nothing goes by the name; it is known when the account is seen.
                    let (sid, account, approved) = (sid.to_string(), "?".to_owned(), true);
                    PinChange::Put(Pin { issuer, subject, realm, sid, account, at: now, approved })
                }
                (of, _) => PinChange::Approve(of),
            };
            (change, "approved", which, "is pinned to no account yet: give one with --sid")
        }
        Pins::Release { which, .. } => {
            let change = PinChange::Release(which.of(&config)?);
            (change, "released", which, "is pinned to no account")
        }
    };
    let count = place.change_pins(&change, now).await?;
    if let (0, Some(subject)) = (count, which.subject) {
        return Err(format!("subject {subject} {none}").into());
    }
    if json {
        writeln!(out, "{}", json!({ what: count }))?;
    } else {
        writeln!(out, "{what}: {count}; known {}", place.when())?;
    }
    Ok(())
}

impl Which {
    fn of(&self, config: &Config) -> Result<PinOf, Error> {
        let subject = self.subject.clone().ok_or("a subject is needed")?;
        let issuer = config.issuer(self.issuer.as_deref())?;
        let realm = self.realm.clone().unwrap_or_else(|| config.kerberos.realm.clone());
        Ok(PinOf { issuer, subject, realm })
    }

    /// One who can come: of anybody else nothing is said. What is pinned already may be of a realm that
    /// is no longer configured, and is released by [`Which::of`].
    fn somebody(&self, config: &Config) -> Result<PinOf, Error> {
        let of = self.of(config)?;
        config.check_subject(&of.issuer, &of.subject)?;
        if !config.realms().any(|realm| realm == of.realm) {
            let mut realms: Vec<_> = config.realms().collect();
            realms.dedup();
            let (realm, realms) = (&of.realm, realms.join(", "));
            return Err(format!("--realm: {realm} is none of the accounts': {realms}").into());
        }
        Ok(of)
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

#[cfg(test)]
mod tests;
