//! Changing passwords (RFC 3244).
//!
//! A change is asked of one server at a time, and never twice where the first may have done it. Only a
//! reply that the server proves its own says what became of it. Whatever else happens (no reply, or one
//! of nobody's: Windows Server 2025 answers a change that it made with a KRB-ERROR) leaves open whether
//! the password is the new one, which a login with it then shows.

use std::future::Future;
use std::sync::Arc;

use krb_proto::asn1::HostAddress;
use krb_proto::exchange::{ClientSecret, TicketOptions};
use krb_proto::iana::{ErrorCode, KpasswdResult};
use krb_proto::kpasswd::{KpasswdError, PasswordChange};
use krb_proto::{Context, Credential, Principal};
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use super::{Client, Inner};
use crate::kdc::{Endpoint, Place, Service};
use crate::keyring::is_wrong_secret;
use crate::transport::is_unread;
use crate::{ClientError, KdcFailure, ResolveError, Unreachable};

/// So many servers are asked at most, and so many names are looked up for them.
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
    /// Nothing of it was read.
    Unread(std::io::Error),
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
            Asked::Silence(error) | Asked::Unread(error) => {
                format!("the password server did not answer: {error}")
            }
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

    /// The realm's servers in their order, up to the first that may have read the request. Others are
    /// begun with for as long as an exchange may take, and so long that one has for its answer, which
    /// may have to wait for other programs that are asked what they think of the password.
    ///
    /// # Errors
    /// If none can have read it.
    async fn ask_servers(
        &self,
        ticket: &Credential,
        of: Option<&Principal>,
        new: &str,
    ) -> Result<Asked, ClientError> {
        let realm = &*String::from_utf8_lossy(&self.account().realm);
        let deadline = Instant::now() + self.inner.patience.overall;
        let mut unreachable = Unreachable {
            service: Service::Kpasswd,
            realm: realm.to_owned(),
            tried: Vec::new(),
            discovery: None,
        };
        let source = match self.inner.driver.realms().source(realm, Service::Kpasswd) {
            Ok(source) => source,
            Err(reason) => {
                unreachable.discovery = Some(reason);
                return Err(unreachable.into());
            }
        };
        let places = in_time(deadline, realm, source.places(realm, Service::Kpasswd)).await;
        let places = places.unwrap_or_else(|error| {
            unreachable.discovery = Some(error.to_string());
            Vec::new()
        });
        for place in places.into_iter().take(MAX_SERVERS) {
            let servers = match place {
                Place::At(server) => vec![server],
                Place::Host { host, port, way } => {
                    let found = in_time(deadline, &host, source.resolve(&host, port, way)).await;
                    found.unwrap_or_else(|error| {
                        unreachable.discovery = Some(error.to_string());
                        Vec::new()
                    })
                }
            };
            for server in servers {
                if unreachable.tried.len() >= MAX_SERVERS || Instant::now() >= deadline {
                    return Err(unreachable.into());
                }
                match self.ask_server(&server, ticket, of, new).await? {
                    Asked::Unread(error) => {
                        let error = Arc::new(error);
                        unreachable.tried.push(KdcFailure { kdc: server, error });
                    }
                    asked => return Ok(asked),
                }
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
    ) -> Result<Asked, ClientError> {
        let Inner { transport, clock, random, patience, .. } = &*self.inner;
        let until = Instant::now() + patience.overall;
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
            let reply = match transport.carry(server.clone(), message, until).await {
                Ok(reply) => reply,
                // Nobody vouches for the word about the clocks, if that came before.
                Err(error) if is_unread(error.kind()) && kdc_offset == 0 => {
                    return Ok(Asked::Unread(error));
                }
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

    /// A login with a password, of which nothing is kept.
    async fn log_in_as(&self, who: &Principal, password: &str) -> Result<Credential, ClientError> {
        let secret = ClientSecret::Password(Zeroizing::new(password.as_bytes().to_vec()));
        let options = TicketOptions { lifetime: LIFETIME, ..TicketOptions::default() };
        let mut exchange = self.login_of(who, secret, options);
        if let Some(armor) = self.armor().await? {
            exchange = exchange.armored(armor);
        }
        self.run(exchange).await
    }
}

/// A look-up has half of the time that is left, so that there is some to ask somebody.
async fn in_time<T>(
    deadline: Instant,
    name: &str,
    look_up: impl Future<Output = Result<T, ResolveError>>,
) -> Result<T, ResolveError> {
    let now = Instant::now();
    let half = now + deadline.saturating_duration_since(now) / 2;
    timeout_at(half, look_up).await.unwrap_or_else(|_| {
        let reason = "no name server answered in time".into();
        Err(ResolveError { name: name.to_owned(), reason })
    })
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
