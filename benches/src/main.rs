//! What `benches/run` asks for: `krb-benches cases DIRECTORY` writes the list of cases,
//! `krb-benches page DIRECTORY` prints the page of the figures that were collected there, or with `client` or
//! `sql` its part about the client or about databases,
//! `krb-benches load WHO ADDRESS GROUP` measures the KDC there, a process group, and
//! `krb-benches first-ticket` starts one of ours and gets a ticket from it. `krb-benches tickets` measures the
//! tickets that a client keeps. `client` and `kdc-alone` are for `benches/client`, `issuer`, `bare-rmcp`
//! and `calls` for `benches/server`.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use krb_benches::report::{Figures, page, part};
use krb_benches::{bare, calls, cases, client, first_ticket, issuer, load, tickets};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["cases", directory] => cases::write(Path::new(directory)),
        ["page", directory] => Figures::read(Path::new(directory))
            .and_then(|figures| io::stdout().write_all(page(&figures).as_bytes())),
        ["page", directory, name] => Figures::read(Path::new(directory)).and_then(|figures| {
            let part = part(&figures, name).ok_or_else(|| io::Error::other("no such part"))?;
            io::stdout().write_all(part.as_bytes())
        }),
        ["load", who, address, group] => load(who, address, group),
        ["first-ticket"] => first_ticket(),
        ["tickets"] => {
            tickets::measure().and_then(|lines| io::stdout().write_all(lines.as_bytes()))
        }
        ["client", setup @ ..] => measured(setup, client::measure),
        ["kdc-alone", setup @ ..] => measured(setup, client::alone),
        ["issuer", address, key, users, folder] => serve_issuer(address, key, users, folder),
        ["bare-rmcp", address, issuer, keys] => bare_rmcp(address, issuer, keys),
        ["calls", name, case, who, address, group, tokens, clients] => {
            calls((name, case), who, address, group, tokens, clients)
        }
        _ => Err(io::Error::other(
            "use: krb-benches cases DIRECTORY, page DIRECTORY [client|sql], load WHO ADDRESS GROUP, first-ticket, \
             tickets, or what benches/client and benches/server ask for",
        )),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("krb-benches: {error}");
            ExitCode::FAILURE
        }
    }
}

fn load(who: &str, address: &str, group: &str) -> io::Result<()> {
    let address = address.parse().map_err(io::Error::other)?;
    let lines = load::measure(who, address, group.parse().map_err(io::Error::other)?)?;
    io::stdout().write_all(lines.as_bytes())
}

fn measured(
    setup: &[&str],
    measure: impl FnOnce(&client::Setup) -> io::Result<client::Figure>,
) -> io::Result<()> {
    let figure = measure(&client::Setup::read(setup)?)?;
    io::stdout().write_all(figure.to_string().as_bytes())
}

fn calls(
    what: (&str, &str),
    who: &str,
    address: &str,
    group: &str,
    tokens: &str,
    clients: &str,
) -> io::Result<()> {
    let (address, group) = (parse(address)?, parse(group)?);
    let lines = calls::measure(what, who, address, group, tokens, parse(clients)?)?;
    io::stdout().write_all(lines.as_bytes())
}

fn serve_issuer(address: &str, key: &str, users: &str, folder: &str) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(issuer::run(parse(address)?, key, parse(users)?, folder))
}

fn bare_rmcp(address: &str, issuer: &str, keys: &str) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(bare::serve(parse(address)?, issuer, keys))
}

fn parse<T: std::str::FromStr<Err: Into<Box<dyn std::error::Error + Send + Sync>>>>(
    text: &str,
) -> io::Result<T> {
    text.parse().map_err(io::Error::other)
}

/// Says how many nanoseconds it took.
fn first_ticket() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let time = runtime.block_on(first_ticket::run());
    let time = time.map_err(|error| io::Error::other(error.to_string()))?;
    io::stdout().write_all(format!("{}\n", time.as_nanos()).as_bytes())
}
