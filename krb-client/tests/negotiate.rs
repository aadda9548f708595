//! `Negotiate` in HTTP: our client with our server, and each with others that mean no good.

#![allow(clippy::unwrap_used, reason = "clippy takes only #[test] functions for tests")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, LOCATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Extension, Router};
use krb_client::accept::{Acceptor, AcceptorConfig, Caller, NotAccepted, ServiceKeys};
use krb_client::dev_kdc::InMemory;
use krb_client::negotiate::{Negotiate, NegotiateError, NegotiateLayer};
use krb_client::proto::gss::{ChannelBindings, InitiatorOptions};
use krb_client::proto::iana::NameType;
use krb_client::proto::kdc::{Account, Realm};
use krb_client::proto::spnego::SpnegoInitiator;
use krb_client::proto::spnego::http::{header_value, parse_header_value};
use krb_client::proto::{Context, Name, Principal};
use krb_client::{Client, Clock, OsRandom, SystemClock};
use reqwest::redirect::Policy;
use tokio::net::TcpListener;

const REALM: &str = "EXAMPLE.TEST";
const HOST: &str = "web.example.test";
const WEB: &str = "HTTP/web.example.test";
const CERTIFICATE: &[u8] = include_bytes!("../../krb-proto/vectors/pkinit-mit-1.20/ca.der");
const OTHER: &[u8] = include_bytes!("../../krb-proto/vectors/pkinit-mit-1.20/alice.der");

struct World {
    kdc: InMemory,
}

impl World {
    fn new() -> Self {
        let front = Account::service("svc-mcp").password("m").spn("HTTP/mcp.example.test");
        let front = front.set(|account| {
            account.trusted_to_auth_for_delegation = true;
            account.allowed_to_delegate_to = vec![WEB.into()];
        });
        let realm = Realm::new(REALM, &mut OsRandom)
            .with(Account::user("alice").password("a"))
            .with(Account::service("svc-web").password("w").spn(WEB))
            .with(front);
        Self { kdc: InMemory::new(realm) }
    }

    fn client(&self, account: &str) -> Client {
        Client::new(self.kdc.client_config(account).unwrap())
    }

    fn layer(&self) -> NegotiateLayer {
        let keytab = self.kdc.realms().keytab("svc-web").unwrap();
        let config = AcceptorConfig::new(ServiceKeys::keytab(keytab));
        NegotiateLayer::new(Acceptor::new(config))
    }

    fn alice(&self) -> Negotiate {
        Negotiate::as_itself(&self.client("alice"))
    }

    /// A login of alice's by hand: the value of a field.
    async fn login(&self) -> String {
        let service = Name::new(NameType::SRV_INST, WEB.split('/'));
        let ticket = self.client("alice").ticket(&service).await.unwrap();
        let mut cx = Context { now: SystemClock.now(), kdc_offset: 0, rng: &mut OsRandom };
        let options = InitiatorOptions::default();
        header_value(&SpnegoInitiator::new(&ticket, &options, &mut cx).unwrap().1)
    }
}

/// What came to a server.
type Seen = Arc<Mutex<Vec<HeaderMap>>>;

struct Site {
    address: SocketAddr,
    seen: Seen,
}

impl Site {
    /// A server that writes down what comes to it, before anything else looks.
    async fn of(app: Router) -> Self {
        let seen = Seen::default();
        let written = seen.clone();
        let write = move |request: Request, next: Next| {
            written.lock().unwrap().push(request.headers().clone());
            next.run(request)
        };
        let app = app.layer(middleware::from_fn(write));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, seen }
    }

    /// One that always says this.
    async fn saying(answer: impl Fn(bool) -> Response + Clone + Send + Sync + 'static) -> Self {
        let answer = move |headers: HeaderMap| {
            let answer = answer(headers.contains_key(AUTHORIZATION));
            async move { answer }
        };
        Self::of(Router::new().fallback(any(answer))).await
    }

    /// Which of the requests had a login.
    fn logins(&self) -> Vec<bool> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|headers| headers.contains_key(AUTHORIZATION)).collect()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{HOST}:{}{path}", self.address.port())
    }

    fn http(&self, redirects: Policy) -> reqwest::Client {
        let builder = reqwest::Client::builder().resolve(HOST, self.address).no_proxy();
        builder.redirect(redirects).build().unwrap()
    }

    async fn get(&self, negotiate: &Negotiate) -> Result<reqwest::Response, NegotiateError> {
        negotiate.send(self.http(Policy::none()).get(self.url("/"))).await
    }
}

async fn whoami(Extension(caller): Extension<Caller>, headers: HeaderMap) -> String {
    assert!(!headers.contains_key(AUTHORIZATION), "it is spent");
    format!("{} {:?}", caller.principal, caller.delegated_by)
}

fn app(layer: NegotiateLayer) -> Router {
    let forbidden = || async { StatusCode::FORBIDDEN };
    let echo = |body: String| async { body };
    let routes = Router::new().route("/", get(whoami).post(echo)).route("/no", get(forbidden));
    routes.layer(layer)
}

fn unauthorized(challenge: &str) -> Response {
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, challenge)]).into_response()
}

#[tokio::test]
async fn a_page_sees_who_asks_for_it_and_in_whose_name() {
    let world = World::new();
    let site = Site::of(app(world.layer())).await;
    let text = site.get(&world.alice()).await.unwrap().text().await.unwrap();
    assert_eq!(text, "alice@EXAMPLE.TEST []");
    assert_eq!(site.logins(), [false, true]);

    let front = world.client("svc-mcp");
    let alice = Principal::new(Name::user("alice"), REALM);
    let evidence = front.s4u().evidence(&alice).await.unwrap();
    let sid = front.prove(&evidence).unwrap().account.unwrap().sid;
    let in_her_name = Negotiate::as_user(&front, evidence, &sid.to_string());
    let text = site.get(&in_her_name).await.unwrap().text().await.unwrap();
    assert_eq!(text, "alice@EXAMPLE.TEST [\"svc-mcp@EXAMPLE.TEST\"]");

    // A body goes twice; the application's no is an answer.
    let http = site.http(Policy::none());
    let posted = world.alice().send(http.post(site.url("/")).body("all of it")).await.unwrap();
    assert_eq!(posted.text().await.unwrap(), "all of it");
    let denied = world.alice().send(http.get(site.url("/no"))).await.unwrap();
    assert_eq!(denied.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_server_is_believed_when_it_has_proven_who_it_is() {
    let world = World::new();
    let plain = Site::saying(|_| "anybody's page".into_response()).await;
    assert_eq!(plain.get(&world.alice()).await.unwrap().status(), 200, "it asks for nothing");

    // Lets everybody in, with no proof, or with one of another login.
    let token = parse_header_value(world.login().await.as_bytes()).unwrap().unwrap();
    for proof in [None, Some(header_value(b"\xa1\x07")), Some(header_value(&token))] {
        let impostor = Site::saying(move |login| match (login, &proof) {
            (false, _) => unauthorized("Negotiate"),
            (true, None) => "come in".into_response(),
            (true, Some(proof)) => ([(WWW_AUTHENTICATE, proof)], "come in").into_response(),
        });
        let refused = impostor.await.get(&world.alice()).await.unwrap_err();
        assert!(matches!(refused, NegotiateError::NotProven { .. }), "{refused}");
    }
}

#[tokio::test]
async fn a_server_that_asks_without_end_is_answered_once() {
    let world = World::new();
    let site = Site::saying(|_| unauthorized("Negotiate")).await;
    let refused = site.get(&world.alice()).await.unwrap_err();
    assert!(matches!(refused, NegotiateError::Refused { reason: None, bound: false, .. }));
    assert_eq!(site.logins(), [false, true]);
    // What asks for something else is not ours to answer.
    let site = Site::saying(|_| unauthorized("Basic realm=\"Negotiate\"")).await;
    assert_eq!(site.get(&world.alice()).await.unwrap().status(), 401);
    assert_eq!(site.logins(), [false]);
    // A host that the KDC does not know.
    let site = Site::saying(|_| unauthorized("Negotiate")).await;
    let request = site.http(Policy::none()).get(format!("http://{}/", site.address));
    let refused = world.alice().send(request).await.unwrap_err();
    assert!(matches!(refused, NegotiateError::Ticket { .. }), "{refused}");
    assert!(refused.to_string().contains("HTTP/127.0.0.1"), "{refused}");
}

#[tokio::test]
async fn no_login_goes_where_a_redirect_leads() {
    let world = World::new();
    let elsewhere = Site::saying(|_| unauthorized("Negotiate")).await;
    let to = format!("http://{}/", elsewhere.address);
    // Before anybody logged in: what the other place answers is its answer.
    let at_once = {
        let to = to.clone();
        Site::saying(move |_| (StatusCode::FOUND, [(LOCATION, &*to)]).into_response()).await
    };
    let http = at_once.http(Policy::default());
    let answer = world.alice().send(http.get(at_once.url("/"))).await.unwrap();
    assert_eq!((answer.status(), answer.url().as_str()), (StatusCode::UNAUTHORIZED, &*to));
    // With the login, elsewhere and at the same place: the proof is lost on the way.
    let there = Site::saying(move |login| match login {
        false => unauthorized("Negotiate"),
        true => (StatusCode::FOUND, [(LOCATION, &*to)]).into_response(),
    });
    let there = there.await;
    let http = there.http(Policy::default());
    let refused = world.alice().send(http.get(there.url("/"))).await.unwrap_err();
    assert!(matches!(refused, NegotiateError::Redirected { .. }), "{refused}");
    assert!(elsewhere.logins().iter().all(|login| !login), "{:?}", elsewhere.logins());
    assert_eq!(elsewhere.logins().len(), 2);
    // Whoever follows none sees the redirect itself, if the server proves that it is its own.
    let layer = world.layer();
    let moved = || async { (StatusCode::FOUND, [(LOCATION, "/new")]) };
    let site = Site::of(Router::new().route("/", get(moved)).layer(layer)).await;
    assert_eq!(site.get(&world.alice()).await.unwrap().status(), StatusCode::FOUND);
    // A body does not go where nobody knows whether it is wanted.
    let inside = Site::of(
        Router::new()
            .route("/", any(|| async { (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, "/in")]) }))
            .route("/in", any(|| async { unauthorized("Negotiate") })),
    );
    let inside = inside.await;
    let request = inside.http(Policy::default()).post(inside.url("/")).body("once");
    let refused = world.alice().send(request).await.unwrap_err();
    assert!(matches!(refused, NegotiateError::BodyIsGone), "{refused}");
    assert!(inside.logins().iter().all(|login| !login));
}

#[tokio::test]
async fn a_login_is_bound_to_the_certificate_that_the_server_shows() {
    let world = World::new();
    let bindings = || ChannelBindings::tls_server_end_point_of(CERTIFICATE).unwrap();
    let demanded = Site::of(app(world.layer().demand_binding(bindings))).await;
    let checked = Site::of(app(world.layer().check_binding(bindings))).await;
    let shown = |certificate: Option<&'static [u8]>| {
        world.alice().certificates_by(move |_| certificate.map(<[u8]>::to_vec))
    };
    // Without TLS a client that binds wherever there is something says so: the server knows better.
    for (certificate, demands, checks) in
        [(Some(CERTIFICATE), true, true), (Some(OTHER), false, false), (None, false, false)]
    {
        for (site, taken) in [(&demanded, demands), (&checked, checks)] {
            match site.get(&shown(certificate)).await {
                Ok(answer) => assert!(taken && answer.status() == 200),
                Err(NegotiateError::Refused { bound, .. }) => {
                    assert!(!taken);
                    assert_eq!(bound, certificate.is_some());
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    // Two machines of one name: the second one shows another certificate, and is believed once.
    let first = Mutex::new(true);
    let changing = world.alice().certificates_by(move |_| {
        let was_first = std::mem::replace(&mut *first.lock().unwrap(), false);
        Some(if was_first { OTHER } else { CERTIFICATE }.to_vec())
    });
    demanded.seen.lock().unwrap().clear();
    assert_eq!(demanded.get(&changing).await.unwrap().status(), 200);
    assert_eq!(demanded.logins(), [false, true, true]);
}

/// The raw side: what the layer lets through, and what it says to the others.
#[tokio::test]
async fn nobody_passes_the_layer_without_one_login_that_is_good() {
    let world = World::new();
    let told: Arc<Mutex<Vec<Option<&str>>>> = Arc::default();
    let written = told.clone();
    let look = move |request: Request, next: Next| {
        let written = written.clone();
        async move {
            let response = next.run(request).await;
            let refused = response.extensions().get::<NotAccepted>();
            written.lock().unwrap().push(refused.map(|refused| refused.why.text()));
            response
        }
    };
    let site = Site::of(app(world.layer()).layer(middleware::from_fn(look))).await;
    let send = async |fields: &[&str]| {
        let mut request = site.http(Policy::none()).get(site.url("/"));
        for field in fields {
            request = request.header(AUTHORIZATION, *field);
        }
        let answer = request.send().await.unwrap();
        let challenge = answer.headers()[WWW_AUTHENTICATE].to_str().unwrap().to_owned();
        let text = told.lock().unwrap().pop().unwrap();
        (answer.status().as_u16(), challenge, text)
    };
    let (one, two) = (world.login().await, world.login().await);
    let long = format!("Negotiate {}", "A".repeat(16 << 10));
    for fields in [
        &[][..],
        &["Negotiate"],
        &["Negotiate ***"],
        &["Basic YWxpY2U6YQ=="],
        &["Bearer x"],
        &[&one, &two],
    ] {
        assert_eq!(send(fields).await, (401, "Negotiate".into(), None), "{fields:?}");
    }
    for fields in [[&*long], ["Negotiate TlRMTVNTUAABAAAA"]] {
        let (status, challenge, text) = send(&fields).await;
        assert!(status == 401 && challenge.starts_with("Negotiate o"), "{challenge}");
        assert!(text.is_some());
    }
    let (status, proof, text) = send(&[&one]).await;
    assert!(status == 200 && proof.len() > 100 && text.is_none());
    let (status, _, text) = send(&[&one]).await;
    assert_eq!((status, text), (401, Some("the login came before, or too many come")));
}
