//! Taking a user's own ticket: one `Authorization: Negotiate` field (RFC 4559).

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use krb_client::{Client, Clock, Entropy};
use krb_proto::ap::{ApRequestError, ReplayCache, VerifiedRequest};
use krb_proto::asn1::ApReq;
use krb_proto::der;
use krb_proto::gss::{Acceptor, AcceptorOptions, ChannelBindings, ChannelPolicy, GssError};
use krb_proto::pac::Sid;
use krb_proto::spnego::{NegTokenResp, SpnegoAcceptor, SpnegoError, ap_req_in};
use krb_proto::{Context, Credential, Name, Principal, Timestamp};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use schemars::JsonSchema;
use serde::Deserialize;

use super::proof;
use crate::ConfigError;
use crate::followed::{Followed, Place};
use crate::identity::{LegacyName, OwnTicket};

/// How far clients' clocks may be off, in seconds.
const SKEW: u32 = 300;
/// Logins within twice that; each is some 100 octets.
const MAX_LOGINS: usize = 100_000;
/// Those of one user while they are counted, so that nobody takes the others' room. Counting begins
/// anew, so that twice as many may be remembered.
const MAX_OF_A_USER: usize = 20_000;
/// For how long they are counted: as long as one can be remembered, in seconds.
const COUNTED: i64 = 2 * SKEW as i64;
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

/// Takes tickets to one service account.
pub(super) struct Acceptance {
    config: NegotiateConfig,
    /// What logins must be bound to.
    bindings: Option<Followed<ChannelBindings>>,
    logins: Mutex<Logins>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Entropy>,
}

impl Acceptance {
    pub(super) fn new(
        config: &NegotiateConfig,
        clock: &Arc<dyn Clock>,
        random: &Arc<dyn Entropy>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            bindings: config.check()?,
            config: config.clone(),
            logins: Mutex::new(Logins {
                seen: ReplayCache::new(MAX_LOGINS, SKEW),
                users: Users::default(),
            }),
            clock: clock.clone(),
            random: random.clone(),
        })
    }

    pub(super) fn account(&self) -> Option<&str> {
        self.config.account.as_deref()
    }

    /// Verifies a client's token by the account's keys: its ticket and authenticator, and the channel it
    /// is bound to; then whose ticket it is, and that the login did not come before.
    pub(super) async fn accept(
        &self,
        client: &Client,
        token: &[u8],
    ) -> Result<(OwnTicket, Vec<u8>), NotAccepted> {
        if let Some(ticket) = ticket_in(token) {
            client.see_to_keys_for(ticket).await;
        }
        // Whoever comes makes nobody read it more often than once a second.
        let bindings = match &self.bindings {
            Some(followed) => Some(followed.current().await.0),
            None => None,
        };
        self.verify(client, token, bindings.as_deref())
    }

    /// The setting of the certificate, if there is one, and what is wrong with what stands there now, if
    /// that is not what is used.
    pub(super) async fn trouble(&self) -> Option<(String, Option<String>)> {
        match &self.bindings {
            Some(followed) => Some(followed.trouble().await),
            None => None,
        }
    }

    fn logins(&self) -> MutexGuard<'_, Logins> {
        self.logins.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn verify(
        &self,
        client: &Client,
        token: &[u8],
        bindings: Option<&ChannelBindings>,
    ) -> Result<(OwnTicket, Vec<u8>), NotAccepted> {
        let now = self.clock.now();
        let keys = |_: &Principal, kvno, enctype| client.own_keys(enctype, kvno);
        let mut options = AcceptorOptions::new(&keys);
        options.request.skew = SKEW;
        options.channel = bindings.map_or(ChannelPolicy::Ignore, ChannelPolicy::Require);
        let mut random: &dyn Entropy = &*self.random;
        let mut cx = Context { now, kdc_offset: 0, rng: &mut random };
        let mut negotiation = SpnegoAcceptor::new();
        let answer = negotiation.step(token, &options, &mut cx);
        let answer = answer.map_err(|error| refused(&error, client.account(), now))?;
        // There is no connection to continue on: clients that begin with something else are told so.
        let request = negotiation.acceptor().map(Acceptor::request).ok_or_else(|| {
            NotAccepted::because("the client's first token is no Kerberos ticket")
        })?;
        let ticket = self.check(client, request.evidence())?;
        self.logins().record(request, &ticket.account.sid, now)?;
        Ok((ticket, answer.unwrap_or_default()))
    }

    /// Whose ticket it is, and whether it says the same to everybody who reads it.
    fn check(&self, client: &Client, ticket: Credential) -> Result<OwnTicket, NotAccepted> {
        let not = |reason| Err(NotAccepted::because(reason));
        if ticket.client.realm != client.account().realm {
            return not("the ticket is of another realm");
        }
        let age = self.clock.now().seconds.unix() - ticket.times.authtime.unix();
        if age > self.config.max_login_age {
            return not("the user logged in too long ago");
        }
        let opened = client.open(&ticket).ok();
        let proven = opened.and_then(|(opened, key)| {
            let acts = proof::delegated_by(&opened, &key).ok()?;
            Some((proof::account(&opened, &key).ok()?, acts))
        });
        let Some((account, delegated_by)) = proven else {
            return not("the ticket's PAC is not believed");
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
        let (ticket, to) = (client.adopt(ticket.into()), self.config.account.clone());
        Ok(OwnTicket { ticket, account, name, to })
    }
}

/// Logins that were taken.
struct Logins {
    seen: ReplayCache,
    users: Users,
}

impl Logins {
    /// Takes one that is this user's, if it did not come before.
    fn record(
        &mut self,
        request: &VerifiedRequest,
        of: &Sid,
        now: Timestamp,
    ) -> Result<(), NotAccepted> {
        if !self.users.has_room(of, now.seconds.unix()) {
            return Err(NotAccepted::because("too many logins of this user come"));
        }
        let recorded = self.seen.record(request, now);
        recorded.map_err(|_| NotAccepted::because("the login came before, or too many come"))?;
        self.users.count(of);
        Ok(())
    }
}

/// How many logins each user has had since some time, no longer ago than they are counted.
#[derive(Default)]
struct Users {
    since: i64,
    logins: HashMap<Sid, usize>,
}

impl Users {
    fn has_room(&mut self, user: &Sid, now: i64) -> bool {
        // A clock that is set back must keep nobody out for longer.
        if !(0..COUNTED).contains(&now.saturating_sub(self.since)) {
            self.since = now;
            self.logins.clear();
        }
        self.logins.get(user).is_none_or(|logins| *logins < MAX_OF_A_USER)
    }

    fn count(&mut self, user: &Sid) {
        *self.logins.entry(user.clone()).or_default() += 1;
    }
}

/// The ticket of a login of which nothing is known yet, to look for its key.
fn ticket_in(token: &[u8]) -> Option<&[u8]> {
    let request: ApReq<'_> = der::decode(ap_req_in(token).ok()?).ok()?;
    Some(request.ticket.der())
}

fn refused(error: &SpnegoError, account: &Principal, now: Timestamp) -> NotAccepted {
    let (reason, told) = match error {
        SpnegoError::Mechanism(error) => {
            let reason = match error {
                GssError::Request(ApRequestError::NoKey) => {
                    "the ticket is for another service, or of a kind that is not used here"
                }
                GssError::Request(ApRequestError::Ticket(_)) => {
                    "the ticket does not open with the service account's keys"
                }
                GssError::Request(ApRequestError::Skew) => "the client's clock is too far off",
                GssError::Request(ApRequestError::Expired | ApRequestError::NotYetValid) => {
                    "the ticket is expired, or not valid yet"
                }
                GssError::ChannelBindings => {
                    "the login is not bound to this server's TLS certificate"
                }
                _ => "the ticket is not proven to be its sender's",
            };
            (reason, Some(Acceptor::refusal(error, account, now)))
        }
        SpnegoError::NoCommonMechanism | SpnegoError::UnexpectedMechanism => {
            ("the client offers no Kerberos", None)
        }
        _ => ("the client's token is malformed", None),
    };
    NotAccepted { reason, answer: NegTokenResp::rejection(told.as_deref()).to_token() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_does_not_take_the_others_room() {
        let [alice, bob] = ["S-1-5-21-1-2-3-1104", "S-1-5-21-1-2-3-1105"].map(|sid| sid.parse());
        let (alice, bob): (Sid, Sid) = (alice.unwrap(), bob.unwrap());
        let mut users = Users::default();
        for _ in 0..MAX_OF_A_USER {
            assert!(users.has_room(&alice, 1000));
            users.count(&alice);
        }
        for (now, has_room) in [(1000, false), (1000 + COUNTED - 1, false), (999, true)] {
            let mut later = Users { since: users.since, logins: users.logins.clone() };
            assert_eq!(later.has_room(&alice, now), has_room, "{now}");
            assert!(later.has_room(&bob, now));
        }
        assert!(users.has_room(&alice, 1000 + COUNTED));
        assert_eq!(users.logins.len(), 0, "nobody is kept for longer");
        // Twice as many at the most, since it counts anew, and there is room for others' yet.
        const { assert!(2 * MAX_OF_A_USER < MAX_LOGINS / 2 + 1) };
    }
}
