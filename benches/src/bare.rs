//! The least that an MCP server in Rust can do: rmcp behind one check of an ES256 token for each
//! request.

use std::collections::HashSet;
use std::fs;
use std::io::{Error, Result};
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::any_service;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock};
use rmcp::model::{ServerCapabilities, ServerConfig};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::Value;
use tokio::net::TcpListener;

#[derive(Clone)]
struct Echo;

impl ServerHandler for Echo {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> std::result::Result<CallToolResponse, ErrorData> {
        let value = serde_json::json!({"status": "success", "data": request.arguments});
        let mut result = CallToolResult::success(vec![ContentBlock::text(value.to_string())]);
        result.structured_content = Some(value);
        Ok(result.into())
    }
}

struct Check {
    key: DecodingKey,
    validation: Validation,
}

async fn check(State(check): State<Arc<Check>>, request: Request, next: Next) -> Response {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    match decode::<Value>(token, &check.key, &check.validation) {
        Ok(_) => next.run(request).await,
        Err(_) => StatusCode::UNAUTHORIZED.into_response(),
    }
}

/// Serves for ever. `keys` is a file with the issuer's key set.
///
/// # Errors
/// If it cannot listen, or the file has no key.
pub async fn serve(address: SocketAddr, issuer: &str, keys: &str) -> Result<()> {
    let keys: Value = serde_json::from_slice(&fs::read(keys)?)?;
    let key: Jwk = serde_json::from_value(keys["keys"][0].clone())?;
    let mut validation = Validation::new(Algorithm::ES256);
    validation.iss = Some(HashSet::from([issuer.to_owned()]));
    validation.set_audience(&["mcp-oauth"]);
    let key = DecodingKey::from_jwk(&key).map_err(Error::other)?;
    let mcp = StreamableHttpService::new(
        || Ok(Echo),
        Arc::new(NeverSessionManager::default()),
        StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true),
    );
    let check_ = from_fn_with_state(Arc::new(Check { key, validation }), check);
    let app = Router::new().route("/mcp", any_service(mcp)).layer(check_);
    axum::serve(TcpListener::bind(address).await?, app).await
}
