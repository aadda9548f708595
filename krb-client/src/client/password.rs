//! Changing passwords (RFC 3244).
//!
//! A change is asked of one server at a time, and never twice where the first may have done it. Only a
//! reply that the server proves its own says what became of it. Whatever else happens (no reply, or one
//! of nobody's: Windows Server 2025 answers a change that it made with a KRB-ERROR) leaves open whether
//! the password is the new one, which a login with it then shows.

use std::io::ErrorKind;
use std::sync::Arc;

use krb_proto::asn1::HostAddress;
use krb_proto::exchange::{AsExchange, ClientSecret, TicketOptions};
use krb_proto::iana::{ErrorCode, KpasswdResult};
use krb_proto::kpasswd::{KpasswdError, PasswordChange};
use krb_proto::{Context, Credential, Principal};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{Client, Inner};
use crate::kdc::{Endpoint, Place, Service};
use crate::keyring::is_wrong_secret;
use crate::{ClientError, KdcFailure, Unreachable};

/// So many servers are asked at most.
const MAX_SERVERS: usize = 16;
/// Life of the ticket that a password is changed with, in seconds.
const LIFETIME: i64 = 300;
/// Peers across NAT do not look at the address that a request says to come from, and whoever could tell
/// it is not here.
const SENDER: HostAddress<'_> = HostAddress { addr_type: 2, address: &[0, 0, 0, 0] };

/// What becomes of a request to change a password.
enum Asked {
    /// A server answered: it was changed, or why not.
    Answered(Result<(), KpasswdError>),
    /// It may have arrived, and nothing came back.
    Silence(std::io::Error),
}

impl Client {
    /// Gives the account another password, with the present one, which may have expired. A client whose
    /// secret is a password that was given to it knows the new one from then on.
    ///
    /// # Errors
    /// [`ClientError::Kpasswd`] if the server refused, with its reason; [`ClientError::PasswordUnknown`]
    /// if nobody knows whether it was changed.
    pub async fn change_password(&self, new: &str) -> Result<(), ClientError> {
        self.replace(None, new).await?;
        self.inner.keyring.password_is(new.as_bytes());
        Ok(())
    }

    /// Gives another account of the realm a password, for which this one needs the right.
    ///
    /// # Errors
    /// As [`Self::change_password`].
    pub async fn set_password(&self, of: &Principal, new: &str) -> Result<(), ClientError> {
        self.replace(Some(of), new).await
    }

    async fn replace(&self, of: Option<&Principal>, new: &str) -> Result<(), ClientError> {
        let options =
            TicketOptions { lifetime: LIFETIME, forwardable: false, ..TicketOptions::default() };
        let ticket = self.initial(&PasswordChange::service(), options).await;
        let ticket = ticket.map_err(|error| ClientError::Login(error.into()))?;
        let reply = match self.ask_servers(&ticket, of, new).await? {
            Asked::Answered(Ok(())) => return Ok(()),
            Asked::Answered(Err(error)) if is_final(&error) => return Err(error.into()),
            Asked::Answered(Err(error)) => error.to_string(),
            Asked::Silence(error) => format!("the password server did not answer: {error}"),
        };
        tracing::info!(reply, "whether the password was changed is asked of the KDC");
        let whose = of.unwrap_or(&ticket.client);
        match self.log_in_as(whose, new).await {
            Ok(_) => Ok(()),
            Err(login) => {
                let kept = is_wrong_secret(&login);
                Err(ClientError::PasswordUnknown { reply, kept, login: login.into() })
            }
        }
    }

    async fn ask_servers(
        &self,
        ticket: &Credential,
        of: Option<&Principal>,
        new: &str,
    ) -> Result<Asked, ClientError> {
        let realm = String::from_utf8_lossy(&self.account().realm).into_owned();
        let deadline = Instant::now() + self.inner.patience.overall;
        let mut unreachable = Unreachable { realm, tried: Vec::new(), discovery: None };
        for kdc in self.password_servers(&mut unreachable).await {
            match self.ask_server(&kdc, ticket, of, new, deadline).await? {
                Asked::Silence(error) if is_unreached(error.kind()) => {
                    unreachable.tried.push(KdcFailure { kdc, error: Arc::new(error) });
                }
                asked => return Ok(asked),
            }
        }
        Err(unreachable.into())
    }

    /// One server; a second time, by its own clock, if it says that ours differs.
    async fn ask_server(
        &self,
        server: &Endpoint,
        ticket: &Credential,
        of: Option<&Principal>,
        new: &str,
        deadline: Instant,
    ) -> Result<Asked, ClientError> {
        let Inner { transport, clock, random, .. } = &*self.inner;
        let mut kdc_offset = 0;
        loop {
            let (change, message) = {
                let mut rng: &dyn crate::Entropy = &**random;
                let cx = &mut Context { now: clock.now(), kdc_offset, rng: &mut rng };
                match of {
                    Some(of) => PasswordChange::set(ticket, of, new, SENDER, cx)?,
                    None => PasswordChange::change(ticket, new, SENDER, cx)?,
                }
            };
            let reply = match transport.carry(server.clone(), message, deadline).await {
                Ok(reply) => reply,
                Err(error) => return Ok(Asked::Silence(error)),
            };
            match change.receive(&reply) {
                Err(KpasswdError::Kerberos { code: ErrorCode::SKEW, server_time })
                    if kdc_offset == 0 && server_time != clock.now().seconds =>
                {
                    kdc_offset = server_time.unix() - clock.now().seconds.unix();
                }
                answered => return Ok(Asked::Answered(answered)),
            }
        }
    }

    /// The servers, in the order in which they are asked.
    async fn password_servers(&self, unreachable: &mut Unreachable) -> Vec<Endpoint> {
        let realm = &unreachable.realm;
        let mut servers = Vec::new();
        let source = match self.inner.driver.realms().source(realm, Service::Kpasswd) {
            Ok(source) => source,
            Err(reason) => {
                unreachable.discovery = Some(reason);
                return servers;
            }
        };
        let places = source.places(realm, Service::Kpasswd).await;
        for place in places.unwrap_or_else(|error| {
            unreachable.discovery = Some(error.to_string());
            Vec::new()
        }) {
            match place {
                Place::At(server) => servers.push(server),
                Place::Host { host, port, way } => match source.resolve(&host, port, way).await {
                    Ok(found) => servers.extend(found),
                    Err(error) => unreachable.discovery = Some(error.to_string()),
                },
            }
        }
        servers.truncate(MAX_SERVERS);
        servers
    }

    /// A login with a password, of which nothing is kept.
    async fn log_in_as(&self, who: &Principal, password: &str) -> Result<Credential, ClientError> {
        let secret = ClientSecret::Password(Zeroizing::new(password.as_bytes().to_vec()));
        let options = TicketOptions { lifetime: LIFETIME, ..TicketOptions::default() };
        let mut exchange = AsExchange::new(who.clone(), secret, options);
        if let Some(armor) = self.armor().await? {
            exchange = exchange.armored(armor);
        }
        self.run(exchange).await
    }
}

/// Was nothing of the request read?
const fn is_unreached(error: ErrorKind) -> bool {
    matches!(
        error,
        ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::AddrNotAvailable
    )
}

/// Is it the server's own word that the password stays what it is? A request that came before is its
/// own word as well: the first may have changed it.
fn is_final(error: &KpasswdError) -> bool {
    match error {
        KpasswdError::Refused(refusal) => {
            refusal.authenticated && refusal.result != KpasswdResult::AUTH_ERROR
        }
        _ => false,
    }
}
