use std::path::Path;

use krb_client::remedy::{Names, Step};
use krb_client::{Client, files};
use krb_proto::formats::KeytabEntry;
use krb_proto::iana::EncType;

use super::{Finding, Findings};
use crate::environment::Environment;
use crate::s4u::Service;
use crate::{Failure, remedy};

/// The keytab, and a login with it. `false` if there is no use in going on.
pub(super) async fn look(
    environment: &Environment,
    service: &Service,
    client: &Client,
    findings: &mut Findings,
) -> Result<bool, Failure> {
    let account = client.account();
    if let Some(path) = service.keytab_path(environment)? {
        let keytab = files::read_keytab(&path).await?;
        let entries: Vec<&KeytabEntry> = keytab.keys_for(account).collect();
        let mut versions: Vec<u32> = entries.iter().map(|entry| entry.kvno).collect();
        versions.sort_unstable();
        versions.dedup();
        let said = format!("{}: keys of {account} of the versions {versions:?}", path.display());
        findings.add(Finding::green("keytab", said))?;
        if entries.iter().any(|entry| entry.enctype == EncType::RC4_HMAC) {
            findings.add(Finding::yellow(
                "keytab",
                format!(
                    "{}: there is an RC4 key, which whoever reads it can use everywhere",
                    path.display()
                ),
                format!("krb keytab remove -k {} -e rc4-hmac", path.display()),
            ))?;
        }
        if others_read(&path) {
            findings.add(Finding::red(
                "keytab",
                format!("{}: others may read it", path.display()),
                format!("chmod 600 {}", path.display()),
            ))?;
        }
    }
    // Once only: a wrong key counts towards a lock-out.
    match client.tgt().await {
        Ok(tgt) => {
            let key = tgt.session_key.enctype();
            findings
                .add(Finding::green("login", format!("{account} logged in (session key {key})")))?;
            Ok(true)
        }
        Err(error) => {
            let name = account.name.to_string();
            let names = Names { account: &name, ..Names::default() };
            let remedy = remedy::text(remedy::of(Step::Login, &error, true, &names));
            findings.add(Finding::red("login", error.to_string(), remedy))?;
            Ok(false)
        }
    }
}

#[cfg(unix)]
fn others_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0)
}

#[cfg(not(unix))]
fn others_read(_: &Path) -> bool {
    false
}
