//! What an exchanged token that names no account means.

use super::may_assert::NotDeclared;
use super::policy_claims::ClaimType;
use crate::{Blame, Code, Failure};

/// So many of a user's roles are named.
const NAMED_ROLES: usize = 5;

/// Why an exchanged token does not say which account its caller is.
#[derive(Debug)]
pub(crate) enum NoSubject {
    /// It is somebody else's.
    Another,
    /// Its subject is a name.
    Name,
    /// The claim for the account's name is missing.
    NoAccount { claim: String, by_upn: bool },
    /// Or holds something else.
    NotAnAccount { claim: String, by_upn: bool, error: String },
    /// The issuer's declaration leaves the account out.
    NotDeclared { issuer: String, account: String, list: NotDeclared },
    /// A claim for roles, scopes or permissions is of another type.
    WrongType { claim: String },
    /// A claim for policy is something else than is declared.
    NotDeclaredType { claim: String, kind: ClaimType },
    /// None of the user's roles is one that is known here.
    NoRole { given: Vec<String> },
    /// The claim for the account's SID is missing or holds something else.
    NoSid { claim: String },
    /// The claim that users of the directory have is missing or no text.
    NotOfTheDirectory { claim: String },
    /// The claim for the user's ticket is missing or no text.
    NoTicket { claim: String },
}

impl From<NoSubject> for Failure {
    fn from(why: NoSubject) -> Self {
        match why {
            NoSubject::Another => Self::new(
                Code::ExchangedTokenRefused,
                "the identity provider exchanged the token for one of another subject",
                "Nothing was done. Look at the identity provider's token exchange: `sub` must stay \
                 (in Keycloak, no client with a pairwise subject mapper on either side).",
            ),
            NoSubject::Name => Self::new(
                Code::ExchangedTokenRefused,
                "the token's subject is a name, which can be given to somebody else",
                "Switch \"Import users\" on for the user federation in Keycloak; subjects are then \
                 identifiers. security.dangerNamesAsSubjects takes them as they are.",
            ),
            NoSubject::NoAccount { claim, by_upn } => no_name(
                format!("the user has no account: the exchanged token has no claim {claim}"),
                &claim,
                by_upn,
            ),
            NoSubject::NotAnAccount { claim, by_upn, error } => no_name(
                format!("the exchanged token's claim {claim} is no account name: {error}"),
                &claim,
                by_upn,
            ),
            NoSubject::NotDeclared { issuer, account, list } => Self::new(
                Code::IssuerMayNotAssert,
                format!("the token's issuer may not name the account {account}"),
                format!(
                    "Nothing was done. mayAssert.{list} of {issuer} (auth.trustedIDPs) leaves the \
                     account out. Find out why its token names it; widen the declaration only if \
                     users of that issuer are meant to be this account."
                ),
            ),
            NoSubject::WrongType { claim } => Self::new(
                Code::ExchangedTokenRefused,
                format!(
                    "the exchanged token's claim {claim} is neither a list of texts nor a text"
                ),
                "Let the identity provider map a list of texts to it, or name another claim under \
                 claimMappings.",
            ),
            NoSubject::NotDeclaredType { claim, kind } => Self::new(
                Code::ExchangedTokenRefused,
                format!("the exchanged token's claim {claim} is not {}", kind.what()),
                "Let the identity provider give the claim so, or declare it under \
                 claimMappings.policyClaims as what it is.",
            ),
            NoSubject::NoRole { given } => {
                let given = match given.as_slice() {
                    [] => "no role at all".to_owned(),
                    given => {
                        let some = given.get(..NAMED_ROLES).unwrap_or(given).join(", ");
                        format!("no role that is known here, only such as {some}")
                    }
                };
                return Self::new(
                    Code::PolicyDenied,
                    format!("the user has {given}"),
                    "Whoever may use this server needs one of the roles under roleMappings; give \
                     the user one at the identity provider, or map the one that there is.",
                );
            }
            NoSubject::NotOfTheDirectory { claim } => Self::new(
                Code::ExchangedTokenRefused,
                format!("the user is not of the directory: the exchanged token has no claim {claim}"),
                "Only users whom the identity provider has from the directory are served \
                 (claimMappings.directoryId). If this is one, let it map what it knows of that to the claim \
                 (in Keycloak the attribute LDAP_ID).",
            ),
            NoSubject::NoTicket { claim } => Self::new(
                Code::ExchangedTokenRefused,
                format!("the exchanged token's claim {claim} is missing or no text"),
                "Let the identity provider deliver the user's Kerberos ticket in it (it has one only of \
                 users who logged in with Kerberos and handed theirs on), or take \
                 claimMappings.kerberosTicket out of the configuration.",
            ),
            NoSubject::NoSid { claim } => Self::new(
                Code::ExchangedTokenRefused,
                format!("the exchanged token's claim {claim} is missing or no SID"),
                "Let the identity provider map the account's objectSid to it (S-1-…, or its \
                 octets in base64), or take claimMappings.sid out of the configuration.",
            ),
        }
        .blamed_on(Blame::IdentityProvider)
    }
}

impl NoSubject {
    pub(super) fn not_declared(issuer: &str, account: &str, list: NotDeclared) -> Self {
        Self::NotDeclared { issuer: issuer.into(), account: account.into(), list }
    }
}

fn no_name(message: String, claim: &str, by_upn: bool) -> Failure {
    let name = if by_upn {
        "userPrincipalName (NAME@SUFFIX)"
    } else {
        "bare sAMAccountName (no domain, no UPN)"
    };
    Failure::new(
        Code::LegacyNameRefused,
        message,
        format!(
            "Let the identity provider map the {name} of \
             everybody who has a Windows account to the claim {claim} of exchanged tokens. Clients \
             that log in as themselves have none."
        ),
    )
}
