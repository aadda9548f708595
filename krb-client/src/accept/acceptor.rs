//! Taking tokens.

use std::sync::{Arc, Mutex, PoisonError};

use krb_proto::ap::{ApRequestError, ReplayError, RequestPolicy, VerifiedRequest};
use krb_proto::asn1::ApReq;
use krb_proto::crypto::Key;
use krb_proto::der;
use krb_proto::formats::Krb5Conf;
use krb_proto::formats::krb5_conf::ConfError;
use krb_proto::gss::{
    self, AcceptorOptions, ChannelPolicy, GssError, GssFlags, SecurityContext, TgtRequest,
    tgt_reply,
};
use krb_proto::iana::ApOptions;
use krb_proto::spnego::{SpnegoAcceptor, SpnegoError, ap_req_in};
use krb_proto::{Context, Credential, Principal, Timestamp};

use super::keys::{Keys, ServiceKeys};
use super::logins::{Logins, Who};
use super::refusal::{Form, NotAccepted, Refusal, Told};
use super::replay_cache::replay_cache;
use super::shared::{Login, SharedLogins};
use crate::{Account, CacheError, ClientError, Clock, Entropy, OsRandom, Proven, SystemClock};

/// What an [`Acceptor`] is made of.
#[derive(Clone)]
#[non_exhaustive]
pub struct AcceptorConfig {
    /// What tickets to the service are opened with.
    pub keys: ServiceKeys,
    /// How many seconds clients' clocks may differ from ours. 300 unless asked otherwise.
    pub skew: u32,
    /// Who comes must be an account of a directory, as the ticket's PAC proves it. If not, a ticket
    /// without a PAC, or whose PAC names no account, is as good as any; one whose PAC is not believed
    /// never is. `false` unless asked otherwise.
    pub demands_account: bool,
    /// Clients without a key of the service's may ask for its ticket-granting ticket and come with
    /// tickets for that (user-to-user). For services that are users' own, with
    /// [`ServiceKeys::account`]. `false` unless asked otherwise.
    pub user_to_user: bool,
    /// Tickets that clients hand on for use in their name are taken
    /// ([unconstrained delegation](Caller::delegated)). `false` unless asked otherwise.
    pub take_delegated: bool,
    /// What other processes with these keys remember logins by, too. Each remembers its own in any case.
    /// Nothing unless asked otherwise.
    pub shared_logins: Option<Arc<dyn SharedLogins>>,
    /// The clock; the machine's unless asked otherwise.
    pub clock: Arc<dyn Clock>,
    /// Randomness; the system's unless asked otherwise.
    pub random: Arc<dyn Entropy>,
}

impl AcceptorConfig {
    /// A configuration with the defaults named at the fields.
    #[must_use]
    pub fn new(keys: ServiceKeys) -> Self {
        Self {
            keys,
            skew: 300,
            demands_account: false,
            user_to_user: false,
            take_delegated: false,
            shared_logins: None,
            clock: Arc::new(SystemClock),
            random: Arc::new(OsRandom),
        }
    }

    /// With what krb5.conf says: by how much clocks may differ (`clockskew`).
    ///
    /// # Errors
    /// [`ConfError`] for a value in `[libdefaults]` that cannot be read.
    pub fn with_conf(self, conf: &Krb5Conf) -> Result<Self, ConfError> {
        Ok(Self { skew: conf.libdefaults(None)?.clockskew, ..self })
    }

    /// With a replay cache as MIT's library names it, such as
    /// [`Defaults::replay_cache`](crate::Defaults::replay_cache), in common with its services and others:
    /// `file2:PATH`; `dfl:`, which is one file for each user; or `none:`. A file is made if there is
    /// none, and must be this user's own and no symbolic link.
    ///
    /// # Errors
    /// [`CacheError::UnknownReplayCache`].
    pub fn with_replay_cache(self, name: &str) -> Result<Self, CacheError> {
        Ok(Self { shared_logins: replay_cache(name)?, ..self })
    }
}

/// Takes clients' logins, each once. Cheap to clone: all clones have one memory.
#[derive(Clone)]
pub struct Acceptor(Arc<Inner>);

struct Inner {
    keys: Keys,
    skew: u32,
    demands_account: bool,
    user_to_user: bool,
    take_delegated: bool,
    logins: Mutex<Logins>,
    shared_logins: Option<Arc<dyn SharedLogins>>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Entropy>,
}

/// Who came.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Caller {
    /// The client's name in the ticket: whom a realm calls so, by the spelling that the client chose.
    /// [`Self::account`] says who that is.
    pub principal: Principal,
    /// The account that the ticket's PAC proves.
    pub account: Option<Account>,
    /// The services that got the ticket in the client's name (S4U2Proxy): nobody, if the client itself
    /// did. Whoever takes what comes for the user's own will looks at it.
    pub delegated_by: Vec<String>,
    /// The client's ticket to us: evidence of having been here, for S4U2Proxy.
    pub ticket: Arc<Credential>,
    /// What the client handed on for use in its name, where that is taken: usually a ticket-granting
    /// ticket.
    pub delegated: Vec<Credential>,
    /// Is the login bound to the channel below, as it is seen here?
    pub channel_bound: bool,
}

impl Caller {
    /// The local account of the name in the ticket, as krb5.conf's default realm maps names
    /// (`auth_to_local_names`, `auth_to_local`: [`Krb5Conf::local_name`]); `None` if it maps this one to
    /// none, or there is no default realm. Who gives names in a realm says by it who is who here: what
    /// hangs on one account, and on no other of its name, goes by [`Self::account`].
    ///
    /// # Errors
    /// [`ConfError`] for a rule that cannot be followed.
    pub fn local_name(&self, conf: &Krb5Conf) -> Result<Option<Vec<u8>>, ConfError> {
        let realm = conf.value(&["libdefaults", "default_realm"]);
        realm.map_or(Ok(None), |realm| conf.local_name(&self.principal, realm))
    }
}

/// A login that was taken.
#[derive(Debug)]
#[non_exhaustive]
pub struct Accepted {
    /// Who came.
    pub caller: Caller,
    /// The last token for the client, which proves to it who we are; empty if it wants none.
    pub answer: Vec<u8>,
    context: gss::Acceptor,
}

impl Accepted {
    /// The security context, to protect messages with.
    #[must_use]
    pub const fn context_mut(&mut self) -> &mut SecurityContext {
        self.context.context_mut()
    }

    /// The security context: its key, its flags.
    #[must_use]
    pub const fn context(&self) -> &SecurityContext {
        self.context.context()
    }
}

/// What comes of a client's token.
#[derive(Debug)]
pub enum Step {
    /// This is to be sent to the client, and its next token is to come.
    Continue(Vec<u8>),
    /// The login is taken.
    Done(Box<Accepted>),
}

/// A login in as many tokens as the client takes.
pub struct Negotiation {
    acceptor: Acceptor,
    state: State,
}

enum State {
    New,
    Spnego(SpnegoAcceptor),
    /// The client has this ticket-granting ticket of ours, and is to come with a ticket for it.
    UserToUser(Arc<Credential>),
    Over,
}

/// What the token's mechanism made of it.
enum Taken {
    More(SpnegoAcceptor, Vec<u8>),
    Whole(gss::Acceptor, Vec<u8>),
}

impl Acceptor {
    /// An acceptor; nothing is read until a client comes.
    #[must_use]
    pub fn new(config: AcceptorConfig) -> Self {
        let AcceptorConfig { clock, skew, random, .. } = config;
        Self(Arc::new(Inner {
            keys: Keys::new(config.keys, &clock),
            skew,
            demands_account: config.demands_account,
            user_to_user: config.user_to_user,
            take_delegated: config.take_delegated,
            logins: Mutex::new(Logins::new(skew)),
            shared_logins: config.shared_logins,
            clock,
            random,
        }))
    }

    /// Reads the service's keys, so that a program can say at its start what is wrong with them.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn read_keys(&self) -> Result<(), ClientError> {
        self.0.keys.read().await
    }

    /// What is wrong with what stands in the place of the service's keys, if that is not what is used.
    pub async fn keys_trouble(&self) -> Option<String> {
        self.0.keys.trouble().await
    }

    /// Takes a login in one token, SPNEGO's or Kerberos's own: for protocols in which nothing can be
    /// said before the client's ticket comes, such as HTTP, whose requests stand each for itself.
    ///
    /// # Errors
    /// [`NotAccepted`].
    pub async fn accept(
        &self,
        token: &[u8],
        channel: ChannelPolicy<'_>,
    ) -> Result<Accepted, NotAccepted> {
        let mut negotiation = self.negotiation();
        match (negotiation.step(token, channel).await?, &negotiation.state) {
            (Step::Done(accepted), _) => Ok(*accepted),
            (Step::Continue(_), State::UserToUser(tgt)) => {
                let told = self.0.told(Form::Kerberos(token), Some(&tgt.client));
                Err(told.refused(Refusal::NotAtOnce))
            }
            (Step::Continue(_), _) => {
                Err(self.0.told(Form::Spnego, None).refused(Refusal::NotAtOnce))
            }
        }
    }

    /// Begins a login in any number of tokens.
    #[must_use]
    pub fn negotiation(&self) -> Negotiation {
        Negotiation { acceptor: self.clone(), state: State::New }
    }

    /// Takes an AP-REQ without GSS-API around it, for protocols that have it bare (RFC 4120 section
    /// 3.2), and returns the AP-REP, if the client wants one. It is bound to no channel.
    ///
    /// # Errors
    /// [`NotAccepted`]; its answer is a KRB-ERROR.
    pub async fn accept_ap_req(
        &self,
        message: &[u8],
    ) -> Result<(Caller, Option<Vec<u8>>), NotAccepted> {
        let inner = &*self.0;
        let asked = Asked::of(message);
        inner.see_to_keys(asked.as_ref()).await;
        let told = inner.told(Form::Message, asked.as_ref().map(|asked| &asked.service));
        let now = inner.clock.now();
        let keys = |service: &Principal, kvno, etype| inner.keys.candidates(service, kvno, etype);
        let policy =
            RequestPolicy { skew: inner.skew, unchecked_path: true, ..RequestPolicy::new(&keys) };
        let verified = VerifiedRequest::verify(message, &policy, now);
        let refused = |error| told.refused(Refusal::Token(GssError::Request(error).into()));
        let request = verified.map_err(refused)?;
        let caller = inner.caller(&request, now).await.map_err(|why| told.refused(why))?;
        let wants_proof = request.ap_options.contains(ApOptions::MUTUAL_REQUIRED);
        let mut random: &dyn Entropy = &*inner.random;
        Ok((caller, wants_proof.then(|| request.reply(None, None, &mut random))))
    }
}

impl Negotiation {
    /// Takes the client's next token. The channel below is one and the same for all of them.
    ///
    /// # Errors
    /// [`NotAccepted`]; the negotiation is of no further use then.
    pub async fn step(
        &mut self,
        token: &[u8],
        channel: ChannelPolicy<'_>,
    ) -> Result<Step, NotAccepted> {
        let inner = &*self.acceptor.0;
        let (negotiation, given) = match std::mem::replace(&mut self.state, State::Over) {
            State::Over => {
                let why = Refusal::Token(SpnegoError::Complete);
                return Err(NotAccepted { why, answer: Vec::new() });
            }
            State::New if inner.user_to_user && TgtRequest::from_token(token).is_ok() => {
                let told = inner.told(Form::Kerberos(token), inner.keys.account());
                let tgt = inner.own_tgt().await.map_err(|why| told.refused(why))?;
                let reply = tgt_reply(&tgt);
                let reply = reply.map_err(|error| told.refused(Refusal::Token(error.into())))?;
                self.state = State::UserToUser(tgt);
                return Ok(Step::Continue(reply));
            }
            State::New if gss::ap_req_in(token).is_ok() => (None, None),
            State::UserToUser(tgt) => (None, Some(tgt)),
            State::New => (Some(SpnegoAcceptor::new()), None),
            State::Spnego(negotiation) => (Some(negotiation), None),
        };
        let asked = ap_req_in(token).ok().and_then(Asked::of);
        let form = if negotiation.is_some() { Form::Spnego } else { Form::Kerberos(token) };
        let told = inner.told(form, asked.as_ref().map(|asked| &asked.service));
        inner.see_to_keys(asked.as_ref()).await;
        let own = match (&asked, given) {
            (Some(Asked { user_to_user: true, .. }), Some(tgt)) => Some(tgt),
            (Some(Asked { user_to_user: true, .. }), None) if inner.user_to_user => {
                Some(inner.own_tgt().await.map_err(|why| told.refused(why))?)
            }
            _ => None,
        };
        let own: Vec<_> = own.iter().map(|tgt| tgt.session_key.clone()).collect();
        let taken = inner.take(negotiation, token, channel, &own);
        match taken.map_err(|error| told.refused(Refusal::Token(error)))? {
            Taken::More(negotiation, answer) => {
                self.state = State::Spnego(negotiation);
                Ok(Step::Continue(answer))
            }
            Taken::Whole(context, answer) => {
                let caller = inner.caller(context.request(), inner.clock.now()).await;
                let mut caller = caller.map_err(|why| told.refused(why))?;
                caller.delegated = context.delegated().to_vec();
                caller.channel_bound = context.context().flags().contains(GssFlags::CHANNEL_BOUND);
                Ok(Step::Done(Box::new(Accepted { caller, answer, context })))
            }
        }
    }
}

impl Inner {
    /// A ticket for user-to-user opens with another key than the service's own.
    async fn see_to_keys(&self, asked: Option<&Asked<'_>>) {
        if let Some(Asked { service, ticket, user_to_user: false }) = asked {
            self.keys.see_to(ticket, service).await;
        }
    }

    fn told<'a>(&self, form: Form<'a>, server: Option<&Principal>) -> Told<'a> {
        Told { form, server: server.cloned(), now: self.clock.now() }
    }

    async fn own_tgt(&self) -> Result<Arc<Credential>, Refusal> {
        let nobody = || ClientError::NoKey { principal: "user-to-user".into() };
        let tgt = self.keys.tgt().await.unwrap_or_else(|| Err(nobody()));
        tgt.map_err(|error| Refusal::NoTicketOfOurs(Box::new(error)))
    }

    /// Verifies a token by the service's keys: its ticket and authenticator, and the channel that it is
    /// bound to.
    fn take(
        &self,
        negotiation: Option<SpnegoAcceptor>,
        token: &[u8],
        channel: ChannelPolicy<'_>,
        own: &[Key],
    ) -> Result<Taken, SpnegoError> {
        let now = self.clock.now();
        let keys =
            |service: &Principal, kvno, enctype| self.keys.candidates(service, kvno, enctype);
        let mut options = AcceptorOptions::new(&keys);
        options.request.skew = self.skew;
        options.request.user_to_user = own;
        options.request.unchecked_path = true;
        options.channel = channel;
        options.take_delegated = self.take_delegated;
        let mut random: &dyn Entropy = &*self.random;
        let mut cx = Context { now, kdc_offset: 0, rng: &mut random };
        let Some(mut negotiation) = negotiation else {
            let (context, answer) = gss::Acceptor::accept(token, &options, &mut cx)?;
            return Ok(Taken::Whole(context, answer.unwrap_or_default()));
        };
        let answer = negotiation.step(token, &options, &mut cx)?.unwrap_or_default();
        if !negotiation.is_complete() {
            return Ok(Taken::More(negotiation, answer));
        }
        let context = negotiation.into_acceptor().ok_or(SpnegoError::Failed)?;
        Ok(Taken::Whole(context, answer))
    }

    /// Who sent a request, if it is taken.
    async fn caller(&self, request: &VerifiedRequest, now: Timestamp) -> Result<Caller, Refusal> {
        let (account, delegated_by) = match Proven::of_request(request)? {
            Some(Proven { account, delegated_by }) => (account, delegated_by),
            None => (None, Vec::new()),
        };
        if self.demands_account && account.is_none() {
            return Err(Refusal::NoAccount);
        }
        // Our KDC vouches for an account, wherever it comes from; a name is worth what its way is.
        if !request.path_checked && account.is_none() {
            let why = GssError::Request(ApRequestError::PathNotChecked);
            return Err(Refusal::Token(why.into()));
        }
        let who = match &account {
            Some(account) => Who::Account(account.sid.clone()),
            None => Who::Name(request.client.clone()),
        };
        let login = Login {
            who: who.to_string(),
            digest: request.digest,
            replay_tag: request.replay_tag,
            time: request.time.seconds.unix(),
            now: now.seconds.unix(),
            skew: self.skew,
        };
        self.logins.lock().unwrap_or_else(PoisonError::into_inner).record(request, who, now)?;
        if let Some(shared) = &self.shared_logins
            && !shared.is_first(&login).await?
        {
            return Err(ReplayError::Replayed.into());
        }
        Ok(Caller {
            principal: request.client.clone(),
            account,
            delegated_by,
            ticket: Arc::new(request.evidence()),
            delegated: Vec::new(),
            channel_bound: false,
        })
    }
}

/// What an AP-REQ says of the ticket in it. Nothing is verified.
struct Asked<'a> {
    /// The service that the ticket names.
    service: Principal,
    ticket: &'a [u8],
    /// The ticket is sealed with the session key of that one's ticket-granting ticket.
    user_to_user: bool,
}

impl<'a> Asked<'a> {
    fn of(message: &'a [u8]) -> Option<Self> {
        let request: ApReq<'_> = der::decode(message).ok()?;
        Some(Self {
            service: request.ticket.sname.in_realm(request.ticket.realm),
            ticket: request.ticket.der(),
            user_to_user: ApOptions(request.ap_options.bits()).contains(ApOptions::USE_SESSION_KEY),
        })
    }
}
