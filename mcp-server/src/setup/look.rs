//! What can be looked at: a keytab, an issuer's discovery document, a realm's SRV records. What is not
//! there, or does not answer, is said and is no failure.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::Request;
use krb_client::files::read_keytab;
use krb_delegation::network::{Fetch, Network, NetworkConfig, Tcp};
use serde_json::Value;
use tokio::time::timeout;

use super::Error;

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// For each answer.
const TIME: Duration = Duration::from_secs(5);
const MAX_DOCUMENT: usize = 256 * 1024;
/// So many are named at most.
const MANY: usize = 8;

/// What a keytab holds.
#[derive(Default)]
pub(super) struct Keytab {
    pub(super) said: String,
    pub(super) realm: Option<String>,
    pub(super) account: Option<String>,
    pub(super) spn: Option<String>,
}

impl Keytab {
    pub(super) async fn look(path: &Path) -> Self {
        let keytab = match read_keytab(path).await {
            Ok(keytab) => keytab,
            Err(error) => {
                let said = format!("{error}: put it there (docs/active-directory.md)");
                return Self { said, ..Self::default() };
            }
        };
        let mut found = Self { said: format!("{} has", path.display()), ..Self::default() };
        let entries = || keytab.entries.iter();
        for (number, entry) in entries().take(MANY).enumerate() {
            let comma = if number == 0 { "" } else { "," };
            let (principal, kvno, enctype) = (&entry.principal, entry.kvno, entry.enctype);
            // Writing to a string does not fail.
            let _ = write!(found.said, "{comma} {principal} (version {kvno}, {enctype})");
        }
        if entries().count() > MANY {
            found.said += ", …";
        }
        let name = |is_spn: bool| {
            let mut names = entries().map(|entry| entry.principal.name.to_string());
            names.find(|name| name.contains('/') == is_spn)
        };
        (found.account, found.spn) = (name(false), name(true));
        let realm = entries().next().map(|entry| &entry.principal.realm);
        found.realm = realm.map(|realm| String::from_utf8_lossy(realm).into_owned());
        found
    }
}

/// What is known of an issuer.
pub(super) struct Issuer {
    /// Its `iss`.
    pub(super) issuer: String,
    pub(super) token_endpoint: String,
    pub(super) said: String,
}

impl Issuer {
    /// One that was not asked: its token endpoint is where Keycloak has it.
    pub(super) fn unseen(issuer: &str) -> Self {
        let base = issuer.trim_end_matches('/');
        Self {
            issuer: issuer.to_owned(),
            token_endpoint: format!("{base}/protocol/openid-connect/token"),
            said: "not asked (--offline): compare tokenEndpoint with its discovery document".into(),
        }
    }

    /// One that was asked and not heard.
    fn away(issuer: &str, error: &str) -> Self {
        let hint = match error.contains("invalid peer certificate") {
            true => " (--ca-file names the CAs to believe)",
            false => "",
        };
        Self { said: format!("{error}{hint}; tokenEndpoint is guessed"), ..Self::unseen(issuer) }
    }

    fn seen(asked: &str, document: &Value) -> Self {
        let guess = Self::unseen(asked);
        let text = |name: &str| document[name].as_str().map(str::to_owned);
        let issuer = text("issuer");
        // One that is another than was meant is not believed for looking alike, nor where it is
        // exchanged (RFC 8414 section 3.3).
        let is_same = |issuer: &String| issuer.trim_end_matches('/') == asked.trim_end_matches('/');
        let endpoint = text("token_endpoint").filter(|_| issuer.as_ref().is_none_or(is_same));
        let mut said = match &issuer {
            Some(issuer) if *issuer == asked => format!("{asked} answers"),
            Some(issuer) if is_same(issuer) => {
                format!("its tokens are by {issuer}, which is taken")
            }
            Some(issuer) => format!(
                "{asked} says that its tokens are by {issuer}, which is not taken: --issuer is what \
                 stands in tokens"
            ),
            None => format!("{asked} answers, and does not say its name"),
        };
        said += match &endpoint {
            Some(_) => ", and says where tokens are exchanged",
            None => ", but not where tokens are exchanged: tokenEndpoint is guessed",
        };
        let grants = document["grant_types_supported"].as_array();
        if grants.is_some_and(|grants| grants.iter().all(|grant| grant != TOKEN_EXCHANGE)) {
            said += "; it lists no token exchange (RFC 8693) among its grants";
        }
        Self {
            issuer: issuer.filter(is_same).unwrap_or(guess.issuer),
            token_endpoint: endpoint.unwrap_or(guess.token_endpoint),
            said,
        }
    }
}

/// Asks the issuer and DNS. What is said of KDCs is second.
pub(super) async fn on_the_network(
    issuer: &str,
    realm: &str,
    ca_file: Option<PathBuf>,
) -> Result<(Issuer, String), Error> {
    let config = NetworkConfig { ca_file, ..NetworkConfig::default() };
    let network = Network::new(&config, Arc::new(Tcp))?;
    let client = network.http_client()?;
    let name = format!("_kerberos._tcp.{}.", realm.to_lowercase());
    let services = timeout(TIME, network.resolver().services(&name));
    let (document, services) = tokio::join!(discovery(&client, issuer), services);
    let issuer = match document {
        Ok(document) => Issuer::seen(issuer, &document),
        Err(error) => Issuer::away(issuer, &error),
    };
    let kdcs = match services {
        Ok(Ok(services)) if !services.is_empty() => {
            let each = services.iter().take(MANY).map(|(host, port)| format!("{host}:{port}"));
            format!("DNS lists {}", each.collect::<Vec<_>>().join(", "))
        }
        Ok(Ok(_)) => format!("DNS lists none for {realm}: give --kdc"),
        Ok(Err(error)) => format!("DNS: {error}: give --kdc"),
        Err(_) => "DNS does not answer: give --kdc".into(),
    };
    Ok((issuer, kdcs))
}

async fn discovery(client: &dyn Fetch, issuer: &str) -> Result<Value, String> {
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let request = Request::get(&url).body(Bytes::new());
    let request = request.map_err(|error| format!("{url}: {error}"))?;
    let answer = timeout(TIME, client.fetch(request, MAX_DOCUMENT)).await;
    let answer = answer.map_err(|_| format!("{url} does not answer"))??;
    if !answer.status().is_success() {
        return Err(format!("{url} answered {}", answer.status()));
    }
    serde_json::from_slice(answer.body()).map_err(|error| format!("{url}: {error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_corrects_a_slash_and_no_more() {
        let document = |issuer: &str| json!({ "issuer": issuer, "token_endpoint": "https://t/" });
        let seen = Issuer::seen("https://idp.test/x", &document("https://idp.test/x/"));
        assert_eq!((&*seen.issuer, &*seen.token_endpoint), ("https://idp.test/x/", "https://t/"));
        let seen = Issuer::seen("https://idp.test/x", &document("https://evil.test/x"));
        assert_eq!(seen.issuer, "https://idp.test/x");
        assert_eq!(seen.token_endpoint, Issuer::unseen("https://idp.test/x").token_endpoint);
        assert!(seen.said.contains("evil.test/x, which is not taken"), "{}", seen.said);
        let unknown = "client error (Connect): invalid peer certificate: UnknownIssuer";
        assert!(Issuer::away("https://idp.test/x", unknown).said.contains("--ca-file"));
        let seen = Issuer::seen("https://idp.test", &json!({ "grant_types_supported": ["a"] }));
        assert!(seen.said.contains("guessed") && seen.said.contains("no token exchange"));
    }
}
