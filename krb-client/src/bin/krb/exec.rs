//! `krb exec`: a program in a user's name, with a cache of its own.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitStatus;

use krb_client::{Ccaches, Clock as _, Entropy as _, OsRandom, SystemClock, UserTicket};
use tokio::process::{Child, Command};

use crate::environment::Environment;
use crate::output::{Ended, Unusable};
use crate::s4u::{Naming, Service, delegate};
use crate::{Failure, complain};

#[derive(clap::Args)]
pub(crate) struct Exec {
    #[command(flatten)]
    service: Service,
    #[command(flatten)]
    naming: Naming,
    /// The user, by account name (sAMAccountName); a realm may follow an '@'.
    user: String,
    /// The service that the program is to reach, such as cifs/fileserver.w25ad.net.
    spn: String,
    /// The program, and what it is given.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// From half a minute before a ticket's end on, MIT's library looks for another, and asks KDCs in the
/// user's name; so what does not live much longer is not handed over.
const LEAST_LIFE: i64 = 300;
/// As shells end for a program that is not there, and for one that cannot be run.
const NOT_FOUND: u8 = 127;
const NOT_RUN: u8 = 126;

pub(crate) async fn run(arguments: &Exec) -> Result<(), Failure> {
    let environment = Environment::read().await?;
    let client = arguments.service.client(&environment).await?;
    let user = arguments.naming.user(&arguments.user, &client.account().realm)?;
    let ticket = delegate(&client, &user, &arguments.spn).await?;
    let left = ticket.times.endtime.unix() - SystemClock.now().seconds.unix();
    if left < LEAST_LIFE {
        return Err(format!(
            "the ticket in the name of {} ends in {left} seconds: too soon to hand it to a program",
            ticket.client
        )
        .into());
    }
    let signals = Signals::listen()?;
    let folder = Folder::new()?;
    let cache = folder.keep(&ticket).await?;
    let child = start(arguments, &folder, &cache)?;
    let status = signals.pass_on_to(child).await?;
    drop(folder);
    match code(status) {
        0 => Ok(()),
        code => Err(Ended(code).into()),
    }
}

fn start(arguments: &Exec, folder: &Folder, cache: &str) -> Result<Child, Failure> {
    let (program, given) = arguments.command.split_first().ok_or("which program?")?;
    let mut command = Command::new(program);
    command.args(given).env("KRB5CCNAME", cache).kill_on_drop(true);
    // With a keytab a library logs in by itself once the ticket has ended: as the service. The usual
    // one need not be named for that, so one that is not there is.
    let nothing = format!("FILE:{}", folder.0.join("no-keytab").display());
    command.env("KRB5_CLIENT_KTNAME", nothing).env_remove("KRB5_KTNAME");
    command.spawn().map_err(|error| {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => NOT_FOUND,
            _ => NOT_RUN,
        };
        complain(&format!("{}: {error}", program.display()));
        Ended(code).into()
    })
}

/// A folder for its owner alone, gone with all that is in it when this ends.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        let mut number = [0; 16];
        OsRandom.fill(&mut number);
        let number: String = number.iter().map(|octet| format!("{octet:02x}")).collect();
        // The folder of a session is in memory, and no other user reaches into it.
        let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|it| it.is_dir());
        let path = own.unwrap_or_else(std::env::temp_dir).join(format!("krb-exec-{number}"));
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(|error| Unusable::new(path.display(), error))?;
        Ok(Self(path))
    }

    /// A cache that holds this ticket and nothing else. A ticket-granting ticket beside it would be the
    /// service's: some programs would log in as the service with it, others hand it on.
    async fn keep(&self, ticket: &UserTicket) -> Result<String, Failure> {
        let name = format!("FILE:{}", self.0.join("cc").display());
        let cache = Ccaches::new(&name).default_cache().await?;
        cache.initialize_with(&ticket.client, &[ticket]).await?;
        Ok(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            complain(&format!("{}: {error}: remove it, there is a ticket in it", self.0.display()));
        }
    }
}

/// What this program is told, which it passes on. Listened to before there is a ticket on the disk, so
/// that nothing ends this program before it has taken that away.
#[cfg(unix)]
struct Signals(Vec<(nix::sys::signal::Signal, tokio::signal::unix::Signal)>);

#[cfg(unix)]
impl Signals {
    fn listen() -> Result<Self, Failure> {
        use crate::signals::is_ignored;
        use nix::sys::signal::Signal;
        use tokio::signal::unix::{SignalKind, signal};
        let all = [
            (Signal::SIGHUP, SignalKind::hangup()),
            (Signal::SIGTERM, SignalKind::terminate()),
            (Signal::SIGINT, SignalKind::interrupt()),
            (Signal::SIGQUIT, SignalKind::quit()),
            (Signal::SIGUSR1, SignalKind::user_defined1()),
            (Signal::SIGUSR2, SignalKind::user_defined2()),
        ];
        // What nohup, or a shell for what runs in the background, ignores is for the program to ignore, too.
        let heard = all.into_iter().filter(|(told, _)| !is_ignored(*told));
        let listened = heard.map(|(told, kind)| Ok((told, signal(kind)?)));
        Ok(Self(listened.collect::<std::io::Result<_>>()?))
    }

    /// The next one that comes.
    async fn next(&mut self) -> nix::sys::signal::Signal {
        std::future::poll_fn(|cx| {
            for (signal, stream) in &mut self.0 {
                if stream.poll_recv(cx).is_ready() {
                    return std::task::Poll::Ready(*signal);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }

    /// Waits for the program to end.
    async fn pass_on_to(mut self, mut child: Child) -> Result<ExitStatus, Failure> {
        use nix::sys::signal::{Signal, kill};
        // A terminal tells its keys to the program as well.
        let has_terminal = std::fs::File::open("/dev/tty").is_ok();
        loop {
            let told = tokio::select! {
                status = child.wait() => return Ok(status?),
                told = self.next() => told,
            };
            let by_key = has_terminal && [Signal::SIGINT, Signal::SIGQUIT].contains(&told);
            let pid = child.id().and_then(|id| i32::try_from(id).ok());
            if let Some(pid) = pid.filter(|_| !by_key) {
                // It may have ended just now.
                let _ = kill(nix::unistd::Pid::from_raw(pid), told);
            }
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    const fn listen() -> Result<Self, Failure> {
        Ok(Self)
    }

    async fn pass_on_to(self, mut child: Child) -> Result<ExitStatus, Failure> {
        Ok(child.wait().await?)
    }
}

/// What shells make of how a program ended.
fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(u8::MAX);
    }
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}
