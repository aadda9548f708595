//! `krb-mcp revoke`: ends a user's access, lifts that, or lists whose access was ended. It writes to
//! the state that the configuration names; servers that use it see that by themselves.

use std::io;
use std::path::PathBuf;

use clap::Args;
use krb_client::proto::pac::Sid;
use krb_client::{Clock, SystemClock};
use krb_delegation::identity::Upn;
use krb_delegation::listed;
use krb_delegation::state::{Revocation, Whose};

use crate::config::Config;
use crate::place::Place;
use crate::print::print_json;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Whom, and what.
#[derive(Args)]
pub(crate) struct Revoke {
    /// Configuration file (JSON with comments, or TOML or YAML by its suffix)
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The account: its sAMAccountName (its UPN, where tokens name users by that), or better its SID,
    /// which a new name does not change
    #[arg(required_unless_present_any = ["subject", "list"], conflicts_with_all = ["subject", "list"])]
    user: Option<String>,
    /// The `sub` of tokens instead: those issued until now are refused, and who logs in again has
    /// access again
    #[arg(long, value_name = "SUB", conflicts_with = "list")]
    subject: Option<String>,
    /// The issuer of that subject, where the configuration has several
    #[arg(long, value_name = "URL", requires = "subject")]
    issuer: Option<String>,
    /// Give access back
    #[arg(long, conflicts_with = "list")]
    lift: bool,
    /// List whose access was ended
    #[arg(long)]
    list: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Does it, and says what was done.
pub(crate) async fn run(asked: Revoke, out: &mut impl io::Write) -> Result<(), Error> {
    let config = Config::load(&asked.config)?;
    let place = Place::new(&config)?;
    if asked.list {
        return list(&place.revocations().await?, asked.json, out);
    }
    let (lift, json) = (asked.lift, asked.json);
    let whose = whose(asked, &config)?;
    let now = SystemClock.now().seconds.unix();
    let done = place.revoke(&whose, lift, now).await?;
    if json {
        return print_json(&done, out);
    }
    let what = if lift { "access is given back" } else { "access is ended" };
    writeln!(out, "{}: {what}, {}", named(&done.whose), place.when())?;
    match (&done.whose, lift) {
        (Whose::Account { .. }, false) => writeln!(
            out,
            "It is the name that is refused: an account that is renamed has access again. Revoke its \
             SID, too, if that may happen."
        )?,
        (Whose::Subject { .. }, false) => {
            writeln!(out, "Tokens that are issued from now on are accepted.")?;
        }
        _ => {}
    }
    if !lift && let Some(form) = not_said(&done.whose, &config) {
        writeln!(
            out,
            "Where a service account comes itself (delegation.mode), no KDC says who it is, and tokens do \
             not say {form}: revoke what they say, too."
        )?;
    }
    Ok(())
}

/// What of an account stands in no token of some issuer, where nothing else says who comes.
fn not_said(whose: &Whose, config: &Config) -> Option<&'static str> {
    let mut claims = config.auth.trusted_idps.iter().map(|idp| &idp.claim_mappings);
    let (is_said, form) = match whose {
        Whose::Subject { .. } => return None,
        Whose::Sid { .. } => (claims.all(|claims| claims.sid.is_some()), "its SID"),
        Whose::Account { account } if account.contains('@') => {
            (claims.all(|claims| claims.upn.is_some()), "its UPN")
        }
        Whose::Account { .. } => (claims.all(|claims| claims.upn.is_none()), "its sAMAccountName"),
    };
    (config.serves_as_itself() && !is_said).then_some(form)
}

fn whose(asked: Revoke, config: &Config) -> Result<Whose, Error> {
    let Some(subject) = asked.subject else {
        let user = asked.user.unwrap_or_default();
        if let Some(("S-1" | "s-1", rest)) = user.split_at_checked(3)
            && rest.starts_with('-')
        {
            // In the spelling in which an account's is compared with it.
            let sid = format!("S-1{}", rest.to_ascii_lowercase()).parse::<Sid>();
            let sid = sid.map_err(|error| format!("{user:?}: {error}"))?.to_string();
            listed::sid(&sid)?;
            return Ok(Whose::Sid { sid });
        }
        let mut idps = config.auth.trusted_idps.iter();
        if idps.any(|idp| idp.claim_mappings.upn.is_some()) && Upn::new(&user).is_ok() {
            return Ok(Whose::Account { account: user });
        }
        // As tokens and tickets name accounts: another name would be nobody's.
        let account = listed::account_name(&user)?;
        return Ok(Whose::Account { account });
    };
    let issuer = config.issuer(asked.issuer.as_deref())?;
    config.check_subject(&issuer, &subject).map_err(|problem| format!("--subject: {problem}"))?;
    Ok(Whose::Subject { issuer, subject })
}

fn list(all: &[Revocation], json: bool, out: &mut impl io::Write) -> Result<(), Error> {
    if json {
        return print_json(&all, out);
    }
    let standing: Vec<_> = all.iter().filter(|entry| entry.lifted.is_none()).collect();
    if standing.is_empty() {
        writeln!(out, "nobody")?;
    }
    for entry in standing {
        writeln!(out, "{}  since {}", named(&entry.whose), utc(entry.at))?;
    }
    Ok(())
}

fn named(whose: &Whose) -> String {
    match whose {
        Whose::Subject { issuer, subject } => format!("subject {subject} of {issuer}"),
        Whose::Sid { sid } => format!("account {sid}"),
        Whose::Account { account } => format!("account {account}"),
    }
}

/// RFC 3339.
fn utc(seconds: i64) -> String {
    krb_client::proto::KerberosTime::from_unix(seconds).to_string()
}

#[cfg(test)]
mod tests;
