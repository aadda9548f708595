use std::path::PathBuf;

use serde::Serialize;

use super::Error;
use super::look::Issuer;
use super::target::Target;

/// What a first configuration says.
pub(super) struct Answers {
    pub(super) realm: String,
    pub(super) account: String,
    pub(super) keytab: PathBuf,
    pub(super) spn: String,
    pub(super) kdcs: Vec<String>,
    pub(super) issuer: Issuer,
    pub(super) client_id: String,
    pub(super) public_url: String,
    pub(super) target: Target,
    pub(super) ca_file: Option<PathBuf>,
}

impl Answers {
    /// The file.
    pub(super) fn configuration(&self) -> Result<String, Error> {
        let Self { realm, account, spn, client_id, public_url, .. } = self;
        let kdcs = match self.kdcs.as_slice() {
            [] => "// \"kdcs\": [\"dc.example.com\"]".to_owned(),
            kdcs => format!("\"kdcs\": {}", json(kdcs)?),
        };
        let authorities = match &self.ca_file {
            None => "// \"caFile\": \"ca.pem\"".to_owned(),
            Some(file) => format!("\"caFile\": {}", json(file)?),
        };
        Ok(format!(
            r#"// Written by `krb-mcp config init`. docs/configuration.md has every setting, and
// `krb-mcp check --config FILE` says what would keep this file from being served.
{{
  "server": {{
    // Loopback: a reverse proxy in front does TLS. In a container: "0.0.0.0:8080".
    "listen": "127.0.0.1:8080",
    // What clients use. Tokens must be issued for this server, and challenges point here.
    "publicUrl": {public_url}
    // Figures, and what is missing where /readyz says 503:
    // "metrics": {{ "listen": "127.0.0.1:9464" }}
  }},

  // Whose tokens are believed.
  "auth": {{
    "trustedIDPs": [
      {{
        "issuer": {issuer},
        "audience": {client_id},
        // The Windows account is read from the exchanged token: by name from "legacy_name". Map the
        // account's objectSid to a claim as well, and name that claim here as "sid":
        // "claimMappings": {{ "sid": "object_sid" }},
        "mayAssert": {{ "realms": [{realm}] }}
      }}
    ]
  }},

  // The caller's token is exchanged (RFC 8693) for one that names the account.
  "delegation": {{
    "tokenExchange": {{
      "tokenEndpoint": {token_endpoint},
      "clientId": {client_id},
      // The file MCP_OAUTH_CLIENT_SECRET in $CREDENTIALS_DIRECTORY or in /run/secrets, or the
      // environment variable of that name.
      "clientSecret": {{ "$secret": "MCP_OAUTH_CLIENT_SECRET" }},
      "audience": {client_id}
    }}
  }},

  // The service account. In the directory it needs this SPN, TRUSTED_TO_AUTH_FOR_DELEGATION, and the
  // target's SPN in msDS-AllowedToDelegateTo.
  "kerberos": {{
    "realm": {realm},
    "servicePrincipalName": {spn},
    // Left out, DNS says which they are:
    {kdcs}{kdcs_comma}
    "serviceAccount": {{ "username": {account}, "keytab": {keytab} }}
  }},

  // Left out: the system's name servers and CAs.
  "network": {{
    {authorities}
  }},

  // Who may do what, by the permissions in a user's token. Another file in its place is in force a few
  // seconds later.
  "policy": {{ "file": "policy.cedar" }},

  // What can be reached.
  "targets": [
    {target}
  ],

  // Which account each subject is, and whose access was ended. In a container:
  // "/var/lib/krb-mcp/state".
  "state": {{ "directory": "state" }},

  // Before and after everything that is done for a user. In a container:
  // "/var/log/krb-mcp/audit.jsonl". See docs/audit.md for "key", "checkpoints" and "rotation".
  "audit": {{ "file": "audit.jsonl" }}
}}
"#,
            public_url = json(public_url)?,
            issuer = json(&self.issuer.issuer)?,
            client_id = json(client_id)?,
            realm = json(realm)?,
            token_endpoint = json(&self.issuer.token_endpoint)?,
            spn = json(spn)?,
            kdcs_comma = if self.kdcs.is_empty() { "" } else { "," },
            account = json(account)?,
            keytab = json(&self.keytab)?,
            target = json(&self.target.setting())?,
        ))
    }
}

fn json(value: &(impl Serialize + ?Sized)) -> Result<String, Error> {
    Ok(serde_json::to_string(value)?)
}
