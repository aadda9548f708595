//! Requests through the whole application, in memory.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::testing::{Fake, app};
use crate::tools;

mod bound;
mod cancelling;
mod messages;
mod plain;
mod refusals;

async fn send(app: &Router, request: Request<Body>) -> Response {
    app.clone().oneshot(request).await.unwrap()
}

async fn body(response: Response) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

async fn json_body(response: Response) -> Value {
    serde_json::from_slice(&body(response).await).unwrap()
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).header("host", "localhost").body(Body::empty()).unwrap()
}

/// As `curl -H 'Content-Type: application/json' -d …` sends it, with further header fields.
fn post(headers: &[(&str, &str)], message: &Value) -> Request<Body> {
    let mut request = Request::post("/mcp")
        .header("host", "localhost:8080")
        .header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(message.to_string())).unwrap()
}

const ALICE: (&str, &str) = ("authorization", "Bearer alice");

fn read(path: &str) -> Value {
    json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "kerberos-file-read", "arguments": {"path": path}}
    })
}

mod authentication {
    use std::time::Duration;

    use super::*;
    use crate::http::bearer::{Authenticated, Gate, require};
    use crate::http::metadata::Metadata;
    use crate::testing::server_config;

    async fn challenge(more: &str, headers: &[(&str, &str)]) -> (StatusCode, String, Arc<Fake>) {
        let (app, fake, _) = app(more);
        let response = send(&app, post(headers, &read("x"))).await;
        let status = response.status();
        let challenge = challenge_of(response.headers());
        let text = String::from_utf8(body(response).await.to_vec()).unwrap();
        for (_, value) in headers {
            let token = value.strip_prefix("Bearer ").filter(|token| !token.is_empty());
            assert!(token.is_none_or(|token| !format!("{challenge}{text}").contains(token)));
        }
        (status, challenge, fake)
    }

    fn challenge_of(headers: &HeaderMap) -> String {
        headers[header::WWW_AUTHENTICATE].to_str().unwrap().to_owned()
    }

    const POINTER: &str =
        r#"resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp""#;

    #[tokio::test]
    async fn no_credentials_no_error_code() {
        // An empty `Bearer ` comes from a client whose token is not set: it is to start a login.
        for headers in [
            &[][..],
            &[("authorization", "Basic YTpi")],
            &[("authorization", "x")],
            &[("authorization", "Bearer")],
            &[("authorization", "Bearer ")],
            &[("authorization", "bearer   ")],
            &[("authorization", "")],
        ] {
            let (status, challenge, fake) = challenge("", headers).await;
            assert_eq!((status.as_u16(), challenge), (401, format!("Bearer {POINTER}")));
            assert_eq!(fake.events(), ["no_token"]);
        }
        let (_, challenge, _) = challenge(r#", "scopes": ["a", "b"]"#, &[]).await;
        assert_eq!(challenge, format!(r#"Bearer {POINTER}, scope="a b""#));
    }

    #[tokio::test]
    async fn whose_ticket_is_refused_may_come_with_a_token_or_another_ticket() {
        let (app, fake, _) = app("");
        fake.negotiates.store(true, Ordering::SeqCst);
        for (field, says) in [
            (Some("Negotiate YWJj"), "Negotiate bm8="),
            (Some("Negotiate !"), "Negotiate"),
            (Some("Bearer expired"), "Negotiate"),
            (None, "Negotiate"),
        ] {
            let headers: Vec<_> = field.map(|field| ("authorization", field)).into_iter().collect();
            let response = send(&app, post(&headers, &read("x"))).await;
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            let challenges: Vec<_> = response
                .headers()
                .get_all(header::WWW_AUTHENTICATE)
                .iter()
                .map(|value| value.to_str().unwrap())
                .collect();
            let [bearer, dpop, negotiate] = &challenges[..] else { panic!("{challenges:?}") };
            assert!(bearer.starts_with("Bearer ") && bearer.contains(POINTER), "{bearer}");
            assert!(dpop.starts_with("DPoP "), "{dpop}");
            assert_eq!(*negotiate, says, "{field:?}");
        }
    }

    #[tokio::test]
    async fn a_malformed_field_is_an_invalid_request() {
        let two = [("authorization", "Bearer alice"), ("authorization", "Bearer alice")];
        let malformed = ["Bearer a b", "Bearer a,b", "bearer ===", "Bearer ä"]
            .map(|field| [("authorization", field)]);
        for headers in malformed.iter().map(|one| &one[..]).chain([&two[..]]) {
            let (status, challenge, fake) = challenge("", headers).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{headers:?}");
            assert!(
                challenge.starts_with("Bearer error=\"invalid_request\", error_description=\"")
            );
            assert!(challenge.ends_with(POINTER), "{challenge}");
            assert_eq!(fake.events(), ["malformed_authorization"]);
        }
    }

    #[tokio::test]
    async fn a_refused_token_is_an_invalid_token() {
        let (status, challenge, _) = challenge("", &[("authorization", "Bearer eyJ.e30.x")]).await;
        let reason = r#"error="invalid_token", error_description="the token is 'expired'""#;
        assert_eq!((status.as_u16(), challenge), (401, format!("Bearer {reason}, {POINTER}")));
    }

    #[tokio::test]
    async fn without_the_issuers_keys_it_is_our_failure() {
        let (app, ..) = app("");
        let request = post(&[("authorization", "Bearer no-keys")], &read("x"));
        let response = send(&app, request).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(response.headers().contains_key(header::RETRY_AFTER));
        assert!(!response.headers().contains_key(header::WWW_AUTHENTICATE));
    }

    #[tokio::test]
    async fn nothing_of_the_body_is_read_before() {
        struct Watched(Arc<Fake>);
        impl HttpBody for Watched {
            type Data = Bytes;
            type Error = std::convert::Infallible;
            fn poll_frame(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
                self.0.saw("body");
                Poll::Ready(None)
            }
        }
        let (app, fake, _) = app("");
        let request = post(&[("authorization", "Bearer expired")], &read("x"));
        let request = request.map(|_| Body::new(Watched(Arc::clone(&fake))));
        assert_eq!(send(&app, request).await.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(fake.events(), ["refused", "body"], "then it is thrown away");
        let request = post(&[ALICE], &read("x"));
        let request = request.map(|_| Body::new(Watched(Arc::clone(&fake))));
        assert_eq!(send(&app, request).await.status(), StatusCode::BAD_REQUEST);
        assert_eq!(fake.events()[2..], ["body"]);
    }

    #[tokio::test]
    async fn what_follows_sees_the_caller_and_no_token() {
        let config = server_config("");
        let metadata = Metadata::new(&config, vec![]);
        let gate = Gate::new(Arc::new(Fake::default()), &config, &metadata, Duration::from_secs(1));
        let handler = |request: Request<Body>| async move {
            let caller = &request.extensions().get::<Arc<Authenticated<String>>>().unwrap().caller;
            let held = request.headers().contains_key("authorization");
            Response::new(Body::from(format!("{caller} {held}")))
        };
        let response = require(&gate, post(&[ALICE], &json!(null)), handler).await;
        assert_eq!(body(response).await, "alice false");
    }

    #[tokio::test]
    async fn a_request_takes_no_longer_than_it_may() {
        let config = server_config("");
        let metadata = Metadata::new(&config, vec![]);
        let gate =
            Gate::new(Arc::new(Fake::default()), &config, &metadata, Duration::from_millis(20));
        let never = |_| std::future::pending();
        let response = require(&gate, post(&[ALICE], &json!(null)), never).await;
        assert_eq!(response.status(), StatusCode::REQUEST_TIMEOUT);
    }

    #[tokio::test]
    async fn every_method_needs_a_token_and_no_other_path_is_served() {
        let (app, fake, _) = app("");
        assert_eq!(send(&app, get("/mcp")).await.status(), 401);
        assert_eq!(fake.events(), ["no_token"]);
        for path in ["/", "/mcp/", "/mcp/x", "/mcp//", "/MCP", "/mcpx", "/other"] {
            let mut request = get(path);
            request.headers_mut().insert("authorization", "Bearer alice".parse().unwrap());
            assert_eq!(send(&app, request).await.status(), 404, "{path}");
        }
        let mut request = get("/mcp");
        request.headers_mut().insert("authorization", "Bearer alice".parse().unwrap());
        let response = send(&app, request).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers()[header::ALLOW], "POST");
    }
}

#[tokio::test]
async fn the_metadata_stands_where_clients_look() {
    let (app, ..) = app(r#", "scopes": ["files:read"]"#);
    let root = "/.well-known/oauth-protected-resource";
    for path in [root.to_owned(), format!("{root}/mcp")] {
        let response = send(&app, get(&path)).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
        let expected = json!({
            "resource": "https://mcp.example.com/mcp",
            "authorization_servers": ["https://idp.example.com"],
            "scopes_supported": ["files:read"],
            "bearer_methods_supported": ["header"],
            "dpop_signing_alg_values_supported": [
                "ES256", "ES384", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"
            ],
            "tls_client_certificate_bound_access_tokens": false,
            "resource_name": "krb-mcp: file shares and web applications as the calling user"
        });
        assert_eq!(json_body(response).await, expected);
    }
}

#[tokio::test]
async fn a_public_path_of_a_reverse_proxy_has_its_metadata() {
    let (app, ..) = app(r#", "scopes": []"#);
    let config = crate::testing::server_config("");
    let config = crate::config::ServerConfig {
        public_url: "https://example.com/krb/mcp".parse().unwrap(),
        ..config
    };
    let other = crate::mcp::router(&config, vec![], Arc::new(Fake::default()), Default::default());
    let path = "/.well-known/oauth-protected-resource/krb/mcp";
    assert_eq!(send(&app, get(path)).await.status(), StatusCode::NOT_FOUND);
    let response = send(&other, get(path)).await;
    assert_eq!(json_body(response).await["resource"], "https://example.com/krb/mcp");
    let response = send(&other, post(&[], &json!({}))).await;
    let challenge = response.headers()[header::WWW_AUTHENTICATE].to_str().unwrap();
    assert!(challenge.contains(&format!("https://example.com{path}")), "{challenge}");
}

#[tokio::test]
async fn the_resource_is_the_public_url_to_the_letter() {
    for (url, metadata) in [
        ("https://mcp.example.com", "https://mcp.example.com/"),
        ("https://mcp.example.com/", "https://mcp.example.com/"),
        ("https://MCP.example.com:443/mcp/", "https://mcp.example.com/mcp"),
    ] {
        let config = crate::config::ServerConfig {
            public_url: url.parse().unwrap(),
            ..crate::testing::server_config("")
        };
        let app =
            crate::mcp::router(&config, vec![], Arc::new(Fake::default()), Default::default());
        let root = "/.well-known/oauth-protected-resource";
        assert_eq!(json_body(send(&app, get(root)).await).await["resource"], url);
        let response = send(&app, post(&[], &json!({}))).await;
        let challenge = response.headers()[header::WWW_AUTHENTICATE].to_str().unwrap();
        let (host, path) = metadata.split_at("https://mcp.example.com".len());
        let pointer = format!("{host}{root}{}", path.trim_end_matches('/'));
        assert!(challenge.contains(&format!("=\"{pointer}\"")), "{challenge}");
    }
}

#[tokio::test]
async fn health_is_empty() {
    let (app, ..) = app("");
    let response = send(&app, get("/healthz")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(body(response).await.is_empty());
}

mod calls {
    use super::*;

    #[tokio::test]
    async fn plain_curl_is_answered() {
        let (app, fake, _) = app("");
        let path = r"\\files\corp\data.csv";
        let text = r#"{"status":"success","data":{"path":"\\\\files\\corp\\data.csv","size":4,"encoding":"utf-8","content":"a,b\n"}}"#;
        for accept in [&[ALICE][..], &[ALICE, ("accept", "*/*")]] {
            let response = send(&app, post(accept, &read(path))).await;
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
            let structured: Value = serde_json::from_str(text).unwrap();
            let expected = json!({
                "jsonrpc": "2.0", "id": 1,
                "result": {
                    "content": [{"type": "text", "text": text}],
                    "structuredContent": structured,
                    "isError": false
                }
            });
            assert_eq!(json_body(response).await, expected);
        }
        let call = format!("kerberos-file-read file:read {path}");
        assert_eq!(fake.events(), [call.clone(), call]);
    }

    async fn call(name: &str, arguments: Value) -> Value {
        let message = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": name, "arguments": arguments}
        });
        json_body(send(&app("").0, post(&[ALICE], &message)).await).await
    }

    #[tokio::test]
    async fn every_tool_answers() {
        let entries = call("kerberos-list-directory", json!({"path": "//files/corp"})).await;
        let names = entries["result"]["structuredContent"]["data"]["entries"].as_array().unwrap();
        assert_eq!(names.len(), 3);
        let url = json!({"url": "http://web/", "method": "POST", "headers": {"x": "y"}});
        let response = call("kerberos-http-request", url).await;
        assert_eq!(response["result"]["structuredContent"]["data"]["status"], 200);
        let user = call("user-info", json!({})).await;
        assert_eq!(user["result"]["structuredContent"]["data"]["legacyName"], "ALICE_ADMIN");
    }

    #[tokio::test]
    async fn a_failure_is_a_tool_error() {
        let answer = call("kerberos-file-read", json!({"path": r"\\files\corp\denied"})).await;
        let text = r#"{"status":"failure","error":{"code":"ACCESS_DENIED","blame":"resource","message":"no","remedy":"ask","retryable":false}}"#;
        let structured: Value = serde_json::from_str(text).unwrap();
        let expected = json!({
            "content": [{"type": "text", "text": text}],
            "structuredContent": structured,
            "isError": true
        });
        assert_eq!(answer["result"], expected);
    }

    #[tokio::test]
    async fn wrong_arguments_are_named() {
        let cases = [
            (json!({"path": "//a/b/c", "mode": 1}), "unknown field `mode`, expected `path`"),
            (json!({}), "missing field `path`"),
            (json!({"path": 5}), "argument path: invalid type: integer `5`"),
        ];
        for (arguments, problem) in cases {
            let answer = call("kerberos-file-read", arguments).await;
            let error = &answer["result"]["structuredContent"]["error"];
            assert_eq!(error["code"], "INVALID_ARGUMENT");
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(problem), "{message}");
        }
        let answer = call("no-such-tool", json!({})).await;
        assert_eq!(answer["error"]["code"], -32602);
    }

    #[tokio::test]
    async fn a_client_that_goes_away_cancels_its_call() {
        let (app, fake, _) = app("");
        let request = post(&[ALICE], &read(r"\\files\corp\endless"));
        let call = tokio::spawn(async move { send(&app, request).await });
        fake.wait_for("started").await;
        call.abort();
        fake.wait_for("cancelled").await;
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused() {
        let (app, fake, _) = app("");
        let limit = crate::http::body::MAX_BYTES;
        for (length, status) in [(limit, 200), (limit + 1, 413)] {
            let mut message = read(r"\\files\corp\x").to_string().into_bytes();
            message.resize(length, b' ');
            let request = post(&[ALICE], &json!(null)).map(|_| Body::from(message));
            assert_eq!(send(&app, request).await.status(), status);
        }
        assert_eq!(fake.events().len(), 1);
    }
}

mod origins_and_hosts {
    use super::*;

    async fn ask(more: &str, request: Request<Body>) -> (Response, Arc<Fake>) {
        let (app, fake, _) = app(more);
        (send(&app, request).await, fake)
    }

    async fn status(more: &str, host: &str, origin: Option<&str>) -> u16 {
        let mut request = post(&[ALICE], &read(r"\\files\corp\x"));
        request.headers_mut().insert("host", host.parse().unwrap());
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        ask(more, request).await.0.status().as_u16()
    }

    const LISTED: &str = r#", "allowedOrigins": ["https://app.example.com"]"#;
    const APP: (&str, &str) = ("origin", "https://app.example.com");

    #[tokio::test]
    async fn an_origin_must_be_listed() {
        assert_eq!(status("", "localhost", Some("http://localhost")).await, 403);
        assert_eq!(status("", "localhost", Some("null")).await, 403);
        for listed in [LISTED, r#", "allowedOrigins": ["https://app.example.com:443"]"#] {
            for (origin, expected) in [
                ("https://app.example.com", 200),
                ("https://app.example.com:444", 403),
                ("http://app.example.com", 403),
                ("https://app.example.com.evil.example", 403),
                ("https://evil.example/https://app.example.com", 403),
                ("null", 403),
                ("", 403),
            ] {
                assert_eq!(status(listed, "localhost", Some(origin)).await, expected, "{origin}");
            }
        }
        // Before the token, and whichever token.
        let evil = ("origin", "https://evil.example");
        let (response, fake) = ask(LISTED, post(&[ALICE, evil], &read("x"))).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert!(!response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
        assert!(fake.events().is_empty());
        let (response, _) = ask(LISTED, post(&[ALICE, APP, evil], &read("x"))).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "two origins");
        let hosts = [ALICE, ("host", "localhost"), ("host", "localhost")];
        let (response, fake) = ask("", post(&hosts, &read("x"))).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "two hosts");
        assert!(fake.events().is_empty());
    }

    #[tokio::test]
    async fn a_server_of_this_machine_takes_pages_of_this_machine_and_no_others() {
        let local = |public: &str, listen: &str| {
            let mut config = crate::testing::server_config("");
            config.public_url = public.parse().unwrap();
            config.listen = listen.parse().unwrap();
            config
        };
        let status = async |config: &crate::config::ServerConfig, host: &str, origin: &str| {
            let fake = Arc::new(Fake::default());
            let app = crate::mcp::router(config, vec![], fake, Default::default());
            let mut request = post(&[ALICE, ("origin", origin)], &read(r"\\files\corp\x"));
            request.headers_mut().insert("host", host.parse().unwrap());
            send(&app, request).await.status().as_u16()
        };
        let here = local("http://localhost:8080/mcp", "127.0.0.1:8080");
        for origin in ["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:6274"] {
            assert_eq!(status(&here, "localhost:8080", origin).await, 200, "{origin}");
        }
        assert_eq!(status(&here, "localhost:8080", "http://evil.example").await, 403);
        // A name that was rebound to this machine.
        assert_eq!(status(&here, "evil.example:8080", "http://localhost:8080").await, 403);
        assert_eq!(status(&here, "evil.example:8080", "http://evil.example:8080").await, 403);
        // Behind a reverse proxy; and where others reach it.
        for config in [
            local("https://mcp.example.com/mcp", "127.0.0.1:8080"),
            local("http://localhost:8080/mcp", "0.0.0.0:8080"),
        ] {
            assert_eq!(status(&config, "localhost", "http://localhost:8080").await, 403);
        }
    }

    fn preflight(path: &str, origin: &str, fields: &str) -> Request<Body> {
        Request::options(path)
            .header("host", "localhost:8080")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", fields)
            .body(Body::empty())
            .unwrap()
    }

    #[tokio::test]
    async fn a_browser_that_asks_beforehand_is_told_without_a_token() {
        let fields = "authorization,content-type,mcp-method,mcp-name,mcp-protocol-version";
        let (response, fake) = ask(LISTED, preflight("/mcp", APP.1, fields)).await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        let headers = response.headers();
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], APP.1);
        assert_eq!(headers[header::VARY], "Origin");
        assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
        let methods = headers[header::ACCESS_CONTROL_ALLOW_METHODS].to_str().unwrap();
        assert!(methods.split(", ").any(|method| method == "POST"));
        let allowed = headers[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap();
        for field in fields.split(',') {
            assert!(allowed.split(", ").any(|one| one.eq_ignore_ascii_case(field)), "{field}");
        }
        assert!(fake.events().is_empty());

        let (response, _) = ask(LISTED, preflight("/mcp", "https://evil.example", fields)).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert!(!response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
        // Not every OPTIONS is one.
        let request = Request::options("/mcp").header("host", "localhost").body(Body::empty());
        let (response, _) = ask(LISTED, request.unwrap()).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn scripts_of_an_allowed_origin_may_read_answers_and_challenges() {
        for (token, expected) in [(Some(ALICE), 200), (None, 401)] {
            let headers: Vec<_> = token.into_iter().chain([APP]).collect();
            let (response, _) = ask(LISTED, post(&headers, &read(r"\\files\corp\x"))).await;
            assert_eq!(response.status(), expected);
            let headers = response.headers();
            assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], APP.1);
            assert_eq!(headers[header::VARY], "Origin");
            let exposed = headers[header::ACCESS_CONTROL_EXPOSE_HEADERS].to_str().unwrap();
            assert!(exposed.contains("WWW-Authenticate"), "{exposed}");
        }
        let (response, _) = ask(LISTED, post(&[ALICE], &read(r"\\files\corp\x"))).await;
        assert!(!response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
        assert_eq!(response.headers()[header::VARY], "Origin");
    }

    #[tokio::test]
    async fn any_page_may_ask_for_the_metadata() {
        for path in ["", "/mcp"] {
            let path = format!("/.well-known/oauth-protected-resource{path}");
            let request = preflight(&path, "https://anywhere.example", "mcp-protocol-version");
            let (response, _) = ask("", request).await;
            assert_eq!(response.status(), StatusCode::NO_CONTENT);
            let headers = response.headers();
            assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
            let allowed = headers[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap();
            assert!(allowed.contains("MCP-Protocol-Version"), "{allowed}");
        }
    }

    #[tokio::test]
    async fn a_host_must_be_known() {
        for host in ["localhost:1", "127.0.0.1", "[::1]:8080", "mcp.example.com", "MCP.example.com"]
        {
            assert_eq!(status("", host, None).await, 200, "{host}");
        }
        assert_eq!(status("", "evil.example.com", None).await, 403);
        let listed = r#", "allowedHosts": ["inner.example.com:8080"]"#;
        assert_eq!(status(listed, "inner.example.com:8080", None).await, 200);
        assert_eq!(status(listed, "inner.example.com:81", None).await, 403);
    }
}

mod protocol {
    use super::*;

    #[tokio::test]
    async fn revision_2025_11_25_with_its_handshake() {
        let (app, ..) = app("");
        let initialize = json!({
            "jsonrpc": "2.0", "id": 0, "method": "initialize",
            "params": {
                "protocolVersion": "2025-11-25", "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"}
            }
        });
        let accept = ("accept", "application/json, text/event-stream");
        let response = send(&app, post(&[ALICE, accept], &initialize)).await;
        assert!(!response.headers().contains_key("mcp-session-id"));
        let result = &json_body(response).await["result"];
        assert_eq!(result["protocolVersion"], "2025-11-25");
        assert_eq!(result["serverInfo"]["name"], "krb-mcp");
        assert!(result["capabilities"]["tools"].is_object());

        let version = ("mcp-protocol-version", "2025-11-25");
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let response = send(&app, post(&[ALICE, accept, version], &initialized)).await;
        assert_eq!(response.status(), StatusCode::ACCEPTED);

        let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
        let response = send(&app, post(&[ALICE, accept, version], &list)).await;
        let result = &json_body(response).await["result"];
        assert_eq!(result["tools"].as_array().unwrap().len(), tools::names().len());
        assert!(result.get("resultType").is_none());

        let call = read(r"\\files\corp\x");
        let response = send(&app, post(&[ALICE, accept, version], &call)).await;
        assert_eq!(json_body(response).await["result"]["isError"], false);
    }

    pub(super) fn modern(method: &str, mut params: Value) -> Value {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"}
        });
        json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    }

    pub(super) const VERSION: (&str, &str) = ("mcp-protocol-version", "2026-07-28");

    #[tokio::test]
    async fn revision_2026_07_28_without_one() {
        let (app, ..) = app("");
        let method = ("mcp-method", "server/discover");
        let discover = modern("server/discover", json!({}));
        let response = send(&app, post(&[ALICE, VERSION, method], &discover)).await;
        let result = &json_body(response).await["result"];
        let versions = result["supportedVersions"].as_array().unwrap();
        assert!(versions.contains(&json!("2026-07-28")) && versions.contains(&json!("2025-11-25")));

        let list = modern("tools/list", json!({}));
        let response =
            send(&app, post(&[ALICE, VERSION, ("mcp-method", "tools/list")], &list)).await;
        let result = &json_body(response).await["result"];
        assert_eq!((&result["cacheScope"], &result["ttlMs"]), (&json!("private"), &json!(60_000)));

        let method = ("mcp-method", "tools/call");
        let name = ("mcp-name", "kerberos-file-read");
        let arguments = json!({"path": r"\\files\corp\x"});
        let call = modern("tools/call", json!({"name": name.1, "arguments": arguments}));
        let response = send(&app, post(&[ALICE, VERSION, method, name], &call)).await;
        let result = &json_body(response).await["result"];
        assert_eq!(
            (&result["isError"], &result["resultType"]),
            (&json!(false), &json!("complete"))
        );
    }

    #[tokio::test]
    async fn header_fields_must_agree_with_the_body() {
        let (app, fake, _) = app("");
        let arguments = json!({"path": r"\\files\corp\x"});
        let call = modern("tools/call", json!({"name": "user-info", "arguments": arguments}));
        let headers =
            [ALICE, VERSION, ("mcp-method", "tools/call"), ("mcp-name", "kerberos-file-read")];
        let response = send(&app, post(&headers, &call)).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(json_body(response).await["error"]["code"], -32020);
        assert_eq!(fake.events(), ["user-info refused"], "nothing is done");
    }

    #[tokio::test]
    async fn an_unknown_method_is_not_found() {
        let (app, ..) = app("");
        let message = modern("no/such", json!({}));
        let response =
            send(&app, post(&[ALICE, VERSION, ("mcp-method", "no/such")], &message)).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(json_body(response).await["error"]["code"], -32601);
    }
}
