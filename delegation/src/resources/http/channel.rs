//! What ties the user's token to the TLS connection that carries it (RFC 5929), so that somebody
//! who ends one connection cannot pass it on into another (Extended Protection).

use krb_proto::gss::ChannelBindings;

use crate::network::Connection;

/// The connection below a token.
pub(super) enum Channel {
    /// No TLS.
    Plain,
    /// TLS, and the bindings of the server's certificate (`tls-server-end-point`).
    Bound(ChannelBindings),
    /// TLS, with a certificate for which no bindings are defined.
    Unbindable,
}

impl Channel {
    pub(super) fn of(connection: &Connection) -> Self {
        match connection.certificate() {
            None => Self::Plain,
            Some(certificate) => ChannelBindings::tls_server_end_point_of(certificate)
                .map_or(Self::Unbindable, Self::Bound),
        }
    }

    pub(super) const fn bindings(&self) -> Option<&ChannelBindings> {
        match self {
            Self::Bound(bindings) => Some(bindings),
            Self::Plain | Self::Unbindable => None,
        }
    }

    /// Whether a server that sees a token of ours without bindings may conclude that somebody took
    /// it from a connection without TLS.
    pub(super) const fn always_binds(&self) -> bool {
        !matches!(self, Self::Unbindable)
    }

    /// What to change if the server demands bindings and the token has others, or none.
    pub(super) const fn remedy(&self) -> &'static str {
        match self {
            Self::Plain => {
                " If it demands channel bindings (Extended Protection), it takes no ticket over \
                 plain http: use its https URL."
            }
            Self::Bound(_) => {
                " If it demands channel bindings (Extended Protection): the ticket is bound to the \
                 certificate that answered here, so TLS must not end at a proxy, load balancer or \
                 inspection before the web server. Let TLS pass to it, or switch the demand off \
                 (IIS: Windows Authentication, extendedProtection tokenChecking=None)."
            }
            Self::Unbindable => {
                " If it demands channel bindings (Extended Protection): none are defined for the \
                 signature algorithm of its certificate, so the ticket went without. Give it a \
                 certificate with an RSA or ECDSA signature, or switch the demand off (IIS: \
                 extendedProtection tokenChecking=None)."
            }
        }
    }
}
