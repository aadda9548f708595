//! `krb s4u`: a ticket in a user's name, without the user's password.

use std::path::PathBuf;

use krb_client::{Client, ClientConfig, ClientError, KdcSource, Resolver, UserTicket, files};
use krb_proto::exchange::ClientSecret;
use krb_proto::formats::krb5_conf::{ServerAddress, ServerTransport};
use krb_proto::iana::{ErrorCode, TicketFlags};
use krb_proto::{Name, Principal};
use zeroize::Zeroizing;

use crate::secret::password_in;
use crate::{Failure, cache, report};

#[derive(clap::Args)]
pub(crate) struct S4u {
    /// The service account, NAME@REALM.
    #[arg(long, value_name = "PRINCIPAL")]
    client: String,
    /// Keytab with the service account's key.
    #[arg(short = 'k', long, value_name = "FILE", env = "KRB5_KTNAME")]
    keytab: Option<String>,
    /// Read the service account's password from this file instead (its first line).
    #[arg(long, value_name = "FILE", conflicts_with = "keytab")]
    password_file: Option<PathBuf>,
    /// A KDC, HOST, HOST:PORT or [IPV6]:PORT; may be given again. Without it, DNS is asked.
    #[allow(
        rustdoc::broken_intra_doc_links,
        reason = "an address in brackets, as --help shows it"
    )]
    #[arg(long, value_name = "HOST[:PORT]")]
    kdc: Vec<String>,
    /// The cache to write; without it what KRB5CCNAME says, else the usual one.
    #[arg(short = 'c', long, value_name = "CACHE")]
    cache: Option<String>,
    /// Armor everything (FAST) with the ticket-granting ticket in this cache, such as the host's.
    #[arg(short = 'T', long, value_name = "CACHE")]
    armor_cache: Option<String>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    /// The user, by account name (sAMAccountName); a realm may follow an '@'.
    user: String,
    /// The service, such as cifs/fileserver.w25ad.net.
    spn: String,
}

pub(crate) async fn run(arguments: &S4u) -> Result<(), Failure> {
    let account = Principal::parse(&arguments.client, None)?;
    let realm = String::from_utf8(account.realm.clone())?;
    let user = Principal::parse(&arguments.user, Some(&realm))?;
    let target = Principal::parse(&arguments.spn, Some(&realm))?.name;
    // Where the ticket goes is settled before anybody is asked for it.
    let cache = cache::to_write(arguments.cache.as_deref()).await?;

    let secret = secret(arguments, &account).await?;
    let mut config = ClientConfig::new(account, secret, kdcs(&arguments.kdc)?);
    if let Some(armor) = &arguments.armor_cache {
        let armor = cache::caches(Some(armor))?.default_cache().await?;
        config.armor = Some(armor.tgt(realm.as_bytes()).await?.into());
    }
    let client = Client::new(config);
    let ticket = delegate(&client, &user, &target).await?;
    cache.initialize_with(&ticket.client, &[&ticket]).await?;

    let (client, server, end) = (&ticket.client, &ticket.server, ticket.times.endtime);
    report(&if arguments.json {
        serde_json::json!({
            "client": client.to_string(), "server": server.to_string(),
            "endtime": end.to_string(), "cache": cache.name()
        })
        .to_string()
    } else {
        format!("{server} for {client}, good until {end}, in {}", cache.name())
    })
}

async fn delegate(client: &Client, user: &Principal, target: &Name) -> Result<UserTicket, Failure> {
    let account = &client.account().name;
    let evidence = client.s4u().evidence(user).await.map_err(|error| {
        let code = error.refusal().map(|refusal| refusal.code);
        refused(
            "S4U2Self",
            &error,
            match code {
                Some(ErrorCode::S_PRINCIPAL_UNKNOWN) => format!("{account} has no SPN"),
                Some(ErrorCode::C_PRINCIPAL_UNKNOWN) => {
                    format!("there is no account {user}, or two have its name")
                }
                _ => String::new(),
            },
        )
    })?;
    // This command keeps no tickets, so there is no account to tell apart by its SID.
    client.s4u().proxy_ticket(&evidence, "", target).await.map_err(|error| {
        let code = error.refusal().map(|refusal| refusal.code);
        refused("S4U2Proxy", &error, match code {
            Some(ErrorCode::BADOPTION) if !evidence.flags.contains(TicketFlags::FORWARDABLE) => {
                format!(
                    "the evidence is not forwardable: {account} lacks \
                     TRUSTED_TO_AUTH_FOR_DELEGATION, or {user} may not be delegated"
                )
            }
            Some(ErrorCode::BADOPTION) => {
                format!(
                    "{target} is not in msDS-AllowedToDelegateTo of {account}, or {user} may not be \
                     delegated"
                )
            }
            Some(ErrorCode::S_PRINCIPAL_UNKNOWN) => format!("no account has the SPN {target}"),
            _ => String::new(),
        })
    })
}

/// Which exchange was refused, and what that means where it is known.
fn refused(exchange: &str, error: &ClientError, meaning: String) -> Failure {
    match error {
        // Nothing was asked for yet.
        ClientError::Login(_) => error.to_string().into(),
        _ if meaning.is_empty() => format!("{exchange}: {error}").into(),
        _ => format!("{exchange}: {error}: {meaning}").into(),
    }
}

async fn secret(arguments: &S4u, account: &Principal) -> Result<ClientSecret, Failure> {
    if let Some(file) = &arguments.password_file {
        let password = password_in(file)?;
        return Ok(ClientSecret::Password(Zeroizing::new(password.as_bytes().to_vec())));
    }
    let Some(keytab) = &arguments.keytab else {
        return Err("name a keytab (-k FILE or KRB5_KTNAME) or a --password-file".into());
    };
    let keytab = files::read_keytab(&files::keytab_path(keytab)?).await?;
    Ok(files::client_keys(&keytab, account)?)
}

fn kdcs(given: &[String]) -> Result<KdcSource, Failure> {
    let resolver = Resolver::from_system(Default::default());
    if given.is_empty() {
        return Ok(KdcSource::Dns(resolver));
    }
    let mut hosts = Vec::new();
    for kdc in given {
        let server = ServerAddress::parse(kdc, 88).map_err(|error| format!("{kdc}: {error}"))?;
        if server.transport != ServerTransport::Direct {
            return Err(format!("{kdc}: KDC proxies are not spoken to").into());
        }
        hosts.push(server);
    }
    Ok(KdcSource::Hosts(hosts, resolver))
}
