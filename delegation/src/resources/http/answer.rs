//! What is made of a web application's answer.

use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use krb_proto::spnego::SpnegoInitiator;
use krb_proto::spnego::http::take_answer;

use super::super::content::{MAX_CONTENT, encode};
use super::excerpt::{MAX_READ, excerpt};
use super::failure::{Asked, HttpError};
use super::{Response, limits};
use crate::Failure;

/// What is not handed on from the answer.
const WITHHELD: [&str; 4] =
    ["authentication-info", "set-cookie", "www-authenticate", "proxy-authenticate"];

/// The user is not let in: the request was not applied (RFC 9110 sections 15.5.2 and 15.5.4).
const DENIALS: [StatusCode; 2] = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];

/// Whether nothing was done: the user is not let in, or so long a token is not taken.
pub(super) fn is_refusal(status: StatusCode, header_length: usize) -> bool {
    DENIALS.contains(&status) || limits::is_limit(status, header_length)
}

/// The answer, if the server has proven who it is and lets the user in.
pub(super) async fn judge(
    response: hyper::Response<Incoming>,
    context: SpnegoInitiator,
    asked: &Asked<'_>,
) -> Result<Response, Failure> {
    check_identity(&response, context, asked)?;
    // Apache says 401, too, to a user whom it knows and whom `Require` does not let in.
    if DENIALS.contains(&response.status()) {
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
    let fields = response.headers().get_all(WWW_AUTHENTICATE).iter().map(HeaderValue::as_bytes);
    let taken = take_answer(&mut context, fields);
    taken.map_err(|error| asked.failure(&HttpError::NotProven(&error)))?;
    if context.is_complete() {
        return Ok(());
    }
    Err(asked.failure(&HttpError::NoProof(response.status())))
}

/// The application's refusal, with the beginning of what it says of it.
async fn denied(response: hyper::Response<Incoming>, asked: &Asked<'_>) -> Failure {
    let status = response.status();
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
    let said = excerpt(&content_type, &beginning);
    asked.failure(&HttpError::Denied(status, said.as_deref()))
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
        let frame = frame.map_err(|error| asked.failure(&HttpError::Broken(&error)))?;
        let Ok(data) = frame.into_data() else { continue };
        if (content.len() + data.len()) as u64 > MAX_CONTENT {
            return Err(asked.failure(&HttpError::TooLarge));
        }
        content.extend_from_slice(&data);
    }
    Ok(content)
}
