//! `krb s4u`: a ticket in a user's name, without the user's password.

use std::path::PathBuf;

use krb_client::remedy::{Names, Step};
use krb_client::{
    AccountSecret, Armor, Client, ClientError, KdcSource, Realms, Resolver, UserTicket, files,
};
use krb_proto::exchange::ClientSecret;
use krb_proto::formats::krb5_conf::{ServerAddress, ServerTransport};
use krb_proto::iana::TicketFlags;
use krb_proto::{Credential, Name, Principal};
use serde_json::json;
use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::keytab::first_account;
use crate::remedy::Explained;
use crate::secret::password_in;
use crate::{Failure, cache, progress, remedy, report, report_json};

/// The service account, and how it is reached.
#[derive(clap::Args)]
pub(crate) struct Service {
    /// The service account, NAME@REALM; without it the first one in the keytab.
    #[arg(long, value_name = "PRINCIPAL")]
    client: Option<String>,
    /// Keytab with the service account's key; without it what KRB5_KTNAME says, else the usual one.
    #[arg(short = 'k', long, value_name = "FILE")]
    keytab: Option<String>,
    /// Read the service account's password from this file instead (its first line).
    #[arg(long, value_name = "FILE", conflicts_with = "keytab", requires = "client")]
    password_file: Option<PathBuf>,
    /// A KDC, HOST, HOST:PORT or [IPV6]:PORT; may be given again. Without it krb5.conf and DNS are
    /// asked.
    #[allow(
        rustdoc::broken_intra_doc_links,
        reason = "an address in brackets, as --help shows it"
    )]
    #[arg(long, value_name = "HOST[:PORT]", value_parser = kdc)]
    kdc: Vec<ServerAddress>,
    /// Armor everything (FAST) with the ticket-granting ticket in this cache, such as the host's.
    #[arg(short = 'T', long, value_name = "CACHE")]
    armor_cache: Option<String>,
}

/// How the user is named.
#[derive(clap::Args)]
pub(crate) struct Naming {
    /// USER is an enterprise name, such as alice@corp.example, which may not be of the realm.
    #[arg(short = 'E', long, requires = "user")]
    enterprise: bool,
}

impl Naming {
    /// The user as the account's KDCs are asked for them.
    pub(crate) fn user(&self, name: &str, realm: &[u8]) -> Result<Principal, Failure> {
        if self.enterprise {
            return Ok(Principal::new(Name::enterprise(name), realm));
        }
        let parsed = Principal::parse(name, Some(&String::from_utf8_lossy(realm)));
        parsed.map_err(|error| format!("{name}: {error}").into())
    }
}

#[derive(clap::Args)]
pub(crate) struct S4u {
    #[command(flatten)]
    service: Service,
    #[command(flatten)]
    naming: Naming,
    /// The cache to write; without it what KRB5CCNAME says, else the usual one.
    #[arg(short = 'c', long, value_name = "CACHE")]
    cache: Option<String>,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// The user, by account name (sAMAccountName); a realm may follow an '@'.
    user: String,
    /// The service, such as cifs/fileserver.w25ad.net.
    spn: String,
}

pub(crate) async fn run(arguments: &S4u) -> Result<(), Failure> {
    let environment = Environment::read().await?;
    // Where the ticket goes is settled before anybody is asked for it.
    let cache = cache::to_write(&environment.caches(arguments.cache.as_deref())).await?;
    let client = arguments.service.client(&environment).await?;
    let user = arguments.naming.user(&arguments.user, &client.account().realm)?;
    let ticket = delegate(&client, &user, &arguments.spn).await?;
    progress::cache(&cache, cache.initialize_with(&ticket.client, &[&ticket])).await?;

    let (client, server, end) = (&ticket.client, &ticket.server, ticket.times.endtime);
    if arguments.json {
        return report_json(&json!({
            "client": client.to_string(), "server": server.to_string(), "endtime": end.to_string(),
            "cache": cache.name(),
        }));
    }
    report(&format!("{server} for {client}, good until {end}, in {}", cache.name()))
}

/// A ticket to a service in a user's name.
pub(crate) async fn delegate(
    client: &Client,
    user: &Principal,
    spn: &str,
) -> Result<UserTicket, Failure> {
    let realm = String::from_utf8_lossy(&client.account().realm);
    let target = Principal::parse(spn, Some(&realm)).map_err(|error| format!("{spn}: {error}"))?;
    let account = client.account().name.to_string();
    let (user_name, target_name) = (user.name.to_string(), target.name.to_string());
    let names = Names { account: &account, user: &user_name, target: &target_name };
    let evidence = client.s4u().evidence(user).await;
    let evidence = evidence.map_err(|error| refused(Step::S4uSelf, error, true, &names))?;
    let forwardable = evidence.flags.contains(TicketFlags::FORWARDABLE);
    // This command keeps no tickets, so there is no account to tell apart by its SID.
    let ticket = client.s4u().proxy_ticket(&evidence, "", &target.name).await;
    let ticket = ticket.map_err(|error| refused(Step::S4uProxy, error, forwardable, &names))?;
    in_the_realm_that_was_written(client, &target, &ticket)?;
    Ok(ticket)
}

/// In a user's name a service is asked for by its name alone, wherever the KDCs have it: that is to be the
/// realm that somebody wrote.
pub(crate) fn in_the_realm_that_was_written(
    client: &Client,
    target: &Principal,
    ticket: &Credential,
) -> Result<(), Failure> {
    let (written, found) = (&target.realm, &ticket.server.realm);
    if *written == client.account().realm || written == found {
        return Ok(());
    }
    let found = String::from_utf8_lossy(found);
    Err(format!("{target}: the KDCs have that service in realm {found}: leave the realm out")
        .into())
}

/// An exchange that was refused, and what that means where it is known.
pub(crate) fn refused(
    step: Step,
    error: ClientError,
    forwardable: bool,
    names: &Names<'_>,
) -> Failure {
    let exchange = match (step, &error) {
        // Nothing was asked for in the user's name yet.
        (_, ClientError::Login(_)) => "login",
        (Step::S4uProxy, _) => "S4U2Proxy",
        _ => "S4U2Self",
    };
    let remedy = remedy::of(step, &error, forwardable, names);
    Explained::new(exchange, error, remedy).into()
}

/// What a service needs before anybody is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Needed {
    Account,
    Password,
    Keytab,
    Armor,
}

impl Needed {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Password => "password",
            Self::Keytab => "keytab",
            Self::Armor => "armor",
        }
    }

    pub(crate) const fn remedy(self) -> &'static str {
        match self {
            Self::Account => "name the service account, NAME@REALM, with --client",
            Self::Password => "put the account's password into the first line of the file",
            Self::Keytab => {
                "name the service account's keytab with -k, and the account with --client; \
                 `krb keytab list` shows what is in it"
            }
            Self::Armor => {
                "log in into the cache that -T names: `krb kinit -k -c CACHE` with the host's keytab"
            }
        }
    }
}

/// A service that is not ready to ask for anything, and which of its needs is to blame.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub(crate) struct Unready {
    pub(crate) what: Needed,
    #[source]
    pub(crate) error: Failure,
}

fn kdc(text: &str) -> Result<ServerAddress, String> {
    let server = ServerAddress::parse(text, 88).map_err(|error| error.to_string())?;
    match server.transport {
        ServerTransport::Direct => Ok(server),
        _ => Err("this program speaks no HTTPS to KDC proxies: name a KDC itself".to_owned()),
    }
}

fn needs<T>(what: Needed, outcome: Result<T, Failure>) -> Result<T, Unready> {
    outcome.map_err(|error| Unready { what, error })
}

impl Service {
    /// Its client.
    pub(crate) async fn client(&self, environment: &Environment) -> Result<Client, Unready> {
        let named = needs(Needed::Account, self.named(environment))?;
        let secret = if self.password_file.is_some() { Needed::Password } else { Needed::Keytab };
        let (account, secret) = needs(secret, self.account(environment, named).await)?;
        let mut config = environment.client(account.clone(), secret);
        config.realms = self.realms(environment, &account.realm);
        config.armor = needs(Needed::Armor, self.armor(environment, &account.realm).await)?;
        Ok(Client::new(config))
    }

    /// What armors its exchanges, if anything does.
    pub(crate) async fn armor(
        &self,
        environment: &Environment,
        realm: &[u8],
    ) -> Result<Option<Armor>, Failure> {
        Ok(match &self.armor_cache {
            Some(cache) => Some(environment.armor(cache, realm).await?),
            None => None,
        })
    }

    /// The account, if it is named.
    pub(crate) fn named(&self, environment: &Environment) -> Result<Option<Principal>, Failure> {
        self.client.as_deref().map(|name| environment.principal(name)).transpose()
    }

    /// Where KDCs are: those that are named, for the account's realm; all others as ever.
    pub(crate) fn realms(&self, environment: &Environment, realm: &[u8]) -> Realms {
        let realms = environment.realms.clone();
        if self.kdc.is_empty() {
            return realms;
        }
        let resolver = Resolver::from_system(Resolver::hosts_of_machine());
        let hosts = KdcSource::Hosts(self.kdc.clone(), resolver);
        realms.with(&String::from_utf8_lossy(realm), hosts)
    }

    /// The KDCs that are named, if any are.
    pub(crate) fn named_kdcs(&self) -> &[ServerAddress] {
        &self.kdc
    }

    /// The keytab, if keys are in one.
    pub(crate) fn keytab_path(
        &self,
        environment: &Environment,
    ) -> Result<Option<PathBuf>, Failure> {
        if self.password_file.is_some() {
            return Ok(None);
        }
        let name = self.keytab.as_ref().unwrap_or(&environment.defaults.keytab);
        Ok(Some(files::keytab_path(name)?))
    }

    async fn account(
        &self,
        environment: &Environment,
        named: Option<Principal>,
    ) -> Result<(Principal, AccountSecret), Failure> {
        if let (Some(file), Some(account)) = (&self.password_file, &named) {
            let password = Zeroizing::new(password_in(file)?.as_bytes().to_vec());
            return Ok((account.clone(), ClientSecret::Password(password).into()));
        }
        let path = self.keytab_path(environment)?.ok_or("--password-file: whose? Name --client")?;
        let keytab = files::read_keytab(&path).await?;
        let account = match named {
            Some(account) => account,
            None => first_account(&keytab, &path)?,
        };
        let secret =
            files::danger_client_keys(&keytab, &account, environment.realms.login_enctypes())?;
        Ok((account, secret.into()))
    }
}
