use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding,
    RsaKeyPair,
};
use base64ct::{Base64UrlUnpadded, Encoding};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use zeroize::Zeroizing;

use super::config::{ClientKeyConfig, KeyAlgorithm};
use crate::followed::{Followed, Place};
use crate::secret_form::joined;

/// How long what the client's key signs is good for, in seconds.
const LIFETIME: i64 = 60;

/// A key that signs for the client, as it stands in its file now.
pub(super) struct ClientKey {
    algorithm: KeyAlgorithm,
    id: Option<String>,
    pub(super) file: Followed<Signer>,
}

pub(super) enum Signer {
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
}

impl ClientKey {
    pub(super) fn open(config: &ClientKeyConfig, section: &str) -> Result<Self, String> {
        let ClientKeyConfig { file, algorithm, key_id, .. } = config.clone();
        let read = move |pem: &str| Signer::read(pem.as_bytes(), algorithm);
        let file = Followed::open(format!("{section}.clientKey.file"), Place::File(file), read)?;
        Ok(Self { algorithm, id: key_id, file })
    }

    /// RFC 7523 section 3; `aud` is one text, as newer providers want it (RFC 7523bis).
    pub(super) async fn assertion(
        &self,
        client: &str,
        audience: &str,
        now: i64,
    ) -> Result<(Zeroizing<String>, u64), String> {
        let algorithm = match self.algorithm {
            KeyAlgorithm::ES256 => "ES256",
            KeyAlgorithm::PS256 => "PS256",
            KeyAlgorithm::RS256 => "RS256",
        };
        let mut header = serde_json::json!({ "alg": algorithm, "typ": "JWT" });
        if let Some(id) = &self.id {
            header["kid"] = id.as_str().into();
        }
        let mut random = [0; 16];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| "there is no randomness")?;
        let claims = serde_json::json!({
            "iss": client, "sub": client, "aud": audience,
            "jti": Base64UrlUnpadded::encode_string(&random),
            "iat": now, "nbf": now, "exp": now + LIFETIME
        });
        let part = |part: &serde_json::Value| {
            Base64UrlUnpadded::encode_string(part.to_string().as_bytes())
        };
        let message = format!("{}.{}", part(&header), part(&claims));
        let (signer, of) = self.file.current().await;
        let signature = Base64UrlUnpadded::encode_string(&signer.sign(message.as_bytes())?);
        Ok((joined(&[&message, ".", &signature]), of))
    }
}

impl Signer {
    fn read(pem: &[u8], algorithm: KeyAlgorithm) -> Result<Self, String> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem)
            .map_err(|_| "it holds no PEM private key (BEGIN PRIVATE KEY)")?;
        let rsa = || {
            RsaKeyPair::from_pkcs8(der.secret_pkcs8_der())
                .map_err(|_| "its key is no RSA key of 2048 bits or more, as the algorithm needs")
        };
        Ok(match algorithm {
            KeyAlgorithm::ES256 => Self::Ec(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_pkcs8_der())
                    .map_err(|_| "its key is no P-256 key, as ES256 needs")?,
            ),
            KeyAlgorithm::PS256 => Self::Rsa(rsa()?, &RSA_PSS_SHA256),
            KeyAlgorithm::RS256 => Self::Rsa(rsa()?, &RSA_PKCS1_SHA256),
        })
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let random = SystemRandom::new();
        let failed = |_| "signing failed".to_owned();
        match self {
            Self::Ec(key) => Ok(key.sign(&random, message).map_err(failed)?.as_ref().to_vec()),
            Self::Rsa(key, encoding) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(*encoding, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
        }
    }
}
