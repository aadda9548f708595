//! The client's side (RFC 4559), around requests of reqwest's.

use std::sync::Arc;

use krb_proto::ap::ClientData;
use krb_proto::gss::{ChannelBindings, GssError, InitiatorOptions};
use krb_proto::iana::NameType;
use krb_proto::spnego::http::{header_value, parse_header_value, take_answer};
use krb_proto::spnego::{SpnegoError, SpnegoInitiator};
use krb_proto::{Context, Name};
use reqwest::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Method, Request, RequestBuilder, Response, StatusCode, Url};

use crate::{Client, ClientError, OsRandom, UserTicket};

/// A login is begun so often for one request: a second time if the server has another certificate by
/// then, since its name may be many machines'.
const MAX_LOGINS: usize = 2;

/// Logs in where a server asks for it, and makes sure that it is the server that was meant.
///
/// ```no_run
/// use krb_client::Client;
/// use krb_client::negotiate::Negotiate;
///
/// # async fn run(client: &Client) -> Result<(), Box<dyn std::error::Error>> {
/// let http = reqwest::Client::new();
/// let negotiate = Negotiate::as_itself(client);
/// let page = negotiate.send(http.get("http://web.example.test/")).await?.text().await?;
/// # Ok(()) }
/// ```
///
/// The ticket is one for `HTTP/` and the host as the URL has it; no other name is looked up. A request is
/// sent without a login first, and once more with one if the answer is 401 and asks for `Negotiate`. What
/// is answered then counts only if the server has proven that it is the one that the ticket is for; after
/// that, 401 and 403 are the application's word and come back as any other answer.
///
/// **A `reqwest::Client` of its own for each account.** Servers may keep a *connection* logged in, and a
/// pool of connections does not know whose they are.
///
/// **Redirects.** No token goes to another scheme, host or port than the request was for. A redirect that
/// reqwest follows with a token takes the server's proof with it, and is an error: let a client that logs
/// in follow none ([`Policy::none`](reqwest::redirect::Policy::none)), and ask for where it leads as a
/// request of its own.
///
/// **TLS** is the application's choice. A login is bound to the server's certificate where that can be
/// had, which takes a client with `tls_info(true)`, and one line, since the type is there only where
/// reqwest has TLS at all:
///
/// ```ignore
/// let negotiate = negotiate.certificates_by(|answer| {
///     answer.extensions().get::<reqwest::tls::TlsInfo>()?.peer_certificate().map(<[u8]>::to_vec)
/// });
/// ```
///
/// Servers that demand bindings (Extended Protection) refuse logins without.
#[derive(Clone)]
pub struct Negotiate {
    client: Client,
    whose: Whose,
    certificates: Option<Arc<Certificates>>,
}

type Certificates = dyn Fn(&Response) -> Option<Vec<u8>> + Send + Sync;

#[derive(Clone)]
enum Whose {
    Itself,
    User { evidence: UserTicket, sid: String },
}

/// Why there is no answer that counts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NegotiateError {
    /// The request could not be made or carried.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// There is no ticket to the server. (A KDC that does not know `HTTP/host` has no such SPN at any
    /// account: the URL's host may be another name for it.)
    #[error("no ticket to HTTP/{host}: {error}")]
    Ticket {
        /// The URL's host.
        host: String,
        /// Why not.
        #[source]
        error: Box<ClientError>,
    },
    /// The login cannot be begun.
    #[error("the ticket to HTTP/{host} is of no use: {error}")]
    Unusable {
        /// The URL's host.
        host: String,
        /// Why not.
        #[source]
        error: SpnegoError,
    },
    /// The server asks for a login, and the request has a body that can be sent once (a stream), or was
    /// redirected with one, so that it cannot be sent again.
    #[error("the server asks for a login, and the request's body is gone: give it as bytes")]
    BodyIsGone,
    /// The server does not take the login. It has not proven who it is, either.
    #[error("{host} does not take the login{}: {}{}",
        if *bound { ", which is bound to its certificate" } else { "" },
        reason.map_or("it does not say why".into(), |reason| reason.to_string()),
        if *bound { "" } else { "; if it demands channel bindings, they take https and \
            Negotiate::certificates_by" })]
    Refused {
        /// The server.
        host: String,
        /// What it says; nobody vouches for that.
        reason: Option<SpnegoError>,
        /// Was it bound to the server's certificate?
        bound: bool,
    },
    /// The server has not proven that it is the one that the ticket is for: nothing that it answers is to
    /// be believed.
    #[error("{host} has not proven who it is: {}", error.map_or(
        "its answer has no Kerberos token".into(), |error| error.to_string()))]
    NotProven {
        /// Who answered.
        host: String,
        /// What its token lacks, if there is one.
        error: Option<SpnegoError>,
    },
    /// The server sends on to another place, and its proof was lost on the way.
    #[error(
        "the login was redirected to {to}: let the client follow no redirects \
         (reqwest::redirect::Policy::none), and send a request of its own there"
    )]
    Redirected {
        /// Where to.
        to: Box<Url>,
    },
}

/// What ties a login to the connection below it.
struct Channel {
    bindings: Option<ChannelBindings>,
    /// A server that sees a login without bindings may conclude that it was passed on.
    always_binds: bool,
}

impl Negotiate {
    /// Logs in as the client's own account.
    #[must_use]
    pub fn as_itself(client: &Client) -> Self {
        Self { client: client.clone(), whose: Whose::Itself, certificates: None }
    }

    /// Logs in as a user, with tickets that the client gets in their name (S4U2Proxy): by evidence, and
    /// the SID that it proves, as [`S4u::proxy_ticket`](crate::S4u::proxy_ticket) wants them.
    #[must_use]
    pub fn as_user(client: &Client, evidence: UserTicket, sid: &str) -> Self {
        let whose = Whose::User { evidence, sid: sid.to_owned() };
        Self { client: client.clone(), whose, certificates: None }
    }

    /// Binds logins to the certificate, DER, of the server that gave an answer, as far as this knows it.
    #[must_use]
    pub fn certificates_by(
        self,
        certificate: impl Fn(&Response) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        Self { certificates: Some(Arc::new(certificate)), ..self }
    }

    /// Sends a request, with a login if it takes one.
    ///
    /// # Errors
    /// [`NegotiateError`].
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, NegotiateError> {
        let (http, request) = request.build_split();
        self.execute(&http, request?).await
    }

    /// The same of a request that is built already.
    ///
    /// # Errors
    /// [`NegotiateError`].
    pub async fn execute(
        &self,
        http: &reqwest::Client,
        request: Request,
    ) -> Result<Response, NegotiateError> {
        let asked = request.url().clone();
        let mut again = request.try_clone();
        let mut answer = http.execute(request).await?;
        for login in 1..=MAX_LOGINS {
            // A redirect may have led to somebody else, who gets no token.
            if !asks_for_login(&answer) || origin(answer.url()) != origin(&asked) {
                return Ok(answer);
            }
            let mut request = again.take().ok_or(NegotiateError::BodyIsGone)?;
            if *answer.url() != asked {
                if ![Method::GET, Method::HEAD].contains(request.method()) {
                    return Err(NegotiateError::BodyIsGone);
                }
                *request.url_mut() = answer.url().clone();
            }
            again = request.try_clone();
            let certificate = self.certificate(&answer);
            let channel = Channel::of(answer.url(), certificate.as_deref());
            let (context, token) = self.begin(&asked, &channel).await?;
            request.headers_mut().insert(AUTHORIZATION, token);
            let sent_to = request.url().clone();
            answer = http.execute(request).await?;
            if *answer.url() != sent_to {
                return Err(NegotiateError::Redirected { to: Box::new(answer.url().clone()) });
            }
            match judge(context, &answer, channel.bindings.is_some()) {
                Err(NegotiateError::Refused { .. })
                    if login < MAX_LOGINS && self.certificate(&answer) != certificate => {}
                judged => return judged.map(|()| answer),
            }
        }
        Ok(answer)
    }

    fn certificate(&self, answer: &Response) -> Option<Vec<u8>> {
        self.certificates.as_ref().and_then(|certificate| certificate(answer))
    }

    /// A login at the host of a URL, and the field that begins it.
    async fn begin(
        &self,
        url: &Url,
        channel: &Channel,
    ) -> Result<(SpnegoInitiator, HeaderValue), NegotiateError> {
        let host = host(url);
        let service = Name::new(NameType::SRV_INST, ["HTTP", &host]);
        let ticket = match &self.whose {
            Whose::Itself => self.client.ticket(&service).await,
            Whose::User { evidence, sid } => {
                self.client.s4u().proxy_ticket(evidence, sid, &service).await
            }
        };
        let ticket = ticket
            .map_err(|error| NegotiateError::Ticket { host: host.clone(), error: error.into() })?;
        let options = InitiatorOptions {
            channel_bindings: channel.bindings.as_ref(),
            client_data: ClientData { always_binds: channel.always_binds, integrity: None },
            ..InitiatorOptions::default()
        };
        let now = self.client.inner.clock.now();
        let mut cx = Context { now, kdc_offset: 0, rng: &mut OsRandom };
        let unusable = |error| NegotiateError::Unusable { host: host.clone(), error };
        let (context, token) =
            SpnegoInitiator::new(&ticket, &options, &mut cx).map_err(unusable)?;
        let field = HeaderValue::from_str(&header_value(&token));
        let mut field = field.map_err(|_| unusable(SpnegoError::Failed))?;
        field.set_sensitive(true);
        Ok((context, field))
    }
}

impl Channel {
    fn of(url: &Url, certificate: Option<&[u8]>) -> Self {
        let bindings = certificate.and_then(ChannelBindings::tls_server_end_point_of);
        let always_binds = bindings.is_some() || url.scheme() != "https";
        Self { bindings, always_binds }
    }
}

/// Nothing of an answer is believed before the server has proven who it is (RFC 4559 section 5).
fn judge(
    mut context: SpnegoInitiator,
    answer: &Response,
    bound: bool,
) -> Result<(), NegotiateError> {
    let fields = answer.headers().get_all(WWW_AUTHENTICATE).iter().map(HeaderValue::as_bytes);
    let taken = take_answer(&mut context, fields);
    if context.is_complete() {
        return Ok(());
    }
    let host = host(answer.url());
    let reason = taken.err();
    let refusal = matches!(
        reason,
        None | Some(SpnegoError::Rejected | SpnegoError::Mechanism(GssError::Refused { .. }))
    );
    match answer.status() == StatusCode::UNAUTHORIZED && refusal {
        true => Err(NegotiateError::Refused { host, reason, bound }),
        false => Err(NegotiateError::NotProven { host, error: reason }),
    }
}

fn asks_for_login(answer: &Response) -> bool {
    let mut fields = answer.headers().get_all(WWW_AUTHENTICATE).iter();
    answer.status() == StatusCode::UNAUTHORIZED
        && fields.any(|field| matches!(parse_header_value(field.as_bytes()), Ok(Some(_))))
}

fn origin(url: &Url) -> (&str, Option<&str>, Option<u16>) {
    (url.scheme(), url.host_str(), url.port_or_known_default())
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().trim_end_matches('.').to_owned()
}
