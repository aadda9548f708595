use std::hash::{Hash, Hasher};
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
    /// The service it is to, with its realm.
    pub(crate) target: Arc<Principal>,
    /// Who it names.
    pub(crate) behalf: Behalf,
    /// How it was asked for.
    pub(crate) options: Arc<Options>,
    /// What was got in another epoch is not used in this one.
    pub(crate) epoch: u64,
}

/// What tells most keys apart; whoever agrees in that is compared in all of it.
impl Hash for TicketKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.target.hash(state);
        self.behalf.hash(state);
        self.epoch.hash(state);
    }
}

impl TicketKey {
    /// Is it in the name of somebody else than the account?
    pub(crate) fn is_in_a_users_name(&self) -> bool {
        self.behalf != Behalf::Itself
    }

    /// Does it name this user, by this very name?
    pub(crate) fn names(&self, who: &Principal) -> bool {
        match &self.behalf {
            Behalf::Itself => false,
            Behalf::Named(user) | Behalf::Proved { user, .. } => user == who,
        }
    }
}

/// On whose behalf a ticket is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Behalf {
    /// The account's own.
    Itself,
    /// A user who was asked for by this name, exactly; nothing is proved yet.
    Named(Principal),
    /// A user whom evidence proved.
    Proved {
        /// The name that the evidence was asked for by.
        user: Principal,
        /// The account's SID, as the evidence proved it.
        sid: String,
        /// The very evidence, wherever it came from: what was judged is what is used, and no older.
        evidence: u64,
    },
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
