//! `krb`: Kerberos from the command line, without a Kerberos library. A file for each subcommand.

mod cache;
#[cfg(feature = "pkinit")]
mod certificate;
mod decode;
mod doctor;
mod environment;
mod exec;
#[cfg(feature = "dev-kdc")]
mod kdc;
mod kdestroy;
mod keytab;
mod kinit;
mod klist;
mod kpasswd;
mod kswitch;
mod kvno;
mod man;
mod output;
mod progress;
mod remedy;
mod s4u;
mod secret;
#[cfg(unix)]
mod signals;
mod terminal;
#[cfg(all(test, feature = "dev-kdc"))]
mod tests;
mod trace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use tokio::runtime::Builder;

use output::{Failure, Unusable, complain, failed, report, report_json, write};

/// Kerberos from the command line, without a Kerberos library.
#[derive(Parser)]
#[command(
    name = "krb",
    version,
    max_term_width = 100,
    after_help = "Exit status: 0 done; 1 refused, or failed otherwise; 2 the command line is wrong; 3 no \
        KDC answered in time;\n4 a file is missing, cannot be read or written, or makes no sense."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Log in: get a ticket-granting ticket, or another ticket straight from the KDC.
    #[command(
        after_help = "Examples:\n  krb kinit alice@EXAMPLE.COM\n  krb kinit -k -t mcp.keytab -l 10h -r 7d svc-mcp\n  \
        krb kinit -n -c armor.cc @EXAMPLE.COM && krb kinit -T armor.cc --otp alice\n  krb kinit -R"
    )]
    Kinit(kinit::Kinit),
    /// Get tickets to services, and print the versions of the keys that they are sealed with.
    #[command(
        after_help = "Examples:\n  krb kvno HTTP/web.example.com\n  krb kvno -I alice -P --out-cache alice.cc \
        HTTP/web.example.com"
    )]
    Kvno(kvno::Kvno),
    /// Change a password.
    #[command(after_help = "Example:\n  krb kpasswd alice@EXAMPLE.COM")]
    Kpasswd(kpasswd::Kpasswd),
    /// Run a program in a user's name, without the user's password.
    ///
    /// It finds a ticket to SPN in USER's name, and nothing else, in a cache that is gone when it
    /// ends. This program passes on what it is told by signals, and ends as the program does; the keys
    /// of a terminal (Ctrl-C, Ctrl-\) reach both.
    #[command(
        after_help = "Example:\n  krb exec -k mcp.keytab alice cifs/files.example.com -- \\\n      smbclient --use-kerberos=required -N \
        //files.example.com/share"
    )]
    Exec(exec::Exec),
    /// Look for what stands in the way of tickets, and say what helps.
    ///
    /// Servers and ports, the clock, the account and its enctypes, its keytab and a login with it, its
    /// SPN and whether it may delegate; with USER and SPN a trial of all that is needed to act in that
    /// user's name.
    #[command(after_help = "Example:\n  krb doctor -k mcp.keytab alice cifs/files.example.com")]
    Doctor(doctor::Doctor),
    /// Get a ticket to a service in a user's name, without the user's password.
    ///
    /// As the service account: AS, then S4U2Self for USER, then S4U2Proxy to SPN. The ticket goes
    /// into a ccache that holds nothing else, with USER as its principal. This is what
    /// `kinit -k CLIENT; kvno -I USER -P SPN --out-cache CACHE` does with MIT's tools.
    #[command(
        after_help = "Example:\n  krb s4u --client svc-mcp-server@W25AD.NET --kdc 127.0.0.1 -k \
        mcp.keytab \\\n          -c alice.cc ALICE_ADMIN cifs/fileserver.w25ad.net"
    )]
    S4u(s4u::S4u),
    /// Run a KDC for development and tests, of realms in a file.
    ///
    /// It grants and refuses what Active Directory does: S4U, delegation, flags of accounts. It is
    /// no KDC for production: keys stand in a file, and nothing is replicated or kept.
    #[cfg(feature = "dev-kdc")]
    #[command(
        after_help = "Example:\n  krb kdc --realm-file realm.toml --write-krb5-conf krb5.conf \\\n          \
        --write-keytab svc-mcp=mcp.keytab\n  KRB5_CONFIG=krb5.conf krb kinit alice"
    )]
    Kdc(kdc::Kdc),
    /// List the tickets in credential caches, or the keys in a keytab.
    #[command(
        version,
        after_help = "Examples:\n  krb klist -e -f alice.cc\n  krb klist -s alice.cc || krb kinit -c alice.cc alice\n  \
        krb klist -l DIR:/run/user/1000/krb5cc\n  krb klist -k -e mcp.keytab"
    )]
    Klist(klist::Klist),
    /// Take credential caches away, and the keys in them.
    #[command(after_help = "Examples:\n  krb kdestroy\n  krb kdestroy -c alice.cc")]
    Kdestroy(kdestroy::Kdestroy),
    /// Make another cache of a collection its primary one.
    #[command(after_help = "Example:\n  krb kswitch -p alice@EXAMPLE.COM")]
    Kswitch(kswitch::Kswitch),
    /// Show what a message or a file of Kerberos says.
    ///
    /// Any message of Kerberos, GSS-API, SPNEGO or the protocol for passwords, a PAC, a credential
    /// cache, a keytab, a kirbi file, or a file of captured packets (pcap, pcapng). It may be
    /// hexadecimal, base64, a header of HTTP, or have its length in front as over TCP.
    ///
    /// With keys it decrypts what they open, and what the keys in that open, and verifies the
    /// signatures of PACs. Keys and passwords are not shown.
    #[command(
        after_help = "Examples:\n  krb decode ticket.bin\n  echo YIIG... | krb decode -k web.keytab\n  \
        krb decode -k web.keytab --json kerberos.pcapng"
    )]
    Decode(decode::Decode),
    /// List, add, remove and merge keys in keytabs.
    #[command(
        subcommand,
        after_help = "Examples:\n  krb keytab list -k web.keytab\n  krb keytab add --help"
    )]
    Keytab(keytab::Keytab),
    /// Print a completion script for a shell.
    #[command(
        after_help = "Example:\n  krb completions bash >~/.local/share/bash-completion/completions/krb"
    )]
    Completions {
        /// bash, elvish, fish, powershell or zsh.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages, one for each command, into a folder that is there.
    #[command(after_help = "Example:\n  mkdir man1 && krb man man1 && man man1/krb-kinit.1")]
    Man {
        /// The folder.
        folder: PathBuf,
    },
}

impl Command {
    /// Does it say on standard error what it does, as a server does?
    const fn has_log(&self) -> bool {
        #[cfg(feature = "dev-kdc")]
        return matches!(self, Self::Kdc(_));
        #[cfg(not(feature = "dev-kdc"))]
        false
    }

    /// May it ask for a password?
    const fn asks(&self) -> bool {
        matches!(self, Self::Kinit(_) | Self::Kpasswd(_) | Self::Keytab(_))
    }

    /// Does it say nothing unless it has to?
    const fn is_quiet(&self) -> bool {
        match self {
            Self::Kvno(it) => it.quiet,
            Self::Klist(it) => it.silent,
            _ => false,
        }
    }

    /// Is its result JSON, and so why there is none?
    const fn json(&self) -> bool {
        match self {
            Self::Kinit(it) => it.json,
            Self::Kvno(it) => it.json,
            Self::Kpasswd(it) => it.json,
            Self::Doctor(it) => it.json,
            Self::S4u(it) => it.json,
            #[cfg(feature = "dev-kdc")]
            Self::Kdc(it) => it.json,
            Self::Klist(it) => it.json,
            Self::Kdestroy(it) => it.json,
            Self::Kswitch(it) => it.json,
            Self::Decode(it) => it.json,
            Self::Keytab(it) => it.json(),
            Self::Exec(_) | Self::Completions { .. } | Self::Man { .. } => false,
        }
    }
}

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let json = command.json();
    let shows_progress = progress::is_seen() && !json && !command.is_quiet();
    // First, while there is one thread.
    let guarded = if command.asks() { terminal::guard() } else { Ok(()) };
    let watched = guarded.and_then(|()| if shows_progress { progress::watch() } else { Ok(()) });
    if let Err(error) = watched {
        return failed(&error.into(), json);
    }
    environment::trace(command.has_log(), shows_progress);
    match runtime(&command).enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(run(command));
            // Nothing is left to be done, and the thread need not be waited for.
            runtime.shutdown_background();
            code
        }
        Err(error) => failed(&error.into(), json),
    }
}

/// One thread for what does one thing after the other, and one that reads and writes its files: to start
/// more takes longer than they spare.
fn runtime(command: &Command) -> Builder {
    match command {
        #[cfg(feature = "dev-kdc")]
        Command::Kdc(_) => Builder::new_multi_thread(),
        _ => {
            let mut builder = Builder::new_current_thread();
            builder.max_blocking_threads(1);
            builder
        }
    }
}

async fn run(command: Command) -> ExitCode {
    let json = command.json();
    let outcome = match command {
        Command::Kinit(arguments) => kinit::run(&arguments).await,
        Command::Kvno(arguments) => kvno::run(&arguments).await,
        Command::Kpasswd(arguments) => kpasswd::run(&arguments).await,
        Command::Exec(arguments) => exec::run(&arguments).await,
        Command::Doctor(arguments) => doctor::run(&arguments).await,
        Command::S4u(arguments) => s4u::run(&arguments).await,
        #[cfg(feature = "dev-kdc")]
        Command::Kdc(arguments) => kdc::run(&arguments).await,
        Command::Klist(arguments) => klist::run(&arguments).await,
        Command::Kdestroy(arguments) => kdestroy::run(&arguments).await,
        Command::Kswitch(arguments) => kswitch::run(&arguments).await,
        Command::Decode(arguments) => decode::run(&arguments).await,
        Command::Keytab(command) => keytab::run(&command).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "krb", &mut script);
            write(&script)
        }
        Command::Man { folder } => {
            let of = Arguments::command().long_version(None::<&str>);
            let written = man::write(of, &folder);
            written.map_err(|error| Unusable::new(folder.display(), error).into())
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error, json),
    }
}
