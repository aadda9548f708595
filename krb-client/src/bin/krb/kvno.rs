//! `krb kvno`: tickets to services, and the versions of the keys that they are sealed with.

use std::fmt;
use std::path::{Path, PathBuf};

use krb_client::remedy::{Names, Step};
use krb_client::{AccountSecret, Ccache, Client, Clock as _, SystemClock, files};
use krb_proto::asn1::Ticket;
use krb_proto::exchange::{TgsGoal, TicketOptions, opens};
use krb_proto::formats::{CacheEntry, CredentialCache, Keytab, read_pem};
use krb_proto::iana::{EncType, NameType, TicketFlags};
use krb_proto::{Credential, Name, Principal, der};
use serde_json::{Value, json};

use crate::environment::Environment;
use crate::output::{Ended, Unusable, ended, failure_json, status};
use crate::remedy::Explained;
use crate::s4u::{in_the_realm_that_was_written, refused};
use crate::{Failure, complain, progress, report, report_json, secret};

#[derive(clap::Args)]
pub(crate) struct Kvno {
    /// The cache with the ticket-granting ticket; without it what KRB5CCNAME says, else the usual one.
    #[arg(short, value_name = "CACHE")]
    cache: Option<String>,
    /// Ask for a session key of this enctype; several are separated by commas.
    #[arg(short, value_name = "ENCTYPE", value_delimiter = ',')]
    enctype: Vec<String>,
    /// Look whether this keytab opens the tickets.
    #[arg(short, value_name = "FILE")]
    keytab: Option<String>,
    /// Say nothing of what goes well.
    #[arg(short, conflicts_with = "json")]
    pub(crate) quiet: bool,
    /// SERVICE is a host, and this the kind of service there.
    #[arg(short = 'S', value_name = "KIND")]
    service: Option<String>,
    /// The names of the services are of no known type.
    #[arg(short = 'u', conflicts_with = "service")]
    unknown: bool,
    /// In the name of this user (S4U2Self), by an enterprise name, such as alice@example.com.
    #[arg(short = 'U', value_name = "USER", conflicts_with = "user")]
    enterprise_user: Option<String>,
    /// In the name of this user (S4U2Self), by the account's name.
    #[arg(short = 'I', value_name = "USER")]
    user: Option<String>,
    /// In the name of the user whose certificate is in this file, in PEM or DER (S4U2Self): the KDC says whose
    /// it is.
    #[arg(short = 'F', value_name = "FILE", conflicts_with_all = ["user", "enterprise_user"])]
    certificate: Option<PathBuf>,
    /// With -U, -I or -F: tickets to the services in the user's name (S4U2Proxy), for which SERVICE need
    /// not be the account itself.
    #[arg(short = 'P')]
    proxy: bool,
    /// To a service that has no key but its ticket-granting ticket, which is in this cache.
    #[arg(long, value_name = "CACHE", conflicts_with_all = ["user", "enterprise_user", "certificate"])]
    u2u: Option<String>,
    /// Put the tickets, and nothing else, into this cache.
    #[arg(long, value_name = "CACHE")]
    out_cache: Option<String>,
    /// Ask no KDC: what is not in the cache is missing.
    #[arg(long)]
    cached_only: bool,
    /// Do not put the tickets into the cache.
    #[arg(long, conflicts_with = "out_cache")]
    no_store: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// The services, such as HTTP/web.example.com.
    #[arg(required = true, value_name = "SERVICE")]
    services: Vec<String>,
}

impl Kvno {
    const fn is_for_user(&self) -> bool {
        self.user.is_some() || self.enterprise_user.is_some() || self.certificate.is_some()
    }
}

/// A ticket to a service.
struct Got {
    target: Principal,
    ticket: Credential,
    /// It was there already, in the cache or for the same service before.
    is_known: bool,
}

/// In whose name.
enum User {
    Named(Principal),
    /// Whoever a certificate in that file is for.
    Certificate(String, Vec<u8>),
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(user) => user.name.fmt(f),
            Self::Certificate(file, _) => write!(f, "of the certificate in {file}"),
        }
    }
}

/// No certificate is longer.
const MAX_CERTIFICATE: u64 = 1 << 20;

/// The first certificate of a file, in DER.
fn certificate(file: &Path) -> Result<Vec<u8>, Failure> {
    let octets = secret::octets_in(&file.display().to_string(), MAX_CERTIFICATE)?;
    let pem = std::str::from_utf8(&octets).ok().map(|text| read_pem(text, &["CERTIFICATE"]));
    let der = match pem {
        Some(found) => found.and_then(|found| found.into_iter().next()),
        None => Some(octets),
    };
    let none = || Unusable::new(file.display(), "there is no certificate in it");
    Ok(der.ok_or_else(none)?.to_vec())
}

/// What tickets are got with.
struct Asking<'a> {
    arguments: &'a Kvno,
    held: CredentialCache,
    client: Option<Client>,
    options: TicketOptions,
    keytab: Option<Keytab>,
    service_tgt: Option<Credential>,
}

pub(crate) async fn run(arguments: &Kvno) -> Result<(), Failure> {
    if arguments.proxy && !arguments.is_for_user() {
        return Err("-P: in whose name? Name the user with -U, -I or -F".into());
    }
    let environment = Environment::read().await?;
    let cache = environment.caches(arguments.cache.as_deref()).default_cache().await?;
    let asking = Asking::new(arguments, &environment, &cache).await?;
    let (mut got, mut failures) = (Vec::new(), Vec::new());
    for service in &arguments.services {
        if let Err(error) = asking.get(service, &mut got).await {
            complain(&format!("{service}: {error}"));
            failures.push((service, error));
        }
    }
    let stored = store(arguments, &environment, &cache, &got).await;
    let told = got.iter().map(|it| asking.tell(it)).collect::<Result<Vec<_>, _>>()?;
    let not_put = stored.as_ref().err().filter(|_| arguments.out_cache.is_some());
    if arguments.json {
        let failures = failures
            .iter()
            .map(|(service, error)| json!({ "service": service, "error": failure_json(&**error) }));
        report_json(&json!({
            "tickets": told, "failures": failures.collect::<Value>(),
            "error": not_put.map(|error| failure_json(&**error)),
        }))?;
    }
    match stored {
        Err(error) if not_put.is_some() => ended(error)?,
        // They are there, if only for now; MIT's kvno says nothing of it.
        Err(error) => complain(&format!("the tickets are not kept: {error}")),
        Ok(()) => {}
    }
    if told.iter().any(|ticket| ticket["opens"] == false) {
        return Err(Ended::FAILED.into());
    }
    // That trying again may help is said where it may for all of them.
    let status = failures.iter().map(|(_, error)| status(&**error)).min();
    status.map_or(Ok(()), |status| Err(Ended(status).into()))
}

fn target(arguments: &Kvno, service: &str, account: &Principal) -> Result<Principal, Failure> {
    if let Some(kind) = &arguments.service {
        // As MIT's library makes them of hosts, without a look at DNS.
        let host = service.strip_suffix('.').unwrap_or(service).to_lowercase();
        let name = Name::new(NameType::SRV_HST, [kind.as_str(), &host]);
        return Ok(Principal::new(name, &account.realm));
    }
    let realm = String::from_utf8_lossy(&account.realm);
    let parsed = Principal::parse(service, Some(&realm));
    let mut target = parsed.map_err(|error| error.to_string())?;
    if arguments.unknown {
        target.name.name_type = NameType::UNKNOWN;
    }
    Ok(target)
}

impl<'a> Asking<'a> {
    async fn new(
        arguments: &'a Kvno,
        environment: &Environment,
        cache: &Ccache,
    ) -> Result<Self, Failure> {
        let held = progress::cache(cache, cache.read()).await?;
        let account = held.default_principal.clone();
        let client = match arguments.cached_only {
            true => None,
            false => {
                let secret = AccountSecret::ticket(cache.tgt(&account.realm).await?);
                Some(Client::new(environment.client(account, secret)))
            }
        };
        let mut options = TicketOptions::default();
        if !arguments.enctype.is_empty() {
            let enctypes = arguments.enctype.iter().map(|name| secret::enctype(name));
            options.enctypes = enctypes.collect::<Result<Vec<EncType>, _>>()?;
        }
        let keytab = match &arguments.keytab {
            Some(name) => Some(files::read_keytab(&files::keytab_path(name)?).await?),
            None => None,
        };
        let service_tgt = match &arguments.u2u {
            Some(name) => {
                let other = environment.caches(Some(name)).default_cache().await?;
                let realm = other.read().await?.default_principal.realm;
                Some(other.tgt(&realm).await?)
            }
            None => None,
        };
        Ok(Self { arguments, held, client, options, keytab, service_tgt })
    }

    /// Gets a ticket, once for each service.
    async fn get(&self, service: &str, got: &mut Vec<Got>) -> Result<(), Failure> {
        let target = target(self.arguments, service, &self.held.default_principal)?;
        let before = got.iter().find(|it| it.target.is_same(&target));
        let known = before.map(|it| it.ticket.clone()).or_else(|| self.cached(&target));
        let is_known = known.is_some();
        let ticket = match known {
            Some(ticket) => ticket,
            None => self.ticket(&target).await?,
        };
        got.push(Got { target, ticket, is_known });
        Ok(())
    }

    /// One in the account's own name that the cache has.
    fn cached(&self, target: &Principal) -> Option<Credential> {
        if self.arguments.is_for_user() {
            return None;
        }
        let now = SystemClock.now().seconds.unix();
        let cached = self.held.tickets().find(|entry| {
            let is_right = entry.server.is_same(target) && i64::from(entry.times[2]) > now;
            is_right && entry.is_skey == self.service_tgt.is_some() && self.has_asked_key(entry)
        });
        cached.and_then(|entry| entry.credential().ok())
    }

    async fn ticket(&self, target: &Principal) -> Result<Credential, Failure> {
        if let Some(user) = self.user()? {
            return self.in_the_name_of(&user, target).await;
        }
        let client = self.client.as_ref().ok_or("it is not in the cache")?;
        let (service, options) = (target.name.clone(), self.options.clone());
        let goal = match &self.service_tgt {
            Some(tgt) => TgsGoal::UserToUser { service, service_tgt: tgt.ticket.clone() },
            None => TgsGoal::Service(service),
        };
        let ticket = match target.realm == client.account().realm {
            true => client.ask(goal, options).await,
            false => client.ask_in(&target.realm, goal, options).await,
        };
        let name = target.name.to_string();
        ticket.map_err(|error| Explained::of(Step::Ticket, client.account(), &name, error))
    }

    fn has_asked_key(&self, entry: &CacheEntry) -> bool {
        self.arguments.enctype.is_empty() || self.options.enctypes.contains(&entry.enctype)
    }

    fn user(&self) -> Result<Option<User>, Failure> {
        let account = &self.held.default_principal;
        if let Some(file) = &self.arguments.certificate {
            return Ok(Some(User::Certificate(file.display().to_string(), certificate(file)?)));
        }
        if let Some(name) = &self.arguments.enterprise_user {
            let user = Principal::new(Name::enterprise(name), &account.realm);
            return Ok(Some(User::Named(user)));
        }
        let realm = String::from_utf8_lossy(&account.realm);
        let user = self.arguments.user.as_deref();
        let user = user.map(|name| Principal::parse(name, Some(&realm))).transpose()?;
        Ok(user.map(User::Named))
    }

    async fn in_the_name_of(&self, user: &User, target: &Principal) -> Result<Credential, Failure> {
        let client = self
            .client
            .as_ref()
            .ok_or("--cached-only: tickets in the names of users are asked for")?;
        if !self.arguments.proxy && !target.is_same(client.account()) {
            return Err(format!(
                "{} gets tickets to itself in a user's name; to other services with -P",
                client.account()
            )
            .into());
        }
        let account = client.account().name.to_string();
        let (user_name, target_name) = (user.to_string(), target.name.to_string());
        let names = Names { account: &account, user: &user_name, target: &target_name };
        let evidence = match user {
            User::Named(user) => client.s4u().evidence(user).await,
            User::Certificate(_, der) => client.s4u().evidence_by_certificate(der, None).await,
        };
        let evidence = evidence.map_err(|error| refused(Step::S4uSelf, error, true, &names))?;
        if !self.arguments.proxy {
            return Ok(Credential::clone(&evidence));
        }
        // Nothing of it is kept, so there is no account to tell apart by its SID.
        let forwardable = evidence.flags.contains(TicketFlags::FORWARDABLE);
        let ticket = client.s4u().proxy_ticket(&evidence, "", &target.name).await;
        let ticket = ticket.map_err(|error| refused(Step::S4uProxy, error, forwardable, &names))?;
        in_the_realm_that_was_written(client, target, &ticket)?;
        Ok(Credential::clone(&ticket))
    }

    /// What a ticket is sealed with, and whether the keytab has it.
    fn tell(&self, got: &Got) -> Result<Value, Failure> {
        let credential = &got.ticket;
        let ticket: Ticket<'_> = der::decode(&credential.ticket)?;
        let kvno = ticket.enc_part.kvno.map_or(0, |kvno| kvno.get());
        let opens = self.keytab.as_ref().map(|keytab| {
            opens(&credential.ticket, |enctype, kvno| {
                keytab.danger_keys(&credential.server, kvno, enctype)
            })
        });
        let (server, enctype) = (&credential.server, ticket.enc_part.etype);
        if !self.arguments.json && !self.arguments.quiet {
            let keytab = match opens {
                Some(true) => ", keytab entry valid",
                Some(false) => ", no key in the keytab opens it",
                None => "",
            };
            report(&format!("{server}: kvno = {kvno}{keytab}"))?;
        }
        Ok(json!({
            "server": server.to_string(), "client": credential.client.to_string(), "kvno": kvno,
            "ticketEnctype": enctype.to_string(), "opens": opens,
            "sessionEnctype": credential.session_key.enctype().to_string(),
            "endtime": credential.times.endtime.to_string(), "flags": credential.flags.to_string(),
        }))
    }
}

/// Tickets in users' names go where somebody says: beside the account's own a program might take one
/// for another. What the account's cache has already is not written again.
async fn store(
    arguments: &Kvno,
    environment: &Environment,
    cache: &Ccache,
    got: &[Got],
) -> Result<(), Failure> {
    if let Some(name) = &arguments.out_cache {
        let Some(first) = got.first() else { return Ok(()) };
        let mut all: Vec<&Got> = Vec::new();
        for it in got {
            if !all.iter().any(|other| other.target.is_same(&it.target)) {
                all.push(it);
            }
        }
        let all: Vec<_> = all.into_iter().map(|it| &it.ticket).collect();
        let out = environment.caches(Some(name)).default_cache().await?;
        let put = out.initialize_with(&first.ticket.client, &all);
        return Ok(progress::cache(&out, put).await?);
    }
    if arguments.is_for_user() || arguments.no_store || arguments.cached_only {
        return Ok(());
    }
    let new = got.iter().filter(|it| !it.is_known).map(|it| {
        let mut entry = CacheEntry::from(&it.ticket);
        entry.is_skey = arguments.u2u.is_some();
        entry
    });
    let new: Vec<_> = new.collect();
    if !new.is_empty() {
        progress::cache(cache, cache.store(new)).await?;
    }
    Ok(())
}
