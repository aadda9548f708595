use std::sync::Arc;

use base64ct::{Base64, Encoding};
use krb_proto::pac::Sid;

use super::failure::NoSubject;
use super::jwt::WrongType;
use super::{Caller, Claims, DeliveredTicket, LegacyName, OwnTicket, TrustedIdp};

/// A caller with the account that the exchanged token names.
#[derive(Clone, Debug)]
pub struct Subject {
    issuer: String,
    subject: String,
    client_id: Option<String>,
    legacy_name: LegacyName,
    sid: Option<String>,
    roles: Vec<String>,
    scopes: Vec<String>,
    permissions: Vec<String>,
    ticket: Option<Arc<OwnTicket>>,
    delivered: Option<DeliveredTicket>,
}

impl Subject {
    /// Whoever came with a ticket of their own: no token says anything beside.
    pub(crate) fn with_ticket(caller: &Caller, ticket: &Arc<OwnTicket>) -> Self {
        Self {
            issuer: caller.issuer().into(),
            subject: caller.subject().into(),
            client_id: None,
            legacy_name: ticket.name.clone(),
            sid: Some(ticket.account.sid.to_string()),
            roles: Vec::new(),
            scopes: Vec::new(),
            permissions: Vec::new(),
            ticket: Some(ticket.clone()),
            delivered: None,
        }
    }

    /// The user's own ticket, of whoever came with one.
    pub(crate) const fn ticket(&self) -> Option<&Arc<OwnTicket>> {
        self.ticket.as_ref()
    }

    /// The user's ticket that the exchanged token delivers.
    pub(crate) const fn delivered(&self) -> Option<&DeliveredTicket> {
        self.delivered.as_ref()
    }

    /// What a verified exchanged token says of its caller.
    pub(crate) fn new(
        caller: &Caller,
        exchanged: &Claims,
        idp: &TrustedIdp,
    ) -> Result<Self, NoSubject> {
        let mappings = &idp.claim_mappings;
        if exchanged.subject(&mappings.user_id.0).as_deref() != Ok(caller.subject()) {
            return Err(NoSubject::Another);
        }
        if is_name(caller.subject()) && !idp.security.danger_names_as_subjects {
            return Err(NoSubject::Name);
        }
        let claim = &mappings.legacy_username;
        let name = exchanged.text(claim);
        let name = name.ok_or_else(|| NoSubject::NoAccount { claim: claim.clone() })?;
        let legacy_name = LegacyName::new(name)
            .map_err(|error| NoSubject::NotAnAccount { claim: claim.clone(), error })?;
        let sid = match &mappings.sid {
            None => None,
            Some(claim) => {
                let sid = exchanged.text(claim).and_then(sid);
                Some(sid.ok_or_else(|| NoSubject::NoSid { claim: claim.clone() })?)
            }
        };
        let delivered = match &mappings.kerberos_ticket {
            None => None,
            Some(claim) => {
                let ticket = exchanged.text(claim).map(DeliveredTicket::new);
                Some(ticket.ok_or_else(|| NoSubject::NoTicket { claim: claim.clone() })?)
            }
        };
        let texts = |claim: &String| {
            exchanged
                .texts(claim)
                .map_err(|WrongType| NoSubject::WrongType { claim: claim.clone() })
        };
        let roles = texts(&mappings.roles)?;
        Ok(Self {
            issuer: caller.issuer().into(),
            subject: caller.subject().into(),
            client_id: caller.client_id().map(Into::into),
            legacy_name,
            sid,
            roles: match &idp.role_mappings {
                Some(mappings) => mappings.map(&roles)?,
                None => roles,
            },
            scopes: texts(&mappings.scopes)?,
            permissions: texts(&mappings.permissions)?,
            ticket: None,
            delivered,
        })
    }

    /// A caller for whom nothing was exchanged, by that account's name.
    #[cfg(test)]
    pub(crate) fn unproven(caller: &Caller, legacy_name: &str) -> Self {
        let idp = serde_json::json!({ "issuer": caller.issuer(), "audience": "x" });
        let claims = serde_json::json!({ "sub": caller.subject(), "legacy_name": legacy_name });
        let idp = serde_json::from_value(idp).unwrap();
        Self::new(caller, &Claims::new(claims), &idp).unwrap()
    }

    /// The same with these roles.
    #[cfg(test)]
    pub(crate) fn with_roles(mut self, roles: &[&str]) -> Self {
        self.roles = roles.iter().map(|role| (*role).to_owned()).collect();
        self
    }

    /// `iss` of both tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// `sub` of both tokens.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The client that the caller's token was issued to.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// The account's name.
    #[must_use]
    pub const fn legacy_name(&self) -> &LegacyName {
        &self.legacy_name
    }

    /// The account's SID, if a claim for it is configured.
    #[must_use]
    pub fn sid(&self) -> Option<&str> {
        self.sid.as_deref()
    }

    /// Roles, from the exchanged token.
    #[must_use]
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// Scopes, from the exchanged token.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Permissions, from the exchanged token.
    #[must_use]
    pub fn permissions(&self) -> &[String] {
        &self.permissions
    }
}

/// Keycloak's form for users that it does not import: `f:`, the federation's id, `:`, their name.
fn is_name(subject: &str) -> bool {
    subject.strip_prefix("f:").is_some_and(|rest| rest.contains(':'))
}

/// A SID as text (MS-DTYP 2.4.2.1), from its text or from its octets in base64.
fn sid(claim: &str) -> Option<String> {
    let octets = || Sid::from_bytes(&Base64::decode_vec(claim).ok()?);
    claim.parse().ok().or_else(octets).map(|sid: Sid| sid.to_string())
}
