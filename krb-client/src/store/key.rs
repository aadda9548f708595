use std::hash::{Hash, Hasher};
use std::num::NonZeroU64;
use std::sync::Arc;

use krb_proto::exchange::{TicketAddress, TicketOptions};
use krb_proto::iana::EncType;
use krb_proto::{KerberosTime, Principal};

/// What makes a ticket somebody's. It is complete: tickets of several accounts and realms can lie
/// in one store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct TicketKey {
    /// The service account that asked for it, with its realm.
    pub(crate) account: Arc<Principal>,
    /// How it was asked for.
    options: Arc<Options>,
    /// Who it names, the service it is to, each with its realm, the SID that evidence proved and who asked:
    /// one after another, since there may be very many of them.
    names: Box<[u8]>,
    /// The very evidence, wherever it came from: what was judged is what is used, and no older.
    evidence: Option<NonZeroU64>,
    /// What was got in another epoch is not used in this one.
    epoch: u64,
}

/// What tells most keys apart; whoever agrees in that is compared in all of it.
impl Hash for TicketKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.names.hash(state);
        self.evidence.hash(state);
        self.epoch.hash(state);
    }
}

/// On whose behalf a ticket is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Behalf<'a> {
    /// The account's own.
    Itself,
    /// A user who was asked for by this name, exactly; nothing is proved yet.
    Named {
        /// The name.
        user: &'a Principal,
        /// Who means somebody by it. Others, for whom it may be somebody else's by now, ask for themselves.
        asker: &'a [u8],
    },
    /// A user whom evidence proved.
    Proved {
        /// The name that the evidence was asked for by.
        user: &'a Principal,
        /// The account's SID, as the evidence proved it.
        sid: &'a str,
        /// The number of the evidence.
        evidence: NonZeroU64,
    },
}

/// The first octet of names, if there is no user among them.
const NOBODY: u8 = 0;
const SOMEBODY: u8 = 1;

impl TicketKey {
    /// Of the first epoch.
    pub(crate) fn new(
        account: Arc<Principal>,
        target: &Principal,
        behalf: Behalf<'_>,
        options: Arc<Options>,
    ) -> Self {
        let mut names = Vec::with_capacity(160);
        let (user, sid, asker, evidence) = match behalf {
            Behalf::Itself => (None, "", &[][..], None),
            Behalf::Named { user, asker } => (Some(user), "", asker, None),
            Behalf::Proved { user, sid, evidence } => (Some(user), sid, &[][..], Some(evidence)),
        };
        match user {
            Some(user) => put_user(&mut names, user),
            None => names.push(NOBODY),
        }
        put_principal(&mut names, target);
        put(&mut names, sid.as_bytes());
        put(&mut names, asker);
        Self { account, options, names: names.into_boxed_slice(), evidence, epoch: 0 }
    }

    /// The same of another epoch.
    pub(crate) fn in_epoch(self, epoch: u64) -> Self {
        Self { epoch, ..self }
    }

    /// Is it in the name of somebody else than the account?
    pub(crate) fn is_in_a_users_name(&self) -> bool {
        self.names.first() != Some(&NOBODY)
    }

    /// The key as octets that no other key has, on every machine. What `evidence` there is stands in
    /// the place of its number, which is this process's.
    pub(crate) fn slot(&self, evidence: &[u8]) -> Vec<u8> {
        let Self { account, options, names, evidence: _, epoch } = self;
        let mut slot = Vec::new();
        put_principal(&mut slot, account);
        put(&mut slot, names);
        put(&mut slot, format!("{options:?}").as_bytes());
        put(&mut slot, &epoch.to_be_bytes());
        put(&mut slot, evidence);
        slot
    }
}

/// A user, as keys name them.
pub(crate) struct User(Vec<u8>);

impl User {
    pub(crate) fn new(who: &Principal) -> Self {
        let mut octets = Vec::new();
        put_user(&mut octets, who);
        Self(octets)
    }

    /// Does this key name them, by this very name?
    pub(crate) fn is_named_by(&self, key: &TicketKey) -> bool {
        // Nobody's octets are the beginning of another's: each part says how long it is.
        key.names.starts_with(&self.0)
    }
}

fn put_user(octets: &mut Vec<u8>, user: &Principal) {
    octets.push(SOMEBODY);
    put_principal(octets, user);
}

fn put_principal(octets: &mut Vec<u8>, principal: &Principal) {
    let Principal { name, realm } = principal;
    put(octets, realm);
    octets.extend_from_slice(&name.name_type.0.to_be_bytes());
    put_length(octets, name.components.len());
    name.components.iter().for_each(|part| put(octets, part));
}

fn put(octets: &mut Vec<u8>, part: &[u8]) {
    put_length(octets, part.len());
    octets.extend_from_slice(part);
}

/// In one octet, as nearly always.
fn put_length(octets: &mut Vec<u8>, length: usize) {
    match u8::try_from(length) {
        Ok(short) if short < u8::MAX => octets.push(short),
        _ => {
            octets.push(u8::MAX);
            octets.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// What of [`TicketOptions`] makes another ticket of it. FAST does not: it protects the exchange.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Options {
    enctypes: Vec<EncType>,
    forwardable: bool,
    proxiable: bool,
    start: Option<KerberosTime>,
    allow_postdate: bool,
    lifetime: i64,
    renewable: Option<i64>,
    renewable_ok: bool,
    addresses: Vec<TicketAddress>,
    canonicalize: bool,
}

impl From<&TicketOptions> for Options {
    fn from(options: &TicketOptions) -> Self {
        // Every member is named, so that a new one is decided about.
        let TicketOptions {
            enctypes,
            forwardable,
            proxiable,
            start,
            allow_postdate,
            lifetime,
            renewable,
            renewable_ok,
            addresses,
            canonicalize,
            fast: _,
        } = options.clone();
        Self {
            enctypes,
            forwardable,
            proxiable,
            start,
            allow_postdate,
            lifetime,
            renewable,
            renewable_ok,
            addresses,
            canonicalize,
        }
    }
}
