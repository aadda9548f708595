//! `krb klist`: what credential caches and keytabs hold.

use krb_client::{Ccache, Ccaches, Clock, SystemClock, files};
use krb_proto::asn1::{HostAddress, Ticket};
use krb_proto::formats::{CacheEntry, CredentialCache};
use krb_proto::iana::AdType;
use krb_proto::{KerberosTime, der};
use serde_json::{Value, json};

use crate::cache::caches;
use crate::decode::address;
use crate::environment::Environment;
use crate::keytab::entry_json;
use crate::output::{Ended, failure_json, status};
use crate::{Failure, complain, progress, report, report_json};

#[derive(clap::Args)]
pub(crate) struct Klist {
    /// The cache or collection; with -k, the keytab. Without it what KRB5CCNAME, KRB5_KTNAME or
    /// KRB5_CLIENT_KTNAME say, else what is usual.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// List a cache, which is what is done anyway.
    #[arg(short, conflicts_with = "keytab")]
    cache: bool,
    /// List the caches of the collection, and whose they are.
    #[arg(short, conflicts_with_all = ["all", "silent", "keytab"])]
    list: bool,
    /// Show the tickets of all caches of the collection.
    #[arg(short = 'A', conflicts_with_all = ["silent", "keytab"])]
    all: bool,
    /// Show enctypes: the session key's and the ticket's; with -k the key's.
    #[arg(short)]
    enctypes: bool,
    /// Show flags.
    #[arg(short, conflicts_with = "keytab")]
    flags: bool,
    /// Show the addresses that tickets are good from; names are not looked up for them.
    #[arg(short, conflicts_with = "keytab")]
    addresses: bool,
    /// With -a: look up no names, which is done anyway.
    #[arg(short = 'n', requires = "addresses")]
    numeric: bool,
    /// Show the types of authorization data that tickets were asked for with.
    #[arg(short = 'd', conflicts_with = "keytab")]
    authdata: bool,
    /// Show configuration entries as well.
    #[arg(short = 'C', conflicts_with = "keytab")]
    configuration: bool,
    /// Say nothing, and fail unless there is a ticket that has not expired: a ticket-granting ticket
    /// where there are any.
    #[arg(short, conflicts_with_all = ["json", "keytab"])]
    pub(crate) silent: bool,
    /// List the keys in a keytab. They themselves are not shown.
    #[arg(short)]
    keytab: bool,
    /// With -k: if no keytab is named, that of programs that log in, not that of services.
    #[arg(short = 'i', requires = "keytab")]
    client_keytab: bool,
    /// With -k: show when each key was written.
    #[arg(short, requires = "keytab")]
    times: bool,
    /// Print all of it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) async fn run(arguments: &Klist) -> Result<(), Failure> {
    if arguments.keytab {
        return keys(arguments).await;
    }
    let caches = caches(arguments.name.as_deref()).await?;
    let now = SystemClock.now().seconds;
    if arguments.silent {
        let held = match caches.default_cache().await {
            Ok(cache) => cache.read().await,
            Err(error) => Err(error),
        };
        return match held {
            Ok(held) if is_of_use(&held, now) => Ok(()),
            _ => Err(Ended::FAILED.into()),
        };
    }
    if !arguments.list && !arguments.all {
        let cache = caches.default_cache().await?;
        let held = progress::cache(&cache, cache.read()).await?;
        return match arguments.json {
            true => report_json(&as_json(&cache, &held, now)),
            false => show(&cache, &held, arguments, now),
        };
    }
    collection(&caches, arguments, now).await
}

/// All caches of a collection: those that make no sense, which are named, do not hide the others. As
/// MIT's klist it ends well if there is any, and with -A if all could be shown.
async fn collection(caches: &Ccaches, arguments: &Klist, now: KerberosTime) -> Result<(), Failure> {
    let (mut read, mut json, mut worst) = (Vec::new(), Vec::new(), None);
    for cache in caches.all().await? {
        match progress::cache(&cache, cache.read()).await {
            Ok(held) => {
                json.push(match arguments.list {
                    true => summary(&cache, &held, now),
                    false => as_json(&cache, &held, now),
                });
                read.push((cache, held));
            }
            Err(error) => {
                complain(&error.to_string());
                json.push(json!({ "cache": cache.name(), "error": failure_json(&error) }));
                worst = worst.max(Some(status(&error)));
            }
        }
    }
    if arguments.json {
        report_json(&json.into())?;
    } else if arguments.list {
        list(&read, now)?;
    } else {
        for (number, (cache, held)) in read.iter().enumerate() {
            if number > 0 {
                report("")?;
            }
            show(cache, held, arguments, now)?;
        }
    }
    match worst {
        Some(status) if arguments.all => Err(Ended(status).into()),
        None if read.is_empty() && arguments.all => {
            complain(&format!("{}: there is no credential cache", caches.default_name()));
            Err(Ended::FAILED.into())
        }
        _ if read.is_empty() => Err(Ended::FAILED.into()),
        _ => Ok(()),
    }
}

fn list(caches: &[(Ccache, CredentialCache)], now: KerberosTime) -> Result<(), Failure> {
    report(&format!("{:<30} {}", "Principal name", "Cache name"))?;
    report(&format!("{:<30} {}", "--------------", "----------"))?;
    caches.iter().try_for_each(|(cache, held)| {
        let expired = if is_of_use(held, now) { "" } else { " (Expired)" };
        let principal = held.default_principal.to_string();
        report(&format!("{principal:<30} {}{expired}", cache.name()))
    })
}

fn summary(cache: &Ccache, held: &CredentialCache, now: KerberosTime) -> Value {
    json!({
        "cache": cache.name(), "principal": held.default_principal.to_string(),
        "expired": !is_of_use(held, now),
    })
}

fn show(
    cache: &Ccache,
    held: &CredentialCache,
    arguments: &Klist,
    now: KerberosTime,
) -> Result<(), Failure> {
    report(&format!("Ticket cache: {}", cache.name()))?;
    report(&format!("Default principal: {}", held.default_principal))?;
    for entry in &held.entries {
        if !entry.is_configuration() {
            show_ticket(entry, held, arguments, now)?;
        } else if arguments.configuration {
            report(&format!("\nconfig: {}", configuration(entry)))?;
        }
    }
    Ok(())
}

/// What a configuration entry says, of what, as MIT's klist writes it.
fn configuration(entry: &CacheEntry) -> String {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).escape_debug().to_string();
    let names = entry.server.name.components.iter().skip(1).map(|name| text(name));
    format!("{} = {}", names.collect::<Vec<_>>().join(" of "), text(&entry.ticket))
}

fn show_ticket(
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
    if arguments.addresses {
        let shown = entry.addresses.iter().map(|(kind, octets)| {
            address(&HostAddress { addr_type: (*kind).into(), address: octets })
        });
        let shown = shown.collect::<Vec<_>>().join(", ");
        report(&format!("  addresses: {}", if shown.is_empty() { "(none)" } else { &shown }))?;
    }
    if arguments.authdata && !entry.authdata.is_empty() {
        let types = entry.authdata.iter().map(|(kind, _)| AdType((*kind).into()).to_string());
        report(&format!(
            "  authorization data of the types {}",
            types.collect::<Vec<_>>().join(", ")
        ))?;
    }
    Ok(())
}

fn as_json(cache: &Ccache, held: &CredentialCache, now: KerberosTime) -> Value {
    let tickets = held.tickets().map(|entry| {
        let [start, end, renew_till] = validity(entry);
        let renew_till = (renew_till.unix() != 0).then(|| renew_till.to_string());
        json!({
            "server": entry.server.to_string(), "client": entry.client.to_string(),
            "starttime": start.to_string(), "endtime": end.to_string(), "renewTill": renew_till,
            "expired": end <= now, "flags": entry.flags.to_string(),
            "sessionEnctype": entry.enctype.to_string(), "ticketEnctype": ticket_enctype(entry),
        })
    });
    json!({
        "cache": cache.name(),
        "principal": held.default_principal.to_string(), "tickets": tickets.collect::<Vec<_>>(),
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

async fn keys(arguments: &Klist) -> Result<(), Failure> {
    let defaults = Environment::read().await?.defaults;
    let default = if arguments.client_keytab { defaults.client_keytab } else { defaults.keytab };
    let name = arguments.name.clone().unwrap_or(default);
    let path = files::keytab_path(&name)?;
    let keytab = files::read_keytab(&path).await?;
    let name = format!("FILE:{}", path.display());
    if arguments.json {
        let keys: Vec<Value> = keytab.entries.iter().map(entry_json).collect();
        return report_json(&json!({ "keytab": name, "keys": keys }));
    }
    report(&format!("Keytab name: {name}"))?;
    let (heading, rule) = match arguments.times {
        true => ("Timestamp            ", "-------------------- "),
        false => ("", ""),
    };
    report(&format!("KVNO {heading}Principal"))?;
    report(&format!("---- {rule}{}", "-".repeat(74)))?;
    keytab.entries.iter().try_for_each(|entry| {
        let written =
            if arguments.times { format!("{:<20} ", entry.timestamp) } else { String::new() };
        let enctype =
            if arguments.enctypes { format!(" ({})", entry.enctype) } else { String::new() };
        report(&format!("{:>4} {written}{}{enctype}", entry.kvno, entry.principal))
    })
}
