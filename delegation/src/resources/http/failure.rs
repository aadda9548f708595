//! What may go wrong with a web application, before, at and after it is asked.

use hyper::StatusCode;

use super::super::failure::NotProven;
use super::channel::Channel;
use super::limits;
use crate::network::ConnectError;
use crate::resources::content::MAX_CONTENT;
use crate::targets::Target;
use crate::{Blame, Code, Failure};

/// What is wrong with what the caller asks for.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Misasked {
    /// A method that is not sent.
    Method,
    /// A URL. What is wrong with it, to be read behind "the URL".
    Url(&'static str),
    /// Header fields. What is wrong with them.
    Header(String),
}

impl From<Misasked> for Failure {
    fn from(misasked: Misasked) -> Self {
        let (message, remedy) = match misasked {
            Misasked::Method => (
                "the HTTP method is not one that this server sends".to_owned(),
                "Use GET, HEAD, POST, PUT, PATCH or DELETE.",
            ),
            Misasked::Url(problem) => (
                format!("the URL {problem}"),
                "Write an absolute http or https URL with a plain path: no user name, no fragment, \
                 no '..', no encoded separators, nothing encoded twice, UTF-8 only.",
            ),
            Misasked::Header(problem) => (
                problem,
                "Leave the header out. Only fields that speak of content can be set, never \
                 authentication, cookies or who came; the operator can allow others for this \
                 target (allowHeaders).",
            ),
        };
        Self::new(Code::InvalidArgument, message, remedy)
    }
}

/// A request that cannot be written: what it has not.
#[derive(Debug)]
pub(super) struct Unwritten(pub(super) &'static str);

impl From<Unwritten> for Failure {
    fn from(Unwritten(what): Unwritten) -> Self {
        Self::new(Code::Internal, format!("the request has no {what}"), "Report this.")
    }
}

/// What the request was made with, for the words of a failure.
pub(super) struct Asked<'a> {
    pub(super) target: &'a Target,
    pub(super) channel: Channel,
    /// Of the header field with the token.
    pub(super) header_length: usize,
    /// How many the user is in.
    pub(super) groups: usize,
}

/// What went wrong at a web application.
pub(super) enum HttpError<'a> {
    /// It ended before an answer came.
    NoAnswer(&'a hyper::Error),
    /// It ended in the middle of one.
    Broken(&'a hyper::Error),
    /// The answer proves nobody's identity, or another's.
    NotProven(&'a krb_proto::spnego::SpnegoError),
    /// There is no proof in it, and this is its status.
    NoProof(StatusCode),
    /// The application denies the user access: its status, and the beginning of what it says.
    Denied(StatusCode, Option<&'a str>),
    /// It says more than is handed on.
    TooLarge,
}

impl Asked<'_> {
    /// What an error means to the user.
    pub(super) fn failure(&self, error: &HttpError<'_>) -> Failure {
        let (target, spn) = (self.target.name(), self.target.spn());
        match error {
            HttpError::NoAnswer(error) => {
                let mut failure = broken(target, error);
                // Some servers say in this way that a header field is too large.
                if limits::is_large(self.header_length) {
                    let size = limits::size(self.header_length, self.groups);
                    failure.message += &format!("; {size}, which may be more than it takes");
                    failure.remedy = limits::remedy();
                }
                failure
            }
            HttpError::Broken(error) => broken(target, error),
            HttpError::NotProven(error) => {
                let mut failure = Failure::from(NotProven(self.target, error));
                failure.remedy += self.channel.remedy();
                failure
            }
            HttpError::NoProof(StatusCode::UNAUTHORIZED) => Failure::new(
                Code::AccessDenied,
                format!("{target} does not let the user in (401)"),
                format!(
                    "The web server took no Kerberos ticket for {spn}: check that it offers \
                     Negotiate, and that {spn} is registered on the account it runs under.{}",
                    self.channel.remedy()
                ),
            ),
            HttpError::NoProof(status) if limits::is_limit(*status, self.header_length) => {
                Failure::new(
                    Code::ResourceRefused,
                    format!(
                        "{target} refused the request before it looked at it ({status}): {}, \
                         probably more than it takes",
                        limits::size(self.header_length, self.groups)
                    ),
                    limits::remedy(),
                )
            }
            HttpError::NoProof(status) => Failure::new(
                Code::ResourceRefused,
                format!("{target} answered {status} without proving that it is {spn}"),
                "The answer was not believed. The web server, or a proxy before it, answered \
                 without Kerberos's mutual authentication (WWW-Authenticate: Negotiate in the \
                 answer). Apache does so where it answers before it authenticates: RedirectMatch, \
                 Require all denied.",
            ),
            HttpError::Denied(status, said) => {
                let status = status.as_u16();
                let failure = Failure::new(
                    Code::AccessDenied,
                    format!("{target} knows the user and denies access ({status})"),
                    "The application's own rules for this URL and method do not let the user in \
                     (Apache: Require). Ask whoever runs it for the right, or ask for something \
                     else.",
                );
                match said {
                    Some(said) => failure.quoting(said),
                    None => failure,
                }
            }
            HttpError::TooLarge => Failure::new(
                Code::TooLarge,
                format!("the answer of {target} is longer than {MAX_CONTENT} bytes"),
                "Ask for less, for example with the application's own paging.",
            ),
        }
    }
}

/// What it means that there is no connection.
pub(super) fn not_connected(target: &Target, error: &ConnectError) -> Failure {
    let target = target.name();
    match error {
        ConnectError::Untrusted(problem) => Failure::new(
            Code::ResourceRefused,
            format!("the certificate of {target} is not believed: {}", short(problem)),
            "Nothing was sent. The certificate must be for the host of the target's url, valid now, \
             and of a CA that is believed (network.caFile, or the system's).",
        )
        .caused_by(problem),
        ConnectError::Unresolved(_) | ConnectError::Unreachable(_) => Failure::new(
            Code::ResourceUnreachable,
            format!("{target} cannot be reached: {error}"),
            "Check the target's url and that the web server runs.",
        )
        .blamed_on(match error {
            ConnectError::Unresolved(_) => Blame::Configuration,
            _ => Blame::Resource,
        }),
    }
}

/// Some of these errors list every algorithm there is.
fn short(error: &rustls::Error) -> String {
    error.to_string().chars().take(200).collect()
}

fn broken(target: &str, error: &hyper::Error) -> Failure {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    Failure::new(
        Code::ResourceUnreachable,
        format!("{target} broke the connection off"),
        "Check that the web server runs.",
    )
    .caused_by(format!("{error}{}", cause.unwrap_or_default()))
}
