//! `krb`: Kerberos from the command line, without a Kerberos library. A file for each subcommand.

mod cache;
#[cfg(feature = "dev-kdc")]
mod kdc;
mod kdestroy;
mod klist;
mod kswitch;
mod s4u;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Kerberos from the command line, without a Kerberos library.
#[derive(Parser)]
#[command(name = "krb", version, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
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
        --write-keytab svc-mcp=mcp.keytab\n  KRB5_CONFIG=krb5.conf kinit alice"
    )]
    Kdc(kdc::Kdc),
    /// List the tickets in credential caches, or the keys in a keytab.
    #[command(
        after_help = "Examples:\n  krb klist -e -f alice.cc\n  krb klist -s alice.cc || kinit -c alice.cc alice\n  \
        krb klist -l DIR:/run/user/1000/krb5cc\n  krb klist -k -e mcp.keytab"
    )]
    Klist(klist::Klist),
    /// Take credential caches away, and the keys in them.
    Kdestroy(kdestroy::Kdestroy),
    /// Make another cache of a collection its primary one.
    Kswitch(kswitch::Kswitch),
    /// Print a completion script for a shell.
    Completions {
        /// bash, elvish, fish, powershell or zsh.
        shell: clap_complete::Shell,
    },
}

/// Why a command failed, in words for the person who typed it.
type Failure = Box<dyn std::error::Error>;

/// A command that fails without a word, because it was told to.
#[derive(Debug, thiserror::Error)]
#[error("silently")]
struct Silently;

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::S4u(arguments) => s4u::run(&arguments).await,
        #[cfg(feature = "dev-kdc")]
        Command::Kdc(arguments) => kdc::run(&arguments).await,
        Command::Klist(arguments) => klist::run(&arguments).await,
        Command::Kdestroy(arguments) => kdestroy::run(&arguments).await,
        Command::Kswitch(arguments) => kswitch::run(&arguments).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "krb", &mut script);
            write(&script)
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Who reads no further, as `head`, need not be told.
        Err(error) if is_broken_pipe(&*error) || error.is::<Silently>() => ExitCode::FAILURE,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn complain(text: &str) {
    // Standard error is all there is if this fails too.
    let _ = writeln!(io::stderr(), "krb: {text}");
}

/// A line on standard output.
fn report(text: &str) -> Result<(), Failure> {
    write(format!("{text}\n").as_bytes())
}

fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout();
    Ok(out.write_all(bytes).and_then(|()| out.flush())?)
}

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
