//! A user's own ticket in place of a token (RFC 4559): the scheme `Negotiate`, in one round trip.

use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use krb_client::proto::spnego::http::{header_value, parse_header_value};
use krb_delegation::credential::kerberos::NotAccepted;

use crate::backend::Backend;

/// The one `Authorization` field, if it says Negotiate.
pub(super) fn field(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let field = fields.next().filter(|_| fields.next().is_none())?;
    let scheme = field.as_bytes().split(|byte| *byte == b' ').next()?;
    scheme.eq_ignore_ascii_case(b"Negotiate").then_some(field)
}

/// Who comes with it.
pub(super) async fn accept<B: Backend>(
    backend: &B,
    field: &HeaderValue,
) -> Result<(B::Caller, Vec<u8>), NotAccepted> {
    match parse_header_value(field.as_bytes()) {
        Ok(Some(token)) if !token.is_empty() => backend.accept(&token).await,
        _ => {
            backend.unauthorized("malformed_authorization");
            let reason = "Authorization must be: Negotiate, one space, one token in base64";
            Err(NotAccepted { reason, answer: Vec::new() })
        }
    }
}

/// Adds what the server's Kerberos says to the client's; where it says nothing, that it is spoken
/// here.
pub(super) fn with_token(mut response: Response, token: &[u8]) -> Response {
    let value = if token.is_empty() { "Negotiate".to_owned() } else { header_value(token) };
    // Base64 is a value.
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().append(WWW_AUTHENTICATE, value);
    }
    response
}
