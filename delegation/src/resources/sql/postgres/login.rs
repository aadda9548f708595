//! Who logs in, and with what.

use zeroize::Zeroizing;

use super::cancel::Canceller;
use super::failure::PgError;
use super::secure::{self, Started, options};
use super::startup::{self, Opening, Proof};
use super::wire::Wire;
use crate::credential::ServiceCredential;
use crate::network::Network;
use crate::resources::CallContext;
use crate::resources::sql::config::{By, Encryption, Mode};
use crate::resources::sql::place::Place;

/// What operators' statements find without naming a schema, in sessions of one login that becomes many
/// users: nothing that a user could have put there.
const ROLE_SEARCH_PATH: &str = "pg_catalog, pg_temp";

/// A connection that somebody has logged in on.
pub(super) struct LoggedIn {
    pub(super) wire: Wire,
    /// By which what it runs is cancelled; none if the server does not say how.
    pub(super) canceller: Option<Canceller>,
    /// Who that is there.
    pub(super) login: String,
    /// The role that is taken on for each call.
    pub(super) role: Option<String>,
}

/// Connects, encrypts and logs in.
pub(super) async fn log_in(
    network: &Network,
    cx: &CallContext,
    credential: Option<&ServiceCredential<'_>>,
    place: &Place<'_>,
) -> Result<LoggedIn, PgError> {
    let endpoint = place.endpoint;
    let (host, port) = (endpoint.host.as_str(), endpoint.port);
    let start = || -> Result<Started, PgError> {
        let credential = credential.ok_or(PgError::NoProof)?;
        let started = credential.start_kerberos(&*cx.clock, &*cx.random, &options(), |error| {
            PgError::NotProven(*error).explain(place, 0)
        });
        started.map_err(PgError::Explained)
    };
    let role = (endpoint.login.mode == Mode::Role).then(|| place.identity.clone());
    let login = match (&role, &endpoint.login.by) {
        (None, _) => place.identity.clone(),
        (Some(_), By::Password { username, .. } | By::Certificate { username, .. }) => {
            username.clone()
        }
        (Some(_), By::Kerberos) => {
            let service = credential.and_then(|credential| credential.permit().actual_identity());
            service.unwrap_or_default().split('@').next().unwrap_or_default().to_owned()
        }
    };
    let (channel, proof) = match (endpoint.encryption, &endpoint.login.by) {
        (Encryption::Gss, _) => {
            let random = cx.random.clone();
            (secure::by_gss(network, host, port, &random, start).await?, Proof::Sealed)
        }
        (_, By::Kerberos) => {
            // Before anything is asked for: a ticket that is too long needs no connection.
            let (context, token) = start()?;
            secure::fits(&token)?;
            let (channel, _) = secure::by_tls(network, host, port, None).await?;
            (channel, Proof::Ticket(Box::new(context), token))
        }
        (_, By::Password { password, .. }) => {
            let (password, _) = password.current().await;
            let (channel, end_point) = secure::by_tls(network, host, port, None).await?;
            (channel, Proof::Password(Zeroizing::clone(&password), end_point))
        }
        (_, By::Certificate { certificate, .. }) => {
            let (own, _) = certificate.current().await;
            let (channel, _) = secure::by_tls(network, host, port, Some(own)).await?;
            (channel, Proof::Certificate)
        }
    };
    let mut wire = Wire::new(channel);
    let opening = Opening {
        user: &login,
        database: place.database,
        search_path: role.as_ref().map(|_| ROLE_SEARCH_PATH),
    };
    let key = startup::begin(&mut wire, &opening, proof).await?;
    let is_sealed = endpoint.encryption == Encryption::Gss;
    let canceller = key.map(|key| Canceller {
        network: network.clone(),
        host: host.to_owned(),
        port,
        encryption: endpoint.encryption,
        contexts: credential.filter(|_| is_sealed).and_then(|credential| credential.contexts()),
        clock: cx.clock.clone(),
        random: cx.random.clone(),
        key,
    });
    Ok(LoggedIn { wire, canceller, login, role })
}
