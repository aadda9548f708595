//! Certificates in the place of passwords, from files as OpenSSL writes them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use krb_client::{AccountSecret, files};
use krb_proto::exchange::ClientSecret;
use krb_proto::pkinit::{Group, PkinitConfig};

use crate::Failure;
use crate::environment::Environment;

/// From MIT's attributes: `X509_user_identity=FILE:CERTIFICATE,KEY`, `X509_anchors=FILE:CA`; without the
/// latter krb5.conf's `pkinit_anchors` say who is a KDC. A certificate that names no realm is a KDC's if it
/// names a host of `pkinit_kdc_hostname`. Nobody needs no certificate.
pub(crate) async fn secret(
    attributes: &[String],
    anonymous: bool,
    environment: &Environment,
    realm: &[u8],
) -> Result<AccountSecret, Failure> {
    let (mut identity, mut anchors) = (None, Vec::new());
    for attribute in attributes {
        match attribute.split_once('=') {
            Some(("X509_user_identity", value)) => identity = Some(file(value)?),
            Some(("X509_anchors", value)) => anchors.push(PathBuf::from(file(value)?)),
            _ => {
                let known =
                    "there are X509_user_identity=FILE:CERTIFICATE,KEY and X509_anchors=FILE:CA";
                return Err(format!("-X {attribute}: {known}").into());
            }
        }
    }
    if anonymous && identity.is_some() {
        return Err("-n: nobody has a certificate: leave X509_user_identity out".into());
    }
    let realm = String::from_utf8_lossy(realm);
    let configured = |relation| {
        environment.realms.conf().map(|conf| conf.pkinit(&realm, relation)).unwrap_or_default()
    };
    if anchors.is_empty() {
        for value in configured("pkinit_anchors") {
            anchors.push(PathBuf::from(file(value)?));
        }
    }
    if anchors.is_empty() {
        return Err(
            "whom is to be believed to be a KDC? Name its CA with -X X509_anchors=FILE:CA, or \
                    with pkinit_anchors in krb5.conf"
                .into(),
        );
    }
    let mut config = PkinitConfig {
        signer: None,
        anchors: files::read_anchors(&anchors).await?,
        groups: vec![Group::Modp14, Group::P256, Group::P384, Group::Modp16],
        kdc_hosts: configured("pkinit_kdc_hostname").into_iter().map(str::to_owned).collect(),
    };
    if !anonymous {
        let identity = identity
            .ok_or("which certificate? Name it with -X X509_user_identity=FILE:CERTIFICATE,KEY")?;
        let (certificate, key) = identity.split_once(',').unwrap_or((identity, identity));
        let signer = files::read_signer(Path::new(certificate), Path::new(key)).await?;
        config.signer = Some(Box::new(signer));
    }
    Ok(ClientSecret::Certificate(Arc::new(config)).into())
}

fn file(value: &str) -> Result<&str, Failure> {
    let other = || format!("{value}: certificates are read from files: write FILE:NAME");
    Ok(value.strip_prefix("FILE:").ok_or_else(other)?)
}
