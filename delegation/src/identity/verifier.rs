use std::sync::Arc;
use std::time::Duration;

use krb_client::{Clock, Moment};
use serde_json::Value;

use super::config::TrustedIdp;
use super::confirmation::Confirmation;
use super::introspection::{BELIEVED, Introspector};
use super::jwks::Jwks;
use super::jwt::{Claims, Flaw, MAX_LENGTH, NO_ACCESS_TOKEN, TOO_LONG, Unsigned, Unverified};
use super::kept::Fingerprint;
use super::key_set::KeySet;
use super::keys::{Keys, Unavailable};
use super::nonces::Nonces;
use super::replays::{CannotRemember, Replays, ReplaysInMemory};
use super::verified::{Signed, Verified, VerifiedTokens};
use super::{AuthenticationError, BearerToken, Caller, Presented};
use crate::ConfigError;
use crate::network::Fetch;

/// Verifies tokens of the trusted identity providers. Cheap to clone.
#[derive(Clone)]
pub struct Verifier {
    issuers: Arc<[Issuer]>,
    verified: Arc<VerifiedTokens>,
    replays: Arc<dyn Replays>,
    /// What every proof of possession has to have one of, if that is asked for.
    nonces: Option<Arc<Nonces>>,
    clock: Arc<dyn Clock>,
}

struct Issuer {
    config: TrustedIdp,
    name: Arc<str>,
    keys: Keys,
    /// Of the one whose opaque tokens are taken.
    introspector: Option<Introspector>,
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
            // Each would speak for all accounts, the other's users included.
            if idps.len() > 1 && idp.may_assert.is_none() {
                return Err(ConfigError::new(
                    format!("auth.trustedIDPs[{index}].mayAssert"),
                    "must say which accounts this issuer may name, since there are several \
                     issuers: {\"realms\": [\"REALM\"]} is a whole realm",
                ));
            }
        }
        let mut issuers = Vec::with_capacity(idps.len());
        for (index, config) in idps.into_iter().enumerate() {
            let error = |setting: &str, problem: String| {
                let setting = format!("auth.trustedIDPs[{index}].introspection{setting}");
                ConfigError::new(setting, problem)
            };
            let introspector = match &config.introspection {
                None => None,
                Some(_) if issuers.iter().any(Issuer::takes_opaque_tokens) => {
                    let problem = "is configured for another identity provider already, and an \
                                   opaque token does not say whose it is";
                    return Err(error("", problem.into()));
                }
                Some(introspection) => {
                    let introspector =
                        introspection.introspector(&config.issuer, config.label(), idp, &clock);
                    Some(introspector.map_err(|(name, why)| error(&format!(".{name}"), why))?)
                }
            };
            let jwks = Jwks::new(&config, idp.clone());
            let keys = Keys::new(&config.label(), jwks, clock.clone());
            let name = config.issuer.as_str().into();
            issuers.push(Issuer { config, name, keys, introspector });
        }
        let issuers = issuers.into();
        let verified = Arc::new(VerifiedTokens::new());
        let replays = Arc::new(ReplaysInMemory::default());
        Ok(Self { issuers, verified, replays, nonces: None, clock })
    }

    /// One that remembers proofs of possession elsewhere than in this process alone.
    #[must_use]
    pub fn with_replays(self, replays: Arc<dyn Replays>) -> Self {
        Self { replays, ..self }
    }

    /// One that asks for a nonce in each proof of possession.
    #[must_use]
    pub fn with_nonces(self, nonces: Nonces) -> Self {
        Self { nonces: Some(Arc::new(nonces)), ..self }
    }

    /// A nonce for the next proof of possession, if they are asked for.
    #[must_use]
    pub fn nonce(&self) -> Option<String> {
        self.nonces.as_ref().and_then(|nonces| nonces.give(self.now()))
    }

    /// Verifies what a request came with. A token that came before is not verified again, and passes
    /// only if it would pass anew.
    ///
    /// # Errors
    /// [`AuthenticationError`].
    pub async fn admit(
        &self,
        presented: &Presented<'_>,
    ) -> Result<Arc<Caller>, AuthenticationError> {
        let token = presented.token;
        if token.len() > MAX_LENGTH {
            return Err(TOO_LONG.into());
        }
        let fingerprint = Fingerprint::of(token);
        let known = self.verified.get(&fingerprint, Moment::now(&*self.clock));
        let verified = match known {
            Some(known) if self.still_holds(&known).await? => known,
            _ => match self.issuer_of_opaque(token) {
                Some(opaque) => self.introspect(opaque, token, fingerprint).await?,
                None => self.verify_anew(token, fingerprint).await?,
            },
        };
        self.check_binding(&verified, presented).await?;
        Ok(Arc::clone(&verified.caller))
    }

    /// What a token is bound to is asked for whenever it comes.
    async fn check_binding(
        &self,
        verified: &Verified,
        presented: &Presented<'_>,
    ) -> Result<(), AuthenticationError> {
        let now = self.now();
        let tolerance = verified.tolerance;
        let nonces = self.nonces.as_deref();
        let Some(proof) = verified.confirmation.check(presented, nonces, tolerance, now)? else {
            return Ok(());
        };
        match self.replays.is_new(&proof.thumbprint, proof.id, proof.until, now).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(AuthenticationError::Proof("the proof was used before (jti)")),
            Err(CannotRemember) => {
                Err(AuthenticationError::Unavailable("proofs of possession cannot be remembered"))
            }
        }
    }

    /// What may have changed since a token was verified. `false`: its issuer lists the key no more,
    /// as far as is known here.
    async fn still_holds(&self, known: &Verified) -> Result<bool, Flaw> {
        let Some(issuer) = self.issuers.get(known.issuer) else { return Ok(false) };
        if let Some(signed) = &known.signed {
            let keys = issuer.keys.current().await.map_err(|Unavailable| Flaw::Keys)?;
            if !signed.is_listed_in(&keys) {
                return Ok(false);
            }
        }
        known.times.check(&issuer.config.security, self.now())?;
        Ok(true)
    }

    async fn verify_anew(
        &self,
        token: &str,
        fingerprint: Fingerprint,
    ) -> Result<Arc<Verified>, Flaw> {
        let unverified = Unverified::parse(token)?;
        let (place, issuer) = self.issuer(&unverified.claims)?;
        let (claims, signed) = issuer.authenticate(unverified).await?;
        // The time now: fetching keys may have taken a while.
        claims.check(&issuer.config, issuer.config.audience.as_slice(), self.now())?;
        self.keep(place, &claims, Some(signed), (token, fingerprint), Duration::MAX)
    }

    /// Who says what a token is that says nothing itself.
    fn issuer_of_opaque(&self, token: &str) -> Option<(usize, &Issuer, &Introspector)> {
        let mut issuers = self.issuers.iter().enumerate();
        let (place, issuer, introspector) = issuers
            .find_map(|(place, issuer)| Some((place, issuer, issuer.introspector.as_ref()?)))?;
        (!Unverified::is_meant_by(token)).then_some((place, issuer, introspector))
    }

    async fn introspect(
        &self,
        (place, issuer, introspector): (usize, &Issuer, &Introspector),
        token: &str,
        fingerprint: Fingerprint,
    ) -> Result<Arc<Verified>, Flaw> {
        let asked = Moment::now(&*self.clock);
        let claims = issuer.ask(introspector, token, fingerprint).await?;
        claims.check(&issuer.config, issuer.config.audience.as_slice(), self.now())?;
        // The answer is as old as the question.
        let age = Moment::now(&*self.clock).since(asked).unwrap_or(BELIEVED);
        let believed = BELIEVED.saturating_sub(age);
        self.keep(place, &claims, None, (token, fingerprint), believed)
    }

    /// Keeps what was verified, for so long at most.
    fn keep(
        &self,
        place: usize,
        claims: &Claims,
        signed: Option<Signed>,
        (token, fingerprint): (&str, Fingerprint),
        most: Duration,
    ) -> Result<Arc<Verified>, Flaw> {
        let issuer = self.issuers.get(place).ok_or(Flaw::Keys)?;
        let (times, confirmation) = (claims.times()?, Confirmation::of(claims)?);
        let caller = Arc::new(Caller {
            issuer: Arc::clone(&issuer.name),
            subject: claims.subject(&issuer.config.claim_mappings.user_id.0)?,
            client_id: claims.client_id().map(str::to_owned),
            issued_at: times.issued_at(&issuer.config.security),
            expires_at: times.expires_at(),
            may_act: claims.get("may_act").cloned(),
            token: BearerToken::new(token.to_owned()),
            ticket: None,
        });
        let tolerance = issuer.config.security.clock_tolerance;
        let verified =
            Arc::new(Verified { caller, issuer: place, times, tolerance, signed, confirmation });
        let now = Moment::now(&*self.clock);
        let left = times.end(&issuer.config.security).saturating_sub(now.wall());
        let left = u64::try_from(left).map_or(Duration::ZERO, Duration::from_secs);
        self.verified.put(fingerprint, Arc::clone(&verified), left.min(most), now);
        Ok(verified)
    }

    /// Seconds since 1970.
    fn now(&self) -> i64 {
        self.clock.now().seconds.unix()
    }

    /// Fetches the keys of those issuers whose there are none, so that the first token need not wait.
    pub(crate) async fn find_out(&self) {
        for issuer in self.issuers.iter().filter(|issuer| !issuer.keys.are_had()) {
            let _ = issuer.keys.current().await;
        }
    }

    /// Of each issuer whether tokens of its can be verified at present: its keys are had, or it is
    /// asked what they are.
    pub(crate) fn standing(&self) -> impl Iterator<Item = (String, bool)> {
        self.issuers.iter().map(|issuer| {
            (issuer.config.label(), issuer.introspector.is_some() || issuer.keys.are_had())
        })
    }

    /// Of the secret that opaque tokens are asked about with: the setting, and what is wrong with what
    /// stands there now, if that is not used.
    pub(crate) async fn trouble(&self) -> Option<(String, Option<String>)> {
        match self.issuers.iter().find_map(|issuer| issuer.introspector.as_ref()) {
            Some(introspector) => Some(introspector.trouble().await),
            None => None,
        }
    }

    /// The identity providers, in the order of the configuration.
    pub(crate) fn idps(&self) -> impl Iterator<Item = &TrustedIdp> {
        self.issuers.iter().map(|issuer| &issuer.config)
    }

    /// What the times in tokens are compared with.
    pub(crate) const fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Verifies a token that was got in exchange for a caller's: like any other, of the same
    /// issuer, for all of these audiences. What says nothing itself is asked of its issuer.
    pub(crate) async fn verify_exchanged(
        &self,
        token: &BearerToken,
        caller: &Caller,
        audiences: &[String],
    ) -> Result<(Claims, &TrustedIdp), Flaw> {
        let text = token.as_str();
        let claims = if Unverified::is_meant_by(text) {
            let unverified = Unverified::parse(text)?;
            let issuer = self.issuer_of(&unverified.claims, caller)?;
            issuer.authenticate(unverified).await?.0
        } else {
            let mut issuers = self.issuers.iter();
            let issuer = issuers.find(|issuer| issuer.name == caller.issuer);
            let introspector = issuer.and_then(|it| Some((it, it.introspector.as_ref()?)));
            let (issuer, introspector) = introspector.ok_or(Flaw::Opaque)?;
            issuer.ask(introspector, text, Fingerprint::of(text)).await?
        };
        let idp = self.judge_exchanged(&claims, caller, audiences)?;
        Ok((claims, idp))
    }

    /// Judges what a token says that came in exchange, just now or a while ago, by the time that it is
    /// now.
    pub(crate) fn judge_exchanged(
        &self,
        claims: &Claims,
        caller: &Caller,
        audiences: &[String],
    ) -> Result<&TrustedIdp, Flaw> {
        let issuer = self.issuer_of(claims, caller)?;
        claims.check(&issuer.config, audiences, self.now())?;
        // Each, and not one of them only.
        if !audiences.iter().all(|audience| claims.is_for(|one| one == audience)) {
            return Err(Flaw::Audience("the token is for another audience"));
        }
        // To a key that is not ours.
        if claims.has("cnf") {
            return Err(Flaw::Token("the token is bound to a key and no bearer token"));
        }
        Ok(&issuer.config)
    }

    /// The issuer of what came in exchange, which is the caller's own.
    fn issuer_of(&self, claims: &Claims, caller: &Caller) -> Result<&Issuer, Flaw> {
        let (_, issuer) = self.issuer(claims)?;
        match issuer.name == caller.issuer {
            true => Ok(issuer),
            false => Err(Flaw::Issuer("the token is of another issuer")),
        }
    }

    /// The issuer is chosen by the exact `iss`, before any key is looked at.
    fn issuer(&self, claims: &Claims) -> Result<(usize, &Issuer), Flaw> {
        let named = claims.text("iss");
        let mut issuers = self.issuers.iter().enumerate();
        let issuer = issuers.find(|(_, issuer)| named == Some(&issuer.config.issuer));
        issuer.ok_or(Flaw::Issuer("the token is of an issuer that is not trusted"))
    }
}

impl Issuer {
    const fn takes_opaque_tokens(&self) -> bool {
        self.introspector.is_some()
    }

    /// Who made the token; nothing else is checked of it yet.
    async fn authenticate(&self, token: Unverified<'_>) -> Result<(Claims, Signed), Flaw> {
        if !self.config.algorithms.contains(&token.algorithm) {
            return Err(Flaw::Token("the token's signature algorithm is not accepted"));
        }
        if self.config.security.require_at_jwt && !token.is_at_jwt {
            return Err(NO_ACCESS_TOKEN);
        }
        let signed = self.check_signature(&token).await?;
        Ok((token.claims, signed))
    }

    /// What the issuer says of an opaque token, `iss` included, which it may leave out (RFC 7662
    /// section 2.2): who answered is known. Nothing else is checked of it yet.
    async fn ask(
        &self,
        introspector: &Introspector,
        token: &str,
        fingerprint: Fingerprint,
    ) -> Result<Claims, Flaw> {
        let claims = introspector.ask(token, fingerprint).await?;
        let is_of_type = |kind: &Value| {
            kind.as_str().is_some_and(|kind| {
                ["bearer", "dpop"].iter().any(|one| kind.eq_ignore_ascii_case(one))
            })
        };
        if !claims.get("token_type").is_none_or(is_of_type) {
            return Err(Flaw::Token("the token is not an access token"));
        }
        match claims.get("iss") {
            None => Ok(claims.with_issuer(&self.config.issuer)),
            Some(iss) if iss.as_str() == Some(&self.config.issuer) => Ok((*claims).clone()),
            Some(_) => Err(Flaw::Issuer("the token is of another issuer")),
        }
    }

    async fn check_signature(&self, token: &Unverified<'_>) -> Result<Signed, Flaw> {
        let made_by = |keys: &KeySet| token.verify(keys).map(|key| Signed::new(token, key));
        let keys = self.keys.current().await.map_err(|Unavailable| Flaw::Keys)?;
        let unsigned = match made_by(&keys) {
            Ok(signed) => return Ok(signed),
            Err(unsigned) => unsigned,
        };
        // The issuer may have new keys, perhaps under old names or under none.
        match self.keys.newer(&keys).await {
            Ok(Some(newer)) => made_by(&newer).map_err(Unsigned::flaw),
            Err(Unavailable) if unsigned == Unsigned::UnknownKey => Err(Flaw::Keys),
            Ok(None) | Err(Unavailable) => Err(unsigned.flaw()),
        }
    }
}
