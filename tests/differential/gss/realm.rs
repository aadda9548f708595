//! A service's key, a client's ticket for it, and both in files as MIT's library reads them.

use std::fs;
use std::time::SystemTime;

use krb_proto::credential::TicketTimes;
use krb_proto::crypto::Key;
use krb_proto::formats::{CacheEntry, CredentialCache, Keytab, KeytabEntry};
use krb_proto::iana::{EncType, TicketFlags};
use krb_proto::kdc::{NewTicket, TicketKeys};
use krb_proto::{Credential, Principal, Timestamp};

use crate::crypto::key as random_key;
use crate::entropy::Entropy;
use crate::peer::{MIT_GSS, Peer, scratch};

pub const CLIENT: &str = "alice@EXAMPLE.TEST";
pub const SERVICE: &str = "HTTP/web.example.test@EXAMPLE.TEST";
const KVNO: u32 = 7;

const CONFIGURATION: &str = "[libdefaults]
    default_realm = EXAMPLE.TEST
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
    permitted_enctypes = aes camellia aes-sha2 rc4
[realms]
    EXAMPLE.TEST = {
    }
";

/// MIT looks at the real clock, so we do.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    Timestamp::new(since.as_secs() as i64, since.subsec_micros())
}

pub struct Realm {
    service: Principal,
    service_key: Key,
    pub credential: Credential,
    /// Variables of MIT's library.
    variables: Vec<(&'static str, String)>,
}

impl Realm {
    /// With all keys of one enctype; `None` if MIT's library is not installed.
    pub fn new(enctype: EncType, entropy: &mut Entropy) -> Option<Self> {
        let service = Principal::parse(SERVICE, None).unwrap();
        let service_key = random_key(enctype, entropy);
        let credential = credential(&service, &service_key, entropy);
        let name = format!("{}-{:x}", enctype.0, entropy.word());
        let file = |kind: &str, bytes: &[u8]| {
            let path = scratch(&format!("{name}.{kind}"));
            fs::write(&path, bytes).expect("a file");
            format!("FILE:{}", path.display())
        };
        let keytab = file("keytab", &keytab(&service, &service_key));
        let cache = file("ccache", &cache(&credential));
        let configuration = file("conf", CONFIGURATION.as_bytes());
        let variables = vec![
            ("KRB5_KTNAME", keytab),
            ("KRB5CCNAME", cache),
            ("KRB5_CONFIG", configuration["FILE:".len()..].to_owned()),
            ("KRB5RCACHENAME", "none:".to_owned()),
        ];
        let realm = Self { service, service_key, credential, variables };
        realm.mit().map(|_| realm)
    }

    /// MIT's library with these files.
    pub fn mit(&self) -> Option<Peer> {
        let variables: Vec<_> =
            self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Peer::start_with(&MIT_GSS, &variables)
    }

    pub fn find_key(&self, name: &Principal, kvno: Option<u32>, enctype: EncType) -> Vec<Key> {
        let found = name.name.same_components(&self.service.name)
            && name.realm == self.service.realm
            && kvno == Some(KVNO)
            && enctype == self.service_key.enctype();
        found.then(|| self.service_key.clone()).into_iter().collect()
    }
}

fn credential(service: &Principal, service_key: &Key, entropy: &mut Entropy) -> Credential {
    let enctype = service_key.enctype();
    let session_key = random_key(enctype, entropy);
    let client = Principal::parse(CLIENT, None).unwrap();
    let authtime = now().seconds.plus_seconds(-60);
    let endtime = authtime.plus_seconds(3600);
    let ticket = NewTicket {
        client: &client,
        server: service,
        session_key: &session_key,
        flags: TicketFlags::NONE,
        times: TicketTimes { authtime, starttime: authtime, endtime, renew_till: None },
        transited: &[],
        addresses: &[],
        authorization_data: &[],
        pac: None,
    };
    let keys = TicketKeys { server: service_key, kvno: Some(KVNO), krbtgt: service_key };
    ticket.issue(&keys, entropy).expect("a ticket without a PAC")
}

fn keytab(service: &Principal, key: &Key) -> Vec<u8> {
    let entry = KeytabEntry {
        principal: service.clone(),
        timestamp: now().seconds,
        kvno: KVNO,
        enctype: key.enctype(),
        key_bytes: key.as_bytes().to_vec().into(),
    };
    Keytab { entries: vec![entry] }.to_bytes().expect("it fits").to_vec()
}

fn cache(credential: &Credential) -> Vec<u8> {
    let times = credential.times;
    let seconds = |time: krb_proto::KerberosTime| u32::try_from(time.unix()).expect("before 2106");
    let entry = CacheEntry {
        client: credential.client.clone(),
        server: credential.server.clone(),
        enctype: credential.session_key.enctype(),
        key_bytes: credential.session_key.as_bytes().to_vec().into(),
        times: [seconds(times.authtime), seconds(times.starttime), seconds(times.endtime), 0],
        is_skey: false,
        flags: credential.flags,
        addresses: Vec::new(),
        authdata: Vec::new(),
        ticket: credential.ticket.clone(),
        second_ticket: Vec::new(),
    };
    let mut cache = CredentialCache::new(credential.client.clone());
    cache.entries.push(entry);
    cache.to_bytes().to_vec()
}
