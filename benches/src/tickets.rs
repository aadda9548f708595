//! A client's tickets: how long one takes that is there, and one that is new, and what memory they
//! take. No KDC is asked: another process, as it were, has them all ([`SharedTickets`]).

use std::io::{Error, Result};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use krb_client::{
    Client, ClientConfig, Clock, KdcSource, S4u, SharedTicket, SharedTickets, Sharing, SystemClock,
};
use krb_proto::credential::TicketTimes;
use krb_proto::crypto::Key;
use krb_proto::exchange::ClientSecret;
use krb_proto::iana::{NameType, TicketFlags};
use krb_proto::{Credential, KerberosTime, Name, Principal};
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::{Builder, Runtime};

use crate::load::{ENCTYPE, REALM, SERVICE};
use crate::names::CLIENT;

/// A ticket with a PAC, as AD issues it to a user of some groups.
const TICKET: usize = 1_800;
const FEW: usize = 1_000;
const MANY: usize = 100_000;
/// Threads that look up at once, and look-ups and inserts of each measurement.
const THREADS: usize = 8;
const LOOKUPS: usize = 100_000;
const INSERTS: usize = 2_000;
/// Longer than a measurement takes.
const LIFE: i64 = 3_600;
const SID: &str = "S-1-5-21-1004336348-1177238915-682003330-512";

/// Has a ticket for everybody.
struct Given;

impl SharedTickets for Given {
    fn find<'a>(&'a self, _: &'a [u8]) -> Sharing<'a, Option<SharedTicket>> {
        let now = SystemClock.now().seconds.unix();
        Box::pin(async move { Some(SharedTicket { asked_at: now, credential: credential(now)? }) })
    }

    fn keep<'a>(&'a self, _: &'a [u8], _: SharedTicket, _: Duration) -> Sharing<'a, ()> {
        Box::pin(std::future::ready(()))
    }
}

fn credential(now: i64) -> Option<Credential> {
    let (now, end) = (KerberosTime::from_unix(now), KerberosTime::from_unix(now + LIFE));
    Some(Credential {
        client: user(0),
        server: Principal::new(Name::new(NameType::SRV_INST, SERVICE), REALM),
        session_key: Key::new(ENCTYPE, &[7; 32]).ok()?,
        times: TicketTimes { authtime: now, starttime: now, endtime: end, renew_till: None },
        flags: TicketFlags::FORWARDABLE,
        ticket: vec![0xaa; TICKET],
    })
}

fn user(number: usize) -> Principal {
    Principal::new(Name::user(&format!("user-{number:06}")), REALM)
}

fn client(max_tickets: usize) -> Result<S4u> {
    let key = Key::new(ENCTYPE, &[1; 32]).map_err(Error::other)?;
    let account = Principal::new(Name::user("svc-mcp-server"), REALM);
    let nowhere = KdcSource::Addresses(Vec::new());
    let mut config = ClientConfig::new(account, ClientSecret::Keys(vec![key]), nowhere);
    config.shared = Some(Arc::new(Given));
    config.max_tickets = max_tickets;
    Ok(Client::new(config).s4u())
}

fn runtime() -> Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Evidence for users, asked for or found.
fn ask(runtime: &Runtime, s4u: &S4u, users: &[Principal]) -> Result<()> {
    runtime.block_on(async {
        for user in users {
            s4u.evidence(user).await.map_err(Error::other)?;
        }
        Ok(())
    })
}

fn users(numbers: std::ops::Range<usize>) -> Vec<Principal> {
    numbers.map(user).collect()
}

/// The processor time of this thread.
fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// The memory that this process takes, in bytes.
fn memory() -> Result<f64> {
    let pages = std::fs::read_to_string("/proc/self/statm")?;
    let resident = pages.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok());
    let resident = resident.ok_or_else(|| Error::other("/proc/self/statm makes no sense"))?;
    Ok(resident * rustix::param::page_size() as f64)
}

/// Measures all of it, and returns lines as the programs in `peers/` print them. What memory tickets
/// take is in bytes for each byte of them.
///
/// # Errors
/// If a ticket does not come.
pub fn measure() -> Result<String> {
    let (mut lines, runtime) = (String::new(), runtime()?);
    let mut line = |case: &str, figure: f64| {
        lines += &format!("tickets/{case}\t{CLIENT}\t{figure:.3}\t0\n");
    };

    // First, while nothing that was given back is used again.
    let (s4u, everybody) = (client(2 * MANY)?, users(0..MANY));
    let target = Name::new(NameType::SRV_INST, SERVICE);
    ask(&runtime, &s4u, &everybody[..1])?;
    let before = memory()?;
    runtime.block_on(async {
        for user in &everybody[..MANY / 2] {
            let evidence = s4u.evidence(user).await.map_err(Error::other)?;
            s4u.proxy_ticket(&evidence, SID, &target).await.map_err(Error::other)?;
        }
        Ok::<_, Error>(())
    })?;
    line("memory", (memory()? - before) / (MANY * TICKET) as f64);
    drop(s4u);

    for size in [FEW, MANY] {
        let s4u = client(2 * MANY)?;
        ask(&runtime, &s4u, &everybody[..size])?;
        for threads in [1, THREADS] {
            line(&format!("lookup/{size}/{threads}"), lookups(&s4u, &everybody[..size], threads)?);
        }
        line(&format!("insert/{size}"), inserts(&runtime, &s4u, size)?);
    }
    let s4u = client(MANY)?;
    ask(&runtime, &s4u, &everybody)?;
    line("insert/limit", inserts(&runtime, &s4u, MANY)?);
    Ok(lines)
}

/// Nanoseconds of processor time for a look-up, by so many threads at once.
fn lookups(s4u: &S4u, users: &[Principal], threads: usize) -> Result<f64> {
    let looking = |first: usize| -> Result<f64> {
        // Not in the order in which they came, and each thread elsewhere.
        let mine: Vec<Principal> = (0..LOOKUPS.min(4 * users.len()))
            .map(|i| users[(first + i) * 7_919 % users.len()].clone())
            .collect();
        let runtime = runtime()?;
        ask(&runtime, s4u, &mine[..mine.len().min(100)])?;
        let (begun, rounds) = (processor_time(), LOOKUPS.div_ceil(mine.len()));
        for _ in 0..rounds {
            ask(&runtime, s4u, &mine)?;
        }
        Ok((processor_time() - begun).as_nanos() as f64 / (rounds * mine.len()) as f64)
    };
    let all: Vec<Result<f64>> = thread::scope(|scope| {
        let begin = |i| scope.spawn(move || looking(i * 1_000));
        let threads: Vec<_> = (0..threads).map(begin).collect();
        let panicked = || Err(Error::other("a thread panicked"));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| panicked())).collect()
    });
    Ok(all.into_iter().sum::<Result<f64>>()? / threads as f64)
}

/// Nanoseconds of processor time for a ticket that is new, of users beyond the first `from`.
fn inserts(runtime: &Runtime, s4u: &S4u, from: usize) -> Result<f64> {
    let new = users(MANY + from..MANY + from + INSERTS);
    let begun = processor_time();
    ask(runtime, s4u, &new)?;
    Ok((processor_time() - begun).as_nanos() as f64 / INSERTS as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_are_kept_and_found() {
        let (runtime, s4u) = (runtime().unwrap(), client(100).unwrap());
        let everybody = users(0..50);
        ask(&runtime, &s4u, &everybody).unwrap();
        let found = runtime.block_on(s4u.evidence(&everybody[7])).unwrap();
        assert!(found.was_stored() && found.ticket.len() == TICKET);
        assert!(lookups(&s4u, &everybody, 2).unwrap() > 0.0);
    }
}
