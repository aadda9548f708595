//! Channel bindings (RFC 2744 section 3.11, RFC 4121 section 4.1.1.2).

use alloc::vec::Vec;

use md5::{Digest, Md5};

use super::certificate;

/// What ties a context to the channel below it (RFC 5056), so that nobody who ends one channel can
/// pass a login on into another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChannelBindings {
    initiator: Address,
    acceptor: Address,
    application_data: Vec<u8>,
}

/// One end's address: an address family of RFC 2744 section 3.11 and its octets. The default is
/// none.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Address {
    /// GSS_C_AF_INET is 2, GSS_C_AF_NULLADDR 255, unspecified 0.
    pub family: u32,
    /// The address in network order.
    pub octets: Vec<u8>,
}

impl ChannelBindings {
    /// Bindings of an application's own data, without addresses.
    #[must_use]
    pub fn new(application_data: &[u8]) -> Self {
        Self {
            initiator: Address::default(),
            acceptor: Address::default(),
            application_data: application_data.to_vec(),
        }
    }

    /// The same with the addresses of both ends, which no protocol in use binds any more.
    #[must_use]
    pub fn with_addresses(self, initiator: Address, acceptor: Address) -> Self {
        Self { initiator, acceptor, ..self }
    }

    /// `tls-server-end-point` (RFC 5929 section 4): `certificate_hash` is the server certificate's
    /// hash, by SHA-256 where its signature uses MD5 or SHA-1, else by the signature's own hash.
    #[must_use]
    pub fn tls_server_end_point(certificate_hash: &[u8]) -> Self {
        Self::new(&[b"tls-server-end-point:", certificate_hash].concat())
    }

    /// `tls-server-end-point` from the server's X.509 certificate itself, DER. `None` if it is
    /// none, or its signature has no hash that is known here. RFC 5929 defines nothing for Ed25519;
    /// SHA-512 is what GnuTLS and Samba 4.22 take.
    #[must_use]
    pub fn tls_server_end_point_of(certificate: &[u8]) -> Option<Self> {
        certificate::hash(certificate).map(|hash| Self::tls_server_end_point(&hash))
    }

    /// `tls-unique` (RFC 5929 section 3), of TLS up to 1.2: the first Finished message of the
    /// connection's last handshake.
    #[must_use]
    pub fn tls_unique(finished: &[u8]) -> Self {
        Self::new(&[b"tls-unique:", finished].concat())
    }

    /// `tls-exporter` (RFC 9266), of TLS 1.3: 32 octets of exported keying material, with the label
    /// `EXPORTER-Channel-Binding` and an empty context.
    #[must_use]
    pub fn tls_exporter(keying_material: &[u8; 32]) -> Self {
        Self::new(&[b"tls-exporter:", &keying_material[..]].concat())
    }

    /// What is bound to, behind the name of its kind and a colon.
    #[must_use]
    pub fn application_data(&self) -> &[u8] {
        &self.application_data
    }

    /// The field Bnd (RFC 4121 section 4.1.1.2): MD5, here a name for public data and no protection
    /// of its own, over families, lengths and octets, numbers little-endian.
    pub(super) fn digest(&self) -> [u8; 16] {
        let mut md5 = Md5::new();
        for end in [&self.initiator, &self.acceptor] {
            md5.update(end.family.to_le_bytes());
            update(&mut md5, &end.octets);
        }
        update(&mut md5, &self.application_data);
        md5.finalize().into()
    }
}

fn update(md5: &mut Md5, octets: &[u8]) {
    md5.update(u32::try_from(octets.len()).unwrap_or(u32::MAX).to_le_bytes());
    md5.update(octets);
}

/// What an acceptor demands of the channel that a client came by.
#[derive(Clone, Copy, Debug)]
pub enum ChannelPolicy<'a> {
    /// There is no channel below, or it does not matter.
    Ignore,
    /// A client that is bound must be bound to this channel. One that is bound to none is let in,
    /// unless it says that it binds itself wherever there is a channel (KERB_AP_OPTIONS_CBT, MS-KILE
    /// 3.4.5): then somebody passes on what was meant for a place without TLS.
    IfBound(&'a ChannelBindings),
    /// The client must be bound to this channel.
    Require(&'a ChannelBindings),
}

/// Bnd of a client that is bound to nothing.
pub(super) const UNBOUND: [u8; 16] = [0; 16];

impl ChannelPolicy<'_> {
    /// Is a client with this Bnd let in, and if so, is it bound to the channel? `always_binds` is
    /// what it says of itself.
    pub(super) fn check(self, bound: &[u8; 16], always_binds: bool) -> Option<bool> {
        match self {
            Self::Ignore => Some(false),
            Self::IfBound(own) | Self::Require(own) if own.digest() == *bound => Some(true),
            Self::IfBound(_) if *bound == UNBOUND && !always_binds => Some(false),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
