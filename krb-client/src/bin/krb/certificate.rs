//! Certificates in the place of passwords, from files as OpenSSL writes them.

use std::sync::Arc;

use base64ct::{Base64, Encoding as _};
use krb_proto::exchange::ClientSecret;
use krb_proto::pkinit::{Group, PkinitConfig, SoftwareSigner, TrustAnchors};
use zeroize::Zeroizing;

use crate::Failure;
use crate::secret::octets_in;

/// Neither certificates nor keys are longer, with all that may stand beside them.
const MAX_PEM: u64 = 1 << 20;

/// From MIT's attributes: `X509_user_identity=FILE:CERTIFICATE,KEY`, `X509_anchors=FILE:CA`.
pub(crate) fn secret(attributes: &[String], anonymous: bool) -> Result<ClientSecret, Failure> {
    let (mut identity, mut anchors) = (None, Vec::new());
    for attribute in attributes {
        match attribute.split_once('=') {
            Some(("X509_user_identity", value)) => identity = Some(file(value)?),
            Some(("X509_anchors", value)) => anchors.extend(blocks(file(value)?, "CERTIFICATE")?),
            _ => {
                let known =
                    "there are X509_user_identity=FILE:CERTIFICATE,KEY and X509_anchors=FILE:CA";
                return Err(format!("-X {attribute}: {known}").into());
            }
        }
    }
    if anonymous {
        return Err("-n: anonymous tickets are not asked for by this program".into());
    }
    let identity = identity
        .ok_or("which certificate? Name it with -X X509_user_identity=FILE:CERTIFICATE,KEY")?;
    let (certificate, key) = identity.split_once(',').unwrap_or((identity, identity));
    let certificates = blocks(certificate, "CERTIFICATE")?.iter().map(|it| it.to_vec()).collect();
    let keys = blocks(key, "PRIVATE KEY")?;
    let key = keys.first().ok_or_else(|| {
        format!("{key}: there is no key in it: write it as PKCS #8 and unencrypted, as `openssl pkcs8 -topk8 -nodes` does")
    })?;
    if anchors.is_empty() {
        return Err(
            "whom is to be believed to be a KDC? Name its CA with -X X509_anchors=FILE:CA".into()
        );
    }
    let signer = SoftwareSigner::from_pkcs8(certificates, key)?;
    let config = PkinitConfig {
        signer: Some(Box::new(signer)),
        anchors: TrustAnchors::from_der(anchors.iter().map(|anchor| anchor.as_slice()))?,
        groups: vec![Group::Modp14, Group::P256, Group::P384, Group::Modp16],
        kdc_hosts: Vec::new(),
    };
    Ok(ClientSecret::Certificate(Arc::new(config)))
}

fn file(value: &str) -> Result<&str, Failure> {
    let other = || format!("{value}: certificates are read from files: write FILE:NAME");
    Ok(value.strip_prefix("FILE:").ok_or_else(other)?)
}

/// What stands between the lines that begin and end blocks of this kind.
fn blocks(file: &str, kind: &str) -> Result<Vec<Zeroizing<Vec<u8>>>, Failure> {
    let octets = octets_in(file, MAX_PEM)?;
    let text = std::str::from_utf8(&octets).map_err(|_| format!("{file}: this is no PEM file"))?;
    let (begin, end) = (format!("-----BEGIN {kind}-----"), format!("-----END {kind}-----"));
    let inside = text.split(&begin).skip(1).map(|rest| rest.split(&end).next().unwrap_or_default());
    let decoded = inside.map(|lines| {
        let packed: Zeroizing<String> = Zeroizing::new(lines.split_whitespace().collect());
        let decoded = Base64::decode_vec(&packed).map(Zeroizing::new);
        decoded.map_err(|_| format!("{file}: what is in a block {kind} is no base64").into())
    });
    decoded.collect()
}
