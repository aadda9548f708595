//! What is made of a web application's answer.

use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use krb_proto::spnego::SpnegoInitiator;
use krb_proto::spnego::http::parse_header_value;

use super::super::content::{MAX_CONTENT, encode};
use super::super::gss_failure;
use super::channel::Channel;
use super::client::broken;
use super::excerpt::{MAX_READ, excerpt};
use super::{Response, limits};
use crate::{Code, Failure};

/// What is not handed on from the answer.
const WITHHELD: [&str; 4] =
    ["authentication-info", "set-cookie", "www-authenticate", "proxy-authenticate"];

/// What the request was made with, for the words of a failure.
pub(super) struct Asked<'a> {
    pub(super) target: &'a str,
    pub(super) spn: &'a str,
    pub(super) channel: Channel,
    /// Of the header field with the token.
    pub(super) header_length: usize,
    /// How many the user is in.
    pub(super) groups: usize,
}

/// The answer, if the server has proven who it is and lets the user in.
pub(super) async fn judge(
    response: hyper::Response<Incoming>,
    context: SpnegoInitiator,
    asked: &Asked<'_>,
) -> Result<Response, Failure> {
    check_identity(&response, context, asked)?;
    // Apache says 401, too, to a user whom it knows and whom `Require` does not let in.
    let denials = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];
    if denials.contains(&response.status()) {
        return Err(denied(response, asked).await);
    }
    read(response, asked).await
}

/// Nothing of an answer is believed before the server has proven who it is (RFC 4559 section 5).
fn check_identity(
    response: &hyper::Response<Incoming>,
    mut context: SpnegoInitiator,
    asked: &Asked<'_>,
) -> Result<(), Failure> {
    let Asked { target, spn, .. } = asked;
    let status = response.status();
    let answers = response.headers().get_all(WWW_AUTHENTICATE).iter();
    let token = answers.filter_map(|value| parse_header_value(value.as_bytes()).ok().flatten());
    let token = token.into_iter().find(|token| !token.is_empty());
    if let Some(token) = token {
        context.step(&token).map_err(|error| {
            let mut failure = gss_failure(target, spn, &error);
            failure.remedy += asked.channel.remedy();
            failure
        })?;
    }
    if context.is_complete() {
        return Ok(());
    }
    if status == StatusCode::UNAUTHORIZED {
        return Err(Failure::new(
            Code::AccessDenied,
            format!("{target} does not let the user in (401)"),
            format!(
                "The web server took no Kerberos ticket for {spn}: check that it offers Negotiate, \
                 and that {spn} is registered on the account it runs under.{}",
                asked.channel.remedy()
            ),
        ));
    }
    if limits::is_limit(status, asked.header_length) {
        return Err(Failure::new(
            Code::ResourceRefused,
            format!(
                "{target} refused the request before it looked at it ({status}): {}, probably \
                 more than it takes",
                limits::size(asked.header_length, asked.groups)
            ),
            limits::remedy(),
        ));
    }
    Err(Failure::new(
        Code::ResourceRefused,
        format!("{target} answered {status} without proving that it is {spn}"),
        "The answer was not believed. The web server, or a proxy before it, answered without \
         Kerberos's mutual authentication (WWW-Authenticate: Negotiate in the answer). Apache does \
         so where it answers before it authenticates: RedirectMatch, Require all denied.",
    ))
}

/// The application's refusal, with the beginning of what it says of it.
async fn denied(response: hyper::Response<Incoming>, asked: &Asked<'_>) -> Failure {
    let status = response.status().as_u16();
    let content_type = response.headers().get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = content_type.to_owned();
    let mut body = response.into_body();
    let mut beginning = Vec::new();
    // A body that breaks off has said what it has said.
    while beginning.len() < MAX_READ
        && let Some(Ok(frame)) = body.frame().await
    {
        if let Ok(data) = frame.into_data() {
            beginning.extend_from_slice(&data[..data.len().min(MAX_READ - beginning.len())]);
        }
    }
    let said = match excerpt(&content_type, &beginning) {
        Some(text) => format!(". It says: \"{text}\""),
        None => String::new(),
    };
    Failure::new(
        Code::AccessDenied,
        format!("{} knows the user and denies access ({status}){said}", asked.target),
        "The application's own rules for this URL and method do not let the user in (Apache: \
         Require). Ask whoever runs it for the right, or ask for something else.",
    )
}

async fn read(response: hyper::Response<Incoming>, asked: &Asked<'_>) -> Result<Response, Failure> {
    let status = response.status().as_u16();
    let headers = response.headers().iter();
    let headers = headers
        .filter(|(name, _)| !WITHHELD.contains(&name.as_str()))
        .map(|(n, v)| (n.as_str().to_owned(), String::from_utf8_lossy(v.as_bytes()).into_owned()));
    let headers = headers.collect();
    let (encoding, body) = encode(read_body(response.into_body(), asked).await?);
    Ok(Response { status, headers, encoding, body })
}

async fn read_body(mut body: Incoming, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
    let mut content = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(asked.target, &error))?;
        let Ok(data) = frame.into_data() else { continue };
        if (content.len() + data.len()) as u64 > MAX_CONTENT {
            return Err(Failure::new(
                Code::TooLarge,
                format!("the answer of {} is longer than {MAX_CONTENT} bytes", asked.target),
                "Ask for less, for example with the application's own paging.",
            ));
        }
        content.extend_from_slice(&data);
    }
    Ok(content)
}
