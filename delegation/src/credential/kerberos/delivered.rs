//! A ticket of the user's that the identity provider delivers in the exchanged token.

use std::path::PathBuf;

use base64ct::{Base64, Encoding};
use krb_client::files;
use krb_proto::Credential;
use krb_proto::formats::{CacheEntry, CredentialCache, read_java_ticket, read_kirbi};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use schemars::JsonSchema;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::jwe::JweKey;
use crate::ConfigError;

/// How tickets in exchanged tokens are read.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeliveredTicketsConfig {
    /// PEM file with the RSA private key (PKCS #8, 2048 to 4096 bits) that they are encrypted for: the
    /// claim is a JWE in compact form, of alg RSA-OAEP-256 and enc A256GCM.
    pub decryption_key: Option<PathBuf>,
    /// Take tickets that stand in the token in base64 as they are, as Keycloak writes
    /// `gss_delegation_credential`: whoever sees such a token, in a log or a proxy, is the user at
    /// every service.
    #[serde(default)]
    pub danger_clear_text: bool,
}

/// Reads them.
pub(super) struct DeliveredTickets {
    key: Option<JweKey>,
    clear_text: bool,
}

impl DeliveredTickets {
    pub(super) fn new(config: &DeliveredTicketsConfig) -> Result<Self, ConfigError> {
        let error = |setting: &str, problem: String| {
            ConfigError::new(format!("kerberos.deliveredTickets{setting}"), problem)
        };
        let key = |file: &PathBuf| {
            let text = files::read_text(file, 64 << 10).map_err(|error| error.to_string())?;
            let der = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes())
                .map_err(|_| "it holds no private key in PEM (BEGIN PRIVATE KEY)")?;
            JweKey::from_pkcs8(der.secret_pkcs8_der()).map_err(String::from)
        };
        let key = config.decryption_key.as_ref().map(|file| {
            let wrong = |problem| error(".decryptionKey", format!("{}: {problem}", file.display()));
            key(file).map_err(wrong)
        });
        let (key, clear_text) = (key.transpose()?, config.danger_clear_text);
        if key.is_none() && !clear_text {
            let problem =
                "names neither a decryptionKey nor dangerClearText: nothing could be read";
            return Err(error("", problem.into()));
        }
        Ok(Self { key, clear_text })
    }

    /// The one ticket that a claim holds; else what is wrong with the claim.
    pub(super) fn read(&self, claim: &str) -> Result<Credential, String> {
        // No base64 has a dot.
        let octets = match (&self.key, claim.contains('.')) {
            (Some(key), true) => key.open(claim)?,
            (None, true) => {
                return Err("it is encrypted, and no decryptionKey is configured".into());
            }
            (_, false) if !self.clear_text => return Err("it is not encrypted".into()),
            _ => Zeroizing::new(Base64::decode_vec(claim).map_err(|_| "it is not base64")?),
        };
        ticket(&octets)
    }
}

/// By its first octets: KRB-CRED (RFC 4120 section 5.8), a credential cache, or Java's object.
fn ticket(octets: &[u8]) -> Result<Credential, String> {
    match octets {
        [0x76, ..] => only(read_kirbi(octets).map_err(|error| error.to_string())?),
        [0x05, ..] => {
            let cache = CredentialCache::from_bytes(octets).map_err(|error| error.to_string())?;
            only(cache.tickets().cloned().collect())
        }
        [0xac, 0xed, ..] => read_java_ticket(octets).map_err(|error| error.to_string()),
        _ => {
            Err("it is neither KRB-CRED, nor a credential cache, nor a Java KerberosTicket".into())
        }
    }
}

/// Which of several would be meant, nobody says.
fn only(entries: Vec<CacheEntry>) -> Result<Credential, String> {
    match &*entries {
        [entry] => entry.credential().map_err(|error| error.to_string()),
        entries => Err(format!("it holds {} tickets, and must hold one", entries.len())),
    }
}

#[cfg(test)]
mod tests {
    use krb_proto::credential::TicketTimes;
    use krb_proto::crypto::Key;
    use krb_proto::formats::write_kirbi;
    use krb_proto::iana::{EncType, TicketFlags};
    use krb_proto::{KerberosTime, Name, Principal};

    use super::super::jwe::testing::{key_pair, seal};
    use super::*;

    const HEADER: &str = r#"{"alg":"RSA-OAEP-256","enc":"A256GCM"}"#;
    // MIT's example of one (`ktest.c`), as OpenJDK writes it.
    const JAVA: &str = include_str!("../../../../krb-proto/src/formats/testdata/java-ticket.b64");

    fn kirbi(count: usize) -> Vec<u8> {
        let java = read_java_ticket(&Base64::decode_vec(JAVA.trim()).unwrap()).unwrap();
        let alice = Principal::new(Name::user("alice"), "R");
        let key = Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[7; 32]).unwrap();
        let times = TicketTimes { endtime: KerberosTime::from_unix(2), ..TicketTimes::default() };
        let server = Principal::new(Name::krbtgt(b"R"), "R");
        let (flags, ticket) = (TicketFlags::NONE, java.ticket);
        let one = Credential { client: alice, server, session_key: key, times, flags, ticket };
        write_kirbi(&vec![CacheEntry::from(&one); count]).unwrap().to_vec()
    }

    #[test]
    fn each_form_is_read_sealed_and_only_with_danger_in_the_clear() {
        let (key, public) = key_pair();
        let sealed_only = DeliveredTickets { key: Some(key), clear_text: false };
        let clear = DeliveredTickets { key: None, clear_text: true };
        let java = Base64::decode_vec(JAVA.trim()).unwrap();
        for (octets, client) in [(kirbi(1), "alice@R"), (java, "ALICE_ADMIN@EXAMPLE.TEST")] {
            let jwe = seal(&public, HEADER, &octets);
            assert_eq!(sealed_only.read(&jwe).unwrap().client.to_string(), client);
            let base64 = Base64::encode_string(&octets);
            assert_eq!(clear.read(&base64).unwrap().client.to_string(), client);
            assert_eq!(sealed_only.read(&base64).unwrap_err(), "it is not encrypted");
            assert!(clear.read(&jwe).unwrap_err().contains("decryptionKey"));
        }
        for (octets, problem) in [
            (kirbi(2), "2 tickets"),
            (vec![0x76, 0], "not a kirbi"),
            (vec![5, 4, 0, 0], "ends too early"),
            (vec![0xac, 0xed, 0, 5, 0x70], "Java"),
            (b"{}".to_vec(), "neither"),
            (vec![], "neither"),
        ] {
            let found = clear.read(&Base64::encode_string(&octets)).unwrap_err();
            assert!(found.contains(problem), "{problem}: {found}");
        }
        let config = DeliveredTicketsConfig { decryption_key: None, danger_clear_text: false };
        assert!(DeliveredTickets::new(&config).is_err());
    }
}
