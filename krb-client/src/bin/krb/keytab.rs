//! `krb keytab`: what a keytab holds, and changing it.

mod add;
mod edit;

use std::path::{Path, PathBuf};

use krb_client::files;
use krb_proto::Principal;
use krb_proto::formats::{Keytab as Keys, KeytabEntry};
use krb_proto::iana::EncType;
use serde_json::{Value, json};

use self::edit::edit;
use crate::environment::{self, Environment};
use crate::output::Unusable;
use crate::secret::enctype;
use crate::{Failure, report, report_json};

#[derive(clap::Subcommand)]
pub(crate) enum Keytab {
    /// List the keys in a keytab; they themselves are not shown.
    #[command(after_help = "Example:\n  krb keytab list -k web.keytab")]
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Add the keys of an account, made of its password or given.
    ///
    /// A key of the same principal, version and enctype is replaced. Without --kvno it is the version
    /// behind the newest one of that principal in the keytab, or 1.
    #[command(
        after_help = "Examples:\n  krb keytab add -k web.keytab HTTP/web.example.com@EXAMPLE.COM --account \
        svc-web --kvno 3\n  krb keytab add -k gmsa.keytab 'svc$@EXAMPLE.COM' --managed-password blob \
        --kvno 5"
    )]
    Add(add::Add),
    /// Remove keys: those of a principal, of a version, of an enctype, or what is all of it.
    #[command(
        after_help = "Examples:\n  krb keytab remove -k web.keytab HTTP/web.example.com@EXAMPLE.COM --kvno 2\n  \
        krb keytab remove -k web.keytab -e rc4-hmac"
    )]
    Remove(Remove),
    /// Add the keys of other keytabs.
    #[command(after_help = "Example:\n  krb keytab merge -k both.keytab web.keytab db.keytab")]
    Merge {
        #[command(flatten)]
        place: Place,
        /// The keytabs whose keys are added.
        #[arg(required = true, value_name = "FROM")]
        from: Vec<String>,
    },
}

impl Keytab {
    pub(crate) const fn json(&self) -> bool {
        match self {
            Self::List { place } | Self::Merge { place, .. } => place.json,
            Self::Add(arguments) => arguments.place.json,
            Self::Remove(arguments) => arguments.place.json,
        }
    }
}

/// Which keytab, and how it is told of.
#[derive(clap::Args)]
pub(crate) struct Place {
    /// The keytab; KRB5_KTNAME if it is absent, or /etc/krb5.keytab.
    #[arg(short = 'k', long, value_name = "FILE")]
    keytab: Option<String>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(crate) struct Remove {
    #[command(flatten)]
    place: Place,
    /// Keys of this principal.
    #[arg(required_unless_present_any = ["kvno", "enctype"])]
    principal: Option<String>,
    /// Keys of this version.
    #[arg(long, value_name = "NUMBER")]
    kvno: Option<u32>,
    /// Keys of this enctype; may be given again.
    #[arg(short = 'e', long, value_name = "ENCTYPE")]
    enctype: Vec<String>,
}

impl Place {
    async fn path(&self) -> Result<PathBuf, Failure> {
        Ok(files::keytab_path(&match &self.keytab {
            Some(name) => name.clone(),
            None => Environment::read().await?.defaults.keytab,
        })?)
    }

    /// Says which keys it is about, each in a line.
    fn tell(&self, path: &Path, what: &str, entries: &[KeytabEntry]) -> Result<(), Failure> {
        if self.json {
            let entries: Vec<Value> = entries.iter().map(entry_json).collect();
            return report_json(&json!({ "keytab": path.display().to_string(), what: entries }));
        }
        let mut text = format!("{}: {} {what}", path.display(), entries.len());
        for entry in entries {
            let KeytabEntry { kvno, principal, enctype, timestamp, .. } = entry;
            text += &format!("\n{kvno:>4}  {timestamp}  {principal} ({enctype})");
        }
        report(&text)
    }
}

/// The account that keys are of first. Active Directory knows no account by the name of an SPN.
pub(crate) fn first_account(keytab: &Keys, path: &Path) -> Result<Principal, Unusable> {
    let mut names = keytab.entries.iter().map(|entry| &entry.principal);
    let first = names.clone().find(|name| name.name.components.len() == 1);
    let none = || Unusable::new(path.display(), "there is no key in it");
    Ok(first.or_else(|| names.next()).ok_or_else(none)?.clone())
}

/// What a key is, without it.
pub(crate) fn entry_json(entry: &KeytabEntry) -> Value {
    json!({
        "principal": entry.principal.to_string(), "kvno": entry.kvno,
        "enctype": entry.enctype.to_string(), "timestamp": entry.timestamp.to_string(),
    })
}

pub(crate) async fn run(command: &Keytab) -> Result<(), Failure> {
    match command {
        Keytab::List { place } => {
            let path = place.path().await?;
            let keytab = files::read_keytab(&path).await?;
            place.tell(&path, "keys", &keytab.entries)
        }
        Keytab::Add(arguments) => add::run(arguments).await,
        Keytab::Remove(arguments) => remove(arguments).await,
        Keytab::Merge { place, from } => merge(place, from).await,
    }
}

async fn remove(arguments: &Remove) -> Result<(), Failure> {
    let Remove { place, principal, kvno, enctype: names } = arguments;
    let path = place.path().await?;
    let principal = match principal {
        Some(name) => Some(environment::principal(name).await?),
        None => None,
    };
    let enctypes = names.iter().map(|name| enctype(name)).collect::<Result<Vec<EncType>, _>>()?;
    let is_meant = |entry: &KeytabEntry| {
        principal.as_ref().is_none_or(|principal| entry.principal.is_same(principal))
            && kvno.is_none_or(|kvno| entry.kvno == kvno)
            && (enctypes.is_empty() || enctypes.contains(&entry.enctype))
    };
    // Of what is not there nothing is made.
    files::read_keytab(&path).await?;
    let removed = edit(&path, |keytab| {
        let (removed, kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut keytab.entries).into_iter().partition(is_meant);
        keytab.entries = kept;
        if removed.is_empty() {
            return Err(format!(
                "{}: no such key: `krb keytab list` shows those that there are",
                path.display()
            )
            .into());
        }
        Ok(removed)
    })
    .await?;
    place.tell(&path, "keys removed", &removed)
}

async fn merge(place: &Place, from: &[String]) -> Result<(), Failure> {
    let path = place.path().await?;
    let mut others = Vec::new();
    for name in from {
        others.extend(files::read_keytab(&files::keytab_path(name)?).await?.entries);
    }
    let added = edit(&path, |keytab| {
        let mut added = Vec::new();
        for entry in others {
            if !keytab.entries.iter().any(|known| is_same_key(known, &entry)) {
                keytab.entries.push(entry.clone());
                added.push(entry);
            }
        }
        Ok(added)
    })
    .await?;
    place.tell(&path, "keys added", &added)
}

fn is_same_key(one: &KeytabEntry, other: &KeytabEntry) -> bool {
    is_same_slot(one, other) && one.key_bytes == other.key_bytes
}

/// Of one principal, version and enctype there is one key, unless two were made by mistake.
fn is_same_slot(one: &KeytabEntry, other: &KeytabEntry) -> bool {
    one.principal.is_same(&other.principal)
        && (one.kvno, one.enctype) == (other.kvno, other.enctype)
}

/// Puts keys in, in the place of those of the same principal, version and enctype.
fn put(keytab: &mut Keys, entries: &[KeytabEntry]) {
    keytab.entries.retain(|known| !entries.iter().any(|entry| is_same_slot(known, entry)));
    keytab.entries.extend(entries.iter().cloned());
}
