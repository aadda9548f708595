//! What refusals mean, and what helps, from the library's table.

use krb_client::ClientError;
use krb_client::remedy::{Names, Refused, Remedy, Step, of_error, of_refusal};
use krb_proto::exchange::ExchangeError;

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
