//! Web applications at the other end of pipes.

use std::collections::HashMap;
use std::io::{ErrorKind, Result};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use krb_delegation::network::{Connect, Stream};
use tokio::io::AsyncReadExt as _;

/// How a web server is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SiteIs {
    /// It answers.
    Up,
    /// Nobody listens.
    Down,
    /// It answers after a while.
    Slow(Duration),
    /// It takes a request and breaks the connection off.
    Broken,
}

struct Site {
    router: Router,
    is: SiteIs,
}

/// All web servers that there are. Clones are the same ones.
#[derive(Clone, Default)]
pub struct Sites(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    sites: HashMap<SocketAddr, Site>,
    before: Option<Box<dyn Fn() + Send>>,
}

impl Sites {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("the sites")
    }

    /// A web server at this address.
    pub(super) fn add(&self, address: SocketAddr, router: Router) {
        self.lock().sites.insert(address, Site { router, is: SiteIs::Up });
    }

    /// From now on it is so.
    pub(super) fn set(&self, address: SocketAddr, is: SiteIs) {
        self.lock().sites.entry(address).and_modify(|site| site.is = is);
    }

    /// From now on this happens before anybody is connected to: after the ticket was got, and before
    /// it is used.
    pub fn before_connecting(&self, happens: impl Fn() + Send + 'static) {
        self.lock().before = Some(Box::new(happens));
    }
}

#[async_trait]
impl Connect for Sites {
    async fn connect(&self, address: SocketAddr) -> Result<Box<dyn Stream>> {
        let (router, is) = {
            let state = self.lock();
            state.before.iter().for_each(|happens| happens());
            let site = state.sites.get(&address).ok_or(ErrorKind::HostUnreachable)?;
            (site.router.clone(), site.is)
        };
        if is == SiteIs::Down {
            return Err(ErrorKind::ConnectionRefused.into());
        }
        let (ours, mut theirs) = tokio::io::duplex(64 << 10);
        tokio::spawn(async move {
            if is == SiteIs::Broken {
                let _ = theirs.read_u8().await;
                return;
            }
            if let SiteIs::Slow(time) = is {
                tokio::time::sleep(time).await;
            }
            let service = TowerToHyperService::new(router);
            // A client that goes away in the middle is none of a test's business.
            let _ = http1::Builder::new()
                .header_read_timeout(None)
                .serve_connection(TokioIo::new(theirs), service)
                .await;
        });
        Ok(Box::new(ours))
    }
}
