//! `krb klist`: what a credential cache holds.

use std::path::Path;

use krb_client::{Clock, SystemClock, files};
use krb_proto::asn1::Ticket;
use krb_proto::formats::{CacheEntry, CredentialCache};
use krb_proto::{KerberosTime, der};

use crate::{Failure, report};

#[derive(clap::Args)]
pub(crate) struct Klist {
    /// The ccache.
    #[arg(value_name = "CACHE", env = "KRB5CCNAME")]
    cache: String,
    /// Show enctypes: the session key's and the ticket's.
    #[arg(short)]
    enctypes: bool,
    /// Show flags.
    #[arg(short)]
    flags: bool,
    /// Say nothing, and fail unless there is a ticket that has not expired: a ticket-granting ticket
    /// where there are any.
    #[arg(short, conflicts_with = "json")]
    silent: bool,
    /// Print all of it as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: &Klist) -> Result<(), Failure> {
    let path = files::ccache_path(&arguments.cache)?;
    let cache = files::read_ccache(&path).await;
    let now = SystemClock.now().seconds;
    if arguments.silent {
        return match cache {
            Ok(cache) if is_of_use(&cache, now) => Ok(()),
            _ => Err(Failure::from(crate::Silently)),
        };
    }
    let cache = cache?;
    if arguments.json {
        return report(&json(&cache, &path, now).to_string());
    }
    report(&format!("Ticket cache: FILE:{}", path.display()))?;
    report(&format!("Default principal: {}", cache.default_principal))?;
    cache.tickets().try_for_each(|entry| show(entry, &cache, arguments, now))
}

fn show(
    entry: &CacheEntry,
    cache: &CredentialCache,
    arguments: &Klist,
    now: KerberosTime,
) -> Result<(), Failure> {
    let [start, end, renew_till] = validity(entry);
    let expired = if end <= now { ", expired" } else { "" };
    report(&format!("\n{}\n  valid {start} to {end}{expired}", entry.server))?;
    if !entry.client.is_same(&cache.default_principal) {
        report(&format!("  for client {}", entry.client))?;
    }
    if renew_till.unix() != 0 {
        report(&format!("  renew until {renew_till}"))?;
    }
    if arguments.flags {
        report(&format!("  flags {}", entry.flags))?;
    }
    if arguments.enctypes {
        let ticket = ticket_enctype(entry).unwrap_or_else(|| "unreadable".to_owned());
        report(&format!("  session key {}, ticket {ticket}", entry.enctype))?;
    }
    Ok(())
}

fn json(cache: &CredentialCache, path: &Path, now: KerberosTime) -> serde_json::Value {
    let tickets = cache.tickets().map(|entry| {
        let [start, end, renew_till] = validity(entry);
        let renew_till = (renew_till.unix() != 0).then(|| renew_till.to_string());
        serde_json::json!({
            "server": entry.server.to_string(), "client": entry.client.to_string(),
            "starttime": start.to_string(), "endtime": end.to_string(), "renewTill": renew_till,
            "expired": end <= now, "flags": entry.flags.to_string(),
            "sessionEnctype": entry.enctype.to_string(), "ticketEnctype": ticket_enctype(entry),
        })
    });
    serde_json::json!({
        "cache": format!("FILE:{}", path.display()),
        "principal": cache.default_principal.to_string(), "tickets": tickets.collect::<Vec<_>>(),
    })
}

/// As MIT's `klist -s` decides.
fn is_of_use(cache: &CredentialCache, now: KerberosTime) -> bool {
    let is_current = |entry: &&CacheEntry| validity(entry)[1] > now;
    let mut granting = cache.tickets().filter(|entry| entry.server.name.is_krbtgt()).peekable();
    if granting.peek().is_some() {
        granting.any(|entry| is_current(&entry))
    } else {
        cache.tickets().any(|entry| is_current(&entry))
    }
}

/// Start, end and the end of renewals. A ticket without a start is good from its logon on.
fn validity(entry: &CacheEntry) -> [KerberosTime; 3] {
    let [authtime, start, end, renew_till] = entry.times;
    let start = if start == 0 { authtime } else { start };
    [start, end, renew_till].map(|time| KerberosTime::from_unix(time.into()))
}

fn ticket_enctype(entry: &CacheEntry) -> Option<String> {
    let ticket: Ticket<'_> = der::decode(&entry.ticket).ok()?;
    Some(ticket.enc_part.etype.to_string())
}
