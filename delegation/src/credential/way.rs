use crate::call::Announced;

/// How a permit gets its credential.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Route {
    /// A KDC gives this server's account evidence in the user's name, and for that a ticket
    /// (MS-SFU, S4U2Self and S4U2Proxy).
    ProtocolTransition,
    /// The user came with a ticket of their own to this server's account, which is the evidence
    /// (MS-SFU, S4U2Proxy).
    OwnTicket,
    /// The identity provider delivered a ticket of the user's in the exchanged token: evidence, or
    /// a ticket-granting ticket that another ticket is got with.
    DeliveredTicket,
    /// The server's account comes itself, whoever calls. Only where it is configured for that.
    ServiceAccount,
    /// A KDC gives evidence in the user's name (MS-SFU, S4U2Self) and no ticket: somebody else logs
    /// in at a database and becomes the user there. Only where it is configured for that.
    DatabaseImpersonation,
}

impl Route {
    /// As records name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProtocolTransition => "protocol-transition",
            Self::OwnTicket => "own-ticket",
            Self::DeliveredTicket => "delivered-ticket",
            Self::ServiceAccount => "service-account",
            Self::DatabaseImpersonation => "database-impersonation",
        }
    }

    /// What records and answers say of it beside, in the words of the seeds.
    #[must_use]
    pub const fn warning(self) -> Option<&'static str> {
        match self {
            Self::ProtocolTransition
            | Self::OwnTicket
            | Self::DeliveredTicket
            | Self::DatabaseImpersonation => None,
            Self::ServiceAccount => Some("Resource accessed as service account, not user"),
        }
    }

    /// Whether what is set up with its credential, such as a session, may serve later calls that
    /// have the same one.
    pub(crate) const fn may_be_kept(self) -> bool {
        match self {
            Self::ProtocolTransition | Self::ServiceAccount | Self::DatabaseImpersonation => true,
            // Each call has its own ticket.
            Self::OwnTicket | Self::DeliveredTicket => false,
        }
    }
}

/// A call that was announced, as one of its permit's route. Nothing else makes what a route takes, so
/// that no call can end in another one, whatever it fails with.
pub(super) enum Way<'a> {
    ProtocolTransition(&'a Announced),
    OwnTicket(WithTicket<'a>),
    DeliveredTicket(WithDelivered<'a>),
    ServiceAccount(AsService<'a>),
    DatabaseImpersonation(Impersonated<'a>),
}

impl<'a> Way<'a> {
    pub(super) fn of(announced: &'a Announced) -> Self {
        match announced.permit().route() {
            Route::ProtocolTransition => Self::ProtocolTransition(announced),
            Route::OwnTicket => Self::OwnTicket(WithTicket(announced)),
            Route::DeliveredTicket => Self::DeliveredTicket(WithDelivered(announced)),
            Route::ServiceAccount => Self::ServiceAccount(AsService(announced)),
            Route::DatabaseImpersonation => Self::DatabaseImpersonation(Impersonated(announced)),
        }
    }
}

/// A call whose permit says that the user's own ticket is the evidence.
pub struct WithTicket<'a>(&'a Announced);

impl<'a> WithTicket<'a> {
    pub(super) const fn announced(&self) -> &'a Announced {
        self.0
    }
}

/// A call whose permit says that the exchanged token delivers the user's ticket.
pub struct WithDelivered<'a>(&'a Announced);

impl<'a> WithDelivered<'a> {
    pub(super) const fn announced(&self) -> &'a Announced {
        self.0
    }
}

/// A call whose permit says that it reaches its resource as the service account. A ticket in the
/// account's own name is got for nothing else.
pub struct AsService<'a>(&'a Announced);

impl<'a> AsService<'a> {
    pub(super) const fn announced(&self) -> &'a Announced {
        self.0
    }
}

/// A call whose permit says that somebody else logs in at its database, and becomes the user there.
pub struct Impersonated<'a>(&'a Announced);

impl<'a> Impersonated<'a> {
    pub(super) const fn announced(&self) -> &'a Announced {
        self.0
    }
}
