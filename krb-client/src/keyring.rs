//! An account's long-term secret as it stands now: what replaces it under a running program is
//! used from then on, and what was there before still opens the tickets that were issued under it.

use std::collections::HashMap;
use std::io::{Error, ErrorKind, Result as IoResult};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use krb_proto::crypto::Key;
use krb_proto::exchange::{ClientSecret, KnownKey};
use krb_proto::formats::Keytab;
use krb_proto::iana::{EncType, ErrorCode};
#[cfg(feature = "pkinit")]
use krb_proto::pkinit::{Group, PkinitConfig, TrustAnchors};
use krb_proto::preauth::OneTimePassword;
use krb_proto::{Credential, Name, Principal};
use zeroize::Zeroizing;

use crate::{ClientError, Clock, files};

/// A secret that may be replaced is looked at this often while it is in use.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// What has changed is looked at again after this, since it may still be in the making.
const SETTLE: Duration = Duration::from_millis(100);
/// How long reading it may take. A pipe without a writer, or a share that is away, would else take
/// every call with it.
const READ_TIME: Duration = Duration::from_secs(2);
/// For a ticket that does not open, whoever it is from, no newer keys are looked for more often than
/// this.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Replaced keys still open tickets for so long: as long as clients' tickets usually are good.
const FORMER_KEPT: Duration = Duration::from_secs(10 * 3600);
/// So many replaced secrets are kept at most.
const MAX_FORMER: usize = 4;
/// So many keys are made of one password at most: one per enctype and salt.
const MAX_DERIVED: usize = 8;
/// So many keys that were handed out of late are kept at most, with what was derived from them.
const MAX_IN_USE: usize = 16;
/// The KDC is asked no more often than this how it makes the same key of the same password.
const ASK_EVERY: Duration = Duration::from_secs(10);
/// A secret that the KDC did not take is tried again no sooner: each try counts towards a lock-out.
const TRY_EVERY: Duration = Duration::from_secs(30);

/// What an account proves itself with, and opens tickets to itself with. Keys, a password or a
/// certificate that stay what they are come from a [`ClientSecret`].
#[derive(Clone)]
pub struct AccountSecret(Source);

#[derive(Clone)]
enum Source {
    Fixed(ClientSecret),
    Keytab(PathBuf, Arc<Fits>),
    /// A keytab with the keys of services, whichever they are, that nobody logs in with.
    Services(PathBuf),
    Password(Arc<ReadPassword>),
    OneTime(Arc<ReadOneTime>),
    Ticket(Arc<Credential>),
}

type Fits = dyn Fn(&Path) -> IoResult<()> + Send + Sync;
type ReadPassword = dyn Fn() -> IoResult<Zeroizing<Vec<u8>>> + Send + Sync;
type ReadOneTime = dyn Fn() -> IoResult<OneTimePassword> + Send + Sync;

impl From<ClientSecret> for AccountSecret {
    /// A secret that stays what it is.
    fn from(secret: ClientSecret) -> Self {
        Self(Source::Fixed(secret))
    }
}

impl AccountSecret {
    /// The account's keys in a keytab file. Another file in its place is noticed within seconds,
    /// however it got there.
    #[must_use]
    pub fn keytab(path: impl Into<PathBuf>) -> Self {
        Self::keytab_if(path, |_| Ok(()))
    }

    /// The same, as long as the file is one that may be believed: `fits` is asked each time before it is
    /// read, on a thread where it may block. One that it says no to is as one that cannot be read: what
    /// was read before stays in use.
    #[must_use]
    pub fn keytab_if(
        path: impl Into<PathBuf>,
        fits: impl Fn(&Path) -> IoResult<()> + Send + Sync + 'static,
    ) -> Self {
        Self(Source::Keytab(path.into(), Arc::new(fits)))
    }

    /// A password. `read` is asked again every few seconds while it is in use, on a thread where
    /// it may block.
    #[must_use]
    pub fn password(
        read: impl Fn() -> IoResult<Zeroizing<Vec<u8>>> + Send + Sync + 'static,
    ) -> Self {
        Self(Source::Password(Arc::new(read)))
    }

    /// A token's value (RFC 6560), which is good once: `ask` is asked for each login, on a thread where
    /// it may block. It is shown to the KDC inside of [armor](crate::Armor) and not without; where that
    /// wants a PIN and there is none, the login ends before it is shown
    /// ([`PinWanted`](krb_proto::exchange::ExchangeError::PinWanted)), and it is good still.
    #[must_use]
    pub fn one_time_password(
        ask: impl Fn() -> IoResult<OneTimePassword> + Send + Sync + 'static,
    ) -> Self {
        Self(Source::OneTime(Arc::new(ask)))
    }

    /// Nothing: the client stays [nobody](Principal::anonymous) (RFC 8062), and only the KDC proves by
    /// its certificate who it is, to somebody who believes these CAs. What it gets is good for
    /// [armor](crate::Armor).
    #[cfg(feature = "pkinit")]
    #[must_use]
    pub fn anonymous(anchors: TrustAnchors) -> Self {
        let groups = Vec::from([Group::P256, Group::P384, Group::Modp14, Group::Modp16]);
        let config = PkinitConfig { signer: None, anchors, groups, kdc_hosts: Vec::new() };
        Self(Source::Fixed(ClientSecret::Certificate(config.into())))
    }

    /// Nothing but a ticket-granting ticket, such as one from a ccache. It is renewed before it ends, if
    /// it is renewable; then it is over.
    #[must_use]
    pub fn ticket(tgt: impl Into<Arc<Credential>>) -> Self {
        Self(Source::Ticket(tgt.into()))
    }
}

impl Source {
    /// The bytes as they are now.
    fn read(&self) -> Result<Zeroizing<Vec<u8>>, ClientError> {
        match self {
            Self::Fixed(_) | Self::OneTime(_) | Self::Ticket(_) => Ok(Zeroizing::default()),
            Self::Keytab(path, fits) => {
                fits(path).map_err(files::failed(path))?;
                files::read_bytes(path)
            }
            Self::Services(path) => files::read_bytes(path),
            Self::Password(read) => {
                let checked = read().and_then(|password| match password.is_empty() {
                    true => Err(Error::new(ErrorKind::InvalidData, "it is empty")),
                    false => Ok(password),
                });
                checked.map_err(files::failed(self.path()))
            }
        }
    }

    /// Where it is read, for errors.
    fn path(&self) -> &Path {
        match self {
            Self::Keytab(path, _) | Self::Services(path) => path,
            Self::OneTime(_) => Path::new("the one-time password"),
            Self::Fixed(_) | Self::Password(_) | Self::Ticket(_) => {
                Path::new("the account's password")
            }
        }
    }

    fn parse(
        &self,
        bytes: Zeroizing<Vec<u8>>,
        account: &Principal,
    ) -> Result<Generation, ClientError> {
        match self {
            Self::Fixed(secret) => {
                let derived = match secret {
                    ClientSecret::Keys(keys) => keys.clone(),
                    _ => Vec::new(),
                };
                Ok(Generation { login: secret.clone(), keytab: Keytab::default(), derived })
            }
            Self::Keytab(path, _) => {
                let keytab = files::parse(path, &bytes, Keytab::from_bytes)?;
                let login = files::client_keys(&keytab, account)?;
                let entries = keytab.keys_for(account).cloned().collect();
                Ok(Generation { login, keytab: Keytab { entries }, derived: Vec::new() })
            }
            Self::Services(path) => {
                let keytab = files::parse(path, &bytes, Keytab::from_bytes)?;
                if !keytab.entries.iter().any(|entry| entry.key().is_ok()) {
                    return Err(ClientError::NoKey { principal: "any service".into() });
                }
                let login = ClientSecret::Keys(Vec::new());
                Ok(Generation { login, keytab, derived: Vec::new() })
            }
            // None of their own: neither opens a ticket to the account.
            Self::OneTime(_) | Self::Ticket(_) => {
                let login = ClientSecret::Keys(Vec::new());
                Ok(Generation { login, keytab: Keytab::default(), derived: Vec::new() })
            }
            Self::Password(_) => {
                let login = ClientSecret::Password(bytes);
                Ok(Generation { login, keytab: Keytab::default(), derived: Vec::new() })
            }
        }
    }
}

/// The secret as it was found at one time.
struct Generation {
    login: ClientSecret,
    /// The account's entries of a keytab.
    keytab: Keytab,
    /// Keys that are in no keytab: given as such, or made of the password as the KDC makes them.
    derived: Vec<Key>,
}

impl Generation {
    fn is_same(&self, other: &Self) -> bool {
        match (&self.login, &other.login) {
            (ClientSecret::Password(one), ClientSecret::Password(other)) => one == other,
            _ => self.keytab == other.keytab,
        }
    }

    /// Keeps a key that was made of the password.
    fn derive(&mut self, key: Key) {
        if !self.derived.contains(&key) {
            self.derived.insert(0, key);
            self.derived.truncate(MAX_DERIVED);
        }
    }
}

#[derive(Default)]
struct State {
    current: Option<Generation>,
    /// What was replaced, the last one first, and when.
    former: Vec<(Generation, Duration)>,
    /// When it was last looked at.
    looked: Option<Duration>,
    /// What is wrong with what stands there now, once it was said.
    problem: Option<String>,
    /// When the KDC was last asked how it makes a key of the current password.
    asked: HashMap<EncType, Duration>,
    /// How often the secret was replaced.
    replaced: u64,
    /// When and how the KDC last refused the current secret as a wrong one.
    refused: Option<(Duration, ClientError)>,
    /// The key that the KDC makes of the current password, by what it said at the last login.
    known: Option<KnownKey>,
    /// The only ticket there is, as it was renewed last.
    ticket: Option<Arc<Credential>>,
    /// Keys that were handed out before, each with all that was derived from it; the last one first.
    in_use: Vec<Key>,
}

impl State {
    /// This key as it was handed out before, so that nothing is derived from it again.
    fn as_before(&mut self, key: Key) -> Key {
        let key = match self.in_use.iter().position(|before| *before == key) {
            Some(at) => self.in_use.remove(at),
            None => key,
        };
        self.in_use.truncate(MAX_IN_USE - 1);
        self.in_use.insert(0, key.clone());
        key
    }
}

/// What a login is done with.
pub(crate) struct LoginWith {
    pub(crate) secret: ClientSecret,
    /// The key that the KDC makes of it, if that is known.
    pub(crate) known: Option<KnownKey>,
    /// Which one of all that were read it is.
    pub(crate) which: u64,
}

/// Does the KDC call the secret a wrong one?
pub(crate) fn is_wrong_secret(error: &ClientError) -> bool {
    let wrong = [ErrorCode::PREAUTH_FAILED, ErrorCode::BAD_INTEGRITY];
    error.refusal().is_some_and(|refusal| wrong.contains(&refusal.code))
}

/// An account's secret in use.
pub(crate) struct Keyring {
    account: Principal,
    source: Source,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Held while the secret is read, by the thread that does: where reading hangs, one thread hangs.
    reader: Arc<tokio::sync::Mutex<()>>,
    /// Held by who looks, until what was found is in use.
    looking: tokio::sync::Mutex<()>,
}

impl Keyring {
    pub(crate) fn new(account: Principal, secret: AccountSecret, clock: Arc<dyn Clock>) -> Self {
        let AccountSecret(source) = secret;
        Self::of(account, source, clock)
    }

    /// The keys of services in a keytab file.
    pub(crate) fn of_services(path: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self::of(Principal::new(Name::user("services"), ""), Source::Services(path), clock)
    }

    fn of(account: Principal, source: Source, clock: Arc<dyn Clock>) -> Self {
        let (state, reader, looking) = Default::default();
        Self { account, source, clock, state, reader, looking }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the secret been looked at within the last seconds? If not, looks.
    pub(crate) async fn keep_up(&self) {
        let recent = |looked| self.clock.monotonic().saturating_sub(looked) < LOOK_EVERY;
        if !self.state().looked.is_some_and(recent) {
            // What is wrong is said there, and what was read before goes on.
            let _ = self.look().await;
        }
    }

    /// Looks for a ticket that does not open, as it may be of a key that was put there a moment ago.
    /// Whoever sends such tickets makes nobody look more often than usual: they wait until it is time,
    /// all of them for the same look.
    pub(crate) async fn look_again(&self) {
        if self.stays() {
            return;
        }
        let came = self.clock.monotonic();
        let Ok(_one) = tokio::time::timeout(READ_TIME, self.looking.lock()).await else { return };
        let looked = self.state().looked;
        if looked.is_some_and(|looked| looked > came) {
            return;
        }
        if let Some(looked) = looked {
            let since = self.clock.monotonic().saturating_sub(looked);
            tokio::time::sleep(LOOK_AGAIN.saturating_sub(since)).await;
        }
        let _ = self.look().await;
    }

    /// Whether it was read, and never is another one.
    fn stays(&self) -> bool {
        let stays =
            matches!(self.source, Source::Fixed(_) | Source::OneTime(_) | Source::Ticket(_));
        stays && self.state().current.is_some()
    }

    /// Reads the secret anew. `true` if it is another one than before, which then is used. What
    /// cannot be read or used leaves the one before in use.
    ///
    /// # Errors
    /// If there is none before it, or what stands there now is of no use.
    pub(crate) async fn look(&self) -> Result<bool, ClientError> {
        self.state().looked = Some(self.clock.monotonic());
        // Who finds it held looks all the same, beside the other.
        let _looking = self.looking.try_lock();
        if self.stays() {
            return Ok(false);
        }
        let found = match self.read().await {
            Ok(found) => found,
            Err(error) => {
                self.complain(&error);
                return Err(error);
            }
        };
        if self.is_current(&found) {
            self.state().problem = None;
            return Ok(false);
        }
        let is_first = self.state().current.is_none();
        if !is_first {
            // Half of a file is a file as well: it has to be the same a while later.
            tokio::time::sleep(SETTLE).await;
            match self.read().await {
                Ok(again) if again.is_same(&found) => {}
                _ => return Ok(false),
            }
        }
        Ok(self.adopt(found) && !is_first)
    }

    async fn read(&self) -> Result<Generation, ClientError> {
        let (source, account) = (self.source.clone(), self.account.clone());
        let read = async {
            let reading = Arc::clone(&self.reader).lock_owned().await;
            let read = move || {
                let found = source.read().and_then(|bytes| source.parse(bytes, &account));
                drop(reading);
                found
            };
            tokio::task::spawn_blocking(read).await.unwrap_or(Err(ClientError::Abandoned))
        };
        let late = |_| Err(files::failed(self.source.path())(ErrorKind::TimedOut.into()));
        tokio::time::timeout(READ_TIME, read).await.unwrap_or_else(late)
    }

    fn is_current(&self, found: &Generation) -> bool {
        self.state().current.as_ref().is_some_and(|current| current.is_same(found))
    }

    fn adopt(&self, found: Generation) -> bool {
        let now = self.clock.monotonic();
        let mut state = self.state();
        state.problem = None;
        match state.current.replace(found) {
            Some(before) if state.current.as_ref().is_some_and(|now| now.is_same(&before)) => {
                // Somebody else adopted it meanwhile, and may have made keys of it.
                state.current = Some(before);
                return false;
            }
            Some(before) => {
                tracing::info!(account = %self.account, "the account's secret was replaced");
                state.former.insert(0, (before, now));
                state.former.truncate(MAX_FORMER);
            }
            None => {}
        }
        state.asked.clear();
        state.in_use.clear();
        state.refused = None;
        state.known = None;
        state.replaced += 1;
        true
    }

    /// Says once that what stands there now is of no use.
    fn complain(&self, error: &ClientError) {
        let mut state = self.state();
        let problem = Some(error.to_string());
        if state.current.is_some() && state.problem != problem {
            tracing::warn!(
                account = %self.account, %error,
                "the account's secret cannot be used; the one that was read before stays in use"
            );
            state.problem = problem;
        }
    }

    /// What is wrong with what stands there now, if it is not what is used.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.state().problem.clone()
    }

    /// Which one of all that were read is in use.
    pub(crate) fn which(&self) -> u64 {
        self.state().replaced
    }

    /// What a login is done with.
    ///
    /// # Errors
    /// If nothing was read so far. If the KDC refused just this secret a short while ago, its refusal.
    pub(crate) async fn login(&self) -> Result<LoginWith, ClientError> {
        if let Source::OneTime(ask) = &self.source {
            // Each is another one, and none is tried twice.
            let ask = ask.clone();
            let asked = tokio::task::spawn_blocking(move || ask()).await;
            let asked = asked.map_err(|_| ClientError::Abandoned)?;
            let secret = asked.map_err(files::failed(self.source.path()))?;
            let (secret, which) = (ClientSecret::OneTimePassword(secret), self.which());
            return Ok(LoginWith { secret, known: None, which });
        }
        let now = self.clock.monotonic();
        let state = self.state();
        match (&state.refused, &state.current) {
            (Some((when, error)), _) if now.saturating_sub(*when) < TRY_EVERY => Err(error.clone()),
            (_, Some(current)) => Ok(LoginWith {
                secret: current.login.clone(),
                known: state.known.clone(),
                which: state.replaced,
            }),
            (_, None) => Err(ClientError::NoKey { principal: self.account.to_string() }),
        }
    }

    /// The ticket-granting ticket that is all there is.
    pub(crate) fn ticket(&self) -> Option<Arc<Credential>> {
        let Source::Ticket(given) = &self.source else { return None };
        Some(self.state().ticket.clone().unwrap_or_else(|| given.clone()))
    }

    /// The same, renewed.
    pub(crate) fn keep_ticket(&self, renewed: Arc<Credential>) {
        self.state().ticket = Some(renewed);
    }

    /// Takes note of the key that the KDC makes of this password, as a login has shown.
    pub(crate) fn learn(&self, which: u64, known: KnownKey) {
        let mut state = self.state();
        if which == state.replaced {
            if let Some(current) = &mut state.current {
                current.derive(known.key().clone());
            }
            state.known = Some(known);
        }
    }

    /// The password that was given is this one from now on. What is read from elsewhere is not.
    pub(crate) fn password_is(&self, new: &[u8]) {
        let Source::Fixed(ClientSecret::Password(_)) = &self.source else { return };
        let login = ClientSecret::Password(Zeroizing::new(new.to_vec()));
        self.adopt(Generation { login, keytab: Keytab::default(), derived: Vec::new() });
    }

    /// Takes note of how a login with this secret failed.
    pub(crate) fn login_failed(&self, which: u64, error: &ClientError) {
        let mut state = self.state();
        if which == state.replaced && is_wrong_secret(error) {
            state.known = None;
            state.refused = Some((self.clock.monotonic(), error.clone()));
        }
    }

    /// The keys that may open a ticket of this enctype and key version, best first.
    pub(crate) fn candidates(&self, enctype: EncType, kvno: Option<u32>) -> Vec<Key> {
        self.candidates_of(&self.account, enctype, kvno)
    }

    /// The same of a service.
    pub(crate) fn candidates_of(
        &self,
        service: &Principal,
        enctype: EncType,
        kvno: Option<u32>,
    ) -> Vec<Key> {
        let now = self.clock.monotonic();
        let mut state = self.state();
        let kept = state.former.len();
        state.former.retain(|(_, since)| now.saturating_sub(*since) < FORMER_KEPT);
        if state.former.len() < kept {
            state.in_use.clear();
        }
        let former = state.former.iter().map(|(former, _)| former);
        let all: Vec<_> = state.current.iter().chain(former).collect();
        // As one keytab, so that the version that the ticket names comes first wherever it is.
        let entries = all.iter().flat_map(|one| one.keytab.keys_for(service));
        let entries = entries.filter(|entry| entry.enctype == enctype).cloned().collect();
        let mut keys = Keytab { entries }.keys(service, kvno, enctype);
        let derived = all.iter().flat_map(|one| &one.derived);
        let derived: Vec<_> = derived.filter(|key| key.enctype() == enctype).cloned().collect();
        keys.iter_mut().rev().for_each(|key| *key = state.as_before(key.clone()));
        keys.extend(derived);
        keys
    }

    /// The password, if the account has one, and the KDC may be asked (again) how it makes a key of
    /// this enctype of it.
    pub(crate) fn password_to_ask_for(&self, enctype: EncType) -> Option<Zeroizing<Vec<u8>>> {
        let now = self.clock.monotonic();
        let mut state = self.state();
        let last = state.asked.get(&enctype);
        if last.is_some_and(|last| now.saturating_sub(*last) < ASK_EVERY) {
            return None;
        }
        let password = match state.current.as_ref().map(|current| &current.login) {
            Some(ClientSecret::Password(password)) => password.clone(),
            _ => return None,
        };
        state.asked.insert(enctype, now);
        Some(password)
    }

    /// Keeps a key that was made of this password, unless that was replaced meanwhile.
    pub(crate) fn add_derived(&self, password: &[u8], key: Key) {
        let mut state = self.state();
        if let Some(current) = &mut state.current
            && matches!(&current.login, ClientSecret::Password(own) if own[..] == *password)
        {
            current.derive(key);
        }
    }
}

#[cfg(test)]
mod tests;
