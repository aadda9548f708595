//! Refusals that every client can show.

use super::*;

/// The JSON-RPC error of a refusal.
async fn refused(request: Request<Body>) -> (u16, Value) {
    let (app, ..) = app("");
    let response = send(&app, request).await;
    let status = response.status().as_u16();
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    let body = json_body(response).await;
    assert_eq!(body["jsonrpc"], "2.0");
    assert_eq!(body.get("id"), Some(&Value::Null), "{body}");
    assert!(body["error"]["code"].is_i64() && body["error"]["message"].is_string(), "{body}");
    (status, body["error"].clone())
}

fn with(headers: &[(&str, &str)]) -> Request<Body> {
    post(headers, &read("x"))
}

#[tokio::test]
async fn refusals_are_json_rpc_errors_with_an_id() {
    let (status, error) = refused(with(&[])).await;
    assert_eq!((status, &error["code"]), (401, &json!(-32010)));
    let (status, error) = refused(with(&[("authorization", "Bearer a b")])).await;
    assert_eq!((status, &error["data"]["error"]), (400, &json!("invalid_request")));
    let (status, error) = refused(with(&[("authorization", "Bearer x")])).await;
    assert_eq!((status, &error["data"]["error"]), (401, &json!("invalid_token")));
    let description = error["data"]["error_description"].as_str().unwrap();
    assert!(error["message"].as_str().unwrap().contains(description), "{error}");
    let (status, error) = refused(with(&[("authorization", "Bearer no-keys")])).await;
    assert_eq!((status, &error["data"]["error"]), (503, &json!("temporarily_unavailable")));

    // What rmcp says as plain text.
    let accept = [ALICE, ("accept", "text/html")];
    assert_eq!(refused(with(&accept)).await.0, 406);
    let mut request = with(&[ALICE]);
    request.headers_mut().insert("host", "elsewhere.example".parse().unwrap());
    assert_eq!(refused(request).await.0, 403);
    // What is no host, though a URL's reader finds ours in it.
    let no_hosts =
        ["x@localhost", "localhost:x", "localhost:+80", "localhost:65536", "@localhost", "a b", ""];
    for (host, status) in no_hosts
        .map(|host| (host, 400))
        .into_iter()
        .chain(["localhost", "LOCALHOST:8080", "[::1]:8080", "localhost:"].map(|host| (host, 200)))
    {
        let mut request = with(&[ALICE]);
        request.headers_mut().insert("host", host.parse().unwrap());
        assert_eq!(send(&app("").0, request).await.status().as_u16(), status, "{host}");
    }
    let mut request = with(&[ALICE]);
    *request.method_mut() = axum::http::Method::DELETE;
    assert_eq!(refused(request).await.0, 405);
}

#[tokio::test]
async fn what_is_sent_back_of_a_request_does_not_hide_its_refusal() {
    let long = "x".repeat(100_000);
    let notification = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    for method in ["x", &long] {
        let headers = [ALICE, protocol::VERSION, ("mcp-method", method)];
        assert_eq!(refused(post(&headers, &notification)).await.0, 400);
    }
}

#[tokio::test]
async fn a_body_must_be_plain_json_and_as_long_as_it_says() {
    for (name, value) in [("content-type", "text/plain"), ("content-encoding", "gzip")] {
        let mut request = with(&[ALICE]);
        request.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(refused(request).await.0, 415, "{value}");
    }
    let length = read("x").to_string().len();
    for (announced, status) in [(length - 1, 400), (length + 1, 400), (2 << 20, 413)] {
        let mut request = with(&[ALICE]);
        request.headers_mut().insert("content-length", announced.into());
        assert_eq!(refused(request).await.0, status, "{announced}");
    }
    let mut request = with(&[ALICE, ("content-encoding", "identity")]);
    request.headers_mut().insert("content-length", length.into());
    request
        .headers_mut()
        .insert("content-type", "Application/JSON; charset=utf-8".parse().unwrap());
    assert_eq!(send(&app("").0, request).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_the_provider_wants_of_the_next_login_is_a_challenge() {
    let request = post(&[ALICE], &read(r"\\files\corp\second-factor"));
    let response = send(&app("").0, request).await;
    assert_eq!(response.status().as_u16(), 401);
    let challenge = response.headers()[header::WWW_AUTHENTICATE].to_str().unwrap().to_owned();
    // The claims in base64, and nothing that ends a quoted text too early.
    let claims = "claims=\"eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJ2YWx1ZSI6ImMxIn19fQ==\"";
    assert!(challenge.starts_with("Bearer error=\"insufficient_claims\", "), "{challenge}");
    assert!(challenge.contains(claims) && challenge.contains("a 'second' factor"), "{challenge}");
    assert!(challenge.contains("resource_metadata="), "{challenge}");
    let error = json_body(response).await["error"].clone();
    assert_eq!(error["data"]["error"], "insufficient_claims");
    assert_eq!(error["data"]["claims"], r#"{"access_token":{"acrs":{"value":"c1"}}}"#);
    assert_eq!(error["data"]["failure"]["code"], "INTERACTION_REQUIRED");
}
