use base64ct::{Base64, Encoding};
use krb_proto::pac::Sid;

use super::{Caller, Claims, LegacyName, TrustedIdp};
use crate::{Code, Failure};

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
}

impl Subject {
    /// What a verified exchanged token says of its caller.
    pub(crate) fn new(
        caller: &Caller,
        exchanged: &Claims,
        idp: &TrustedIdp,
    ) -> Result<Self, Failure> {
        let mappings = &idp.claim_mappings;
        if exchanged.text("sub") != Some(caller.subject()) {
            return Err(Failure::new(
                Code::ExchangedTokenRefused,
                "the identity provider exchanged the token for one of another subject",
                "Nothing was done. Look at the identity provider's token exchange: `sub` must stay \
                 (in Keycloak, no client with a pairwise subject mapper on either side).",
            ));
        }
        if is_name(caller.subject()) && !idp.security.danger_names_as_subjects {
            return Err(Failure::new(
                Code::ExchangedTokenRefused,
                "the token's subject is a name, which can be given to somebody else",
                "Switch \"Import users\" on for the user federation in Keycloak; subjects are then \
                 identifiers. security.dangerNamesAsSubjects takes them as they are.",
            ));
        }
        let claim = &mappings.legacy_username;
        let refused = |message: String| {
            Failure::new(
                Code::LegacyNameRefused,
                message,
                format!(
                    "Let the identity provider map the bare sAMAccountName (no domain, no UPN) \
                     of everybody who has a Windows account to the claim {claim} of exchanged \
                     tokens. Clients that log in as themselves have none."
                ),
            )
        };
        let name = exchanged.text(claim).ok_or_else(|| {
            refused(format!("the user has no account: the exchanged token has no claim {claim}"))
        })?;
        let legacy_name = LegacyName::new(name).map_err(|error| {
            refused(format!("the exchanged token's claim {claim} is no account name: {error}"))
        })?;
        let sid = match &mappings.sid {
            None => None,
            Some(claim) => Some(exchanged.text(claim).and_then(sid).ok_or_else(|| {
                Failure::new(
                    Code::ExchangedTokenRefused,
                    format!("the exchanged token's claim {claim} is missing or no SID"),
                    "Let the identity provider map the account's objectSid to it (S-1-…, or its \
                     octets in base64), or take claimMappings.sid out of the configuration.",
                )
            })?),
        };
        Ok(Self {
            issuer: caller.issuer().into(),
            subject: caller.subject().into(),
            client_id: caller.client_id().map(Into::into),
            legacy_name,
            sid,
            roles: exchanged.texts(&mappings.roles),
            scopes: exchanged.texts(&mappings.scopes),
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
