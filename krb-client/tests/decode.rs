//! `krb decode`: tickets and messages of the KDC for development, with the keys that open them.

#![allow(clippy::unwrap_used, reason = "clippy takes only #[test] functions for tests")]

use std::path::PathBuf;
use std::process::{Command, Output};

use krb_client::dev_kdc::{InMemory, Realms};
use krb_client::proto::asn1::{EncTicketPart, EncryptedData, Ticket};
use krb_client::proto::crypto::{Key, SUPPORTED};
use krb_client::proto::formats::{CacheEntry, CredentialCache, KeytabEntry};
use krb_client::proto::gss::{Initiator, InitiatorOptions};
use krb_client::proto::iana::{KeyUsage, NameType};
use krb_client::proto::kdc::{Account, Realm};
use krb_client::proto::{
    Context, Credential, KerberosTime, Name, Principal, Timestamp, authorization, der,
};
use krb_client::{Client, OsRandom};
use serde_json::Value;

const REALM: &str = "EXAMPLE.TEST";

/// A folder of its own, gone at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("krb-decode-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, content: &[u8]) -> &Self {
        std::fs::write(self.0.join(name), content).unwrap();
        self
    }

    fn krb(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_krb"));
        command.arg("decode").args(arguments).current_dir(&self.0).env_clear().output().unwrap()
    }

    /// What it makes of `file`, of which all must be well.
    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.krb(&[&["--json"], arguments].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct World {
    kdc: InMemory,
    /// alice's ticket to the web server.
    ticket: Credential,
}

async fn world() -> World {
    let keyed = |account: Account| account.random_keys(&SUPPORTED[..1], &mut OsRandom).unwrap();
    let realm = Realm::new(REALM, &mut OsRandom)
        .with(Account::user("alice").password("alice's password"))
        .with(keyed(Account::user("svc-web").spn("HTTP/web.example.test")));
    let kdc = InMemory::new(Realms::from(realm));
    let alice = Client::new(kdc.client_config("alice").unwrap());
    let web = Name::new(NameType::SRV_INST, ["HTTP", "web.example.test"]);
    let ticket = Credential::clone(&alice.ticket(&web).await.unwrap());
    World { kdc, ticket }
}

impl World {
    /// The web server's keys and, if they are wanted, the KDC's own.
    fn keytab(&self, krbtgt: bool) -> Vec<u8> {
        let mut keytab = self.kdc.realms().keytab("svc-web").unwrap();
        if krbtgt {
            let key = self.kdc.realms().realm(REALM, |realm| realm.krbtgt_key().cloned());
            let key = key.unwrap().unwrap();
            keytab.entries.push(KeytabEntry {
                principal: Principal::krbtgt(REALM.as_bytes()),
                timestamp: KerberosTime::from_unix(0),
                kvno: 1,
                enctype: key.enctype(),
                key_bytes: key.as_bytes().to_vec().into(),
            });
        }
        keytab.to_bytes().unwrap().to_vec()
    }

    fn cache(&self) -> Vec<u8> {
        let mut cache = CredentialCache::new(self.ticket.client.clone());
        cache.entries.push(CacheEntry::from(&self.ticket));
        cache.to_bytes().to_vec()
    }
}

#[tokio::test]
async fn a_ticket_is_opened_and_the_signatures_of_its_pac_are_told() {
    let world = world().await;
    let scratch = Scratch::new("ticket");
    scratch.write("cc", &world.cache()).write("web.keytab", &world.keytab(false));
    scratch.write("both.keytab", &world.keytab(true));

    let sealed = scratch.json(&["cc"]);
    let entry = &sealed["messages"][0]["entries"][0];
    assert_eq!(entry["client"], "alice@EXAMPLE.TEST");
    assert_eq!(entry["ticket"]["enc-part"]["plaintext"], Value::Null, "there is no key");

    for (keytab, verdict) in [("web.keytab", "not checked"), ("both.keytab", "good, by krbtgt/")] {
        let opened = scratch.json(&["-k", keytab, "cc"]);
        let part = &opened["messages"][0]["entries"][0]["ticket"]["enc-part"];
        assert!(part["opened-with"].as_str().unwrap().contains("kvno"), "{part}");
        let pac = &part["plaintext"]["authorization-data"][0]["ad-data"][0]["ad-data"];
        let signatures = &pac["signatures"];
        assert!(signatures["server"].as_str().unwrap().starts_with("good, by "), "{signatures}");
        for kind in ["kdc", "ticket", "extended-kdc"] {
            assert!(
                signatures[kind].as_str().unwrap().starts_with(verdict),
                "{kind}: {signatures}"
            );
        }
        let logon = &pac["buffers"][0]["content"];
        assert_eq!(logon["effective-name"], "alice", "{pac}");
    }
    // For people, with nothing of a key.
    let text = scratch.krb(&["-k", "both.keytab", "cc"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("effective-name: alice\n") && text.contains("good, by"), "{text}");
    let session: String =
        world.ticket.session_key.as_bytes().iter().map(|it| format!("{it:02x}")).collect();
    assert!(!text.contains(&session[..16]), "the session key is shown");
}

/// The service, which has the key, changed the PAC that it was given.
#[tokio::test]
async fn a_pac_that_was_changed_is_called_wrong() {
    let world = world().await;
    let scratch = Scratch::new("forged");
    let keytab = world.kdc.realms().keytab("svc-web").unwrap();
    let key = keytab.entries[0].key().unwrap();
    let ticket: Ticket<'_> = der::decode(&world.ticket.ticket).unwrap();
    let plaintext = key.decrypt(KeyUsage::TICKET, ticket.enc_part.cipher).unwrap();
    let part: EncTicketPart<'_> = der::decode(&plaintext).unwrap();
    let pac = authorization::find_pac(&part.authorization_data.unwrap()).unwrap().unwrap();
    let mut forged = pac.to_vec();
    // The user's name, in UTF-16.
    let name: Vec<u8> = "alice".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let at = forged.windows(name.len()).position(|window| window == name).unwrap();
    forged[at] = b'm';
    let plaintext = authorization::with_pac(&part, &forged).unwrap();
    let cipher = key.encrypt(KeyUsage::TICKET, &plaintext, &mut OsRandom);
    let forged =
        Ticket { enc_part: EncryptedData { cipher: &cipher, ..ticket.enc_part }, ..ticket };
    scratch.write("ticket", &der::encode(&forged)).write("k", &world.keytab(false));
    let output = scratch.krb(&["-k", "k", "ticket"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("server: WRONG: "), "{text}");
    assert_eq!(output.status.code(), Some(1));
}

/// A login as it goes over HTTP: what is in the ticket opens what is in the authenticator.
#[tokio::test]
async fn a_header_of_http_is_followed_to_its_authenticator() {
    let world = world().await;
    let scratch = Scratch::new("header");
    let options = InitiatorOptions { mutual: true, ..InitiatorOptions::default() };
    let now = Timestamp::new(world.ticket.times.starttime.unix(), 0);
    let cx = &mut Context { now, kdc_offset: 0, rng: &mut OsRandom };
    let (_, token) = Initiator::new(&world.ticket, &options, cx).unwrap();
    let key = world.kdc.realms().keytab("svc-web").unwrap().entries[0].key().unwrap();
    let key = as_text(&key);
    let header = format!("Authorization: Negotiate {}\r\n", base64(&token));
    scratch.write("header", header.as_bytes());
    let told = scratch.json(&["--key", &key, "header"]);
    // In a file no other user sees it; blank lines are none.
    scratch.write("keys", format!("\naes128-cts:{}\n{key}\n", "00".repeat(16)).as_bytes());
    assert_eq!(scratch.json(&["--key-file", "keys", "header"]), told);
    let request = &told["messages"][0]["token"];
    assert_eq!(request["type"], "AP-REQ");
    let authenticator = &request["authenticator"];
    assert!(authenticator["opened-with"].as_str().unwrap().contains("alice"), "{authenticator}");
    assert_eq!(authenticator["plaintext"]["cksum"]["flags"][0], "mutual", "{authenticator}");
    assert_eq!(authenticator["plaintext"]["cname"], "alice (NT-PRINCIPAL)");
}

#[test]
fn what_is_nothing_is_refused_and_says_why() {
    let scratch = Scratch::new("nothing");
    scratch.write("empty", b"").write("text", b"hello, world!").write("cut", &[0x6e, 0x82, 1]);
    for (file, why, status) in [
        ("absent", "No such file", 4),
        ("empty", "empty", 4),
        ("text", "neither hexadecimal nor base64", 4),
        ("cut", "not what it should be", 1),
    ] {
        let output = scratch.krb(&[file]);
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(complaint.contains(why), "{file}: {complaint}");
        assert_eq!(output.status.code(), Some(status), "{file}");
    }
    for key in ["aes256-cts:00", "nonsense:00", "aes256-cts"] {
        let output = scratch.krb(&["--key", key, "text"]);
        assert_eq!(output.status.code(), Some(1), "{key}");
        scratch.write("keys", key.as_bytes());
        let output = scratch.krb(&["--key-file", "keys", "text"]);
        assert_eq!(output.status.code(), Some(4), "{key}");
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(complaint.contains("keys: ") && !complaint.contains(":00"), "{complaint}");
    }
}

fn as_text(key: &Key) -> String {
    let digits = key.as_bytes().iter().map(|octet| format!("{octet:02x}"));
    format!("{}:{}", key.enctype(), digits.collect::<String>())
}

fn base64(octets: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in octets.chunks(3) {
        let all = part.iter().fold(0_u32, |all, octet| all << 8 | u32::from(*octet));
        let all = all << (8 * (3 - part.len()));
        for digit in 0..4 {
            let index = (all >> (18 - 6 * digit)) & 63;
            text.push(if digit > part.len() { '=' } else { DIGITS[index as usize].into() });
        }
    }
    text
}
