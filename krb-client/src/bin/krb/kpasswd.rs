//! `krb kpasswd`: another password.

use std::path::{Path, PathBuf};

use krb_client::Client;
use krb_client::remedy::Step;
use krb_proto::Principal;
use krb_proto::exchange::{ClientSecret, TicketOptions};
use krb_proto::kpasswd::PasswordChange;
use serde_json::json;
use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::remedy::Explained;
use crate::secret::{ask, ask_new, explained, password_in};
use crate::{Failure, report, report_json};

#[derive(clap::Args)]
pub(crate) struct Kpasswd {
    /// The account; without it the cache's.
    principal: Option<String>,
    /// Give this other account a password, for which PRINCIPAL needs the right.
    #[arg(long, value_name = "PRINCIPAL")]
    of: Option<String>,
    /// Read the present password from this file (its first line) instead of asking for it.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Read the new password from this file (its first line) instead of asking for it.
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,
    /// Armor the login (FAST) with the ticket-granting ticket in this cache, such as the host's.
    #[arg(short = 'T', value_name = "CACHE")]
    armor: Option<String>,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Life in seconds of a ticket that only shows that the password is right.
const LIFETIME: i64 = 300;

pub(crate) async fn run(arguments: &Kpasswd) -> Result<(), Failure> {
    let environment = Environment::read().await?;
    let account = account(arguments, &environment).await?;
    let of = arguments.of.as_deref().map(|name| environment.principal(name)).transpose()?;
    let present =
        given(arguments.password_file.as_deref(), || ask(&format!("Password for {account}: ")))?;
    let secret = ClientSecret::Password(Zeroizing::new(present.as_bytes().to_vec()));
    let mut config = environment.client(account.clone(), secret);
    if let Some(armor) = &arguments.armor {
        config.armor = Some(environment.armor(armor, &account.realm).await?);
    }
    let client = Client::new(config);
    // Nobody need think of a new password in vain.
    let options =
        TicketOptions { lifetime: LIFETIME, forwardable: false, ..TicketOptions::default() };
    let was_typed = arguments.password_file.is_none();
    let shown = client.initial(&PasswordChange::service(), options).await;
    shown.map_err(|error| {
        explained(&account, &PasswordChange::service().to_string(), error, was_typed)
    })?;
    let whose = of.as_ref().unwrap_or(&account);
    let new = given(arguments.new_password_file.as_deref(), || {
        ask_new(&format!("New password for {whose}: "))
    })?;
    let changed = match &of {
        Some(of) => client.set_password(of, &new).await,
        None => client.change_password(&new).await,
    };
    changed.map_err(|error| Explained::of(Step::Login, &account, "", error))?;
    if arguments.json {
        return report_json(&json!({ "principal": whose.to_string(), "changed": true }));
    }
    report("Password changed.")
}

fn given(
    file: Option<&Path>,
    ask: impl FnOnce() -> Result<Zeroizing<String>, Failure>,
) -> Result<Zeroizing<String>, Failure> {
    file.map_or_else(ask, password_in)
}

async fn account(arguments: &Kpasswd, environment: &Environment) -> Result<Principal, Failure> {
    if let Some(name) = &arguments.principal {
        return environment.principal(name);
    }
    let cache = environment.caches(None).default_cache().await?;
    match cache.read().await {
        Ok(held) => Ok(held.default_principal),
        Err(_) => Err("whose password? Name a principal, such as alice@EXAMPLE.COM".into()),
    }
}
