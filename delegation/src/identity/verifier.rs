use std::sync::Arc;

use krb_client::Clock;

use super::BearerToken;
use super::config::{Audience, TrustedIdp};
use super::jwks::Jwks;
use super::jwt::{Claims, Flaw, Unsigned, Unverified};
use super::keys::{Keys, Unavailable};
use crate::ConfigError;
use crate::network::Fetch;

/// Why a token does not let anybody in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AuthenticationError {
    /// The token is no good: the caller's fault. One of a few fixed texts, good for a challenge
    /// and for counting.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// The issuer's keys cannot be had, so nothing can be said of the token.
    #[error("the token issuer's keys cannot be fetched")]
    KeysUnavailable,
}

impl AuthenticationError {
    /// One of a few fixed texts.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unauthorized(reason) => reason,
            Self::KeysUnavailable => Flaw::Keys.text(),
        }
    }
}

impl From<Flaw> for AuthenticationError {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Keys => Self::KeysUnavailable,
            flaw => Self::Unauthorized(flaw.text()),
        }
    }
}

/// Whoever a verified token was issued for.
#[derive(Clone, Debug)]
pub struct Caller {
    issuer: String,
    subject: String,
    client_id: Option<String>,
    token: BearerToken,
}

impl Caller {
    /// Somebody with a token that nobody verified.
    #[cfg(test)]
    pub(crate) fn unverified(issuer: &str, subject: &str, client_id: Option<&str>) -> Self {
        let (issuer, subject, client_id) =
            (issuer.into(), subject.into(), client_id.map(Into::into));
        Self { issuer, subject, client_id, token: BearerToken::new(String::new()) }
    }

    /// `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// `sub`.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The client that the token was issued to.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// The token, to be exchanged.
    pub(crate) const fn token(&self) -> &BearerToken {
        &self.token
    }
}

/// Verifies tokens of the trusted identity providers. Cheap to clone.
#[derive(Clone)]
pub struct Verifier {
    issuers: Arc<[Issuer]>,
    clock: Arc<dyn Clock>,
}

struct Issuer {
    config: TrustedIdp,
    keys: Keys,
}

impl Verifier {
    /// A verifier for these identity providers; it fetches their keys when the first token comes.
    ///
    /// # Errors
    /// If one is configured wrongly.
    pub fn new(
        idps: Vec<TrustedIdp>,
        idp: &Arc<dyn Fetch>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        for (index, idp) in idps.iter().enumerate() {
            idp.check(index)?;
            if idps[..index].iter().any(|other| other.issuer == idp.issuer) {
                let setting = format!("auth.trustedIDPs[{index}].issuer");
                return Err(ConfigError::new(setting, "is listed twice"));
            }
        }
        let issuer = |config: TrustedIdp| {
            let keys = Keys::new(&config.label(), Jwks::new(&config, idp.clone()));
            Issuer { config, keys }
        };
        Ok(Self { issuers: idps.into_iter().map(issuer).collect(), clock })
    }

    /// Verifies a caller's token.
    ///
    /// # Errors
    /// [`AuthenticationError`].
    pub async fn verify(&self, token: BearerToken) -> Result<Caller, AuthenticationError> {
        let unverified = Unverified::parse(token.as_str())?;
        let issuer = self.issuer(&unverified.claims)?;
        let claims = issuer.verify(unverified, &issuer.config.audience, &*self.clock).await?;
        Ok(Caller {
            issuer: issuer.config.issuer.clone(),
            subject: claims.text("sub").unwrap_or_default().to_owned(),
            client_id: claims.client_id().map(str::to_owned),
            token,
        })
    }

    /// Verifies a token that was got in exchange for a caller's: like any other, of the same
    /// issuer, for `audience`.
    pub(crate) async fn verify_exchanged(
        &self,
        token: &BearerToken,
        caller: &Caller,
        audience: &str,
    ) -> Result<(Claims, &TrustedIdp), Flaw> {
        let unverified = Unverified::parse(token.as_str())?;
        let issuer = self.issuer(&unverified.claims)?;
        if issuer.config.issuer != caller.issuer {
            return Err(Flaw::Issuer("the token is of another issuer"));
        }
        let audience = Audience::One(audience.to_owned());
        let claims = issuer.verify(unverified, &audience, &*self.clock).await?;
        Ok((claims, &issuer.config))
    }

    /// The issuer is chosen by the exact `iss`, before any key is looked at.
    fn issuer(&self, claims: &Claims) -> Result<&Issuer, Flaw> {
        let named = claims.text("iss");
        let issuer = self.issuers.iter().find(|issuer| named == Some(&issuer.config.issuer));
        issuer.ok_or(Flaw::Issuer("the token is of an issuer that is not trusted"))
    }
}

impl Issuer {
    async fn verify(
        &self,
        token: Unverified<'_>,
        audience: &Audience,
        clock: &dyn Clock,
    ) -> Result<Claims, Flaw> {
        if !self.config.algorithms.contains(&token.algorithm) {
            return Err(Flaw::Token("the token's signature algorithm is not accepted"));
        }
        self.check_signature(&token).await?;
        // The time now: fetching keys may have taken a while.
        let now = clock.now().seconds.unix();
        token.claims.check(&self.config, audience, now)?;
        Ok(token.claims)
    }

    async fn check_signature(&self, token: &Unverified<'_>) -> Result<(), Flaw> {
        let keys = self.keys.current().await.map_err(|Unavailable| Flaw::Keys)?;
        let Err(unsigned) = token.verify(&keys) else { return Ok(()) };
        // The issuer may have new keys, perhaps under old names or under none.
        match self.keys.newer(&keys).await {
            Ok(Some(newer)) => token.verify(&newer).map_err(Unsigned::flaw),
            Err(Unavailable) if unsigned == Unsigned::UnknownKey => Err(Flaw::Keys),
            Ok(None) | Err(Unavailable) => Err(unsigned.flaw()),
        }
    }
}
