//! What a service logs in with in users' places, as it stands there now.

use std::path::PathBuf;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::followed::{Followed, PAIR, Password, Place};
use crate::resources::Wrong;
use crate::secret::Secret;

/// Of a certificate chain, and of a key.
const MAX_PEM: u64 = 1 << 18;

pub(super) type Certificate = Followed<CertifiedKey>;

/// The password of a target's login.
pub(super) fn password(of: &str, secret: Secret) -> Result<Password, Wrong> {
    Password::of(setting(of, "login.password"), secret)
        .map_err(|problem| ("login.password", problem))
}

/// The certificate chain of a target's login and its key, which are replaced together: of a chain and a
/// key that do not fit, neither is used.
pub(super) fn certificate(of: &str, chain: PathBuf, key: PathBuf) -> Result<Certificate, Wrong> {
    let place = Place::Pair(chain, key, MAX_PEM);
    let followed = Followed::open(setting(of, "login.certificate"), place, certified);
    followed.map_err(|problem| ("login", problem))
}

fn setting(of: &str, setting: &str) -> String {
    format!("targets.{of}.{setting}")
}

fn certified(text: &str) -> Result<CertifiedKey, String> {
    let (chain, key) = text.split_once(PAIR).ok_or("it has no key")?;
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| format!("the certificate: {error}"))?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
    let key = key.map_err(|error| format!("the key: {error}"))?;
    let own = CertifiedKey::from_der(chain, key, &default_provider());
    own.map_err(|error| format!("the certificate with its key: {error}"))
}
