//! The command line.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};
use tracing_subscriber::filter::Targets;

use crate::config::Config;
#[cfg(feature = "demo")]
use crate::demo;
use crate::http::MCP_PATH;
use crate::pins::{self, Pins};
use crate::print::Said;
use crate::revoke::{self, Revoke};
use crate::start::Server;
use crate::systemd::{Notify, Sockets};
use crate::{audit, check, logging, policy, serve, setup};

const EXAMPLES: &str = "\
Examples:
  krb-mcp config init --keytab mcp.keytab --issuer https://idp.example.com/realms/agents \\
    --target //fileserver.example.com/share
  krb-mcp check --config krb-mcp.jsonc
  krb-mcp serve --config krb-mcp.jsonc
  krb-mcp serve --config krb-mcp.jsonc --listen 127.0.0.1:0 --log-format json

A call, once it serves:
  curl http://localhost:8080/mcp \\
    -H 'Content-Type: application/json' -H \"Authorization: Bearer $TOKEN\" \\
    -d '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{
          \"name\":\"kerberos-file-read\",
          \"arguments\":{\"path\":\"//fileserver.example.com/share/file.txt\"}}}'";

/// What `--version` says; `-V` says the first line.
const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\nrevision ",
    env!("KRB_MCP_BUILT_FROM"),
    "\ntarget   ",
    env!("KRB_MCP_BUILT_FOR"),
    "\ncompiler ",
    env!("KRB_MCP_BUILT_BY"),
);

/// MCP server that reaches Windows file shares, web applications and databases as the calling user, by
/// Kerberos constrained delegation (S4U)
#[derive(Parser)]
#[command(name = "krb-mcp", version, long_version = VERSION, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve MCP over HTTP until SIGTERM or SIGINT
    Serve {
        /// Configuration file (JSON with comments, or TOML or YAML by its suffix)
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Listen here instead of at server.listen; port 0 takes a free one
        #[arg(long, value_name = "ADDR")]
        listen: Option<SocketAddr>,
        /// What to log: error, warn, info or debug, or by part: info,krb_client=debug
        #[arg(long, value_name = "LEVEL", env = "KRB_MCP_LOG", default_value = "info",
              value_parser = logging::parse_level)]
        log_level: Targets,
        /// How to write log lines, on standard error
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        log_format: logging::Format,
    },
    /// Check a configuration with all files that it names, and print what it would serve
    Check {
        /// Configuration file (JSON with comments, or TOML or YAML by its suffix)
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Ask the identity providers, too, and say what they lack
        #[arg(long)]
        online: bool,
    },
    /// A first configuration, and the schema of any
    #[command(subcommand)]
    Config(setup::Command),
    /// Which account each subject is taken for: list, approve, release
    #[command(subcommand)]
    Pins(Pins),
    /// What policies may speak of, some to begin with, and why they decide as they do
    Policy {
        #[command(subcommand)]
        command: policy::Command,
    },
    /// End a user's access: within a second, on replicas that share their state within two
    ///
    /// It needs the configuration file and the state that this names, and no running server: those
    /// that use the same state see it by themselves.
    Revoke(Revoke),
    /// Show the whole product on this machine alone, which needs neither Kerberos nor a network
    ///
    /// In one process, on free ports of the loopback, it starts a realm with its KDC, an identity
    /// provider, a web application that asks for Kerberos, and this server with its real
    /// configuration. Then it makes the calls that an agent would make, and prints what travelled
    /// and whom the web application saw. It stays up, to be tried, until SIGTERM or SIGINT.
    #[cfg(feature = "demo")]
    Demo {
        /// End after the calls: with success only if each ended as it should
        #[arg(long)]
        once: bool,
        /// Print JSON lines
        #[arg(long)]
        json: bool,
        /// What to log, on standard error
        #[arg(long, value_name = "LEVEL", default_value = "error",
              value_parser = logging::parse_level)]
        log_level: Targets,
    },
    /// Look after the audit log
    Audit {
        #[command(subcommand)]
        command: audit::Command,
    },
    /// Print a shell's completion script
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Write the manual pages, one for each command, into a folder that is there
    #[command(hide = true)]
    Man {
        /// Which folder
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
}

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| without_demo(error).exit());
    // Of an answer it can be told whether it is one.
    let asks = matches!(cli.command, Command::Policy { .. } | Command::Audit { .. });
    let failed = if asks { NO_ANSWER.into() } else { ExitCode::FAILURE };
    let error = match run(cli.command) {
        Ok(Said::Yes) => return ExitCode::SUCCESS,
        Ok(Said::No) => return ExitCode::FAILURE,
        Ok(Said::Nothing) => return NO_ANSWER.into(),
        // Who reads no further, as `head`, need not be told.
        Err(error) if is_broken_pipe(&*error) => return failed,
        Err(error) => error,
    };
    match error.downcast::<clap::Error>() {
        Ok(wrong) => wrong.exit(),
        Err(error) => {
            // Standard error is all there is if this fails too.
            let _ = writeln!(io::stderr(), "krb-mcp: {error}");
            failed
        }
    }
}

/// What a command ends with that was asked something and has no answer; 1 is one, and 2 is clap's for a
/// wrong command line. `krb` ends so for files that are of no use.
const NO_ANSWER: u8 = 4;

type Error = Box<dyn std::error::Error + Send + Sync>;

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Whether all went well, where it is not an error that it did not.
fn run(command: Command) -> Result<Said, Error> {
    match command {
        Command::Serve { config, listen, log_level, log_format } => {
            // Before there are threads.
            let sockets = Sockets::take();
            logging::start(log_level, log_format);
            block_on(serve(&config, listen, sockets))??;
        }
        Command::Check { config, json, online } => {
            block_on(check::print(&config, json, online, &mut io::stdout()))??;
        }
        Command::Config(asked) => block_on(setup::run(asked, &mut io::stdout()))??,
        Command::Pins(asked) => block_on(pins::run(asked, &mut io::stdout()))??,
        Command::Policy { command } => {
            return block_on(policy::run(command, &mut io::stdout()))?;
        }
        Command::Revoke(asked) => {
            block_on(revoke::run(asked, &mut io::stdout()))??;
        }
        #[cfg(feature = "demo")]
        Command::Demo { once, json, log_level } => {
            logging::start(log_level, logging::Format::Text);
            let options = demo::Options { once, json };
            let done = block_on(async { demo::run(options, stop_signal()?).await })?;
            return done.map(Said::from);
        }
        Command::Audit { command } => {
            return audit::run(command, &mut io::stdout()).map(Said::from);
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "krb-mcp", &mut script);
            io::stdout().write_all(&script)?;
        }
        Command::Man { folder } => {
            // What it was built of is the program's to say, and pages are for all of them.
            let of = Cli::command().long_version(None::<&str>);
            let written = clap_mangen::generate_to(of, &folder);
            written.map_err(|error| format!("{}: {error}", folder.display()))?;
        }
    }
    Ok(Said::Yes)
}

/// Who asks a release for the demonstration is told where it is.
fn without_demo(mut error: clap::Error) -> clap::Error {
    let asked = error.get(ContextKind::InvalidSubcommand);
    if cfg!(not(feature = "demo")) && asked == Some(&ContextValue::String("demo".into())) {
        let tip = "a release has no demo; in a checkout: cargo run --release -p krb-mcp -- demo";
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// How long what was left running may take to its end.
const END_TIME: Duration = Duration::from_secs(1);

/// Does the work, and ends. A file may lie where reading hangs: its thread is left to itself, or the
/// process would never end.
fn block_on<T>(work: impl Future<Output = T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(END_TIME);
    Ok(done)
}

async fn serve(file: &Path, listen: Option<SocketAddr>, mut sockets: Sockets) -> Result<(), Error> {
    let mut config = Config::load(file)?;
    config.server.listen = listen.unwrap_or(config.server.listen);
    has_use_for(&sockets, listen.is_some(), config.server.metrics.is_some())?;
    // First of all, so that a signal during the start is not lost.
    let stop = stop_signal()?;

    let passed = |error| format!("a socket that was passed (LISTEN_FDS) is of no use: {error}");
    let own = sockets.listener(0).map_err(passed)?;
    if let Some(own) = &own {
        // Who may call goes by whether it is listened on loopback.
        config.server.listen = own.local_addr()?;
    }
    let server = Server::new(file, &config).await?;
    let listener = match own {
        Some(own) => own,
        None => bind(config.server.listen, "server.listen, --listen").await?,
    };
    if config.server.is_plain_beyond_loopback() {
        warn!("publicUrl is plain http beyond loopback: tokens travel unprotected; use https");
    }
    if let Some(metrics) = config.server.metrics {
        let listener = match sockets.listener(1).map_err(passed)? {
            Some(listener) => listener,
            None => bind(metrics.listen, "server.metrics.listen").await?,
        };
        info!(address = %listener.local_addr()?, "metrics");
        tokio::spawn(serve::serve_for_ever(listener, server.metrics()));
    }
    let address = listener.local_addr()?;
    // One for each processor that this process may use.
    let workers = Handle::current().metrics().num_workers();
    info!(%address, path = MCP_PATH, public_url = %config.server.public_url, workers, "listening");

    let notify = Notify::from_env();
    notify.ready(&address);
    tokio::spawn(server.keep_finding_out());
    let stop = async {
        stop.await;
        notify.stopping();
    };
    server.serve(listener, stop).await;
    info!("stopped");
    Ok(())
}

/// Nobody would accept what comes to a socket that is passed and not used; nor is it listened elsewhere
/// than somebody meant.
fn has_use_for(sockets: &Sockets, is_told_where: bool, has_metrics: bool) -> Result<(), Error> {
    let problem = match sockets.len() {
        0 => return Ok(()),
        _ if is_told_where => "--listen is of no use beside it: leave it out, and say where to listen \
                               in the socket unit's ListenStream="
            .to_owned(),
        1 => return Ok(()),
        2 if has_metrics => return Ok(()),
        2 => "a second one is for the metrics, which are not served: set server.metrics, or leave its \
              ListenStream= out of the socket unit"
            .to_owned(),
        passed => format!(
            "{passed} came, and there is use for one, and for a second one with server.metrics: leave \
             the other ListenStream= out of the socket unit"
        ),
    };
    Err(format!("a socket was passed (LISTEN_FDS); {problem}").into())
}

async fn bind(address: SocketAddr, setting: &str) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|e| format!("cannot listen on {address} ({setting}): {e}").into())
}

/// Done once the process is told to end. Signals are caught from now on.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => info!("SIGTERM"),
            _ = interrupt.recv() => info!("SIGINT"),
        }
    })
}

#[cfg(test)]
mod tests;
