//! The server's side (RFC 4559), as a layer of tower's.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use krb_proto::gss::{ChannelBindings, ChannelPolicy};
use krb_proto::spnego::http::{header_value, parse_header_value};
use tower_layer::Layer;
use tower_service::Service;

use crate::accept::{Accepted, Acceptor, NotAccepted};

/// Lets nobody pass who does not log in by Kerberos.
///
/// ```no_run
/// use axum::{Extension, Router, routing::get};
/// use krb_client::accept::{Acceptor, AcceptorConfig, Caller, ServiceKeys};
/// use krb_client::negotiate::NegotiateLayer;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let acceptor = Acceptor::new(AcceptorConfig::new(ServiceKeys::keytab_file("http.keytab")));
/// acceptor.read_keys().await?;
/// let app = Router::new()
///     .route("/", get(|Extension(caller): Extension<Caller>| async move {
///         format!("You are {}.\n", caller.principal)
///     }))
///     .layer(NegotiateLayer::new(acceptor));
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
/// axum::serve(listener, app).await?;
/// # Ok(()) }
/// ```
///
/// Who comes stands in the request's extensions, as [`Caller`](crate::accept::Caller), and the token is
/// taken out of the request. The answer, whatever it is, proves to the client who the server is.
/// Everybody else is answered with 401 and the challenge, and with an empty body; why stands in that
/// response's extensions, as [`NotAccepted`], unless nothing was presented.
///
/// **Each request is a login of its own.** Nothing is remembered of a connection: a proxy may send the
/// requests of many people over one. So a client whose first token is not its Kerberos ticket is refused,
/// since there is nothing that its next one could be told to belong to.
///
/// Below TLS, say what the logins must be bound to ([`Self::demand_binding`]): otherwise whoever ends a
/// client's TLS connection elsewhere can pass its login on.
#[derive(Clone)]
pub struct NegotiateLayer {
    acceptor: Acceptor,
    channel: Channel,
}

#[derive(Clone)]
enum Channel {
    Ignored,
    Checked(Bindings),
    Demanded(Bindings),
}

type Bindings = Arc<dyn Fn() -> ChannelBindings + Send + Sync>;

impl NegotiateLayer {
    /// Whoever this acceptor takes may pass.
    #[must_use]
    pub fn new(acceptor: Acceptor) -> Self {
        Self { acceptor, channel: Channel::Ignored }
    }

    /// Clients must bind their logins to this channel: that of the certificate that they see
    /// ([`ChannelBindings::tls_server_end_point_of`]), which is asked for with each request since it may
    /// be replaced.
    #[must_use]
    pub fn demand_binding(
        self,
        bindings: impl Fn() -> ChannelBindings + Send + Sync + 'static,
    ) -> Self {
        Self { channel: Channel::Demanded(Arc::new(bindings)), ..self }
    }

    /// Clients that bind their logins must bind them to this channel; those that do not may pass, as
    /// [`ChannelPolicy::IfBound`] says.
    #[must_use]
    pub fn check_binding(
        self,
        bindings: impl Fn() -> ChannelBindings + Send + Sync + 'static,
    ) -> Self {
        Self { channel: Channel::Checked(Arc::new(bindings)), ..self }
    }

    async fn log_in(&self, headers: &HeaderMap) -> Result<Accepted, Option<NotAccepted>> {
        let mut fields = headers.get_all(AUTHORIZATION).iter();
        // Two would be two people's.
        let field = fields.next().filter(|_| fields.next().is_none()).ok_or(None)?;
        let token = parse_header_value(field.as_bytes()).ok().flatten();
        let token = token.filter(|token| !token.is_empty()).ok_or(None)?;
        let bindings = match &self.channel {
            Channel::Ignored => None,
            Channel::Checked(bindings) | Channel::Demanded(bindings) => Some(bindings()),
        };
        let channel = match (&self.channel, &bindings) {
            (Channel::Checked(_), Some(bindings)) => ChannelPolicy::IfBound(bindings),
            (Channel::Demanded(_), Some(bindings)) => ChannelPolicy::Require(bindings),
            _ => ChannelPolicy::Ignore,
        };
        Ok(self.acceptor.accept(&token, channel).await?)
    }
}

impl<S> Layer<S> for NegotiateLayer {
    type Service = NegotiateService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        NegotiateService { inner, login: self.clone() }
    }
}

/// A service behind a [`NegotiateLayer`].
#[derive(Clone)]
pub struct NegotiateService<S> {
    inner: S,
    login: NegotiateLayer,
}

impl<S, B, R> Service<Request<B>> for NegotiateService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The one that was asked whether it is ready.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let login = self.login.clone();
        Box::pin(async move {
            match login.log_in(request.headers()).await {
                Ok(Accepted { caller, answer, .. }) => {
                    request.headers_mut().remove(AUTHORIZATION);
                    request.extensions_mut().insert(caller);
                    let mut response = inner.call(request).await?;
                    if !answer.is_empty() {
                        challenge(response.headers_mut(), &answer);
                    }
                    Ok(response)
                }
                Err(refused) => {
                    let mut response = Response::new(R::default());
                    *response.status_mut() = StatusCode::UNAUTHORIZED;
                    let answer = refused.as_ref().map(|refused| &*refused.answer);
                    challenge(response.headers_mut(), answer.unwrap_or_default());
                    if let Some(refused) = refused {
                        tracing::debug!(why = %refused, "a login was not taken");
                        response.extensions_mut().insert(refused);
                    }
                    Ok(response)
                }
            }
        })
    }
}

/// `Negotiate`, and the token unless it is empty.
fn challenge(headers: &mut HeaderMap, token: &[u8]) {
    let value = if token.is_empty() { "Negotiate".to_owned() } else { header_value(token) };
    // Base64 is a value.
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.append(WWW_AUTHENTICATE, value);
    }
}
