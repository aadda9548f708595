use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

use krb_proto::asn1::{ApReq, AsReq, HostAddress, KdcReqBody, KrbError, TgsReq, Ticket};
use krb_proto::der::{self};
use krb_proto::formats::Keytab;
use krb_proto::iana::{ErrorCode, PaType};
use krb_proto::kdc::{self, Event, Realm};
use krb_proto::{Context, Name};

use crate::{Carry, ClientConfig, Clock, Entropy, KdcSource, OsRandom, SystemClock, files};

/// Realms that are served, and may be changed meanwhile. Cheap to clone: all clones are the same
/// realms.
#[derive(Clone)]
pub struct Realms {
    realms: Arc<[(String, RwLock<Realm>)]>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Entropy>,
    observer: Option<Arc<Observer>>,
}

type Observer = dyn Fn(&Event) + Send + Sync;

impl From<Vec<Realm>> for Realms {
    fn from(realms: Vec<Realm>) -> Self {
        Self::new(realms)
    }
}

impl From<Realm> for Realms {
    fn from(realm: Realm) -> Self {
        Self::new([realm])
    }
}

impl Realms {
    /// These, by the machine's clock.
    #[must_use]
    pub fn new(realms: impl IntoIterator<Item = Realm>) -> Self {
        let named = |realm: Realm| (realm.name().to_owned(), RwLock::new(realm));
        Self {
            realms: realms.into_iter().map(named).collect(),
            clock: Arc::new(SystemClock),
            random: Arc::new(OsRandom),
            observer: None,
        }
    }

    /// By another clock, such as one that a test moves.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// With another source of randomness, such as one that says the same in each run of a test.
    #[must_use]
    pub fn with_random(mut self, random: Arc<dyn Entropy>) -> Self {
        self.random = random;
        self
    }

    /// With somebody who is told of each request before it is answered, such as a test that asks what
    /// a KDC was asked for. It should not take long.
    #[must_use]
    pub fn observed_by(mut self, observer: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.realms.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Looks at the realm of this name, or changes it, between two requests. `None` if there is no
    /// such realm.
    pub fn realm<R>(&self, name: &str, look: impl FnOnce(&mut Realm) -> R) -> Option<R> {
        let (_, realm) = self.realms.iter().find(|(own, _)| own.eq_ignore_ascii_case(name))?;
        Some(look(&mut realm.write().unwrap_or_else(PoisonError::into_inner)))
    }

    /// The keys of an account, `NAME` of the first realm or `NAME@REALM`, for a keytab. `None` if
    /// there is no such account.
    #[must_use]
    pub fn keytab(&self, account: &str) -> Option<Keytab> {
        let (name, realm) = match account.rsplit_once('@') {
            Some((name, realm)) => (name, realm),
            None => (account, self.realms.first()?.0.as_str()),
        };
        self.realm(realm, |realm| Some(realm.keytab(realm.account(name)?)))?
    }

    /// A configuration of an account's client that finds the KDC there.
    pub(super) fn client_config(
        &self,
        account: &str,
        kdc: SocketAddr,
        transport: Arc<dyn Carry>,
    ) -> Option<ClientConfig> {
        let keytab = self.keytab(account)?;
        let account = keytab.entries.first()?.principal.clone();
        let keys = files::client_keys(&keytab, &account).ok()?;
        let mut config = ClientConfig::new(account, keys, KdcSource::Addresses(vec![kdc]));
        config.transport = transport;
        config.clock = self.clock.clone();
        config.random = self.random.clone();
        Some(config)
    }

    /// The answer to an AS-REQ or TGS-REQ, and what it was; empty if there is none.
    #[must_use]
    pub fn answer(&self, request: &[u8]) -> (Vec<u8>, Event) {
        let Some(realm) = self.asked(|| kdc_of(request)) else { return Default::default() };
        let realm = realm.read().unwrap_or_else(PoisonError::into_inner);
        let mut random = &*self.random;
        let mut cx = Context { now: self.clock.now(), kdc_offset: 0, rng: &mut random };
        let reply = kdc::handle(&mut cx, &realm, request);
        self.tell(&reply.event);
        (reply.message, reply.event)
    }

    /// The answer of the kpasswd service at this address to a request for another password (RFC
    /// 3244), and what it was.
    #[must_use]
    pub fn change_password(&self, request: &[u8], server: IpAddr) -> (Vec<u8>, Event) {
        let Some(realm) = self.asked(|| kpasswd_of(request)) else { return Default::default() };
        let mut realm = realm.write().unwrap_or_else(PoisonError::into_inner);
        let mut random = &*self.random;
        let mut cx = Context { now: self.clock.now(), kdc_offset: 0, rng: &mut random };
        let (octets, octets6);
        let (addr_type, address): (i32, &[u8]) = match server {
            IpAddr::V4(address) => {
                octets = address.octets();
                (2, &octets)
            }
            IpAddr::V6(address) => {
                octets6 = address.octets();
                (24, &octets6)
            }
        };
        let server = HostAddress { addr_type, address };
        let reply = kdc::change_password(&mut cx, &mut realm, request, server);
        self.tell(&reply.event);
        (reply.message, reply.event)
    }

    fn tell(&self, event: &Event) {
        if let Some(observer) = &self.observer {
            observer(event);
        }
    }

    /// A KRB-ERROR of whoever carries requests, which no realm decided on.
    pub(super) fn refusal(&self, code: ErrorCode) -> Vec<u8> {
        let realm = self.realms.first().map_or("", |(name, _)| name);
        let krbtgt = Name::krbtgt(realm.as_bytes());
        der::encode(&KrbError::new(code, self.clock.now(), realm.as_bytes(), &krbtgt))
    }

    /// Whose request it is. What names none of these realms is refused by the first.
    fn asked(&self, named: impl FnOnce() -> Option<Vec<u8>>) -> Option<&RwLock<Realm>> {
        let named = if self.realms.len() > 1 { named() } else { None };
        let is_named = |own: &str| {
            named.as_ref().is_some_and(|named| own.as_bytes().eq_ignore_ascii_case(named))
        };
        let found = self.realms.iter().find(|(own, _)| is_named(own)).or(self.realms.first());
        found.map(|(_, realm)| realm)
    }
}

/// The realm whose KDC a request is for: of a TGS-REQ the one that its ticket is good for, which a
/// realm in the body may differ from, else the body's.
fn kdc_of(request: &[u8]) -> Option<Vec<u8>> {
    let body = if let Ok(request) = der::decode::<TgsReq<'_>>(request) {
        let padata = request.padata?;
        let tgs_req = padata.iter().find(|padata| padata.padata_type == PaType::TGS_REQ);
        if let Some(realm) = tgs_req.and_then(|padata| ap_req_of(padata.padata_value)) {
            return Some(realm);
        }
        request.req_body
    } else {
        der::decode::<AsReq<'_>>(request).ok()?.req_body
    };
    let body: KdcReqBody<'_> = der::decode(body.der()).ok()?;
    Some(body.realm.0.to_vec())
}

/// The realm that can open the ticket of an AP-REQ.
fn ap_req_of(message: &[u8]) -> Option<Vec<u8>> {
    let message: ApReq<'_> = der::decode(message).ok()?;
    let ticket: Ticket<'_> = der::decode(message.ticket.der()).ok()?;
    match ticket.sname.to_name().components.as_slice() {
        [krbtgt, realm] if krbtgt == b"krbtgt" => Some(realm.clone()),
        _ => Some(ticket.realm.0.to_vec()),
    }
}

/// The same of a request to kpasswd: three numbers of two octets, the last one the AP-REQ's length,
/// then that.
fn kpasswd_of(request: &[u8]) -> Option<Vec<u8>> {
    let (header, rest) = request.split_first_chunk::<6>()?;
    let [.., high, low] = *header;
    ap_req_of(rest.get(..u16::from_be_bytes([high, low]).into())?)
}
