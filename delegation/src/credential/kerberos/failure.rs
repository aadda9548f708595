//! What a KDC's refusal means, by the stage it came in, and which directory attribute to change; and
//! what it means that evidence is not taken for the user's.
//!
//! A KDC says little: one code stands for several causes. These texts say what the wire proves
//! and no more.

use krb_client::remedy::{Names, Refused, Remedy, Step, of_refusal};
use krb_client::{Account, ClientError};
use krb_proto::Principal;
use krb_proto::exchange::{EvidenceError, ExchangeError, Mismatch};
use krb_proto::iana::ErrorCode;

use crate::targets::Target;
use crate::{Blame, Code, Failure};

/// The service account that asked, and where in the configuration it stands.
pub(super) struct Ours<'a> {
    pub(super) name: String,
    pub(super) setting: &'a str,
    /// The SPN that the configuration says it has.
    pub(super) spn: &'a str,
}

/// A target names a service account that is not there.
pub(super) struct NoSuchAccount<'a>(pub(super) &'a str);

impl From<NoSuchAccount<'_>> for Failure {
    fn from(NoSuchAccount(name): NoSuchAccount<'_>) -> Self {
        let message = format!("there is no service account {name}");
        Self::new(Code::Internal, message, "Report this with the server's log of this call.")
    }
}

/// The account may not be delegated: no ticket that a KDC would refuse is asked for, so it is said here.
pub(super) struct NotImpersonated<'a> {
    pub(super) account: &'a str,
    pub(super) target: &'a Target,
}

impl From<NotImpersonated<'_>> for Failure {
    fn from(NotImpersonated { account, target }: NotImpersonated<'_>) -> Self {
        Self::new(
            Code::UserNotDelegatable,
            format!(
                "the account {account} may not be delegated, nor impersonated at {}",
                target.name()
            ),
            "The account is marked \"sensitive and cannot be delegated\" (userAccountControl \
             NOT_DELEGATED) or is one of the Protected Users. Whoever set that up did not want it \
             used from here.",
        )
    }
}

impl Ours<'_> {
    /// What the table that all who ask KDCs share has for a refusal (`krb_client::remedy`).
    fn remedy(&self, refused: &Refused, user: &str, target: &str) -> Option<Remedy> {
        of_refusal(refused, &Names { account: &self.name, user, target })
    }
}

/// The same as code, message and remedy of a failure.
fn as_the_table_has_it(code: Code, remedy: Option<Remedy>) -> Option<(Code, String, String)> {
    let remedy = remedy?;
    Some((code, remedy.cause.clone(), remedy.advice()))
}

/// The service account could not log in (AS exchange).
fn login(ours: &Ours<'_>, error: &ClientError) -> Failure {
    let Ours { name: account, setting, .. } = ours;
    let Some(refusal) = error.refusal() else { return other(ours, error) };
    let configured = [
        ErrorCode::C_PRINCIPAL_UNKNOWN,
        ErrorCode::PREAUTH_FAILED,
        ErrorCode::BAD_INTEGRITY,
        ErrorCode::SKEW,
    ];
    let blame =
        if configured.contains(&refusal.code) { Blame::Configuration } else { Blame::Directory };
    let remedy = match refusal.code {
        ErrorCode::C_PRINCIPAL_UNKNOWN => &format!(
            "Check {setting}.serviceAccount.username (it is the sAMAccountName, not an SPN) and \
             {setting}.realm."
        ),
        ErrorCode::PREAUTH_FAILED | ErrorCode::BAD_INTEGRITY => {
            "The keytab or password is not the account's present one: export the keytab again. \
             Repeated attempts may lock the account."
        }
        ErrorCode::SKEW => "Correct this machine's clock: it is more than 30 minutes off.",
        _ => match ours.remedy(&Refused::of(Step::Login, refusal), "", "") {
            Some(remedy) => &remedy.advice(),
            None => "Look at the KDC's log for this account.",
        },
    };
    Failure::new(
        Code::ServiceNotTrusted,
        format!("the service account {account} cannot log in: {refusal}"),
        remedy,
    )
    .blamed_on(blame)
}

/// S4U2Self for a user was refused.
pub(super) fn evidence(user: &str, ours: &Ours<'_>, error: &ClientError) -> Failure {
    if let ClientError::Login(error) = error {
        return login(ours, error);
    }
    let Some(refusal) = error.refusal() else { return other(ours, error) };
    let Ours { name: service, spn, .. } = ours;
    let refused = Refused::of(Step::S4uSelf, refusal);
    let has = |code| as_the_table_has_it(code, ours.remedy(&refused, user, spn));
    let known = match refusal.code {
        ErrorCode::C_PRINCIPAL_UNKNOWN => has(Code::UserUnknown).map(|(code, what, remedy)| {
            let mapped = "Look at what the identity provider maps to legacy_name, too.";
            (code, what, format!("{remedy} {mapped}"))
        }),
        ErrorCode::POLICY
        | ErrorCode::NAME_EXP
        | ErrorCode::CLIENT_REVOKED
        | ErrorCode::KEY_EXPIRED => has(Code::UserNotUsable),
        ErrorCode::S_PRINCIPAL_UNKNOWN if refused.no_way => has(Code::UserUnknown),
        // Which SPN is meant, the configuration says.
        ErrorCode::S_PRINCIPAL_UNKNOWN => Some((
            Code::ServiceNotTrusted,
            format!("the service account {service} cannot do S4U2Self: it has no SPN"),
            format!(
                "Register {spn} as servicePrincipalName of {service}: setspn -S {spn} {service}, or \
                 samba-tool spn add {spn} {service}."
            ),
        )),
        ErrorCode::BADOPTION | ErrorCode::SERVICE_REVOKED => has(Code::ServiceNotTrusted),
        _ if error.refuses_a_ticket() => Some(refuses_new_tickets("S4U2Self")),
        _ => None,
    };
    let Some((code, what, remedy)) = known else { return unexpected("S4U2Self", refusal) };
    Failure::new(code, format!("{what} ({refusal})"), remedy)
}

/// Who got the evidence.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// We did, from a KDC, by S4U2Self.
    Kdc,
    /// The user came with it.
    User,
    /// The identity provider delivered it.
    Provider,
}

/// What evidence says.
pub(super) struct Evidenced<'a> {
    pub(super) account: &'a Account,
    pub(super) forwardable: bool,
    pub(super) source: Source,
}

/// The user's own ticket is to another service account than the target's.
pub(super) struct NotForUs<'a> {
    pub(super) target: &'a Target,
    pub(super) by: &'a Principal,
}

impl From<NotForUs<'_>> for Failure {
    fn from(NotForUs { target, by }: NotForUs<'_>) -> Self {
        let target = target.name();
        Self::new(
            Code::EvidenceRefused,
            format!("{target} is served by {by}, to whom the caller's own ticket is not"),
            "Callers who come with a Kerberos ticket reach targets of the service account that \
             auth.negotiate names, and no others. Reach this one with an access token.",
        )
        .blamed_on(Blame::Configuration)
    }
}

/// The exchanged token does not deliver a ticket that can be used: what is wrong with it.
pub(super) struct NotDelivered(pub(super) String);

impl From<NotDelivered> for Failure {
    fn from(NotDelivered(what): NotDelivered) -> Self {
        Self::new(
            Code::ExchangedTokenRefused,
            format!("the ticket in the exchanged token cannot be used: {what}"),
            "Look at what the identity provider puts into the claim claimMappings.kerberosTicket, and \
             at kerberos.deliveredTickets. No other evidence was asked for.",
        )
        .blamed_on(Blame::IdentityProvider)
    }
}

/// The KDC gave no ticket for the delivered ticket-granting ticket.
pub(super) fn delivered(ours: &Ours<'_>, error: &ClientError) -> Failure {
    let Some(refusal) = error.refusal() else { return other(ours, error) };
    let Ours { name: service, spn, .. } = ours;
    match refusal.code {
        ErrorCode::S_PRINCIPAL_UNKNOWN => Failure::new(
            Code::ServiceNotTrusted,
            format!("the KDC knows no account with the SPN {spn} ({refusal})"),
            format!("Register {spn} as servicePrincipalName of {service}."),
        ),
        _ => Failure::new(
            Code::EvidenceRefused,
            format!("the KDC does not take the ticket in the exchanged token ({refusal})"),
            "It may be expired, bound to addresses, or of a user who is disabled meanwhile: the user \
             has to log in to the identity provider again.",
        )
        .blamed_on(Blame::IdentityProvider),
    }
}

/// Policy wants to know the groups of a user of whom no KDC was asked.
pub(super) struct NoGroups<'a>(pub(super) &'a Target);

impl From<NoGroups<'_>> for Failure {
    fn from(NoGroups(target): NoGroups<'_>) -> Self {
        let target = target.name();
        Self::new(
            Code::PolicyDenied,
            format!(
                "policy asks for the user's groups at {target}, where no KDC is asked for them"
            ),
            "At a target whose service account comes itself, policies go by what the token says: \
             roles and scopes.",
        )
        .blamed_on(Blame::Configuration)
    }
}

/// S4U2Proxy was refused.
pub(super) fn proxy(
    evidence: Evidenced<'_>,
    ours: &Ours<'_>,
    spn: &str,
    error: &ClientError,
) -> Failure {
    if let ClientError::Login(error) = error {
        return login(ours, error);
    }
    let Some(refusal) = error.refusal() else { return other(ours, error) };
    let Evidenced { account, forwardable, source } = evidence;
    let (user, service) = (&account.name, &ours.name);
    let refused = Refused::of(Step::S4uProxy, refusal).with_evidence(forwardable);
    let has = |code| as_the_table_has_it(code, ours.remedy(&refused, user, spn));
    let known = match refusal.code {
        // The same code for three causes; the evidence tells them apart.
        ErrorCode::BADOPTION if account.may_not_be_delegated() => Some((
            Code::UserNotDelegatable,
            format!("{user} may not be delegated"),
            format!(
                "{user} is marked \"sensitive and cannot be delegated\" (userAccountControl \
                 NOT_DELEGATED) or is one of the Protected Users. That is the directory's \
                 decision; change it there if it is not meant."
            ),
        )),
        ErrorCode::BADOPTION if !forwardable && source == Source::User => Some((
            Code::EvidenceRefused,
            format!("the ticket that {user} came with is not forwardable"),
            format!(
                "Get a forwardable ticket (kinit -f; `forwardable = true` in krb5.conf), or ask for \
                 resource-based delegation on {spn}."
            ),
        )),
        ErrorCode::BADOPTION if !forwardable && source == Source::Provider => Some((
            Code::EvidenceRefused,
            format!("the ticket of {user} in the exchanged token is not forwardable"),
            format!("Let {user} log in to the identity provider with a forwardable ticket."),
        )),
        ErrorCode::BADOPTION if !forwardable => Some((
            Code::ServiceNotTrusted,
            format!(
                "the service account {service} may not impersonate users by protocol transition"
            ),
            // The PAC shows that the user may be delegated.
            ours.remedy(&refused, user, spn).map(|it| it.advice()).unwrap_or_default(),
        )),
        ErrorCode::BADOPTION => has(Code::TargetNotAllowed),
        ErrorCode::S_PRINCIPAL_UNKNOWN => Some(unknown_target(spn)),
        ErrorCode::POLICY
        | ErrorCode::NAME_EXP
        | ErrorCode::CLIENT_REVOKED
        | ErrorCode::KEY_EXPIRED => has(Code::UserNotUsable),
        ErrorCode::C_PRINCIPAL_UNKNOWN => has(Code::UserUnknown),
        ErrorCode::TGT_REVOKED => has(Code::EvidenceRefused),
        _ if error.refuses_a_ticket() && source != Source::Kdc => Some((
            Code::EvidenceRefused,
            match source {
                Source::Provider => format!("the ticket of {user} in the exchanged token"),
                _ => format!("the ticket that {user} came with"),
            } + " is no longer taken by the KDC",
            format!("{user} needs a new ticket: it has ended, or keys were replaced since."),
        )),
        _ if error.refuses_a_ticket() => Some(refuses_new_tickets("S4U2Proxy")),
        _ => None,
    };
    let Some((code, what, remedy)) = known else { return unexpected("S4U2Proxy", refusal) };
    let failure = Failure::new(code, format!("{what} ({refusal})"), remedy);
    match code {
        Code::EvidenceRefused if source == Source::User => failure.blamed_on(Blame::Caller),
        Code::EvidenceRefused if source == Source::Provider => {
            failure.blamed_on(Blame::IdentityProvider)
        }
        // There was such an account a moment ago.
        Code::UserUnknown => failure.blamed_on(Blame::Directory),
        Code::EvidenceRefused => failure.blamed_on(Blame::Kdc),
        _ => failure,
    }
}

/// A ticket to the target in the service account's own name was refused.
pub(super) fn own_ticket(ours: &Ours<'_>, spn: &str, error: &ClientError) -> Failure {
    if let ClientError::Login(error) = error {
        return login(ours, error);
    }
    let Some(refusal) = error.refusal() else { return other(ours, error) };
    let service = &ours.name;
    let (code, what, remedy) = match refusal.code {
        ErrorCode::S_PRINCIPAL_UNKNOWN => unknown_target(spn),
        ErrorCode::POLICY | ErrorCode::CLIENT_REVOKED | ErrorCode::NAME_EXP => (
            Code::ServiceNotTrusted,
            format!("the KDC refuses the service account {service} at {spn}"),
            format!(
                "Check userAccountControl, lockoutTime and accountExpires of {service}, and any \
                 authentication policy or silo."
            ),
        ),
        _ if error.refuses_a_ticket() => refuses_new_tickets("the service's own ticket"),
        _ => return unexpected("the service's own ticket", refusal),
    };
    Failure::new(code, format!("{what} ({refusal})"), remedy)
}

fn unknown_target(spn: &str) -> (Code, String, String) {
    (
        Code::TargetUnknownToKdc,
        format!("the KDC knows no account with the SPN {spn}"),
        format!(
            "Check the target's spn in the configuration, or register it: servicePrincipalName of \
             the account that runs the target must list {spn}."
        ),
    )
}

/// A ticket to the service account that cannot be opened, or holds something else than it should.
pub(super) fn unbelievable(service: &str, has_keytab: bool, error: &EvidenceError) -> Failure {
    let remedy = match (error, has_keytab) {
        (EvidenceError::NoKey { enctype, .. }, true) => format!(
            "The keytab has no {enctype} key for {service}: export it again with all keys of the \
             account, and with the account's name (not only its SPN) as principal. A new file is \
             used without a restart."
        ),
        (EvidenceError::Crypto(_), true) => format!(
            "None of the keytab's keys is the one that the KDC has for {service} now: its password \
             was set after the keytab was exported. Export it again. A new file is used without a \
             restart."
        ),
        (EvidenceError::NoKey { enctype, .. }, false) => format!(
            "The KDC does not say how it makes the {enctype} key of {service} of its password, or \
             it is a kind of key that is not used here: set msDS-SupportedEncryptionTypes of \
             {service} to 24 (AES), and its password anew so that AES keys exist."
        ),
        (EvidenceError::Crypto(_), false) => format!(
            "The configured password is not the one that {service} has now. One that is replaced \
             in its secrets file is used without a restart."
        ),
        _ => "Nothing was done. Name an AD-compatible KDC whose tickets hold a PAC.".to_owned(),
    };
    Failure::new(
        Code::EvidenceRefused,
        format!("the evidence ticket for {service} cannot be believed: {error}"),
        remedy,
    )
    .blamed_on(match error {
        EvidenceError::NoKey { .. } | EvidenceError::Crypto(_) => Blame::Configuration,
        _ => Blame::Kdc,
    })
}

/// Refused with a fresh ticket-granting ticket and fresh evidence.
fn refuses_new_tickets(step: &str) -> (Code, String, String) {
    (
        Code::KdcRefused,
        format!("{step}: the KDC refuses a ticket that a KDC issued just now"),
        "The domain controllers may not agree on a key yet: look at whether the passwords of \
         krbtgt and of the service account have reached them all, and at the KDC's log for the \
         time of this call."
            .to_owned(),
    )
}

fn unexpected(step: &str, refusal: &krb_proto::exchange::KdcRefusal) -> Failure {
    Failure::new(
        Code::KdcRefused,
        format!("the KDC refused {step}: {refusal}"),
        "Look at the KDC's log for the time of this call.",
    )
}

/// Whatever is no refusal.
fn other(Ours { setting, .. }: &Ours<'_>, error: &ClientError) -> Failure {
    match error {
        ClientError::Unreachable(unreachable) => Failure::new(
            Code::KdcUnreachable,
            error.to_string(),
            format!(
                "Check that the domain controllers run and that this server reaches their port 88 \
                 ({setting}.kdcs, or network.nameservers for DNS)."
            ),
        )
        .blamed_on(if unreachable.tried.is_empty() { Blame::Configuration } else { Blame::Kdc }),
        ClientError::Exchange(ExchangeError::Mismatch(Mismatch::S4uIgnored)) => Failure::new(
            Code::EvidenceRefused,
            error.to_string(),
            "This KDC does not do S4U; nothing was done. Name an AD-compatible KDC.",
        )
        .blamed_on(Blame::Kdc),
        ClientError::Exchange(_) => Failure::new(
            Code::EvidenceRefused,
            error.to_string(),
            format!(
                "The KDC's answer was not believed, so nothing was done. If it says the same in \
                 another case of letters, write {setting}.realm as the KDC does (upper case in AD). \
                 Otherwise, if it happens again, look at the network between this server and the \
                 KDC."
            ),
        )
        .blamed_on(Blame::Kdc),
        _ => Failure::new(
            Code::Internal,
            "a ticket could not be fetched",
            "Report this with the server's log of this call.",
        )
        .caused_by(error),
    }
}

/// The same of the service's own account: whatever it is, it is not the user's doing.
pub(super) fn own_account(failure: Failure) -> Failure {
    match failure.code {
        Code::UserUnknown | Code::UserNotUsable => {
            let Failure { message, remedy, .. } = failure;
            Failure::new(Code::ServiceNotTrusted, message, remedy)
        }
        _ => failure,
    }
}

/// Why evidence that a KDC gave is not taken for the user's.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Doubt {
    /// Its PAC does not prove an account. What is wrong with it.
    NoAccount(String),
    /// It is for a name that is not the account's.
    AnotherName { sent: String, account: String },
    /// It is another account's than the one that the token names.
    NotTheMapped { meant: String, found: String },
    /// The account is never impersonated: what it is.
    Never { account: String, what: String },
    /// The service account comes itself, and is one of those who are never impersonated.
    TooMighty { account: String, what: String },
    /// The operator listed it, or a group that it is in: what is listed.
    Listed { account: String, what: String },
    /// The operator listed groups, and it is in none of them.
    NotListed { account: String },
    /// The token says that its subject is an account with another SID.
    NotTheTokens { who: String, claimed: String, found: String },
    /// The subject was another account at first sight.
    NotThePinned { who: String, pinned: String, found: String },
}

impl From<Doubt> for Failure {
    fn from(doubt: Doubt) -> Self {
        match doubt {
            Doubt::NoAccount(what) => Self::new(
                Code::EvidenceRefused,
                format!("the evidence's PAC cannot be believed: {what}"),
                "Nothing was done. The KDC must put a signed PAC into tickets for the service \
                 account; on AD clear NO_AUTH_DATA_REQUIRED in its userAccountControl.",
            )
            .blamed_on(Blame::Kdc),
            Doubt::AnotherName { sent, account } => Self::new(
                Code::NameMismatch,
                format!(
                    "the KDC takes the name {sent} for the account {account}: resources that go \
                     by the ticket's name would take the user for {sent}, others for {account}"
                ),
                format!(
                    "Two accounts share a name: the userPrincipalName of {account} is the \
                     sAMAccountName {sent}. Give it another userPrincipalName, or let the \
                     identity provider map the user to the sAMAccountName that is meant."
                ),
            ),
            Doubt::NotTheMapped { meant, found } => Self::new(
                Code::NameMismatch,
                format!("the exchanged token names {meant} and delivers a ticket of {found}"),
                "Nothing was done. Look at what the identity provider maps to the account's name, and \
                 whose ticket it delivers.",
            )
            .blamed_on(Blame::IdentityProvider),
            Doubt::Never { account, what } => never(&account, &what),
            Doubt::TooMighty { account, what } => Self::new(
                Code::NeverImpersonated,
                format!("the service account {account} is not used in the place of users: it is {what}"),
                "Give the targets of this service account an ordinary account that may do what they \
                 are for and no more.",
            )
            .blamed_on(Blame::Configuration),
            Doubt::Listed { account, what } => {
                never(&account, &what).blamed_on(Blame::Configuration)
            }
            Doubt::NotListed { account } => Self::new(
                Code::NeverImpersonated,
                format!(
                    "{account} is not impersonated: it is in none of the groups under \
                     kerberos.onlyMembersOf"
                ),
                "Put the account into one of those groups, if it is to be used by agents; tickets \
                 show it within 15 minutes.",
            ),
            Doubt::NotTheTokens { who, claimed, found } => another(
                &who,
                &format!("its token says {claimed}"),
                &found,
                "If the new account is meant, correct the identity provider's SID claim.",
            )
            .blamed_on(Blame::IdentityProvider),
            Doubt::NotThePinned { who, pinned, found } => another(
                &who,
                &format!("it was {pinned}"),
                &found,
                "If the new account is meant, an operator releases the pin (krb-mcp pins release; \
                 where there is no state.directory, a restart does).",
            ),
        }
    }
}

fn never(account: &str, what: &str) -> Failure {
    Failure::new(
        Code::NeverImpersonated,
        format!("{account} is never impersonated: it is {what}"),
        "Use an ordinary account. This rule cannot be lifted by policy; only what the operator \
         added under kerberos.neverImpersonate can be taken out there.",
    )
}

fn another(who: &str, meant: &str, found: &str, remedy: &str) -> Failure {
    Failure::new(
        Code::SidMismatch,
        format!("{who} is not the account that the KDC found: {meant}, the KDC found {found}"),
        format!(
            "The account was deleted and created anew, or its name was given to somebody else. \
             {remedy}"
        ),
    )
}

#[cfg(test)]
mod tests;
