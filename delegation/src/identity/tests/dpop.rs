//! Tokens that are bound to a key or to a certificate (RFC 9449, RFC 8705).

use aws_lc_rs::digest;
use url::Url;

use super::*;
use crate::Code;
use crate::identity::dpop::LIFE;

const URL: &str = "https://mcp.example.com/prefix/mcp";
const TOLERANCE: i64 = 60;

fn sha256(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(digest::digest(&digest::SHA256, bytes).as_ref())
}

impl SigningKey {
    /// RFC 7638 section 3, written out.
    fn thumbprint(&self) -> String {
        let jwk = self.jwk(None);
        sha256(
            format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]).as_bytes(),
        )
    }

    /// A JWT with this header, of whatever algorithm it says.
    fn jwt(&self, header: &Value, claims: &str) -> String {
        let part = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
        let message = format!("{}.{}", part(&header.to_string()), part(claims));
        let made = jsonwebtoken::crypto::sign(message.as_bytes(), &self.signing, Algorithm::ES256);
        format!("{message}.{}", made.unwrap())
    }

    fn header(&self) -> Value {
        let jwk = self.jwk(None);
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": jwk["x"], "y": jwk["y"] });
        json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk })
    }
}

/// A client with a key, and a token that is bound to it.
struct Client {
    key: SigningKey,
    token: String,
    proofs: std::cell::Cell<usize>,
}

impl Client {
    fn new(idp: &Idp) -> Self {
        let key = SigningKey::generate();
        let token = idp.sign(&with(&idp.claims(), "cnf", json!({ "jkt": key.thumbprint() })));
        Self { key, token, proofs: 0.into() }
    }

    /// The claims of a good proof that nobody has seen.
    fn claims(&self) -> Value {
        self.proofs.set(self.proofs.get() + 1);
        json!({
            "jti": format!("proof-{}", self.proofs.get()), "htm": "POST", "htu": URL,
            "iat": NOW, "ath": sha256(self.token.as_bytes())
        })
    }

    fn sign(&self, claims: &Value) -> String {
        self.key.jwt(&self.key.header(), &claims.to_string())
    }

    fn proof(&self) -> String {
        self.sign(&self.claims())
    }

    async fn send(&self, verifier: &Verifier, proof: &str) -> Result<(), AuthenticationError> {
        dpop(verifier, &self.token, proof).await
    }
}

async fn dpop(verifier: &Verifier, token: &str, proof: &str) -> Result<(), AuthenticationError> {
    let url = Url::parse(URL).unwrap();
    verifier.admit(&Presented::dpop(token, proof, "POST", &url)).await.map(drop)
}

fn unauthorized<T>(text: &'static str) -> Result<T, AuthenticationError> {
    Err(AuthenticationError::Unauthorized(text))
}

fn unproved(text: &'static str) -> Result<(), AuthenticationError> {
    Err(AuthenticationError::Proof(text))
}

const SEEN: &str = "the proof was used before (jti)";

#[tokio::test]
async fn a_token_that_is_bound_to_a_key_needs_its_proof_every_time() {
    let idp = idp().await;
    let verifier = idp.verifier();
    let client = Client::new(&idp);
    // First of all, and when the token is known.
    for _ in 0..2 {
        let bare = verifier.verify(BearerToken::new(client.token.clone())).await;
        let said = bare.map(|caller| caller.subject().to_owned());
        assert_eq!(
            said,
            unauthorized("the token is bound to a key: send it as DPoP, with a proof")
        );
        assert_eq!(client.send(&verifier, &client.proof()).await, Ok(()));
    }
    let other = Client::new(&idp);
    assert_eq!(
        dpop(
            &verifier,
            &client.token,
            &other.key.jwt(&other.key.header(), &client.claims().to_string())
        )
        .await,
        unauthorized("the token is bound to another key than the proof's")
    );
    // The other way round: a token of nobody's in particular is no better for a proof.
    let unbound = idp.sign(&idp.claims());
    let claims = with(&client.claims(), "ath", json!(sha256(unbound.as_bytes())));
    assert_eq!(
        dpop(&verifier, &unbound, &client.sign(&claims)).await,
        unauthorized("the token is bound to no key: send it as Bearer, without a proof")
    );
}

#[tokio::test]
async fn every_field_of_a_proof_counts() {
    let idp = idp().await;
    let verifier = idp.verifier();
    let client = Client::new(&idp);
    const METHOD: &str = "the proof is for another method (htm)";
    const ADDRESS: &str = "the proof is for another URL (htu)";
    const NO_JTI: &str = "the proof has no jti";
    const TOKEN: &str = "the proof is for another token (ath)";
    for (claim, value, reason) in [
        ("jti", Value::Null, NO_JTI),
        ("jti", json!(""), NO_JTI),
        ("jti", json!(7), NO_JTI),
        ("htm", Value::Null, METHOD),
        ("htm", json!("GET"), METHOD),
        ("htm", json!("post"), METHOD),
        ("htm", json!(["POST"]), METHOD),
        ("htu", Value::Null, ADDRESS),
        ("htu", json!("https://mcp.example.com/mcp"), ADDRESS),
        ("htu", json!("http://mcp.example.com/prefix/mcp"), ADDRESS),
        ("htu", json!([URL]), ADDRESS),
        ("iat", Value::Null, "the proof has no iat"),
        ("iat", json!("now"), "a time in the token is not a number"),
        ("iat", json!(-1), "a time in the token is out of range"),
        ("iat", json!(i64::MAX), "a time in the token is out of range"),
        ("ath", Value::Null, TOKEN),
        ("ath", json!(sha256(b"another token")), TOKEN),
        ("ath", json!(client.token), TOKEN),
    ] {
        let proof = client.sign(&with(&client.claims(), claim, value.clone()));
        assert_eq!(client.send(&verifier, &proof).await, unproved(reason), "{claim} = {value}");
    }

    let header = client.key.header();
    const TYPE: &str = "the proof's type is not dpop+jwt";
    const ALGORITHM: &str = "the proof's signature algorithm is not accepted";
    const EXTENSION: &str = "the proof asks for an extension that is not supported";
    const UNFIT: &str = "the proof's key does not fit its algorithm";
    let jwk = |member: &str, value: Value| with(&header["jwk"], member, value);
    let another = SigningKey::generate().header();
    for (member, value, reason) in [
        ("typ", Value::Null, TYPE),
        ("typ", json!("JWT"), TYPE),
        ("typ", json!("at+jwt"), TYPE),
        ("alg", Value::Null, ALGORITHM),
        ("alg", json!("none"), ALGORITHM),
        ("alg", json!("HS256"), ALGORITHM),
        ("alg", json!("ES256K"), ALGORITHM),
        ("alg", json!("ES384"), UNFIT),
        ("alg", json!("RS256"), UNFIT),
        ("jwk", Value::Null, "the proof does not bring its key"),
        ("jwk", json!("k"), "the proof does not bring its key"),
        ("jwk", json!({}), UNFIT),
        (
            "jwk",
            json!({ "kty": "oct", "k": "c2VjcmV0" }),
            "the proof brings a key that is not public",
        ),
        ("jwk", jwk("d", json!("AAAA")), "the proof brings a key that is not public"),
        ("jwk", jwk("use", json!("enc")), UNFIT),
        ("jwk", jwk("x", json!("AAAA")), "the proof's signature is wrong"),
        ("jwk", another["jwk"].clone(), "the proof's signature is wrong"),
        ("crit", json!(["x"]), EXTENSION),
        ("b64", json!(false), EXTENSION),
        ("jku", json!("https://evil.example"), EXTENSION),
        ("x5c", json!([]), EXTENSION),
    ] {
        let header = with(&header, member, value.clone());
        let proof = client.key.jwt(&header, &client.claims().to_string());
        let sent = client.send(&verifier, &proof).await;
        assert_eq!(sent, unproved(reason), "{member} = {value}");
    }

    let good = client.proof();
    let (message, _) = good.rsplit_once('.').unwrap();
    let twice = client.claims().to_string().replacen("\"htm\"", "\"htm\":\"GET\",\"htm\"", 1);
    const MALFORMED: &str = "the proof is malformed";
    for (proof, reason) in [
        (String::new(), MALFORMED),
        ("garbage".into(), MALFORMED),
        ("a.b.c".into(), MALFORMED),
        (format!("{good}.x"), "the proof's signature is wrong"),
        (format!("{message}."), "the proof's signature is wrong"),
        (client.key.jwt(&header, "[]"), MALFORMED),
        (client.key.jwt(&header, &twice), MALFORMED),
        ("x".repeat(8 * 1024 + 1), "the proof is too long"),
    ] {
        assert_eq!(client.send(&verifier, &proof).await, unproved(reason), "{proof}");
    }
    assert_eq!(client.send(&verifier, &good).await, Ok(()), "none of these spoiled it");
}

#[tokio::test]
async fn a_proof_is_good_for_its_time_and_the_tolerance() {
    let idp = idp().await;
    let client = Client::new(&idp);
    let verifier = idp.verifier();
    let at = async |iat: i64| {
        let proof = client.sign(&with(&client.claims(), "iat", json!(iat)));
        client.send(&verifier, &proof).await
    };
    let old = unproved("the proof is too old (iat)");
    let future = unproved("the proof was made in the future (iat)");
    for (iat, expected) in [
        (NOW + TOLERANCE - 1, Ok(())),
        (NOW + TOLERANCE, Ok(())),
        (NOW + TOLERANCE + 1, future),
        (NOW - LIFE - TOLERANCE + 1, Ok(())),
        (NOW - LIFE - TOLERANCE, old),
        (NOW - LIFE - TOLERANCE - 1, old),
    ] {
        assert_eq!(at(iat).await, expected, "{}", iat - NOW);
    }
}

#[tokio::test]
async fn a_proof_is_good_once_at_whichever_replica_for_the_whole_time() {
    let idp = idp().await;
    let seen: Arc<dyn Replays> = Arc::new(ReplaysInMemory::default());
    let replicas = [0, 1].map(|_| idp.verifier().with_replays(seen.clone()));
    let mut client = Client::new(&idp);
    client.token = idp.sign(&with(
        &with(&idp.claims(), "exp", json!(NOW + 3600)),
        "cnf",
        json!({ "jkt": client.key.thumbprint() }),
    ));
    // Of a clock that is as far ahead as may be: nothing is good for longer.
    let proof = client.sign(&with(&client.claims(), "iat", json!(NOW + TOLERANCE)));
    assert_eq!(client.send(&replicas[0], &proof).await, Ok(()));
    let end = NOW + TOLERANCE + LIFE + TOLERANCE;
    for (now, reason) in [
        (NOW, SEEN),
        (NOW + LIFE, SEEN),
        (NOW + LIFE + TOLERANCE, SEEN),
        (end - 1, SEEN),
        (end, "the proof is too old (iat)"),
    ] {
        idp.clock.set(now);
        for replica in &replicas {
            assert_eq!(client.send(replica, &proof).await, unproved(reason), "{}", now - NOW);
        }
    }
    // The same jti of another key is another proof.
    idp.clock.set(NOW);
    let other = Client::new(&idp);
    let claims = with(&other.claims(), "jti", json!("proof-1"));
    assert_eq!(other.send(&replicas[0], &other.sign(&claims)).await, Ok(()));
}

#[tokio::test]
async fn where_proofs_cannot_be_remembered_none_is_taken() {
    struct Full;
    #[async_trait::async_trait]
    impl Replays for Full {
        async fn is_new(
            &self,
            _: &str,
            _: [u8; 32],
            _: i64,
            _: i64,
        ) -> Result<bool, CannotRemember> {
            Err(CannotRemember)
        }
    }
    let idp = idp().await;
    let client = Client::new(&idp);
    let verifier = idp.verifier().with_replays(Arc::new(Full));
    let sent = client.send(&verifier, &client.proof()).await;
    assert!(matches!(sent, Err(AuthenticationError::Unavailable(_))), "{sent:?}");
}

#[tokio::test]
async fn a_way_of_binding_that_is_not_known_is_not_passed_over() {
    let idp = idp().await;
    let verifier = idp.verifier();
    let client = Client::new(&idp);
    let jkt = client.key.thumbprint();
    for cnf in [
        json!({}),
        json!([]),
        json!("jkt"),
        json!({ "jkt": 7 }),
        json!({ "jkt": null }),
        json!({ "x5t#S256": ["x"] }),
        json!({ "x5t": "x" }),
        json!({ "jwk": client.key.jwk(None) }),
        json!({ "kid": "k" }),
        json!({ "jkt": jkt, "x5t": "x" }),
    ] {
        let token = idp.sign(&with(&idp.claims(), "cnf", cnf.clone()));
        let claims = with(&client.claims(), "ath", json!(sha256(token.as_bytes())));
        let unknown = unauthorized("the token is bound in a way that is not supported");
        assert_eq!(dpop(&verifier, &token, &client.sign(&claims)).await, unknown, "{cnf}");
        let bare = verifier.verify(BearerToken::new(token)).await.map(drop);
        assert_eq!(bare, unknown, "{cnf}");
    }
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_certificate_needs_that_one() {
    let idp = idp().await;
    let verifier = idp.verifier();
    let (own, another) = (&b"a certificate"[..], &b"another one"[..]);
    let token = idp.sign(&with(&idp.claims(), "cnf", json!({ "x5t#S256": sha256(own) })));
    let send = async |certificate| {
        let presented = Presented::bearer(&token).with_certificate(certificate);
        verifier.admit(&presented).await.map(drop)
    };
    for _ in 0..2 {
        assert_eq!(
            send(None).await,
            unauthorized("the token is bound to a client certificate, and none came with it")
        );
        assert_eq!(
            send(Some(another)).await,
            unauthorized("the token is bound to another client certificate")
        );
        assert_eq!(send(Some(own)).await, Ok(()));
    }
    // A certificate takes nothing from a token that is bound to none.
    let unbound = idp.sign(&idp.claims());
    let presented = Presented::bearer(&unbound).with_certificate(Some(another));
    assert!(verifier.admit(&presented).await.is_ok());

    // To both: one of them is not enough.
    let mut client = Client::new(&idp);
    let cnf = json!({ "jkt": client.key.thumbprint(), "x5t#S256": sha256(own) });
    client.token = idp.sign(&with(&idp.claims(), "cnf", cnf));
    let url = Url::parse(URL).unwrap();
    let send = async |with_proof, certificate| {
        let proof = client.proof();
        let presented = match with_proof {
            true => Presented::dpop(&client.token, &proof, "POST", &url),
            false => Presented::bearer(&client.token),
        };
        verifier.admit(&presented.with_certificate(certificate)).await.is_ok()
    };
    assert!(send(true, Some(own)).await);
    assert!(!send(true, None).await);
    assert!(!send(true, Some(another)).await);
    assert!(!send(false, Some(own)).await);
}

#[tokio::test]
async fn a_token_for_a_key_is_not_taken_in_exchange() {
    let idp = idp().await;
    let bound = with(&idp.exchanged_claims(), "cnf", json!({ "jkt": "x" }));
    let failure = idp.exchange_for(&bound).await.unwrap_err();
    assert_eq!(failure.code, Code::ExchangedTokenRefused, "{failure}");
}
