//! What it means that a token was not exchanged.

use std::time::Duration;

use hyper::StatusCode;
use serde_json::error::Category;
use zeroize::Zeroizing;

use super::actor::NoActor;
use super::refusals;
use super::settings::Settings;
use crate::identity::{Flaw, NoSubject};
use crate::{Blame, Code, Failure};

/// No exchange is configured for this issuer's callers.
pub(super) struct NoExchange(pub(super) String);

impl From<NoExchange> for Failure {
    fn from(NoExchange(issuer): NoExchange) -> Self {
        Self::new(
            Code::TokenExchangeFailed,
            format!("no token exchange is configured for the issuer {issuer}"),
            "For whoever runs this server: a token goes to its own issuer only. Give the entry of \
             auth.trustedIDPs its own tokenExchange.",
        )
        .blamed_on(Blame::Configuration)
    }
}

/// Why a caller's token did not become one that names an account.
pub(super) enum ExchangeError {
    /// It was not asked: it failed so often that it is left alone for so long.
    LeftAlone(Duration),
    /// This server cannot prove which client it is; why.
    NoProof(String),
    /// The identity provider cannot be asked; what the network says of it.
    Unreachable(String),
    /// It did not answer in time.
    Silent,
    /// It refuses, with a status and a body.
    Refused(StatusCode, Zeroizing<Vec<u8>>),
    /// It does not speak RFC 8693. No more is told of the answer than what kind of mistake it is: the
    /// reader's own words may have a token in them.
    NoAnswer(Category),
    /// It gave something else than an access token.
    NoBearer,
    /// It gave a token that, it says, has ended.
    Over,
    /// Somebody else acts for the user, or nobody does.
    Actor(NoActor),
    /// It gave a token that is no good.
    Flawed(Flaw),
    /// It gave a token that is for another client.
    AnotherClient,
    /// It gave a token that names no account.
    NoSubject(NoSubject),
}

impl ExchangeError {
    /// Does it mean that the identity provider does not work?
    pub(super) fn is_the_providers(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Silent => true,
            Self::Refused(status, body) => {
                refusals::find(*status, body).row.code == Code::IdentityProviderUnreachable
            }
            _ => false,
        }
    }

    /// May it mean that the client's secret is another one by now?
    pub(super) fn refuses_the_client(&self) -> bool {
        let which = [StatusCode::UNAUTHORIZED, StatusCode::BAD_REQUEST];
        matches!(self, Self::Refused(status, _) if which.contains(status))
    }

    /// May it mean that the identity provider does not work, or as well that the token has ended?
    pub(super) fn is_doubtful(&self) -> bool {
        matches!(self, Self::Refused(status, body) if refusals::find(*status, body).row.is_doubtful())
    }

    /// Would the identity provider say the same of the same request a moment later?
    pub(super) fn is_definite(&self) -> bool {
        match self {
            Self::Refused(status, body) => {
                let found = refusals::find(*status, body);
                found.row.is_definite() && found.claims.is_none()
            }
            Self::NoBearer | Self::AnotherClient | Self::Actor(_) | Self::NoSubject(_) => true,
            _ => false,
        }
    }

    pub(super) fn explain(self, settings: &Settings) -> Failure {
        let (endpoint, client) = (&settings.config.token_endpoint, &settings.config.client_id);
        match self {
            Self::LeftAlone(time) => {
                let seconds = time.as_secs_f32().ceil();
                let what = format!("{endpoint} failed several times in a row and is left alone");
                let failure = unreachable(&what, settings);
                let remedy = format!("Try again in {seconds} s; nobody needs to log in again. ");
                Failure { remedy: remedy + &settings.fill(OPERATORS), ..failure }
            }
            Self::NoProof(cause) => Failure::new(
                Code::TokenExchangeFailed,
                "this server cannot prove to the identity provider which client it is",
                settings.fill("For whoever runs this server: check {.clientKey}."),
            )
            .blamed_on(Blame::Configuration)
            .caused_by(cause),
            Self::Over => Failure::new(
                Code::ExchangedTokenRefused,
                "the identity provider gave a token in exchange that, it says, has ended already",
                "Look at the lifetimes of tokens and sessions there (in Keycloak: of the client \
                 that exchanges, and of offline sessions).",
            ),
            Self::Actor(why) => actor(why, settings),
            Self::Unreachable(cause) => {
                unreachable(&format!("{endpoint} cannot be asked"), settings).caused_by(cause)
            }
            Self::Silent => unreachable(&format!("{endpoint} did not answer in time"), settings),
            Self::Refused(status, body) => refused(settings, status, &body),
            Self::NoAnswer(cause) => Failure::new(
                Code::TokenExchangeFailed,
                format!("{endpoint} did not answer as RFC 8693 section 2.2.1 says"),
                settings.fill(
                    "Check {.tokenEndpoint}: compare it with `token_endpoint` in the identity \
                     provider's discovery document.",
                ),
            )
            .blamed_on(Blame::Configuration)
            .caused_by(match cause {
                Category::Io | Category::Eof => "the answer ends in the middle",
                Category::Syntax => "the answer is no JSON",
                Category::Data => "the answer is JSON of another shape",
            }),
            Self::NoBearer => Failure::new(
                Code::ExchangedTokenRefused,
                "the identity provider gave something else than a bearer access token in exchange",
                format!(
                    "Let the identity provider give access tokens to the client {client}: \
                     issued_token_type access_token or jwt, token_type Bearer."
                ),
            ),
            Self::Flawed(flaw) => flawed(flaw, settings),
            Self::AnotherClient => Failure::new(
                Code::ExchangedTokenRefused,
                "the token that the identity provider gave in exchange is for another client",
                "Nothing was done. Look at the identity provider's token exchange: `azp` must be \
                 this server's client.",
            ),
            Self::NoSubject(why) => why.into(),
        }
    }
}

fn unreachable(what: &str, settings: &Settings) -> Failure {
    Failure::new(
        Code::IdentityProviderUnreachable,
        format!("the token exchange failed: {what}"),
        settings.fill(&format!("Try again. {OPERATORS}")),
    )
}

const OPERATORS: &str = "If it stays so: check {.tokenEndpoint}, and that the identity provider \
                         runs and can be reached from here.";

/// What it means that somebody else acts.
fn actor(why: NoActor, settings: &Settings) -> Failure {
    let (code, message) = match why {
        NoActor::Malformed => (
            Code::ExchangedTokenRefused,
            "the exchanged token's `act` is malformed, or more than 5 actors deep",
        ),
        NoActor::Another => (
            Code::ExchangedTokenRefused,
            "the exchanged token's `act` names somebody else than this server",
        ),
        NoActor::Nobody => {
            (Code::ExchangedTokenRefused, "the exchanged token names nobody who acts for the user")
        }
        NoActor::NotAllowed => (
            Code::TokenExchangeFailed,
            "the caller's token says who may act for the user (`may_act`), and that is not this \
             server",
        ),
    };
    let remedy = match why {
        NoActor::Nobody => {
            "Let the identity provider write `act` with the client {client}, or take requireActor out \
             of the configuration. Keycloak's standard token exchange writes none."
        }
        _ => {
            "The actor must be the client {client}, or one of {.actors}; only the outermost one counts."
        }
    };
    let remedy = settings.fill(remedy);
    Failure::new(code, message, remedy).blamed_on(Blame::IdentityProvider)
}

/// What an identity provider's refusal means.
pub(super) fn refused(settings: &Settings, status: StatusCode, body: &[u8]) -> Failure {
    let refusals::Found { row, said, claims } = refusals::find(status, body);
    let remedy = settings.fill(row.remedy);
    let (what, remedy) = match (row.code, row.blame) {
        (Code::IdentityProviderUnreachable, _) => ("the identity provider is not well", remedy),
        (Code::InteractionRequired, _) => {
            ("the identity provider wants the user to do something first", remedy)
        }
        (Code::SubjectTokenRefused, _) => {
            ("the identity provider does not take the caller's token any more", remedy)
        }
        (_, blame) => {
            let whose = match blame {
                Blame::Configuration => "this server",
                _ => "the identity provider",
            };
            let what = "the identity provider did not exchange the token";
            (what, format!("For whoever runs {whose}: {remedy}"))
        }
    };
    let message = match said.as_str() {
        "" => format!("{what} ({status})"),
        said => format!("{what} ({status}): {said}"),
    };
    Failure::new(row.code, message, remedy).blamed_on(row.blame).wanting(claims)
}

/// What is wrong with a token that was got in exchange.
fn flawed(flaw: Flaw, settings: &Settings) -> Failure {
    let (blame, remedy) = match flaw {
        Flaw::Keys | Flaw::Introspection => return unreachable(flaw.text(), settings),
        Flaw::Audience(_) => (
            Blame::IdentityProvider,
            "Let the identity provider put the audience {audience} into tokens that it gives to the \
             client {client} in exchange (in Keycloak an audience mapper on a scope of the client)."
                .into(),
        ),
        Flaw::Issuer(_) => (
            Blame::Configuration,
            "{.tokenEndpoint} must belong to the issuer of the caller's token, and tokens that it \
             gives to the client {client} must name that issuer in `iss`."
                .into(),
        ),
        Flaw::Time(_) => (
            Blame::IdentityProvider,
            format!(
                "Compare the identity provider's clock with this machine's; {} is what they may \
                 differ by.",
                settings.of_issuer("security.clockTolerance")
            ),
        ),
        Flaw::Token(_) => (
            Blame::IdentityProvider,
            format!(
                "Let the identity provider give the client {{client}} signed access tokens in \
                 exchange, by an algorithm of {} and a key of its key set.",
                settings.of_issuer("algorithms")
            ),
        ),
        Flaw::Opaque => (
            Blame::Configuration,
            format!(
                "Let the identity provider give the client {{client}} signed access tokens (JWT) in \
                 exchange, or configure {}, by which it is asked what its opaque ones are.",
                settings.of_issuer("introspection")
            ),
        ),
    };
    let remedy = settings.fill(&remedy);
    let what = "the token that the identity provider gave in exchange is refused";
    Failure::new(Code::ExchangedTokenRefused, format!("{what}: {}", flaw.text()), remedy)
        .blamed_on(blame)
}
