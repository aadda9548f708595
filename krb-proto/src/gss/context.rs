use core::fmt;

use super::GssFlags;
use super::sequence::SequenceWindow;
use crate::crypto::Key;

/// Which side of a context we are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    Initiator,
    Acceptor,
}

/// An established context: the peer is who the ticket says, and this key is shared with it.
pub struct SecurityContext {
    pub(super) role: Role,
    pub(super) flags: GssFlags,
    pub(super) key: Key,
    /// Is `key` one that the acceptor chose?
    pub(super) acceptor_subkey: bool,
    pub(super) next_to_send: u64,
    pub(super) received: SequenceWindow,
}

impl SecurityContext {
    /// The context key: the acceptor's subkey if it sent one, else the initiator's (RFC 4121
    /// section 2). Protocols that derive their own keys (SMB) take its octets whole or cut, as
    /// they say.
    #[must_use]
    pub const fn session_key(&self) -> &Key {
        &self.key
    }

    /// The flags that the initiator sent.
    #[must_use]
    pub const fn flags(&self) -> GssFlags {
        self.flags
    }
}

impl fmt::Debug for SecurityContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecurityContext")
            .field("role", &self.role)
            .field("flags", &self.flags)
            .field("enctype", &self.key.enctype())
            .field("acceptor_subkey", &self.acceptor_subkey)
            .finish_non_exhaustive()
    }
}
