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
    // Once only, until it is known to be right: a wrong key counts towards a lock-out.
    match client.tgt().await {
        Ok(tgt) => {
            let key = tgt.session_key.enctype();
            findings
                .add(Finding::green("login", format!("{account} logged in (session key {key})")))?;
            if let Some(finding) = version(environment, service, client).await {
                findings.add(finding)?;
            }
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

/// What is to be said of the keytab's versions by what the KDC says of its own: keys that are taken may have
/// another one here, by which services look for them.
async fn version(environment: &Environment, service: &Service, client: &Client) -> Option<Finding> {
    let (account, kdcs) = (client.account(), client.key_version()?);
    let path = service.keytab_path(environment).ok()??;
    let keytab = files::read_keytab(&path).await.ok()?;
    // Of old keytabs it is the last octet.
    let is_here = |entry: &KeytabEntry| [kdcs, kdcs & 0xff].contains(&entry.kvno);
    let newest = keytab.keys_for(account).map(|entry| entry.kvno).max()?;
    (!keytab.keys_for(account).any(is_here)).then(|| {
        Finding::yellow(
            "keytab",
            format!(
                "{}: the KDC has version {kdcs} of the keys of {account}, and the newest here is {newest}",
                path.display()
            ),
            format!(
                "write the keytab anew, or those keys with that version (krb keytab add --kvno {kdcs}): services \
                 look for keys by it"
            ),
        )
    })
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
