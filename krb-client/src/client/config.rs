use std::sync::Arc;
use std::time::Duration;

use krb_proto::Principal;
use krb_proto::exchange::TicketOptions;

use super::armor::Armor;
use crate::store::{MAX_ENTRIES, SharedTickets};
use crate::{
    AccountSecret, Carry, Clock, Entropy, KdcSource, OsRandom, Patience, Realms, SystemClock,
    Transport,
};

/// What a client needs to know.
#[derive(Clone)]
#[non_exhaustive]
pub struct ClientConfig {
    /// The account: a user's or a service's. An enterprise name
    /// ([`Name::enterprise`](krb_proto::Name::enterprise)) is asked for in this realm, and wherever its
    /// KDCs say that it is.
    pub account: Principal,
    /// What it proves itself with: its keys, its password, a certificate; where they come from if they
    /// may be replaced.
    pub secret: AccountSecret,
    /// Where the servers of its realm are, and of other realms that users or targets may be of, and of
    /// those between. Nobody else's are asked, whatever a referral says.
    pub realms: Realms,
    /// [`Transport::tcp`] unless asked otherwise.
    pub transport: Arc<dyn Carry>,
    /// Patience with one KDC, doubled in each further try; others are asked beside it before it ends.
    /// 1 second.
    pub kdc_timeout: Duration,
    /// Patience with a whole exchange. 10 seconds.
    pub timeout: Duration,
    /// What kind of ticket-granting ticket to log in for: forwardable, for ten hours, unless asked
    /// otherwise. An enterprise name is always canonicalized. Where no enctypes of its own are named, here
    /// and wherever options are given, those that krb5.conf permits are asked for
    /// ([`Realms::login_enctypes`], [`Realms::ticket_enctypes`]).
    pub login: TicketOptions,
    /// How long tickets in a user's name are used, whatever their end: a KDC does not take them
    /// back when the user is disabled, leaves a group or may no longer be delegated. It counts from
    /// the fetch of the evidence, by the clock and by one that nobody can set. 15 minutes.
    pub max_age: Duration,
    /// So many tickets are kept at most; beyond, what ends first goes first. Each takes its own length
    /// and about 800 bytes. 10,000.
    pub max_tickets: usize,
    /// The clock; the machine's unless asked otherwise.
    pub clock: Arc<dyn Clock>,
    /// Randomness; the system's unless asked otherwise.
    pub random: Arc<dyn Entropy>,
    /// Where a ticket-granting ticket of the realm comes from that armors everything (FAST, RFC 6113):
    /// nobody between here and the KDC can guess at the account's password, or change what the KDC
    /// answers. A KDC without FAST is then refused. `None` unless asked otherwise.
    pub armor: Option<Armor>,
    /// Where tickets in users' names are kept for other processes, too. Nowhere unless asked otherwise.
    pub shared: Option<Arc<dyn SharedTickets>>,
}

impl ClientConfig {
    /// A configuration with the defaults named at the fields, for an account of a realm whose KDCs are
    /// there.
    #[must_use]
    pub fn new(account: Principal, secret: impl Into<AccountSecret>, kdcs: KdcSource) -> Self {
        let realms = Realms::from([(account.realm.clone(), kdcs)]);
        Self::in_realms(account, secret, realms)
    }

    /// The same, for an account of one of these realms.
    #[must_use]
    pub fn in_realms(account: Principal, secret: impl Into<AccountSecret>, realms: Realms) -> Self {
        let patience = Patience::default();
        Self {
            account,
            secret: secret.into(),
            realms,
            transport: Arc::new(Transport::tcp()),
            kdc_timeout: patience.per_kdc,
            timeout: patience.overall,
            login: TicketOptions::default(),
            max_age: Duration::from_secs(15 * 60),
            max_tickets: MAX_ENTRIES,
            clock: Arc::new(SystemClock),
            random: Arc::new(OsRandom),
            armor: None,
            shared: None,
        }
    }
}
