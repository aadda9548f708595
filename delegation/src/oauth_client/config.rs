use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::secret::Secret;
use crate::{Holds, Visit};

/// How a client proves who it is (RFC 6749 section 2.3, RFC 7523).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// The secret in the form.
    #[default]
    ClientSecretPost,
    /// The secret in the header.
    ClientSecretBasic,
    /// A JWT signed with the client's key.
    PrivateKeyJwt,
}

/// The key of a client.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientKeyConfig {
    /// PEM file with the private key (`BEGIN PRIVATE KEY`); one that is replaced is used from then on.
    pub file: PathBuf,
    /// `ES256`, `PS256` or `RS256`.
    #[serde(default)]
    pub algorithm: KeyAlgorithm,
    /// Its name (`kid`) at the provider.
    pub key_id: Option<String>,
    /// `aud` of what is signed: the issuer unless given. Older providers want their token endpoint.
    pub audience: Option<String>,
}

impl ClientKeyConfig {
    /// Shows its file.
    pub(crate) fn each_file(&mut self, section: &str, visit: &mut Visit<'_>) {
        visit(&format!("{section}.clientKey.file"), Holds::Secret, &mut self.file);
    }
}

/// An algorithm to sign with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
pub enum KeyAlgorithm {
    /// ECDSA on P-256.
    #[default]
    ES256,
    /// RSA-PSS.
    PS256,
    /// RSA PKCS#1 v1.5.
    RS256,
}

/// The settings of a client, wherever they stand: `clientId`, `clientAuthentication`, `clientSecret`
/// and `clientKey`.
pub(crate) struct ClientSettings<'a> {
    pub(crate) id: &'a str,
    pub(crate) authentication: ClientAuthentication,
    pub(crate) secret: Option<&'a Secret>,
    pub(crate) key: Option<&'a ClientKeyConfig>,
}

impl ClientSettings<'_> {
    /// Finds a setting that would not do, and why not.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        let (setting, problem) = match self.authentication {
            _ if self.id.is_empty() => ("clientId", "is empty"),
            ClientAuthentication::PrivateKeyJwt if self.key.is_none() => {
                ("clientKey", "is needed for private_key_jwt")
            }
            ClientAuthentication::PrivateKeyJwt if self.secret.is_some() => {
                ("clientSecret", "is of no use with private_key_jwt: take it out")
            }
            ClientAuthentication::PrivateKeyJwt => return Ok(()),
            _ if self.secret.is_none() => {
                ("clientSecret", "is needed unless clientAuthentication says otherwise")
            }
            _ if self.key.is_some() => {
                ("clientKey", "is of use with clientAuthentication private_key_jwt only")
            }
            _ => return Ok(()),
        };
        Err((setting, problem.to_owned()))
    }
}
