//! What refusals mean, and what helps, from the library's table.

use std::fmt;

use krb_client::ClientError;
use krb_client::remedy::{Names, Refused, Remedy, Step, of_error, of_refusal};
use krb_proto::Principal;
use krb_proto::exchange::ExchangeError;

use crate::Failure;

/// What an error in that step means, where it is known; in S4U2Proxy with evidence that was forwardable or
/// not.
pub(crate) fn of(
    step: Step,
    error: &ClientError,
    forwardable: bool,
    names: &Names<'_>,
) -> Option<Remedy> {
    match error {
        ClientError::Exchange(ExchangeError::Refused(refusal)) => {
            of_refusal(&Refused::of(step, refusal).with_evidence(forwardable), names)
        }
        _ => of_error(step, error, names),
    }
}

/// In a sentence or two, whatever it is.
pub(crate) fn text(remedy: Option<Remedy>) -> String {
    remedy.map_or_else(|| "see what the KDC's log says".to_owned(), |remedy| remedy.to_string())
}

/// What failed of what was asked, and what that means where it is known.
#[derive(Debug)]
pub(crate) struct Explained {
    /// Who asked, or what for.
    what: String,
    error: ClientError,
    pub(crate) remedy: Option<Remedy>,
}

impl Explained {
    pub(crate) fn new(what: impl fmt::Display, error: ClientError, remedy: Option<Remedy>) -> Self {
        Self { what: what.to_string(), error, remedy }
    }

    /// What this account asked for itself, at that service if it is one.
    pub(crate) fn of(step: Step, account: &Principal, target: &str, error: ClientError) -> Failure {
        let name = account.name.to_string();
        let names = Names { account: &name, target, ..Names::default() };
        let remedy = of_error(step, &error, &names);
        Self::new(account, error, remedy).into()
    }

    /// What failed, without what that means.
    pub(crate) fn said(&self) -> String {
        format!("{}: {}", self.what, self.error)
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said())?;
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(f, ": {remedy}"))
    }
}

impl std::error::Error for Explained {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
