//! Sites of Active Directory: which one we are in, and its domain controllers first.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use krb_proto::netlogon::{DomainController, LdapPing};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout, timeout_at};

use super::dns::{OTHER_KIND, by_srv};
use super::endpoint::any_port;
use super::{Place, Service};
use crate::flight::Flights;
use crate::together::{Together, both};
use crate::{Entropy, OsRandom, ResolveError, Resolver};

/// So many domain controllers are asked, one more each `STEP`, until one answers.
const MAX_ASKED: usize = 8;
const STEP: Duration = Duration::from_millis(100);
/// How long one address of one is waited for, and all of them.
const PATIENCE: Duration = Duration::from_millis(300);
const OVERALL: Duration = Duration::from_secs(1);
/// So many addresses of one are asked.
const MAX_ADDRESSES: usize = 4;
/// How long the site is believed to be the same, and how long that none could be found.
const KNOWN: Duration = Duration::from_secs(15 * 60);
const UNKNOWN: Duration = Duration::from_secs(60);
/// So many realms are remembered.
const MAX_REALMS: usize = 64;

/// Finds the KDCs of realms of Active Directory by DNS, those of our own site first: any domain
/// controller is asked which site it finds us in (an LDAP ping, MS-ADTS 6.3.3), and DNS for the KDCs
/// of that site. Those of the whole domain come behind them, so that nothing is lost when the site's
/// are down, or when the site was a lie.
///
/// A site may have read-only domain controllers only. They hand on what they have no keys for; but of
/// S4U2Self for a user whose keys they have not, Samba's say that there is no such user (6). Whoever comes for
/// everybody asks writable ones: those that DNS lists for the whole domain, or by their addresses.
///
/// It is known again every quarter of an hour. Cheap to clone; clones know the same.
#[derive(Clone)]
pub struct Sites(Arc<Inner>);

struct Inner {
    resolver: Resolver,
    random: Arc<dyn Entropy>,
    known: Arc<Mutex<HashMap<String, Known>>>,
    flights: Arc<Flights<String, Option<String>>>,
}

struct Known {
    site: Option<String>,
    until: Instant,
}

impl fmt::Debug for Sites {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sites").finish_non_exhaustive()
    }
}

impl Sites {
    /// Asks DNS through this resolver, and the domain controllers that it names.
    #[must_use]
    pub fn new(resolver: Resolver) -> Self {
        let (random, known) = (Arc::new(OsRandom), Arc::default());
        Self(Arc::new(Inner { resolver, random, known, flights: Arc::default() }))
    }

    pub(super) fn resolver(&self) -> &Resolver {
        &self.0.resolver
    }

    /// The site that we are in, as a domain controller of the realm says; `None` if none answered or
    /// no subnet has us.
    pub async fn site(&self, realm: &str) -> Option<String> {
        let Inner { resolver, random, known, flights } = &*self.0;
        let find = |realm: &String| {
            let known = known.lock().unwrap_or_else(PoisonError::into_inner);
            let known = known.get(realm).filter(|known| known.until > Instant::now());
            known.map(|known| known.site.clone())
        };
        let (resolver, random) = (resolver.clone(), random.clone());
        let work = |realm: &String| {
            let realm = realm.clone();
            async move { ask(&resolver, &realm, &*random).await }
        };
        let kept = known.clone();
        let land = move |realm: String, site: &Option<String>| {
            let until = Instant::now() + if site.is_some() { KNOWN } else { UNKNOWN };
            let mut known = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= MAX_REALMS {
                known.retain(|_, known| known.until > Instant::now());
            }
            if known.len() < MAX_REALMS {
                known.insert(realm, Known { site: site.clone(), until });
            }
        };
        flights.find_or_join(realm.to_ascii_lowercase(), find, work, land).await.flatten()
    }

    pub(super) async fn places(
        &self,
        realm: &str,
        service: Service,
    ) -> Result<Vec<Place>, ResolveError> {
        let resolver = self.resolver();
        let Some(site) = self.site(realm).await else {
            return by_srv(resolver, realm, service).await;
        };
        let within = format!("{site}._sites.{realm}");
        let near = by_srv(resolver, &within, service);
        let all = by_srv(resolver, realm, service);
        match both(near, all, OTHER_KIND, |places| !places.is_empty()).await {
            [Some(Ok(mut places)), all] => {
                let all = all.and_then(Result::ok).unwrap_or_default();
                let further: Vec<_> =
                    all.into_iter().filter(|place| !places.contains(place)).collect();
                places.extend(further);
                Ok(places)
            }
            [_, Some(all)] => all,
            [Some(near), None] => near,
            [None, None] => Ok(Vec::new()),
        }
    }
}

/// What the domain controllers that DNS names say of our site.
async fn ask(resolver: &Resolver, realm: &str, random: &dyn Entropy) -> Option<String> {
    let until = Instant::now() + OVERALL;
    let name = format!("_ldap._tcp.dc._msdcs.{realm}");
    let found = timeout_at(until, resolver.services(&name)).await.ok()?;
    let hosts = found.inspect_err(|error| tracing::debug!(%error, "no site is known")).ok()?;
    let (mut hosts, mut pings) = (hosts.into_iter().take(MAX_ASKED), Together::default());
    let mut asked = 0;
    while Instant::now() < until {
        if let Some((host, port)) = hosts.next() {
            asked += 1;
            pings.start(async move { ping_host(resolver, &host, port, realm, random).await });
        } else if asked == 0 {
            break;
        }
        match timeout_at(until.min(Instant::now() + STEP), pings.next()).await {
            Ok(Some(found)) => return site_of(found),
            Ok(None) => asked -= 1,
            Err(_) => {}
        }
    }
    tracing::debug!(realm, "no domain controller says which site this is");
    None
}

/// The site, if it has one whose name is one in DNS as well: it is put into another name.
fn site_of(found: DomainController) -> Option<String> {
    let DomainController { host, client_site: site, .. } = found;
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'.' && byte != b'\\';
    let usable = (1..=63).contains(&site.len()) && site.bytes().all(plain);
    tracing::debug!(%host, site = site.escape_debug().to_string(), usable, "a domain controller says");
    usable.then_some(site)
}

async fn ping_host(
    resolver: &Resolver,
    host: &str,
    port: u16,
    realm: &str,
    random: &dyn Entropy,
) -> Option<DomainController> {
    let addresses = resolver.addresses(host).await.ok()?;
    for ip in addresses.into_iter().take(MAX_ADDRESSES) {
        let answer = timeout(PATIENCE, ping((ip, port).into(), realm, random)).await;
        match answer.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())) {
            Ok(found) => return Some(found),
            Err(error) => tracing::debug!(%ip, %error, "an LDAP ping failed"),
        }
    }
    None
}

async fn ping(
    server: SocketAddr,
    realm: &str,
    random: &dyn Entropy,
) -> std::io::Result<DomainController> {
    let ping = LdapPing::new(realm, &mut &*random);
    let socket = UdpSocket::bind(any_port(server)).await?;
    socket.connect(server).await?;
    socket.send(&ping.request()).await?;
    let mut answer = vec![0; 4096];
    loop {
        let length = socket.recv(&mut answer).await?;
        match ping.receive(answer.get(..length).unwrap_or_default()) {
            Ok(found) => return Ok(found),
            // Somebody who guesses at the port keeps the answer from nobody.
            Err(krb_proto::netlogon::PingError::NotOurs) => {}
            Err(error) => return Err(std::io::Error::other(error)),
        }
    }
}

#[cfg(test)]
mod tests;
