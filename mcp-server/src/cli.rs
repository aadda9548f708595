//! The command line.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};
use tracing_subscriber::filter::Targets;

use crate::config::Config;
use crate::http::MCP_PATH;
use crate::start::Server;
use crate::{check, logging, serve};

const EXAMPLES: &str = "\
Examples:
  krb-mcp check --config krb-mcp.jsonc
  krb-mcp serve --config krb-mcp.jsonc
  krb-mcp serve --config krb-mcp.jsonc --listen 127.0.0.1:0 --log-format json

A call, once it serves:
  curl http://localhost:8080/mcp \\
    -H 'Content-Type: application/json' -H \"Authorization: Bearer $TOKEN\" \\
    -d '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{
          \"name\":\"kerberos-file-read\",
          \"arguments\":{\"path\":\"//fileserver.example.com/share/file.txt\"}}}'";

/// MCP server that reaches Windows file shares and web applications as the calling user, by
/// Kerberos constrained delegation (S4U)
#[derive(Parser)]
#[command(name = "krb-mcp", version, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve MCP over HTTP until SIGTERM or SIGINT
    Serve {
        /// Configuration file (JSON with comments)
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
        /// Configuration file (JSON with comments)
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a shell's completion script
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// Runs the program with the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error is all there is if this fails too.
            let _ = writeln!(io::stderr(), "krb-mcp: {error}");
            ExitCode::FAILURE
        }
    }
}

type Error = Box<dyn std::error::Error + Send + Sync>;

fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Serve { config, listen, log_level, log_format } => {
            logging::start(log_level, log_format);
            runtime()?.block_on(serve(&config, listen))
        }
        Command::Check { config, json } => {
            runtime()?.block_on(check::print(&config, json, &mut io::stdout()))
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "krb-mcp", &mut script);
            Ok(io::stdout().write_all(&script)?)
        }
    }
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

async fn serve(file: &Path, listen: Option<SocketAddr>) -> Result<(), Error> {
    let mut config = Config::load(file)?;
    config.server.listen = listen.unwrap_or(config.server.listen);
    // First of all, so that a signal during the start is not lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;

    let server = Server::new(file, &config).await?;
    let address = config.server.listen;
    let listener = bind(address, "server.listen, --listen").await?;
    if config.server.is_plain_beyond_loopback() {
        warn!("publicUrl is plain http beyond loopback: tokens travel unprotected; use https");
    }
    if let Some(metrics) = config.server.metrics {
        let listener = bind(metrics.listen, "server.metrics.listen").await?;
        info!(address = %listener.local_addr()?, "metrics");
        tokio::spawn(serve::serve_for_ever(listener, server.metrics()));
    }
    let address = listener.local_addr()?;
    info!(%address, path = MCP_PATH, public_url = %config.server.public_url, "listening");

    let stop = async {
        tokio::select! {
            _ = terminate.recv() => info!("SIGTERM"),
            _ = interrupt.recv() => info!("SIGINT"),
        }
    };
    server.serve(listener, stop).await;
    info!("stopped");
    Ok(())
}

async fn bind(address: SocketAddr, setting: &str) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|e| format!("cannot listen on {address} ({setting}): {e}").into())
}

#[cfg(test)]
mod tests;
