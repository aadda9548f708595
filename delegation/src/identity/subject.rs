use std::sync::Arc;

use base64ct::{Base64, Encoding};
use krb_proto::pac::Sid;

use super::failure::NoSubject;
use super::jwt::WrongType;
use super::may_assert::MayAssert;
use super::{
    AccountName, Caller, ClaimValues, Claims, DeliveredTicket, LegacyName, OwnTicket, Proven,
    TrustedIdp, Upn,
};

/// A caller with the account that the exchanged token names.
#[derive(Clone, Debug)]
pub struct Subject {
    issuer: String,
    subject: String,
    client_id: Option<String>,
    legacy_name: AccountName,
    may_assert: Option<MayAssert>,
    sid: Option<Sid>,
    roles: Vec<String>,
    scopes: Vec<String>,
    permissions: Vec<String>,
    claims: ClaimValues,
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
            legacy_name: AccountName::Sam(ticket.name.clone()),
            // No issuer asserts it: a KDC does.
            may_assert: None,
            sid: Some(ticket.account.sid.clone()),
            roles: Vec::new(),
            scopes: Vec::new(),
            permissions: Vec::new(),
            claims: ClaimValues::new(),
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
        let (claim, by_upn) = mappings.account();
        let name = exchanged.text(claim);
        let name = name.ok_or_else(|| NoSubject::NoAccount { claim: claim.into(), by_upn })?;
        let not_a_name =
            |error: String| NoSubject::NotAnAccount { claim: claim.into(), by_upn, error };
        let name = if by_upn {
            AccountName::Upn(Upn::new(name).map_err(|error| not_a_name(error.to_string()))?)
        } else {
            let name = LegacyName::new(name).map_err(|error| not_a_name(error.to_string()))?;
            AccountName::Sam(name)
        };
        let sid = match &mappings.sid {
            None => None,
            Some(claim) => {
                let sid = exchanged.text(claim).and_then(sid);
                Some(sid.ok_or_else(|| NoSubject::NoSid { claim: claim.clone() })?)
            }
        };
        if let Some(claim) = &mappings.directory_id
            && exchanged.text(claim).is_none_or(str::is_empty)
        {
            return Err(NoSubject::NotOfTheDirectory { claim: claim.clone() });
        }
        let delivered = match &mappings.kerberos_ticket {
            None => None,
            Some(claim) => {
                let ticket = exchanged.text(claim).map(DeliveredTicket::new);
                Some(ticket.ok_or_else(|| NoSubject::NoTicket { claim: claim.clone() })?)
            }
        };
        if let Some(may_assert) = &idp.may_assert {
            let declared = may_assert.may_mean(&name, sid.as_ref());
            declared
                .map_err(|list| NoSubject::not_declared(caller.issuer(), name.as_str(), list))?;
        }
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
            legacy_name: name,
            may_assert: idp.may_assert.clone(),
            sid,
            roles: match &idp.role_mappings {
                Some(mappings) => mappings.map(&roles)?,
                None => roles,
            },
            scopes: texts(&mappings.scopes)?,
            permissions: texts(&mappings.permissions)?,
            claims: policy_claims(exchanged, idp)?,
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

    /// The account's name, as the exchanged token gives it. What account that is, evidence tells.
    #[must_use]
    pub const fn legacy_name(&self) -> &AccountName {
        &self.legacy_name
    }

    /// May the issuer name this account, which a KDC has proven?
    ///
    /// # Errors
    /// [`NoSubject`], if its declaration leaves the account out.
    pub(crate) fn may_be(&self, account: &Proven<'_>) -> Result<(), NoSubject> {
        let covered = self.may_assert.as_ref().map_or(Ok(()), |it| it.covers(account));
        covered.map_err(|list| NoSubject::not_declared(&self.issuer, account.name, list))
    }

    /// The same where nothing will be proven: for an account of that name in that realm.
    ///
    /// # Errors
    /// [`NoSubject`], also if only evidence could tell.
    pub(crate) fn may_be_unproven(&self, realm: &[u8]) -> Result<(), NoSubject> {
        let name = &self.legacy_name;
        let covered = self.may_assert.as_ref().map_or(Ok(()), |it| it.covers_unproven(realm, name));
        covered.map_err(|list| NoSubject::not_declared(&self.issuer, name.as_str(), list))
    }

    /// The account's SID, if a claim for it is configured.
    #[must_use]
    pub const fn sid(&self) -> Option<&Sid> {
        self.sid.as_ref()
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

    /// What else the exchanged token says for policy.
    #[must_use]
    pub const fn claims(&self) -> &ClaimValues {
        &self.claims
    }
}

/// The claims that the operator lists for policy.
fn policy_claims(exchanged: &Claims, idp: &TrustedIdp) -> Result<ClaimValues, NoSubject> {
    let mut values = ClaimValues::new();
    for (name, claim) in &idp.claim_mappings.policy_claims {
        let value = claim.read(name, exchanged);
        let value = value.map_err(|(claim, kind)| NoSubject::NotDeclaredType { claim, kind })?;
        values.extend(value.map(|value| (name.clone(), value)));
    }
    Ok(values)
}

/// Keycloak's form for users that it does not import: `f:`, the federation's id, `:`, their name.
fn is_name(subject: &str) -> bool {
    subject.strip_prefix("f:").is_some_and(|rest| rest.contains(':'))
}

/// A SID as text (MS-DTYP 2.4.2.1), from its text or from its octets in base64.
fn sid(claim: &str) -> Option<Sid> {
    let octets = || Sid::from_bytes(&Base64::decode_vec(claim).ok()?);
    claim.parse().ok().or_else(octets)
}
