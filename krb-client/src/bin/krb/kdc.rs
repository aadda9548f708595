//! `krb kdc`: a KDC for development and tests.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use krb_client::dev_kdc::{Addresses, Bind, DevKdc, RealmFile, Realms};
use krb_client::files;
use serde_json::{Value, json};

use crate::output::{Unusable, report_json_line};
use crate::{Failure, report};

#[derive(clap::Args)]
pub(crate) struct Kdc {
    /// The realms, in TOML; docs/dev-kdc.md describes every key.
    #[arg(long, value_name = "FILE")]
    realm_file: PathBuf,
    /// Listen there, ADDRESS, ADDRESS:PORT or [IPV6]:PORT, instead of on a free port of 127.0.0.1.
    /// Whoever reaches it is served.
    #[allow(
        rustdoc::broken_intra_doc_links,
        reason = "an address in brackets, as --help shows it"
    )]
    #[arg(long, value_name = "ADDRESS[:PORT]")]
    listen: Option<String>,
    /// Write a krb5.conf with which other programs find this KDC.
    #[arg(long, value_name = "FILE")]
    write_krb5_conf: Option<PathBuf>,
    /// Write the keys of an account of the realm file, NAME or NAME@REALM; may be given again.
    #[arg(long, value_name = "ACCOUNT=FILE")]
    write_keytab: Vec<String>,
    /// Say as JSON that it is ready.
    #[arg(long)]
    pub(crate) json: bool,
}

/// No realm file is longer.
const MAX_REALM_FILE: u64 = 1 << 20;

pub(crate) async fn run(arguments: &Kdc) -> Result<(), Failure> {
    let bind = match &arguments.listen {
        None => Bind::loopback(),
        Some(text) => Bind::at(address(text)?),
    };
    let keytabs = arguments.write_keytab.iter().map(|text| keytab(text));
    let keytabs = keytabs.collect::<Result<Vec<_>, Failure>>()?;
    let realms = realms(&arguments.realm_file)?;
    let ended = ended()?;
    let kdc = DevKdc::start(realms, bind).await?;
    for (account, file) in &keytabs {
        let keytab = kdc.realms().keytab(account);
        let keytab = keytab.ok_or_else(|| format!("--write-keytab: no account {account}"))?;
        files::write_keytab(file, &keytab).await?;
    }
    if let Some(file) = &arguments.write_krb5_conf {
        std::fs::write(file, kdc.krb5_conf())
            .map_err(|error| Unusable::new(file.display(), error))?;
    }
    let conf = arguments.write_krb5_conf.as_deref().map(absolute).transpose()?;
    match arguments.json {
        true => report_json_line(&ready_json(&kdc, conf))?,
        false => report(&ready(&kdc, conf, &keytabs))?,
    }
    ended.await;
    kdc.stop().await;
    Ok(())
}

fn address(text: &str) -> Result<SocketAddr, Failure> {
    let alone = || Some(SocketAddr::new(text.parse::<IpAddr>().ok()?, 0));
    let address = text.parse().ok().or_else(alone);
    address.ok_or_else(|| {
        format!("--listen {text}: write an IP address and, if it is to be a certain one, a port")
            .into()
    })
}

fn keytab(text: &str) -> Result<(&str, &Path), Failure> {
    match text.split_once('=') {
        Some((account, file)) if !account.is_empty() && !file.is_empty() => {
            Ok((account, Path::new(file)))
        }
        _ => Err(format!("--write-keytab {text}: write ACCOUNT=FILE").into()),
    }
}

fn realms(file: &Path) -> Result<Realms, Failure> {
    let text = files::read_text(file, MAX_REALM_FILE);
    let text = text.map_err(|error| Unusable::new(file.display(), error))?;
    let read = RealmFile::parse(&text).map_err(|error| Unusable::new(file.display(), error))?;
    Ok(read.realms().into())
}

fn absolute(file: &Path) -> Result<String, Failure> {
    Ok(std::path::absolute(file)?.display().to_string())
}

fn ready(kdc: &DevKdc, conf: Option<String>, keytabs: &[(&str, &Path)]) -> String {
    let Addresses { kdc: address, kpasswd, .. } = kdc.addresses();
    let realms = kdc.realms().names().join(", ");
    let mut text = format!(
        "ready: {realms} at {address}, passwords are changed at {kpasswd}; for development and tests \
         only\n"
    );
    for (account, file) in keytabs {
        text += &format!("keys of {account}: {}\n", file.display());
    }
    text += &match conf {
        Some(conf) => format!("export KRB5_CONFIG={conf}"),
        None => "--write-krb5-conf FILE writes what KRB5_CONFIG is to be set to".to_owned(),
    };
    text
}

fn ready_json(kdc: &DevKdc, conf: Option<String>) -> Value {
    let addresses = kdc.addresses();
    json!({
        "ready": true,
        "realms": kdc.realms().names(),
        "kdc": addresses.kdc.to_string(),
        "kpasswd": addresses.kpasswd.to_string(),
        "proxy": addresses.proxy.map(|proxy| format!("http://{proxy}/KdcProxy")),
        "krb5_config": conf,
    })
}

/// Ends when the process is told to. It is asked for before anything is said of being ready.
#[cfg(unix)]
fn ended() -> Result<impl Future<Output = ()>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn ended() -> Result<impl Future<Output = ()>, Failure> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
