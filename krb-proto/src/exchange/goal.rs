use alloc::sync::Arc;
use alloc::vec::Vec;

use super::mechanism::Padata;
use super::{ExchangeError, Mismatch};
use crate::asn1::PaData;
use crate::crypto::Key;
use crate::der::List;
use crate::iana::{KdcOptions, PaType, PacOptions};
use crate::preauth::{
    for_user, named_in_reply, pac_options, s4u_x509_certificate, s4u_x509_user,
    verify_s4u_x509_user_reply,
};
use crate::{Credential, Name, Principal};

/// What a TGS exchange is for: whose ticket, to what, and what the request says beside the usual.
#[derive(Clone)]
#[non_exhaustive]
pub enum TgsGoal {
    /// A ticket of the TGT's client for a service (RFC 4120 section 3.3).
    Service(Name),
    /// The same, encrypted with the session key of the service's own TGT (user-to-user, RFC 4120
    /// section 3.7). The KDC sees to it that it is the service's.
    UserToUser {
        /// The service.
        service: Name,
        /// Its TGT, DER.
        service_tgt: Vec<u8>,
    },
    /// S4U2Self by name (MS-SFU 3.1.5.1.1): a ticket to ourselves in a user's name.
    ///
    /// The user is named twice, by PA-FOR-USER (which Samba and Heimdal read) and PA-S4U-X509-USER
    /// (which MIT and Windows prefer), always the same name in both. What comes back names who was
    /// *sent*; only the PAC says which account the KDC found ([`super::open_ticket`]).
    S4uSelf {
        /// The user.
        user: Principal,
        /// The TGT's own account, by its account name or one of its SPNs.
        service: Name,
    },
    /// S4U2Self by a user's certificate (MS-SFU 3.1.5.1.1.2), named by PA-S4U-X509-USER alone. The KDC
    /// says in its signed copy of that whose it is, and the ticket names nobody else. One that reads only
    /// PA-FOR-USER, as Samba and Heimdal, gives the service's own ticket, which is refused.
    S4uSelfByCertificate {
        /// The certificate, DER.
        certificate: Vec<u8>,
        /// The user's realm.
        realm: Vec<u8>,
        /// The TGT's own account, as above.
        service: Name,
    },
    /// S4U2Proxy (MS-SFU 3.1.5.2.1): a ticket to another service in the name of the evidence
    /// ticket's client.
    ///
    /// The evidence goes out exactly as it was received, also if it is not forwardable: with
    /// resource-based delegation Windows takes it, so the KDC decides.
    S4uProxy {
        /// The evidence: a ticket to ourselves in the user's name.
        evidence: Arc<Credential>,
        /// The other service.
        target: Name,
    },
    /// The ticket-granting ticket once more, with the life that it had (RFC 4120 section 3.3.3.1).
    /// Of the [`TicketOptions`](super::TicketOptions) only enctypes and FAST matter.
    Renew,
    /// A postdated ticket-granting ticket, made valid once its time has come. The same holds.
    Validate,
    /// A ticket-granting ticket to hand on, for the [addresses] asked for
    /// (RFC 4120 section 2.6).
    ///
    /// [addresses]: super::TicketOptions::addresses
    Forward,
    /// A ticket to hand on to who acts at a service from other addresses (RFC 4120 section 2.5).
    Proxy(Name),
}

impl TgsGoal {
    /// Is it for a ticket to ourselves in a user's name?
    pub(super) const fn is_s4u_self(&self) -> bool {
        matches!(self, Self::S4uSelf { .. } | Self::S4uSelfByCertificate { .. })
    }

    /// What the ticket shall be for.
    pub(super) fn service<'a>(&'a self, tgt: &'a Credential) -> &'a Name {
        match self {
            Self::Renew | Self::Validate | Self::Forward => &tgt.server.name,
            Self::Service(service)
            | Self::Proxy(service)
            | Self::UserToUser { service, .. }
            | Self::S4uSelf { service, .. }
            | Self::S4uSelfByCertificate { service, .. }
            | Self::S4uProxy { target: service, .. } => service,
        }
    }

    /// Whose ticket it shall be. `certified`: whose a certificate is, as the KDC has found; without that
    /// a ticket by certificate would be nobody's.
    pub(super) fn client<'a>(
        &'a self,
        tgt: &'a Credential,
        certified: Option<&'a Principal>,
    ) -> Option<&'a Principal> {
        match self {
            Self::S4uSelf { user, .. } => Some(user),
            Self::S4uSelfByCertificate { .. } => certified,
            Self::S4uProxy { evidence, .. } => Some(&evidence.client),
            _ => Some(&tgt.client),
        }
    }

    /// Whose a referral is: ours, whatever the goal, and with S4U the PAC in it names the user. That of
    /// S4U2Proxy may be the user's by name as well.
    pub(super) fn referred<'a>(&'a self, tgt: &'a Credential, found: &Principal) -> &'a Principal {
        match self {
            Self::S4uProxy { evidence, .. } if found.is_same(&evidence.client) => &evidence.client,
            _ => &tgt.client,
        }
    }

    pub(super) const fn kdc_options(&self) -> KdcOptions {
        match self {
            Self::Service(_) | Self::S4uSelf { .. } | Self::S4uSelfByCertificate { .. } => {
                KdcOptions::NONE
            }
            Self::UserToUser { .. } => KdcOptions::ENC_TKT_IN_SKEY,
            Self::S4uProxy { .. } => KdcOptions::CNAME_IN_ADDL_TKT,
            Self::Renew => KdcOptions::RENEW,
            Self::Validate => KdcOptions::VALIDATE,
            Self::Forward => KdcOptions::FORWARDED,
            Self::Proxy(_) => KdcOptions::PROXY,
        }
    }

    pub(super) fn additional_ticket(&self) -> Option<&[u8]> {
        match self {
            Self::UserToUser { service_tgt, .. } => Some(service_tgt),
            Self::S4uProxy { evidence, .. } => Some(&evidence.ticket),
            _ => None,
        }
    }

    /// What stands beside PA-TGS-REQ, bound to the request by its nonce and subkey.
    pub(super) fn padata(
        &self,
        tgt: &Credential,
        nonce: u32,
        subkey: &Key,
    ) -> Result<Padata, ExchangeError> {
        let pac_options = || {
            (PaType::PAC_OPTIONS, pac_options(PacOptions::RESOURCE_BASED_CONSTRAINED_DELEGATION))
        };
        Ok(match self {
            Self::S4uSelf { user, .. } => {
                let named =
                    s4u_x509_user(user, nonce, subkey).map_err(ExchangeError::OwnRequest)?;
                Vec::from([
                    (PaType::FOR_USER, for_user(user, &tgt.session_key)),
                    (PaType::S4U_X509_USER, named),
                    pac_options(),
                ])
            }
            Self::S4uSelfByCertificate { certificate, realm, .. } => {
                let named = s4u_x509_certificate(certificate, realm, nonce, subkey)
                    .map_err(ExchangeError::OwnRequest)?;
                Vec::from([(PaType::S4U_X509_USER, named), pac_options()])
            }
            Self::S4uProxy { .. } => Vec::from([pac_options()]),
            _ => Vec::new(),
        })
    }

    /// Verifies what the reply says beside the ticket. Whose a certificate is, if it was asked by one and
    /// the KDC says so.
    pub(super) fn verify_padata(
        &self,
        padata: List<'_, PaData<'_>>,
        nonce: u32,
        subkey: &Key,
    ) -> Result<Option<Principal>, Mismatch> {
        let mut copies = padata.iter().filter(|pa| pa.padata_type == PaType::S4U_X509_USER);
        match self {
            Self::S4uSelf { user, .. } => {
                for pa in copies {
                    verify_s4u_x509_user_reply(pa.padata_value, user, nonce, subkey)
                        .map_err(Mismatch::S4uUser)?;
                }
                Ok(None)
            }
            Self::S4uSelfByCertificate { .. } => {
                let named = copies.next().map(|pa| named_in_reply(pa.padata_value, nonce, subkey));
                named.transpose().map_err(Mismatch::S4uUser)
            }
            _ => Ok(None),
        }
    }
}
