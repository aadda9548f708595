//! Web applications that speak Negotiate (RFC 4559).

use krb_proto::spnego::SpnegoInitiator;
use krb_proto::spnego::http::{header_value, parse_header_value};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Method, StatusCode};

use super::content::{MAX_CONTENT, encode};
use super::{CallContext, Resource, ServiceCredential, gss_failure, misfit};
use crate::identity::chain;
use crate::network::Network;
use crate::policy::Permit;
use crate::targets::{Location, Target};
use crate::{Code, ConfigError, Failure, HttpResponse, Operation, Outcome};

/// What is not handed on from the answer.
const WITHHELD: [&str; 4] =
    ["authentication-info", "set-cookie", "www-authenticate", "proxy-authenticate"];
const MAX_HEADERS: usize = 50;

/// The HTTP client.
pub(super) struct Web {
    client: reqwest::Client,
}

impl Web {
    pub(super) fn new(network: &Network) -> Result<Self, ConfigError> {
        Ok(Self { client: network.unpooled_http_client()? })
    }
}

impl Resource for Web {
    /// One request with the user's token in it, and one answer in which the server proves that it
    /// is the one the ticket is for. Once that is proven, every status but 401 is the application's
    /// answer and comes back as data: a redirect, a refusal, an error.
    async fn perform(
        &self,
        cx: &CallContext,
        credential: &ServiceCredential,
        permit: &Permit,
        operation: &Operation,
    ) -> Result<Outcome, Failure> {
        let (Operation::HttpRequest { method, headers, body, .. }, Location::Web { url }) =
            (operation, permit.location())
        else {
            return Err(misfit(permit, permit.location()));
        };
        let (target, spn) = (permit.target().name(), permit.target().spn());
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).map_err(|_| {
            Failure::new(Code::InvalidArgument, "no HTTP method", "Use GET, POST, ….")
        })?;
        let mut headers = request_headers(permit.target(), headers)?;
        let (context, token) =
            credential.start_spnego(cx).map_err(|error| gss_failure(target, spn, &error))?;
        let mut authorization = HeaderValue::from_str(&header_value(&token)).map_err(|_| {
            Failure::new(Code::Internal, "the token makes no header", "Report this.")
        })?;
        authorization.set_sensitive(true);
        headers.insert(AUTHORIZATION, authorization);

        let mut request = self.client.request(method, url.clone()).headers(headers);
        if let Some(body) = body {
            request = request.body(body.clone());
        }
        let response = request.send().await.map_err(|error| unreachable(target, &error))?;
        check_identity(&response, context, target, spn, credential)?;
        read(response, target).await.map(Outcome::Http)
    }
}

fn request_headers(target: &Target, given: &[(String, String)]) -> Result<HeaderMap, Failure> {
    let refuse = |what: String| {
        Failure::new(
            Code::InvalidArgument,
            what,
            "Leave the header out. Only fields that speak of content can be set, never \
             authentication, cookies or who came; the operator can allow others for this target \
             (allowHeaders).",
        )
    };
    if given.len() > MAX_HEADERS {
        return Err(refuse(format!("more than {MAX_HEADERS} headers")));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let parsed = HeaderName::from_bytes(name.as_bytes()).ok();
        let parsed = parsed.zip(HeaderValue::from_str(value).ok());
        let Some((name, value)) = parsed else {
            return Err(refuse(format!("the header {name:?} is not well-formed")));
        };
        if !target.takes_header(name.as_str()) {
            return Err(refuse(format!("the header {name} cannot be set")));
        }
        headers.append(name, value);
    }
    Ok(headers)
}

/// Nothing of an answer is believed before the server has proven who it is (RFC 4559 section 5).
fn check_identity(
    response: &reqwest::Response,
    mut context: SpnegoInitiator,
    target: &str,
    spn: &str,
    credential: &ServiceCredential,
) -> Result<(), Failure> {
    let status = response.status();
    let answers = response.headers().get_all(WWW_AUTHENTICATE).iter();
    let token = answers.filter_map(|value| parse_header_value(value.as_bytes()).ok().flatten());
    let token = token.into_iter().find(|token| !token.is_empty());
    if let Some(token) = token {
        context.step(&token).map_err(|error| gss_failure(target, spn, &error))?;
    }
    // Apache also says 401 to a user whom it knows and whom `Require` does not let in.
    if status == StatusCode::UNAUTHORIZED {
        return Err(if context.is_complete() {
            Failure::new(
                Code::AccessDenied,
                format!("{target} knows the user and denies access (401)"),
                "The web server's own rules for this URL do not let the user in (Apache: Require).",
            )
        } else {
            Failure::new(
                Code::AccessDenied,
                format!("{target} does not let the user in (401)"),
                format!(
                    "The web server took no Kerberos ticket for {spn}: check that it offers \
                     Negotiate, and that {spn} is registered on the account it runs under."
                ),
            )
        });
    }
    if context.is_complete() {
        return Ok(());
    }
    let header_limit = [
        StatusCode::BAD_REQUEST,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    ];
    if header_limit.contains(&status) && credential.ticket_length() > 4096 {
        return Err(Failure::new(
            Code::ResourceRefused,
            format!(
                "{target} refused the request before it looked at it ({status}): the user's ticket \
                 of {} bytes makes a header field larger than the web server takes",
                credential.ticket_length(),
            ),
            "Raise the web server's limit for a header field (Apache: LimitRequestFieldSize 65536; \
             IIS: MaxFieldLength and MaxRequestBytes), or take the user out of some groups.",
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

async fn read(response: reqwest::Response, target: &str) -> Result<HttpResponse, Failure> {
    let status = response.status().as_u16();
    let headers = response.headers().iter();
    let headers = headers
        .filter(|(name, _)| !WITHHELD.contains(&name.as_str()))
        .map(|(n, v)| (n.as_str().to_owned(), String::from_utf8_lossy(v.as_bytes()).into_owned()));
    let headers = headers.collect();
    let (encoding, body) = encode(read_body(response, target).await?);
    Ok(HttpResponse { status, headers, encoding, body })
}

async fn read_body(mut response: reqwest::Response, target: &str) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await.map_err(|error| unreachable(target, &error))?;
        let Some(chunk) = chunk else { return Ok(body) };
        if (body.len() + chunk.len()) as u64 > MAX_CONTENT {
            return Err(Failure::new(
                Code::TooLarge,
                format!("the answer of {target} is longer than {MAX_CONTENT} bytes"),
                "Ask for less, for example with the application's own paging.",
            ));
        }
        body.extend_from_slice(&chunk);
    }
}

fn unreachable(target: &str, error: &reqwest::Error) -> Failure {
    Failure::new(
        Code::ResourceUnreachable,
        format!("{target} cannot be reached, or broke the connection: {}", chain(error)),
        "Check the target's url and that the web server runs.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::Targets;

    fn headers(name: &str, value: &str) -> Result<HeaderMap, Failure> {
        request_headers(&target(), &[(name.into(), value.into())])
    }

    fn target() -> Target {
        let config = r#"[{"name": "web", "kind": "http", "url": "https://web.example.com",
            "spn": "HTTP/web.example.com", "allowHeaders": ["X-Request-Reason"]}]"#;
        let targets = Targets::new(serde_json::from_str(config).unwrap()).unwrap();
        targets.iter().next().unwrap().clone()
    }

    #[test]
    fn identity_and_connection_are_not_the_callers() {
        assert!(headers("Accept", "text/html").is_ok());
        assert!(headers("X-Request-Reason", "audit é").is_ok());
        let refused = [
            "Authorization",
            "cookie",
            "HOST",
            "Transfer-Encoding",
            "Transfer_Encoding",
            "Connection",
            "TE",
            "Proxy",
            "Proxy-Authorization",
            "X-Forwarded-User",
            "x_remote_user",
            "X-WEBAUTH-USER",
            "X-MS-CLIENT-PRINCIPAL",
            "X-Request_Reason",
            "X-Original-URL",
            "X-HTTP-Method-Override",
        ];
        for name in refused {
            let refused = headers(name, "x").unwrap_err();
            assert_eq!(refused.code, Code::InvalidArgument, "{name}");
        }
        for (name, value) in [("a b", "x"), ("accept", "x\r\nHost: y"), ("", "x")] {
            assert!(headers(name, value).is_err(), "{name:?}: {value:?}");
        }
        let many = |number| vec![("accept".to_owned(), "b".to_owned()); number];
        assert!(request_headers(&target(), &many(MAX_HEADERS)).is_ok());
        assert!(request_headers(&target(), &many(MAX_HEADERS + 1)).is_err());
    }
}
