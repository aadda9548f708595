//! `krb kinit`: a ticket-granting ticket, or another initial one.

mod account;
mod again;
mod expired;
mod login;
mod options;
mod secret;

use std::path::PathBuf;

use krb_client::{Ccache, Ccaches};
use krb_proto::{Credential, KerberosTime, Name, Principal};
use serde_json::json;

use self::login::Login;
use self::options::{duration, start};
use crate::environment::Environment;
use crate::{Failure, complain, progress, report, report_json};

#[derive(clap::Args)]
pub(crate) struct Kinit {
    /// Log in with the keys in a keytab: KRB5_KTNAME, or the one that -t or -i names.
    #[arg(short, conflicts_with_all = ["password_file", "identity", "anonymous", "otp"])]
    keytab: bool,
    /// The keytab.
    #[arg(short = 't', value_name = "FILE", requires = "keytab")]
    keytab_file: Option<String>,
    /// The keytab that programs log in with, KRB5_CLIENT_KTNAME.
    #[arg(short = 'i', requires = "keytab", conflicts_with = "keytab_file")]
    client_keytab: bool,
    /// Read the password from this file (its first line) instead of asking for it.
    #[arg(long, value_name = "FILE", conflicts_with = "anonymous")]
    password_file: Option<PathBuf>,
    /// How long the ticket is to be good, such as 10h or 1d12h.
    #[arg(short, value_name = "DURATION", value_parser = duration)]
    lifetime: Option<i64>,
    /// For how long it is to be renewable.
    #[arg(short, value_name = "DURATION", value_parser = duration)]
    renewable: Option<i64>,
    /// From when on it is to be good, so long from now, or at that time, YYYYMMDDHHMMSS in UTC: a
    /// postdated ticket, good once it is validated.
    #[arg(short, value_name = "DURATION|TIME", value_parser = start)]
    start: Option<KerberosTime>,
    /// Forwardable, which is what the configuration mostly says anyway.
    #[arg(short, overrides_with = "not_forwardable")]
    forwardable: bool,
    /// Not forwardable.
    #[arg(short = 'F')]
    not_forwardable: bool,
    /// Proxiable.
    #[arg(short, overrides_with = "not_proxiable")]
    proxiable: bool,
    /// Not proxiable.
    #[arg(short = 'P')]
    not_proxiable: bool,
    /// Good from this machine's addresses only: it is refused, since no such ticket is asked for here.
    #[arg(short, overrides_with = "no_addresses")]
    addresses: bool,
    /// Good from everywhere, which is what the configuration mostly says anyway.
    #[arg(short = 'A')]
    no_addresses: bool,
    /// PRINCIPAL is an enterprise name, such as alice@corp.example, which may not be of the realm.
    #[arg(short = 'E')]
    enterprise: bool,
    /// Take the name that the KDC has for the account.
    #[arg(short = 'C')]
    canonicalize: bool,
    /// An anonymous ticket of the realm, @REALM (PKINIT, RFC 8062), which is good to armor logins (-T).
    #[arg(short = 'n')]
    anonymous: bool,
    /// Log in with a certificate: X509_user_identity=FILE:CERTIFICATE,KEY; and whom to believe to be
    /// a KDC: X509_anchors=FILE:CA, else pkinit_anchors in krb5.conf. PEM files, the key as PKCS #8.
    #[arg(short = 'X', value_name = "NAME=VALUE", conflicts_with = "password_file")]
    identity: Vec<String>,
    /// Armor the login (FAST) with the ticket-granting ticket in this cache, such as the host's.
    #[arg(short = 'T', value_name = "CACHE")]
    armor: Option<String>,
    /// Log in with a one-time password (RFC 6560), which is asked for and shown to the KDC in armor alone.
    /// A PIN is asked for if the KDC says that it wants one; where only the server behind it does, the PIN
    /// goes in front.
    #[arg(long, requires = "armor", conflicts_with_all = ["password_file", "identity", "anonymous"])]
    otp: bool,
    /// A ticket to this service instead of a ticket-granting ticket.
    #[arg(short = 'S', value_name = "SERVICE")]
    service: Option<String>,
    /// The cache to write; without it what KRB5CCNAME says, else the usual one.
    #[arg(short, value_name = "CACHE")]
    cache: Option<String>,
    /// Renew the ticket-granting ticket in the cache.
    #[arg(short = 'R', conflicts_with_all = ["keytab", "validate"])]
    renew: bool,
    /// Make the postdated ticket in the cache good.
    #[arg(short)]
    validate: bool,
    /// Say who logs in, into which cache, and that it is done.
    #[arg(short = 'V', conflicts_with = "json")]
    verbose: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// The account; without it, with -k, the keytab's first, else the cache's, else the user's own name.
    principal: Option<String>,
}

pub(crate) async fn run(arguments: &Kinit) -> Result<(), Failure> {
    let environment = Environment::read().await?;
    let caches = environment.caches(arguments.cache.as_deref());
    if arguments.renew || arguments.validate {
        return again::run(arguments, &environment, &caches).await;
    }
    let account = account::find(arguments, &environment, &caches).await?;
    let realm = String::from_utf8_lossy(&account.realm).into_owned();
    let options = options::asked(arguments, &environment, &realm)?;
    let server = server(arguments, &account)?;
    // Where the ticket goes is settled before anybody is asked for it.
    let settled = place(&caches, &account).await?;
    if arguments.verbose {
        report(&format!("Using cache: {}\nUsing principal: {account}", settled.name()))?;
    }

    let secret = secret::find(arguments, &environment, &account).await?;
    let (environment, account, server) = (&environment, &account, &server);
    let ticket = Login { arguments, environment, account, server, options }.run(secret).await?;
    // The KDC may have another name for the account.
    let cache = match ticket.client.is_same(account) {
        true => settled,
        false => place(&caches, &ticket.client).await?,
    };
    write(&caches, &cache, &ticket).await?;
    tell(arguments, &cache, &ticket)
}

fn server(arguments: &Kinit, account: &Principal) -> Result<Name, Failure> {
    let realm = String::from_utf8_lossy(&account.realm);
    Ok(match &arguments.service {
        Some(service) => {
            let server = Principal::parse(service, Some(&realm))?;
            if server.realm != account.realm {
                let text = "a login's ticket is to a service of the account's realm; `krb kvno` gets others";
                return Err(format!("{server}: {text}").into());
            }
            server.name
        }
        None => Name::krbtgt(&account.realm),
    })
}

/// The principal's cache of the collection, or a new one there; or the one cache that there is.
async fn place(caches: &Ccaches, principal: &Principal) -> Result<Ccache, Failure> {
    if let Some(cache) = caches.find(principal).await? {
        return Ok(cache);
    }
    match caches.default_cache().await {
        // Somebody else's in a collection stays.
        Ok(cache) if caches.default_name().starts_with("FILE:") => Ok(cache),
        outcome => match caches.new_cache().await {
            Ok(cache) => Ok(cache),
            Err(_) => Ok(outcome?),
        },
    }
}

async fn write(caches: &Ccaches, cache: &Ccache, ticket: &Credential) -> Result<(), Failure> {
    progress::cache(cache, cache.initialize_with(&ticket.client, &[ticket])).await?;
    // Of a collection it is the one that programs take from now on.
    if caches.default_name() != cache.name() {
        let _ = cache.switch_to().await;
    }
    Ok(())
}

fn tell(arguments: &Kinit, cache: &Ccache, ticket: &Credential) -> Result<(), Failure> {
    // Of what was left out nobody need wonder.
    let asked = arguments.renewable.is_some() && ticket.times.renew_till.is_none();
    if asked {
        complain("the KDC gave a ticket that is not renewable");
    }
    if !arguments.json {
        return match &arguments.service {
            Some(_) => report(&format!(
                "{} for {}, good until {}, in {}",
                ticket.server,
                ticket.client,
                ticket.times.endtime,
                cache.name()
            )),
            None if arguments.verbose => report("Authenticated to Kerberos v5"),
            // As MIT's kinit, which says nothing.
            None => Ok(()),
        };
    }
    report_json(&json!({
        "client": ticket.client.to_string(), "server": ticket.server.to_string(),
        "starttime": ticket.times.starttime.to_string(), "endtime": ticket.times.endtime.to_string(),
        "renewTill": ticket.times.renew_till.map(|time| time.to_string()),
        "flags": ticket.flags.to_string(), "cache": cache.name(),
    }))
}
