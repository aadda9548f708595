use serde::de::IgnoredAny;

use super::jwt::Unverified;
use super::{Caller, Claims, Subject, TrustedIdp, strict_json};
use crate::Failure;

/// Whom an exchanged token would be of. Questions can be asked about them; nothing is ever done as them.
#[derive(Debug)]
pub struct Claimed {
    subject: Subject,
    is_verified: bool,
}

impl Claimed {
    /// Whom these claims would make: a JSON object, or a token, of which nothing is verified. Without
    /// `iss`, the only identity provider is meant.
    ///
    /// # Errors
    /// Why they make nobody.
    pub fn read(text: &str, idps: &[TrustedIdp]) -> Result<Self, String> {
        let text = text.trim();
        let is_json = || serde_json::from_str::<IgnoredAny>(text).is_ok();
        // Read as a token's are.
        let claims = match strict_json::object(text.as_bytes()) {
            Some(claims) => Claims::claimed(claims),
            None if text.starts_with('{') && is_json() => {
                return Err("the claims have a name twice: such a token is refused".into());
            }
            None if text.starts_with('{') => return Err("the claims are no JSON".into()),
            None if is_json() => return Err("claims are a JSON object".into()),
            None => Unverified::parse(text).map_err(|flaw| flaw.text().to_owned())?.claims,
        };
        let idp = match (claims.text("iss"), idps) {
            (None, [only]) => only,
            (None, _) => {
                return Err("the claims have no `iss`, and there are several issuers".into());
            }
            (Some(issuer), idps) => idps
                .iter()
                .find(|idp| idp.issuer == issuer)
                .ok_or_else(|| format!("`iss` is {issuer:?}, which is not trusted"))?,
        };
        let subject = claims.subject(&idp.claim_mappings.user_id.0);
        let subject = subject.map_err(|flaw| flaw.text().to_owned())?;
        let caller = Caller::unverified(&idp.issuer, &subject, claims.client_id());
        let subject = Subject::new(&caller, &claims, idp)
            .map_err(Failure::from)
            .map_err(|failure| format!("{}. {}", failure.message, failure.remedy))?;
        Ok(Self { subject, is_verified: false })
    }

    /// Whom an exchange has proven.
    pub(crate) const fn proven(subject: Subject) -> Self {
        Self { subject, is_verified: true }
    }

    /// Whether an identity provider said so just now.
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        self.is_verified
    }

    pub(crate) const fn subject(&self) -> &Subject {
        &self.subject
    }
}
