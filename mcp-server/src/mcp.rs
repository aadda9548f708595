//! MCP itself: rmcp's protocol handling, our tools.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::routing::any;
use krb_delegation::pipeline::Call;
use krb_delegation::{Failure, Outcome, TraceContext};
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult,
    CustomRequest, CustomResult, ErrorCode, Implementation, JsonObject, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ProtocolVersion, RequestMetaObject, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::backend::Backend;
use crate::http::{self, Authenticated, Cancel, VERSIONS, Visit, refuse};
use crate::{config, tools};

const INSTRUCTIONS: &str = "Reaches file shares and web applications of a Windows domain with the \
    calling user's own permissions. Begin with list-targets: it names what this user may use, and \
    how paths and URLs begin. A failed call says in `error.remedy` what to change and who can.";

/// The whole service, HTTP around MCP. `stop` ends the calls that still run.
pub(crate) fn router<B: Backend>(
    config: &config::ServerConfig,
    issuers: Vec<String>,
    backend: Arc<B>,
    stop: CancellationToken,
) -> Router {
    let deadline = config.call_timeout();
    let behind = Arc::clone(&backend);
    let mcp = Arc::new(StreamableHttpService::new(
        move || Ok(Handler { backend: Arc::clone(&behind), deadline }),
        Arc::new(NeverSessionManager::default()),
        StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_max_request_body_bytes(http::MAX_BYTES)
            .with_allowed_hosts(config.hosts())
            .with_cancellation_token(stop),
    ));
    // One for all requests: a clone copies its configuration.
    let mcp = any(move |request: Request| {
        let mcp = Arc::clone(&mcp);
        async move { mcp.handle(request).await }
    });
    http::router(config, issuers, backend, mcp)
}

/// Answers MCP requests; one per HTTP request.
struct Handler<B> {
    backend: Arc<B>,
    /// Time for one tool call.
    deadline: Duration,
}

impl<B: Backend> Handler<B> {
    async fn perform(
        &self,
        tool: &'static tools::Entry,
        arguments: JsonObject,
        from: &Authenticated<B::Caller>,
        trace: Option<TraceContext>,
        cancel: CancellationToken,
    ) -> Result<Outcome, Failure> {
        let request_id = from.request_id.clone();
        match tool.parse(arguments) {
            Ok(request) => {
                let tool = tool.name;
                let deadline = self.deadline;
                let call = Call { request_id, trace, tool, request, deadline, cancel };
                self.backend.call(&from.caller, call).await
            }
            Err(failure) => {
                Err(self.backend.refuse(&from.caller, &request_id, tool.name, failure).await)
            }
        }
    }
}

impl<B: Backend> ServerHandler for Handler<B> {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("krb-mcp", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        VERSIONS.into()
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        if request.is_some_and(|request| request.cursor.is_some()) {
            let problem = "the list has one page, so this cursor is not from here";
            return Err(ErrorData::invalid_params(problem, None));
        }
        let mut result = ListToolsResult::with_all_items(tools::list().to_vec());
        // What stands behind authentication is not for shared caches.
        result.cache_scope = Some(CacheScope::Private);
        result.ttl_ms = Some(60_000);
        Ok(result)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools::list().iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let extensions = context.extensions.get::<Parts>().map(|parts| &parts.extensions);
        let (Some(from), Some(visit), Some(Cancel(cancel))) = (
            extensions.and_then(|extensions| extensions.get::<Arc<Authenticated<B::Caller>>>()),
            extensions.and_then(|extensions| extensions.get::<Arc<Visit>>()),
            extensions.and_then(|extensions| extensions.get::<Cancel>()),
        ) else {
            return Err(ErrorData::internal_error("the request was not taken in", None));
        };
        let Some(tool) = tools::find(&request.name) else {
            let problem = format!("unknown tool; this server has {}", tools::names().join(", "));
            let tool = tools::audited_name(&request.name);
            refuse(&*self.backend, from, visit, tool, &problem).await;
            return Err(ErrorData::invalid_params(problem, None));
        };
        let parts = context.extensions.get::<Parts>();
        let trace = trace(&context.meta, parts.map(|parts| &parts.headers));
        let arguments = request.arguments.unwrap_or_default();
        let result = match visit.begin() {
            Ok(turn) => {
                let result = self.perform(tool, arguments, from, trace, cancel.clone()).await;
                turn.ended(&result);
                if let Err(failure) = &result
                    && failure.claims.is_some()
                {
                    // The first one, if there were several.
                    let _ = from.wanted.set(failure.clone());
                }
                result
            }
            Err(failure) => {
                self.backend.limited(&from.caller);
                Err(failure)
            }
        };
        Ok(tools::to_result(result).into())
    }

    // Capabilities that are not declared are not there, rather than empty.

    async fn complete(
        &self,
        _: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        Err(no_method())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Err(no_method())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Err(no_method())
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Err(no_method())
    }

    /// Unknown methods, and known ones whose parameters rmcp could not read.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        const OURS: [&str; 4] = ["ping", "server/discover", "tools/call", "tools/list"];
        let method = request.method;
        Err(if OURS.contains(&method.as_str()) {
            let problem = format!("the params are not those that MCP gives {method}");
            ErrorData::invalid_params(problem, None)
        } else {
            no_method()
        })
    }
}

/// Where a call belongs in its caller's trace, as the message says, or else the request that carries
/// it.
fn trace(meta: &RequestMetaObject, headers: Option<&HeaderMap>) -> Option<TraceContext> {
    const NAME: &str = "traceparent";
    let in_message = meta.get(NAME).and_then(Value::as_str).and_then(|text| text.parse().ok());
    in_message.or_else(|| headers?.get(NAME)?.to_str().ok()?.parse().ok())
}

fn no_method() -> ErrorData {
    let problem = "this server has no such method; it has tools/list and tools/call";
    ErrorData::new(ErrorCode::METHOD_NOT_FOUND, problem, None)
}
