use crate::call::Announced;

/// How a permit gets its credential.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Route {
    /// A KDC gives this server's account evidence in the user's name, and for that a ticket
    /// (MS-SFU, S4U2Self and S4U2Proxy).
    ProtocolTransition,
    /// The server's account comes itself, whoever calls. Only where it is configured for that.
    ServiceAccount,
}

impl Route {
    /// As records name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProtocolTransition => "protocol-transition",
            Self::ServiceAccount => "service-account",
        }
    }

    /// What records and answers say of it beside, in the words of the seeds.
    #[must_use]
    pub const fn warning(self) -> Option<&'static str> {
        match self {
            Self::ProtocolTransition => None,
            Self::ServiceAccount => Some("Resource accessed as service account, not user"),
        }
    }

    /// Whether what is set up with its credential, such as a session, may serve later calls that
    /// have the same one.
    pub(crate) const fn may_be_kept(self) -> bool {
        match self {
            Self::ProtocolTransition | Self::ServiceAccount => true,
        }
    }
}

/// A call that was announced, as one of its permit's route. Nothing else makes what a route takes, so
/// that no call can end in another one, whatever it fails with.
pub(super) enum Way<'a> {
    ProtocolTransition(&'a Announced),
    ServiceAccount(AsService<'a>),
}

impl<'a> Way<'a> {
    pub(super) fn of(announced: &'a Announced) -> Self {
        match announced.permit().route() {
            Route::ProtocolTransition => Self::ProtocolTransition(announced),
            Route::ServiceAccount => Self::ServiceAccount(AsService(announced)),
        }
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
