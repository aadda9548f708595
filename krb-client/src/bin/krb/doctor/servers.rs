use std::net::SocketAddr;
use std::time::Duration;

use krb_client::{Listed, Origin, Resolver, Service as KdcService};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::{Finding, Findings};
use crate::Failure;
use crate::environment::Environment;
use crate::s4u::Service;

/// A server that takes longer to be reached is as good as none.
const PATIENCE: Duration = Duration::from_secs(2);
/// So many servers, and addresses of each, are looked at.
const MAX_SERVERS: usize = 8;
const MAX_ADDRESSES: usize = 4;
const KDC: u16 = 88;
const KPASSWD: u16 = 464;

/// Where the realm's KDCs are, and whether they can be reached.
pub(super) async fn look(
    environment: &Environment,
    service: &Service,
    realm: &str,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let resolver = Resolver::from_system(Resolver::hosts_of_machine());
    let named = service.named_kdcs().iter();
    let named: Vec<_> = named.map(|server| (server.host.clone(), server.port)).collect();
    if !named.is_empty() {
        return all(&resolver, &named, "named with --kdc", findings).await;
    }
    let (origin, listed) = match environment.realms.listed(realm, KdcService::Kdc).await {
        Ok(found) => found,
        Err(error) => {
            let remedy = format!(
                "name them in krb5.conf (kdc = HOST under [realms], {realm}), or let the name server \
                 answer for _kerberos._tcp.{realm} (SRV) or _kerberos.{realm} (URI)"
            );
            return findings.add(Finding::red("servers", error.to_string(), remedy));
        }
    };
    let (mut servers, mut proxies, mut by_udp) = (Vec::new(), Vec::new(), Vec::new());
    for server in listed {
        match server {
            Listed::Host { host, udp_only: true, .. } => by_udp.push(host),
            Listed::Host { host, port, .. } => servers.push((host, port)),
            Listed::Proxy(proxy) => proxies.push(proxy.host),
            _ => {}
        }
    }
    let from = match origin {
        Origin::Uri => format!("from DNS, URI records of _kerberos.{realm}"),
        Origin::Srv => format!("from DNS, SRV records of _kerberos._tcp.{realm}"),
        _ => "from krb5.conf".to_owned(),
    };
    if !proxies.is_empty() {
        findings.add(proxied(&proxies, realm, servers.is_empty() && by_udp.is_empty()))?;
    }
    // Many are listed once for each of them.
    by_udp
        .retain(|host: &String| !servers.iter().any(|(other, _)| other.eq_ignore_ascii_case(host)));
    if !by_udp.is_empty() {
        findings.add(Finding::yellow(
            "servers",
            format!("{}: found for UDP alone, and not looked at", by_udp.join(", ")),
            "list them for TCP as well, unless the name server was slow to answer: large tickets do not \
             fit into a datagram",
        ))?;
    }
    if servers.is_empty() {
        return Ok(());
    }
    all(&resolver, &servers, &from, findings).await
}

/// Each of these is looked at.
async fn all(
    resolver: &Resolver,
    servers: &[(String, u16)],
    from: &str,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let names: Vec<&str> = servers.iter().map(|(host, _)| host.as_str()).collect();
    findings.add(Finding::green("servers", format!("{} ({from})", names.join(", "))))?;
    for (host, port) in servers.iter().take(MAX_SERVERS) {
        one(resolver, host, *port, findings).await?;
    }
    Ok(())
}

/// Servers that this program cannot ask, of which nobody need think that they were looked at.
fn proxied(proxies: &[String], realm: &str, no_others: bool) -> Finding {
    let said =
        format!("{}: KDC proxies, and this program speaks no HTTPS to them", proxies.join(", "));
    let remedy = format!("name a KDC itself: --kdc HOST, or kdc = HOST under [realms], {realm}");
    match no_others {
        true => Finding::red("servers", said, remedy),
        false => Finding::yellow("servers", said, remedy),
    }
}

async fn one(
    resolver: &Resolver,
    host: &str,
    port: u16,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let addresses = match resolver.addresses(host).await {
        Ok(addresses) => addresses,
        Err(error) => {
            let remedy = format!("enter {host} in DNS or in /etc/hosts");
            return findings.add(Finding::red("name", error.to_string(), remedy));
        }
    };
    for address in addresses.into_iter().take(MAX_ADDRESSES) {
        let place = SocketAddr::new(address, port);
        let begun = Instant::now();
        findings.add(match timeout(PATIENCE, TcpStream::connect(place)).await {
            Ok(Ok(_)) => {
                let took = begun.elapsed().as_millis();
                Finding::green("port", format!("{host} ({place}) answers within {took} ms"))
            }
            Ok(Err(error)) => closed(host, place, &error.to_string()),
            Err(_) => closed(host, place, "no answer within two seconds"),
        })?;
        // Where a KDC has a port of its own, so has what stands beside it.
        let passwords = SocketAddr::new(address, KPASSWD);
        if port == KDC
            && !matches!(timeout(PATIENCE, TcpStream::connect(passwords)).await, Ok(Ok(_)))
        {
            findings.add(Finding::yellow(
                "port",
                format!("{host} ({passwords}) cannot be reached: no password can be changed there"),
                "open TCP port 464 in the firewalls between, if passwords are to be changed",
            ))?;
        }
    }
    Ok(())
}

fn closed(host: &str, place: SocketAddr, why: &str) -> Finding {
    Finding::red(
        "port",
        format!("{host} ({place}) cannot be reached: {why}"),
        format!("open TCP port {} in the firewalls between, or start the KDC", place.port()),
    )
}
