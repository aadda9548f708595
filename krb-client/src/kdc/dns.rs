//! The servers of a realm that DNS lists.

use std::time::Duration;

use super::{Origin, Place, Service, Way, uri};
use crate::together::both;
use crate::{ResolveError, Resolver};

/// Once there are records of one kind, those of the other are waited for so long: some name servers
/// do not answer questions for kinds that they do not know.
pub(super) const OTHER_KIND: Duration = Duration::from_millis(50);

type Found = Result<Vec<Place>, ResolveError>;

/// Those of URI records, if there are any of use, else those of SRV records.
pub(super) async fn places(
    resolver: &Resolver,
    realm: &str,
    service: Service,
) -> Result<(Origin, Vec<Place>), ResolveError> {
    let uris = by_uri(resolver, realm, service);
    let services = by_srv(resolver, realm, service);
    match both(uris, services, OTHER_KIND, |places| !places.is_empty()).await {
        [Some(Ok(places)), _] if !places.is_empty() => Ok((Origin::Uri, places)),
        [_, Some(found)] => Ok((Origin::Srv, found?)),
        // They were late, and there was something else.
        [_, None] => Ok((Origin::Srv, Vec::new())),
    }
}

async fn by_uri(resolver: &Resolver, realm: &str, service: Service) -> Found {
    let uris = resolver.uris(&format!("{}.{realm}", service.label())).await?;
    Ok(uris.iter().filter_map(|uri| uri::place(uri, realm, service)).collect())
}

/// Those of SRV records of a domain. Who stands in both lists is spoken to over TCP or UDP, and the
/// order is that of TCP.
pub(super) async fn by_srv(resolver: &Resolver, domain: &str, service: Service) -> Found {
    let [tcp, udp] = ["_tcp", "_udp"].map(|way| format!("{}.{way}.{domain}", service.label()));
    let found = both(resolver.services(&tcp), resolver.services(&udp), OTHER_KIND, |_| true).await;
    let (tcp, udp) = match found {
        [Some(Err(error)), Some(Err(_)) | None] | [None, Some(Err(error))] => return Err(error),
        [tcp, udp] => {
            let listed = |found: Option<Result<Vec<_>, _>>| found.and_then(Result::ok);
            (listed(tcp).unwrap_or_default(), listed(udp).unwrap_or_default())
        }
    };
    let is_in = |(host, port): &(String, u16), list: &[(String, u16)]| {
        list.iter().any(|(other, at)| other.eq_ignore_ascii_case(host) && at == port)
    };
    let by_tcp =
        tcp.iter().map(|target| (target, if is_in(target, &udp) { Way::Any } else { Way::Tcp }));
    let by_udp = udp.iter().filter(|target| !is_in(target, &tcp)).map(|target| (target, Way::Udp));
    Ok(by_tcp.chain(by_udp).map(|((host, port), way)| Place::of(host, *port, way)).collect())
}
