//! Taking a user's own ticket: one `Authorization: Negotiate` field (RFC 4559).

use std::path::PathBuf;
use std::sync::Arc;

use krb_client::accept::{self, Acceptor, AcceptorConfig, Caller, ServiceKeys, SharedLogins};
use krb_client::{Client, Clock};
use krb_proto::Name;
use krb_proto::gss::{ChannelBindings, ChannelPolicy};
use krb_proto::spnego::NegTokenResp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::ConfigError;
use crate::followed::{Followed, Place};
use crate::identity::{LegacyName, OwnTicket};
use crate::plan::Parts;
use crate::state::State;

/// Of the file with the certificate.
const MAX_FILE: u64 = 1 << 20;
const CERTIFICATE_FILE: &str = "auth.negotiate.certificateFile";
/// The largest `maxLoginAge`: a week.
const MAX_LOGIN_AGE: i64 = 7 * 24 * 3600;

/// The `auth.negotiate` section: callers may come with their own Kerberos ticket.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NegotiateConfig {
    /// The service account that clients ask a ticket to, one of `kerberos.accounts`; left out: the one
    /// of `kerberos` itself. One of its SPNs is `HTTP/` and the host of `server.publicUrl`. Only targets
    /// of this account can be reached so.
    pub account: Option<String>,
    /// How long ago a user may have logged in, in seconds, a week at most: groups are those of that
    /// time.
    #[serde(default = "a_working_day")]
    pub max_login_age: i64,
    /// PEM file with the certificate that clients see, which is the reverse proxy's: clients must
    /// then bind their login to it (`tls-server-end-point`, RFC 5929), so that nobody passes it on.
    pub certificate_file: Option<PathBuf>,
}

const fn a_working_day() -> i64 {
    10 * 3600
}

impl NegotiateConfig {
    /// What is wrong with it, or what logins must be bound to, as the file has it from now on.
    fn check(&self) -> Result<Option<Followed<ChannelBindings>>, ConfigError> {
        if !(1..=MAX_LOGIN_AGE).contains(&self.max_login_age) {
            let problem = "must be 1 to 604800 seconds (a week)";
            return Err(ConfigError::new("auth.negotiate.maxLoginAge", problem));
        }
        let Some(file) = &self.certificate_file else { return Ok(None) };
        let place = Place::Certificates(file.clone(), MAX_FILE);
        let followed = Followed::open(CERTIFICATE_FILE.into(), place, bindings);
        followed.map(Some).map_err(|problem| ConfigError::new(CERTIFICATE_FILE, problem))
    }
}

/// What logins to a server with this certificate must be bound to.
fn bindings(pem: &str) -> Result<ChannelBindings, String> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes());
    let of =
        |certificate: CertificateDer<'_>| ChannelBindings::tls_server_end_point_of(&certificate);
    let bindings = certificate.ok().and_then(of);
    bindings.ok_or_else(|| "it holds no certificate in PEM that can be bound to".into())
}

/// A login that was not taken: one of a few fixed texts, and what to tell the client's Kerberos.
pub struct NotAccepted {
    /// Why.
    pub reason: &'static str,
    /// SPNEGO's answer.
    pub answer: Vec<u8>,
}

impl NotAccepted {
    /// Nobody's ticket is taken.
    pub(super) fn at_all() -> Self {
        Self::because("no tickets are taken here")
    }

    pub(crate) fn because(reason: &'static str) -> Self {
        Self { reason, answer: NegTokenResp::rejection(None).to_token() }
    }
}

impl From<accept::NotAccepted> for NotAccepted {
    fn from(refused: accept::NotAccepted) -> Self {
        tracing::debug!(error = %refused, "a ticket was not taken");
        Self { reason: refused.why.text(), answer: refused.answer }
    }
}

/// Takes tickets to one service account.
pub(super) struct Acceptance {
    config: NegotiateConfig,
    /// What logins must be bound to.
    bindings: Option<Followed<ChannelBindings>>,
    client: Client,
    acceptor: Acceptor,
    clock: Arc<dyn Clock>,
}

impl Acceptance {
    /// To the account of this client.
    pub(super) fn new(
        config: &NegotiateConfig,
        client: &Client,
        parts: &Parts,
        state: &State,
    ) -> Result<Self, ConfigError> {
        let mut acceptor = AcceptorConfig::new(ServiceKeys::account(client));
        acceptor.demands_account = true;
        acceptor.shared_logins =
            state.shared().cloned().map(|shared| -> Arc<dyn SharedLogins> { shared });
        acceptor.clock = parts.clock.clone();
        acceptor.random = parts.random.clone();
        Ok(Self {
            bindings: config.check()?,
            config: config.clone(),
            client: client.clone(),
            acceptor: Acceptor::new(acceptor),
            clock: parts.clock.clone(),
        })
    }

    /// Verifies a client's token by the account's keys: its ticket and authenticator, and the channel it
    /// is bound to; that the login did not come before; then whose ticket it is.
    pub(super) async fn accept(&self, token: &[u8]) -> Result<(OwnTicket, Vec<u8>), NotAccepted> {
        // Whoever comes makes nobody read it more often than once a second.
        let bindings = match &self.bindings {
            Some(followed) => Some(followed.current().await.0),
            None => None,
        };
        let channel = bindings.as_deref().map_or(ChannelPolicy::Ignore, ChannelPolicy::Require);
        let accepted = self.acceptor.accept(token, channel).await?;
        Ok((self.check(accepted.caller)?, accepted.answer))
    }

    /// The setting of the certificate, if there is one, and what is wrong with what stands there now, if
    /// that is not what is used.
    pub(super) async fn trouble(&self) -> Option<(String, Option<String>)> {
        match &self.bindings {
            Some(followed) => Some(followed.trouble().await),
            None => None,
        }
    }

    /// Whose ticket it is, and whether it says the same to everybody who reads it.
    fn check(&self, caller: Caller) -> Result<OwnTicket, NotAccepted> {
        let not = |reason| Err(NotAccepted::because(reason));
        let Caller { ticket, account, delegated_by, .. } = caller;
        if ticket.client.realm != self.client.account().realm {
            return not("the ticket is of another realm");
        }
        let age = self.clock.now().seconds.unix() - ticket.times.authtime.unix();
        if age > self.config.max_login_age {
            return not("the user logged in too long ago");
        }
        let Some(account) = account else {
            return not("the ticket names no account");
        };
        if !delegated_by.is_empty() {
            return not("the ticket was got by another service in the user's name");
        }
        if !ticket.client.name.same_components(&Name::user(&account.name)) {
            return not("the ticket's name is not the account's sAMAccountName");
        }
        let Ok(name) = LegacyName::new(&account.name) else {
            return not("the account's name is none that is used here");
        };
        let (ticket, to) = (self.client.adopt(ticket), self.config.account.clone());
        Ok(OwnTicket { ticket, account, name, to })
    }
}
