use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use krb_client::OsRandom;
use krb_client::proto::asn1::AuthorizationDataElement;
use krb_client::proto::credential::TicketTimes;
use krb_client::proto::crypto::Key;
use krb_client::proto::der::{self, List};
use krb_client::proto::formats::KeytabEntry;
use krb_client::proto::gss::{GssError, InitiatorOptions};
use krb_client::proto::iana::{AdType, EncType, ErrorCode, TicketFlags};
use krb_client::proto::kdc::{NewTicket, TicketKeys};
use krb_client::proto::pac::{ClientInfo, DelegationInfo, LogonInfo, PacBuilder, PacKeys};
use krb_client::proto::spnego::http::parse_header_value;
use krb_client::proto::spnego::{SpnegoError, SpnegoInitiator};
use krb_client::proto::{Context, Credential, KerberosTime, Name, Principal, Timestamp};
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;

const REALM: &str = "DEMO.TEST";
const NOW: Timestamp = Timestamp::new(1_800_000_000, 123_456);

/// Shows what it is told to.
struct Hands(Mutex<Timestamp>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

fn key(byte: u8) -> Key {
    Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[byte; 32]).unwrap()
}

fn service() -> Principal {
    Principal::parse("HTTP/web.demo.test@DEMO.TEST", None).unwrap()
}

fn sid(rid: u32) -> Sid {
    "S-1-5-21-1-2-3".parse::<Sid>().unwrap().with_rid(rid).unwrap()
}

/// A ticket that a KDC made, or one that somebody else made of it.
struct Alleged {
    client: &'static str,
    rid: u32,
    key: Key,
    /// Whose ticket the PAC says it is in, and with which key that is signed.
    pac: Option<(&'static str, Key)>,
}

/// A ticket of this user, delegated by the MCP server.
fn ticket(user: &'static str, rid: u32) -> Alleged {
    Alleged { client: user, rid, key: key(1), pac: Some((user, key(1))) }
}

impl Alleged {
    fn pac(&self, made_for: &str, authtime: KerberosTime) -> PacBuilder {
        let domain = "S-1-5-21-1-2-3".parse().unwrap();
        let delegation = DelegationInfo {
            proxy_target: "HTTP/web.demo.test".into(),
            transited_services: vec!["svc-mcp@DEMO.TEST".into()],
        };
        PacBuilder::new()
            .with(&LogonInfo::new(self.client, "DEMO", domain, self.rid))
            .and_then(|pac| pac.with(&ClientInfo::new(&Name::user(made_for), authtime).unwrap()))
            .and_then(|pac| pac.with(&delegation))
            .unwrap()
    }

    fn credential(&self) -> Credential {
        let authtime = NOW.seconds.plus_seconds(-60);
        let endtime = authtime.plus_seconds(600);
        let (client, krbtgt) = (Principal::new(Name::user(self.client), REALM), key(2));
        let mut new = NewTicket {
            client: &client,
            server: &service(),
            session_key: &key(3),
            flags: TicketFlags::NONE,
            times: TicketTimes { authtime, starttime: authtime, endtime, renew_till: None },
            transited: b"",
            addresses: &[],
            authorization_data: &[],
            pac: None,
        };
        let keys = TicketKeys { server: &self.key, kvno: Some(1), krbtgt: &krbtgt };
        let Some((made_for, signer)) = &self.pac else {
            return new.issue(&keys, &mut OsRandom).unwrap();
        };
        let pac = self.pac(made_for, authtime);
        if *signer == self.key {
            new.pac = Some(&pac);
            return new.issue(&keys, &mut OsRandom).unwrap();
        }
        // No KDC would.
        let keys_of_another = PacKeys { server: signer, krbtgt: &krbtgt, rodc_identifier: None };
        let pac = pac.sign(&keys_of_another).unwrap();
        let pac = AuthorizationDataElement { ad_type: AdType::WIN2K_PAC, ad_data: &pac };
        let inner = der::encode(&List::of(&[pac]));
        let outer = [AuthorizationDataElement { ad_type: AdType::IF_RELEVANT, ad_data: &inner }];
        new.authorization_data = &outer;
        new.issue(&keys, &mut OsRandom).unwrap()
    }
}

struct World {
    app: WebApp,
    clock: Arc<Hands>,
}

struct Answer {
    status: StatusCode,
    body: String,
    /// What the client makes of the service's token.
    proof: Result<(), SpnegoError>,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(Hands(Mutex::new(NOW)));
        let entry = KeytabEntry {
            principal: service(),
            timestamp: KerberosTime::from_unix(0),
            kvno: 1,
            enctype: key(1).enctype(),
            key_bytes: key(1).as_bytes().to_vec().into(),
        };
        let document = |name: &str, reader| Document {
            name: name.into(),
            text: format!("What {name} says."),
            readers: vec![reader],
        };
        let documents = [document("alice", sid(1104)), document("handbook", sid(513))];
        let keytab = Keytab { entries: vec![entry] };
        Self { app: WebApp::new(keytab, documents, clock.clone()), clock }
    }

    fn token(&self, ticket: &Alleged) -> (SpnegoInitiator, String) {
        let mut cx = Context { now: self.clock.now(), kdc_offset: 0, rng: &mut OsRandom };
        let (context, token) =
            SpnegoInitiator::new(&ticket.credential(), &InitiatorOptions::default(), &mut cx)
                .unwrap();
        (context, header_value(&token))
    }

    async fn send(&self, path: &str, authorization: &[&str]) -> (StatusCode, Vec<u8>, String) {
        let mut request = Request::get(path);
        for value in authorization {
            request = request.header("authorization", *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.app.router().oneshot(request).await.unwrap();
        let status = response.status();
        let negotiate = &response.headers()[WWW_AUTHENTICATE];
        let token = parse_header_value(negotiate.as_bytes()).unwrap().unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes().to_vec();
        (status, token, String::from_utf8(body).unwrap())
    }

    async fn get(&self, path: &str, ticket: &Alleged) -> Answer {
        let (mut context, value) = self.token(ticket);
        let (status, token, body) = self.send(path, &[&value]).await;
        Answer { status, body, proof: context.step(&token).map(drop) }
    }
}

#[tokio::test]
async fn it_answers_with_whom_it_saw_and_proves_itself() {
    let world = World::new();
    let answer = world.get("/whoami", &ticket("alice", 1104)).await;
    assert_eq!((answer.status, answer.proof), (StatusCode::OK, Ok(())));
    let seen: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        seen,
        json!({
            "principal": "alice@DEMO.TEST", "account": "alice", "sid": sid(1104).to_string(),
            "groups": [sid(513).to_string()], "delegatedBy": ["svc-mcp@DEMO.TEST"]
        })
    );
    let visits = world.app.visits_from(0);
    assert_eq!(visits.len(), 1);
    assert_eq!((&*visits[0].request, visits[0].status), ("GET /whoami", 200));
    assert_eq!(serde_json::to_value(&visits[0].visitor).unwrap(), seen);
}

#[tokio::test]
async fn a_document_is_for_its_readers() {
    let world = World::new();
    let (alice, bob) = (ticket("alice", 1104), ticket("bob", 1105));
    for (path, user, status) in [
        ("/documents/alice", &alice, 200),
        ("/documents/alice", &bob, 403),
        // Whoever calls itself alice is not alice: the SID decides.
        ("/documents/alice", &ticket("alice", 1106), 403),
        ("/documents/handbook", &bob, 200),
        ("/documents/nothing", &alice, 404),
        ("/elsewhere", &alice, 404),
    ] {
        let answer = world.get(path, user).await;
        assert_eq!((answer.status.as_u16(), answer.proof), (status, Ok(())), "{path}");
    }
    let refused = &world.app.visits_from(1)[0];
    assert_eq!(refused.visitor.as_ref().unwrap().account, "bob");
    assert_eq!(refused.visitor.as_ref().unwrap().sid, sid(1105).to_string());
    assert_eq!(refused.refusal.as_deref(), Some("bob is not among the readers of alice"));
    assert_eq!(world.app.visits(), 6);
}

#[tokio::test]
async fn nobody_passes_without_a_ticket_of_the_kdc() {
    let world = World::new();
    let alice = || ticket("alice", 1104);
    for (what, ticket) in [
        ("sealed with another key", Alleged { key: key(9), ..alice() }),
        ("no PAC", Alleged { pac: None, ..alice() }),
        ("a PAC that another signed", Alleged { pac: Some(("alice", key(9))), ..alice() }),
        ("a PAC of another's ticket", Alleged { pac: Some(("bob", key(1))), ..alice() }),
    ] {
        let answer = world.get("/documents/alice", &ticket).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}");
        assert!(answer.proof.is_err(), "{what}");
        assert!(!answer.body.contains("says"), "{what}: {}", answer.body);
    }
    let (_, value) = world.token(&alice());
    for fields in [
        &[][..],
        &["Bearer x"],
        &["Negotiate"],
        &["Negotiate TlRMTVNTUAABAAAA"],
        &["Negotiate ***"],
        &[&value, &value],
    ] {
        let (status, ..) = world.send("/documents/alice", fields).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{fields:?}");
    }
    let visits = world.app.visits_from(0);
    assert!(visits.iter().all(|visit| visit.visitor.is_none() && visit.refusal.is_some()));
    assert_eq!(visits.len(), 10);
}

#[tokio::test]
async fn a_login_counts_once_and_in_its_time() {
    let world = World::new();
    let alice = ticket("alice", 1104);
    let (_, value) = world.token(&alice);
    for status in [StatusCode::OK, StatusCode::UNAUTHORIZED] {
        assert_eq!(world.send("/whoami", &[&value]).await.0, status);
    }
    assert!(world.app.visits_from(1)[0].refusal.as_ref().unwrap().contains("repeats"));
    // The ticket ends 540 s after NOW, and for its end the skew is allowed, too.
    for (later, status) in [(840, 200), (841, 401)] {
        *world.clock.0.lock().unwrap() = NOW.plus_seconds(later);
        let answer = world.get("/whoami", &alice).await;
        assert_eq!(answer.status.as_u16(), status, "{later}");
        if status == 401 {
            let refused = matches!(
                answer.proof,
                Err(SpnegoError::Mechanism(GssError::Refused { code: ErrorCode::TKT_EXPIRED, .. }))
            );
            assert!(refused, "{:?}", answer.proof);
        }
    }
    let (_, stale) = world.token(&ticket("bob", 1105));
    *world.clock.0.lock().unwrap() = NOW;
    assert_eq!(world.send("/whoami", &[&stale]).await.0, StatusCode::UNAUTHORIZED, "skew");
}

#[tokio::test]
async fn visits_are_remembered_to_a_bound() {
    let world = World::new();
    for _ in 0..=MAX_VISITS {
        world.send("/whoami", &[]).await;
    }
    assert_eq!(world.app.visits(), MAX_VISITS as u64 + 1);
    let visits = world.app.visits_from(0);
    assert_eq!((visits.len(), visits[0].number), (MAX_VISITS, 1));
}
