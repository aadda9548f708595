/// Which side of the agreement somebody is on: each masks its public element with a constant of
/// its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The client, whose element is S and constant N.
    Client,
    /// The KDC, whose element is T and constant M.
    Kdc,
}

impl Side {
    pub(super) const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Kdc,
            Self::Kdc => Self::Client,
        }
    }
}
