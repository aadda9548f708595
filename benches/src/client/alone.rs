//! The KDC without a client: requests that were made beforehand, sent over bare sockets.

use std::io::{Error, Result};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use krb_client::files::{client_keys, read_keytab};
use krb_proto::Credential;
use krb_proto::exchange::{AsExchange, ClientSecret, TgsExchange, TgsGoal, TicketOptions};
use tokio::runtime::Builder;

use super::{Case, Figure, Setup};
use crate::load;

/// So many are made, of as many users, and sent in turns.
const MADE: usize = 100;

/// Measures it: what the requests of one take, one after the other, over one connection where the KDC keeps it.
///
/// # Errors
/// If anything is refused.
pub fn measure(setup: &Setup) -> Result<Figure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let keytab = runtime.block_on(read_keytab(&setup.keytab)).map_err(Error::other)?;
    let keys = client_keys(&keytab, &setup.account).map_err(Error::other)?;
    let made = make(setup, &keys)?;
    let next = AtomicUsize::new(0);
    let mut connections: Vec<_> = (0..setup.clients).map(|_| None).collect();
    Figure::of(setup, |until| {
        thread::scope(|scope| {
            let begin = |kept| scope.spawn(|| go_on(setup, &made, &next, kept, until));
            let clients: Vec<_> = connections.iter_mut().map(begin).collect();
            let panicked = || Err(Error::other("a thread panicked"));
            clients.into_iter().map(|one| one.join().unwrap_or_else(|_| panicked())).sum()
        })
    })
}

fn go_on(
    setup: &Setup,
    made: &[Vec<Vec<u8>>],
    next: &AtomicUsize,
    kept: &mut Option<TcpStream>,
    until: Instant,
) -> Result<usize> {
    let mut done = 0;
    while Instant::now() < until {
        if setup.case == Case::Cold {
            *kept = None;
        }
        for request in &made[next.fetch_add(1, Ordering::Relaxed) % made.len()] {
            let reply = load::ask_over(setup.kdc, kept, request)?;
            if !matches!(reply.first(), Some(&(load::AS_REP | load::TGS_REP))) {
                return Err(Error::other(format!("{} refused", setup.kdc)));
            }
        }
        done += 1;
    }
    Ok(done)
}

/// The requests of each.
fn make(setup: &Setup, keys: &ClientSecret) -> Result<Vec<Vec<Vec<u8>>>> {
    let options = TicketOptions::default;
    let login = || AsExchange::new(setup.account.clone(), keys.clone(), options());
    let tgt = Arc::new(load::run(setup.kdc, login())?);
    let ask = |goal| TgsExchange::new(tgt.clone(), goal, options());
    let requests = |number| -> Result<Vec<Vec<u8>>> {
        let mut requests = Vec::new();
        if setup.case != Case::S4u {
            requests.push(load::request(login())?);
        }
        if setup.case == Case::Login {
            requests.push(load::request(ask(TgsGoal::Service(setup.target.clone())))?);
            return Ok(requests);
        }
        let service = setup.account.name.clone();
        let own = ask(TgsGoal::S4uSelf { user: setup.user(number), service });
        requests.push(load::request(own.clone())?);
        let evidence: Arc<Credential> = Arc::new(load::run(setup.kdc, own)?);
        let target = setup.target.clone();
        requests.push(load::request(ask(TgsGoal::S4uProxy { evidence, target }))?);
        Ok(requests)
    };
    (0..MADE).map(requests).collect()
}
