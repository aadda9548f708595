//! MCP itself: rmcp's protocol handling, our tools.

mod plain;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use axum::response::Response;
use krb_delegation::pipeline::Call;
use krb_delegation::{Failure, Outcome, TraceContext};
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult,
    CustomRequest, CustomResult, ErrorCode, Implementation, JsonObject, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ProtocolVersion, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::backend::Backend;
use crate::http::{self, Answers, Authenticated, Cancel, VERSIONS, Visit, refuse};
use crate::{config, tools};
use plain::Plain;

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
    let handler = Handler { backend: Arc::clone(&backend), deadline: config.call_timeout() };
    let for_rmcp = handler.clone();
    let rmcp = StreamableHttpService::new(
        move || Ok(for_rmcp.clone()),
        Arc::new(NeverSessionManager::default()),
        StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_max_request_body_bytes(http::MAX_BYTES)
            .with_allowed_hosts(config.hosts())
            .with_cancellation_token(stop.clone()),
    );
    // One for all requests: a clone copies its configuration.
    let served = Arc::new(Served { plain: Plain { handler, hosts: config.hosts(), stop }, rmcp });
    http::router(config, issuers, backend, served)
}

/// Who answers a message.
struct Served<B: Backend> {
    plain: Plain<B>,
    rmcp: StreamableHttpService<Handler<B>, NeverSessionManager>,
}

impl<B: Backend> Answers for Served<B> {
    async fn answer(&self, request: Request) -> Response {
        match self.plain.answer(request).await {
            Ok(response) => response,
            Err(request) => self.rmcp.handle(*request).await.map(Body::new),
        }
    }
}

/// Performs tool calls, and answers what else MCP asks; one per HTTP request.
struct Handler<B> {
    backend: Arc<B>,
    /// Time for one tool call.
    deadline: Duration,
}

impl<B> Clone for Handler<B> {
    fn clone(&self) -> Self {
        Self { backend: Arc::clone(&self.backend), deadline: self.deadline }
    }
}

impl<B: Backend> Handler<B> {
    /// Calls a tool, if its caller has not called too much.
    async fn call(
        &self,
        tool: &'static tools::Entry,
        arguments: JsonObject,
        taken: &Taken<B::Caller>,
        trace: Option<TraceContext>,
    ) -> Result<Outcome, Failure> {
        let Taken { from, visit, cancel: Cancel(cancel) } = taken;
        let turn = visit.begin().inspect_err(|_| self.backend.limited(&from.caller))?;
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
        let parts = context.extensions.get::<Parts>();
        let Some(taken) = parts.and_then(|parts| Taken::of(&parts.extensions)) else {
            return Err(ErrorData::internal_error("the request was not taken in", None));
        };
        let Some(tool) = tools::find(&request.name) else {
            let problem = format!("unknown tool; this server has {}", tools::names().join(", "));
            let tool = tools::audited_name(&request.name);
            refuse(&*self.backend, &taken.from, &taken.visit, tool, &problem).await;
            return Err(ErrorData::invalid_params(problem, None));
        };
        let said = context.meta.get(TRACEPARENT).and_then(Value::as_str);
        let trace = trace(said, parts.map(|parts| &parts.headers));
        let arguments = request.arguments.unwrap_or_default();
        Ok(tools::to_result(self.call(tool, arguments, &taken, trace).await).into())
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

/// What stands before MCP has found out of a request with a call.
struct Taken<C> {
    from: Arc<Authenticated<C>>,
    visit: Arc<Visit>,
    cancel: Cancel,
}

impl<C: Send + Sync + 'static> Taken<C> {
    fn of(extensions: &Extensions) -> Option<Self> {
        Some(Self {
            from: extensions.get::<Arc<Authenticated<C>>>()?.clone(),
            visit: extensions.get::<Arc<Visit>>()?.clone(),
            cancel: extensions.get::<Cancel>()?.clone(),
        })
    }
}

const TRACEPARENT: &str = "traceparent";

/// Where a call belongs in its caller's trace, as the message says, or else the request that carries
/// it.
fn trace(in_message: Option<&str>, headers: Option<&HeaderMap>) -> Option<TraceContext> {
    let in_message = in_message.and_then(|text| text.parse().ok());
    in_message.or_else(|| headers?.get(TRACEPARENT)?.to_str().ok()?.parse().ok())
}

fn no_method() -> ErrorData {
    let problem = "this server has no such method; it has tools/list and tools/call";
    ErrorData::new(ErrorCode::METHOD_NOT_FOUND, problem, None)
}
