use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, HOST};
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Method, Request};
use krb_proto::ap::ClientData;
use krb_proto::gss::InitiatorOptions;
use krb_proto::spnego::http::header_value;
use url::{Position, Url};

use super::super::{CallContext, NotProven};
use super::answer;
use super::channel::Channel;
use super::failure::{Asked, HttpError, Unwritten, not_connected};
use super::{Outcome, Task};
use crate::Failure;
use crate::credential::ServiceCredential;
use crate::network::Network;

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
            NotProven(target, error).into()
        });
        let (context, token) = started?;
        let authorization = header_value(&token);
        let header_length = authorization.len();
        let authorization = HeaderValue::from_str(&authorization);
        let mut authorization = authorization.map_err(|_| Unwritten("header for the token"))?;
        authorization.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, authorization);

        let groups = credential.account().groups.len();
        let asked = Asked { target, channel, header_length, groups };
        credential.doubt().begin();
        let response = connection.send(request).await;
        let response = response.map_err(|error| asked.failure(&HttpError::NoAnswer(&error)))?;
        if answer::is_refusal(response.status(), header_length) {
            credential.doubt().end();
        }
        answer::judge(response, context, &asked).await
    }
}

/// The request as it goes out, without the token.
fn request(
    method: &str,
    url: &Url,
    headers: HeaderMap,
    body: Option<&str>,
) -> Result<Request<Full<Bytes>>, Unwritten> {
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| Unwritten("method"))?;
    let path = &url[Position::BeforePath..Position::AfterQuery];
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let host = HeaderValue::from_str(host).map_err(|_| Unwritten("host"))?;
    let has_body = [Method::POST, Method::PUT, Method::PATCH].contains(&method);
    let bytes = Bytes::from(body.unwrap_or_default().to_owned());
    let mut request = Request::new(Full::new(bytes));
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().map_err(|_| Unwritten("target"))?;
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

    /// What an application may believe of its user is in the ticket alone, whose field comes later.
    #[test]
    fn a_request_says_nothing_of_the_user_in_fields_that_anybody_could_send() {
        for (method, body) in [("GET", None), ("POST", Some("x"))] {
            let url = "https://web/a".parse().unwrap();
            let request = request(method, &url, HeaderMap::new(), body).unwrap();
            let names: Vec<_> = request.headers().keys().map(|name| name.as_str()).collect();
            assert_eq!(names, ["host", "accept"]);
        }
    }
}
