use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, HOST};
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Method, Request};
use krb_proto::ap::ClientData;
use krb_proto::gss::InitiatorOptions;
use krb_proto::spnego::http::header_value;
use url::{Position, Url};

use super::super::{CallContext, gss_failure};
use super::answer::{self, Asked};
use super::channel::Channel;
use super::limits;
use super::{Outcome, Task};
use crate::credential::ServiceCredential;
use crate::network::{ConnectError, Network};
use crate::{Code, Failure};

/// The HTTP client.
pub(crate) struct Client {
    pub(super) network: Network,
}

impl Client {
    /// One request with the user's token in it, over a connection of its own to which the token is
    /// bound, and one answer in which the server proves that it is the one the ticket is for. Once
    /// that is proven, 401 and 403 are the application's refusal, and every other status is its
    /// answer and comes back as data: a redirect, a missing page, an error.
    pub(super) async fn request(
        &self,
        cx: &CallContext,
        credential: &ServiceCredential<'_>,
        task: &Task,
    ) -> Result<Outcome, Failure> {
        let Task { method, url, headers, body, .. } = task;
        let target = credential.permit().target();
        let (target, spn) = (target.name(), target.spn());
        let mut request = request(method, url, headers.clone(), body.as_deref())?;

        let connection = self.network.connect(url).await;
        let mut connection = connection.map_err(|error| not_connected(target, &error))?;
        let channel = Channel::of(&connection);
        let options = InitiatorOptions {
            channel_bindings: channel.bindings(),
            client_data: ClientData { always_binds: channel.always_binds(), integrity: None },
            ..InitiatorOptions::default()
        };
        let started = credential.start_spnego(&*cx.clock, &*cx.random, &options, |error| {
            gss_failure(target, spn, error)
        });
        let (context, token) = started?;
        let authorization = header_value(&token);
        let header_length = authorization.len();
        let mut authorization = HeaderValue::from_str(&authorization).map_err(|_| {
            Failure::new(Code::Internal, "the token makes no header", "Report this.")
        })?;
        authorization.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, authorization);

        let asked = Asked {
            target,
            spn,
            channel,
            header_length,
            groups: credential.account().groups.len(),
        };
        let response =
            connection.send(request).await.map_err(|error| unanswered(&asked, &error))?;
        answer::judge(response, context, &asked).await
    }
}

/// The request as it goes out, without the token.
fn request(
    method: &str,
    url: &Url,
    headers: HeaderMap,
    body: Option<&str>,
) -> Result<Request<Full<Bytes>>, Failure> {
    let malformed = |what: &str| {
        Failure::new(Code::Internal, format!("the request has no {what}"), "Report this.")
    };
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| malformed("method"))?;
    let path = &url[Position::BeforePath..Position::AfterQuery];
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let host = HeaderValue::from_str(host).map_err(|_| malformed("host"))?;
    let has_body = [Method::POST, Method::PUT, Method::PATCH].contains(&method);
    let bytes = Bytes::from(body.unwrap_or_default().to_owned());
    let mut request = Request::new(Full::new(bytes));
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().map_err(|_| malformed("target"))?;
    *request.headers_mut() = headers;
    let headers = request.headers_mut();
    headers.insert(HOST, host);
    if !headers.contains_key(ACCEPT) {
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    }
    // RFC 9110 section 8.6; IIS answers 411 without.
    if has_body && body.is_none() {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    Ok(request)
}

fn not_connected(target: &str, error: &ConnectError) -> Failure {
    match error {
        ConnectError::Untrusted(problem) => Failure::new(
            Code::ResourceRefused,
            format!("the certificate of {target} is not believed: {}", short(problem)),
            "Nothing was sent. The certificate must be for the host of the target's url, valid now, \
             and of a CA that is believed (network.caFile, or the system's).",
        ),
        ConnectError::Unresolved(_) | ConnectError::Unreachable(_) => Failure::new(
            Code::ResourceUnreachable,
            format!("{target} cannot be reached: {error}"),
            "Check the target's url and that the web server runs.",
        ),
    }
}

/// Some of these errors list every algorithm there is.
fn short(error: &rustls::Error) -> String {
    error.to_string().chars().take(200).collect()
}

/// The connection ended before an answer came; some servers say in this way that a header field is
/// too large.
fn unanswered(asked: &Asked<'_>, error: &hyper::Error) -> Failure {
    let mut failure = broken(asked.target, error);
    if limits::is_large(asked.header_length) {
        let size = limits::size(asked.header_length, asked.groups);
        failure.message += &format!("; {size}, which may be more than it takes");
        failure.remedy = limits::remedy();
    }
    failure
}

pub(super) fn broken(target: &str, error: &hyper::Error) -> Failure {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    Failure::new(
        Code::ResourceUnreachable,
        format!("{target} broke the connection ({error}{})", cause.unwrap_or_default()),
        "Try again; check that the web server runs.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_host_path_and_length() {
        let asked = |method, url: &str, body| {
            let request = request(method, &url.parse().unwrap(), HeaderMap::new(), body).unwrap();
            let header = |name| {
                let value = request.headers().get(name);
                value.map(|value: &HeaderValue| value.to_str().unwrap().to_owned())
            };
            (request.uri().to_string(), header(HOST).unwrap(), header(CONTENT_LENGTH))
        };
        let of = |path: &str, host: &str, length: Option<&str>| {
            (path.to_owned(), host.to_owned(), length.map(str::to_owned))
        };
        assert_eq!(asked("GET", "https://web/a?b=c", None), of("/a?b=c", "web", None));
        assert_eq!(asked("GET", "http://web:8080", None), of("/", "web:8080", None));
        assert_eq!(asked("GET", "https://[::1]:443/", None), of("/", "[::1]", None));
        assert_eq!(asked("POST", "https://web/", None), of("/", "web", Some("0")));
        assert_eq!(asked("POST", "https://web/", Some("x")), of("/", "web", None));
        assert_eq!(asked("DELETE", "https://web/", None), of("/", "web", None));
    }
}
