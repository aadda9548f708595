//! Our client at a KDC, as `peers/client` measures others: what a login costs, and a ticket in a user's name, in time
//! and in the client's own processor time. [`alone`] is the KDC without any client: messages that were made before.

mod alone;
mod asker;

use std::fmt;
use std::io::{Error, Result};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, Instant};

use krb_proto::iana::NameType;
use krb_proto::{Name, Principal};
use rustix::time::{ClockId, clock_gettime};

pub use alone::measure as alone;
pub use asker::measure;

/// What is asked for, again and again, each time as if it had never been asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Case {
    /// A login, and a ticket to a service.
    Login,
    /// A ticket in a user's name, S4U2Self and S4U2Proxy, while the login of before is good.
    S4u,
    /// Both in one: a login, S4U2Self, S4U2Proxy.
    Cold,
}

impl FromStr for Case {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "login" => Ok(Self::Login),
            "s4u" => Ok(Self::S4u),
            "cold" => Ok(Self::Cold),
            _ => Err(Error::other(format!("login, s4u or cold, not {name}"))),
        }
    }
}

/// What all who are measured are told.
#[derive(Clone, Debug)]
pub struct Setup {
    case: Case,
    /// So many at once, each with a login of its own.
    clients: usize,
    /// It is measured so long, after half as long to warm up.
    time: Duration,
    kdc: SocketAddr,
    account: Principal,
    keytab: PathBuf,
    /// `*` stands for one number after the other.
    user: String,
    target: Name,
}

/// `user-*` is that many.
const USERS: usize = 1000;

impl Setup {
    /// Reads `CASE CLIENTS SECONDS KDC REALM ACCOUNT KEYTAB USER TARGET`.
    ///
    /// # Errors
    /// If these are not nine that make sense.
    pub fn read(arguments: &[&str]) -> Result<Self> {
        let [case, clients, seconds, kdc, realm, account, keytab, user, target] = arguments else {
            return Err(Error::other("CASE CLIENTS SECONDS KDC REALM ACCOUNT KEYTAB USER TARGET"));
        };
        let seconds = seconds.parse().map_err(Error::other)?;
        Ok(Self {
            case: case.parse()?,
            clients: clients.parse().map_err(Error::other)?,
            time: Duration::try_from_secs_f64(seconds).map_err(Error::other)?,
            kdc: kdc.parse().map_err(Error::other)?,
            account: Principal::new(Name::user(account), *realm),
            keytab: keytab.into(),
            user: (*user).to_owned(),
            target: Name::new(NameType::SRV_INST, target.split('/')),
        })
    }

    fn user(&self, number: usize) -> Principal {
        let name = self.user.replace('*', &format!("{:04}", number % USERS));
        Principal::new(Name::user(&name), &self.account.realm)
    }
}

/// What one of them took.
pub struct Figure {
    /// From one to the next.
    time: f64,
    /// The processor time of this process for each.
    processor_time: f64,
}

const NOTHING_DONE: &str = "nothing was done in this time";

/// Nanoseconds, and those of the processor, as the programs in `peers/client` print them.
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:.0}\t{:.0}", self.time, self.processor_time)
    }
}

impl Figure {
    /// Of what `go_on`, until then, does so many times.
    fn of(setup: &Setup, mut go_on: impl FnMut(Instant) -> Result<usize>) -> Result<Self> {
        go_on(Instant::now() + setup.time / 2)?;
        let (begun, before) = (Instant::now(), processor_time());
        let done = go_on(begun + setup.time)?;
        let (time, after) = (begun.elapsed(), processor_time());
        if done == 0 {
            return Err(Error::other(NOTHING_DONE));
        }
        let each = |time: Duration| time.as_nanos() as f64 / done as f64;
        Ok(Self { time: each(time), processor_time: each(after.saturating_sub(before)) })
    }
}

/// What this process has taken.
fn processor_time() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

#[cfg(test)]
mod tests;
