//! Connecting to a host that has several addresses: one that is silent keeps nobody from the next one
//! (RFC 8305, section 5).

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::timeout;

use super::Network;
use super::connection::{CONNECT_TIME, ConnectError};

/// For so long those that were begun last are alone, so that no more are tried at once than begin within
/// the time of one.
const ALONE: Duration = Duration::from_millis(250);

impl Network {
    /// What `open` makes of the address of this host that is first to answer; the others are dropped. The
    /// next one begins when one has failed, or when all are silent.
    pub(crate) async fn race<T, F>(
        &self,
        host: &str,
        port: u16,
        open: impl Fn(SocketAddr) -> F,
    ) -> Result<T, ConnectError>
    where
        F: Future<Output = Result<T, ConnectError>>,
    {
        let mut addresses = self.resolver.addresses(host).await?.into_iter();
        let mut begun = FuturesUnordered::new();
        let mut failed = ConnectError::Unreachable(std::io::ErrorKind::AddrNotAvailable.into());
        loop {
            let next = addresses.next().map(|ip| SocketAddr::new(ip, port));
            begun.extend(next.map(|address| timeout(CONNECT_TIME, open(address))));
            let ended = match addresses.len() {
                0 => begun.next().await,
                _ => match timeout(ALONE, begun.next()).await {
                    Ok(ended) => ended,
                    Err(_) => continue,
                },
            };
            let error = match ended {
                Some(Ok(Ok(connection))) => return Ok(connection),
                Some(Ok(Err(error))) => error,
                Some(Err(_)) => ConnectError::Unreachable(std::io::ErrorKind::TimedOut.into()),
                None => return Err(failed),
            };
            if matches!(error, ConnectError::Untrusted(_)) {
                // Another address of the host would be no better a host.
                addresses = Vec::new().into_iter();
            }
            if !matches!(failed, ConnectError::Untrusted(_)) {
                failed = error;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::net::{IpAddr, SocketAddr};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use async_trait::async_trait;
    use krb_client::Resolver;
    use tokio::io::duplex;
    use tokio::time::{Instant, sleep};

    use super::super::{Connect, ConnectError, Network, NetworkConfig, Stream};

    /// What each address of a name does, by its last octet; and who is connecting.
    #[derive(Clone, Default)]
    struct Addresses {
        asked: Arc<AtomicUsize>,
        most_at_once: Arc<AtomicUsize>,
        at_once: Arc<AtomicUsize>,
    }

    const SILENT: u8 = 10;
    const SLOW: u8 = 20;
    const REFUSES: u8 = 30;
    const SERVES: u8 = 40;

    struct Connecting(Arc<AtomicUsize>);

    impl Drop for Connecting {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[async_trait]
    impl Connect for Addresses {
        async fn connect(&self, to: SocketAddr) -> std::io::Result<Box<dyn Stream>> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let at_once = 1 + self.at_once.fetch_add(1, Ordering::SeqCst);
            self.most_at_once.fetch_max(at_once, Ordering::SeqCst);
            let _connecting = Connecting(self.at_once.clone());
            let IpAddr::V4(ip) = to.ip() else { panic!("{to}") };
            match ip.octets()[3] / 10 * 10 {
                SILENT => std::future::pending().await,
                SLOW => sleep(Duration::from_millis(300)).await,
                REFUSES => return Err(std::io::ErrorKind::ConnectionRefused.into()),
                _ => {}
            }
            Ok(Box::new(duplex(1 << 10).0))
        }
    }

    fn network(connect: &Addresses, addresses: &[u8]) -> Network {
        let addresses = addresses.iter().map(|last| [127, 0, 0, *last].into()).collect();
        let hosts = HashMap::from([("many.example".to_owned(), addresses)]);
        let resolver = Resolver::new(&[], hosts).unwrap();
        let network = Network::new(&NetworkConfig::default(), Arc::new(connect.clone())).unwrap();
        Network { resolver, ..network }
    }

    /// How long it took until there was a connection or none, in milliseconds; for a stream, and for
    /// HTTP, whose server says nothing before it is asked.
    async fn took(addresses: &[u8]) -> [(bool, u64); 2] {
        let url = "http://many.example:1234/".parse().unwrap();
        let mut all = [(false, 0); 2];
        for (http, took) in all.iter_mut().enumerate() {
            let connect = Addresses::default();
            let network = network(&connect, addresses);
            let begun = Instant::now();
            let connected: Result<(), ConnectError> = match http {
                0 => network.stream("many.example", 1234, false).await.map(drop),
                _ => network.connect(&url).await.map(drop),
            };
            *took = (connected.is_ok(), u64::try_from(begun.elapsed().as_millis()).unwrap());
            assert!(connect.most_at_once.load(Ordering::SeqCst) <= addresses.len());
            assert!(connect.asked.load(Ordering::SeqCst) <= addresses.len());
            assert_eq!(connect.at_once.load(Ordering::SeqCst), 0, "nothing is left behind");
        }
        all
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_is_silent_keeps_nobody_from_the_next_one() {
        for (addresses, expected) in [
            (&[SERVES][..], (true, 0)),
            (&[SILENT, SERVES], (true, 250)),
            (&[SILENT, SILENT + 1, SERVES], (true, 500)),
            // One that refuses is not waited for, nor is one that is only slow begun anew.
            (&[REFUSES, SERVES], (true, 0)),
            (&[SLOW, SILENT], (true, 300)),
            (&[SILENT, REFUSES, SERVES], (true, 250)),
            (&[REFUSES, REFUSES + 1], (false, 0)),
            (&[SILENT, REFUSES], (false, 5000)),
            (&[SILENT, SILENT + 1], (false, 5250)),
        ] {
            for (connected, took) in took(addresses).await {
                assert_eq!(connected, expected.0, "{addresses:?}");
                let about = expected.1..expected.1 + 20;
                assert!(about.contains(&took), "{addresses:?}: {took} ms");
            }
        }
    }
}
