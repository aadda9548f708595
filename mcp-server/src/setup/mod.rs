//! `krb-mcp config`: a first configuration that works, and what editors want to know of any.

mod ask;
mod look;
mod target;
mod write;

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use krb_delegation::ConfigError;
use krb_delegation::policy::DEFAULTS;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use url::Url;

use crate::check;
use crate::config::{Config, is_loopback};
use crate::print::print_json;
use ask::Ask;
use look::{Issuer, Keytab};
use target::{FORM, Target};
use write::Answers;

type Error = Box<dyn std::error::Error + Send + Sync>;

const CONFIG: &str = "krb-mcp.jsonc";
const POLICY: &str = "policy.cedar";

/// What is asked of `krb-mcp config`.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Write a first configuration and policy, from what is said and what can be looked at
    ///
    /// What no option says is read from the keytab, or asked for where this is run on a terminal. It
    /// looks at the keytab, the issuer's discovery document and the realm's SRV records, says what it
    /// found, and ends with what `krb-mcp check` says of the result. Files that are there already are
    /// left as they are.
    Init(Box<Init>),
    /// Print the JSON Schema of configuration files, for editors
    Schema,
}

/// What a first configuration is made of.
#[derive(Args)]
pub(crate) struct Init {
    /// Folder to write krb-mcp.jsonc and policy.cedar into
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    directory: PathBuf,
    /// The realm, in the KDC's spelling (upper case in Active Directory)
    #[arg(long, value_name = "REALM")]
    realm: Option<String>,
    /// The service account's name (sAMAccountName)
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Its keytab, relative to the folder
    #[arg(long, value_name = "FILE", default_value = "mcp.keytab")]
    keytab: PathBuf,
    /// An SPN that is registered on it
    #[arg(long, value_name = "SPN")]
    spn: Option<String>,
    /// A KDC, `HOST` or `HOST:PORT`; may be repeated. Left out: those that DNS lists
    #[arg(long, value_name = "HOST")]
    kdc: Vec<String>,
    /// The issuer of callers' tokens
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// This server's client id there, and the audience of tokens
    #[arg(long, value_name = "ID", default_value = "mcp-oauth")]
    client_id: String,
    /// The URL that clients will use
    #[arg(long, value_name = "URL", default_value = "http://localhost:8080/mcp")]
    public_url: String,
    /// The first target: //FILESERVER/SHARE, https://WEBSERVER/PATH/, postgresql://DBSERVER/DATABASE or
    /// sqlserver://DBSERVER/DATABASE
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// PEM file with the CAs to believe, relative to the folder. Left out: the system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Ask nobody over the network
    #[arg(long)]
    offline: bool,
}

/// Does what is asked.
pub(crate) async fn run(command: Command, out: &mut impl io::Write) -> Result<(), Error> {
    match command {
        Command::Init(init) => init.run(Ask::on_a_terminal(), out).await,
        Command::Schema => {
            let generator = SchemaGenerator::new(SchemaSettings::draft2020_12());
            print_json(&generator.into_root_schema_for::<Config>(), out)
        }
    }
}

impl Init {
    async fn run(self, mut ask: Ask, out: &mut impl io::Write) -> Result<(), Error> {
        let (config, policy) = (self.directory.join(CONFIG), self.directory.join(POLICY));
        if let Some(there) = [&config, &policy].into_iter().find(|file| file.exists()) {
            let there = there.display();
            return Err(format!("{there} is there already: move it away, or --directory").into());
        }
        if !self.directory.is_dir() {
            let folder = self.directory.display();
            return Err(format!("--directory: there is no folder {folder}: make it first").into());
        }
        let keytab = Keytab::look(&self.directory.join(&self.keytab)).await;
        say(out, "keytab", &keytab.said)?;

        let realm = ask.for_text("--realm", "Realm", self.realm, keytab.realm)?;
        let account = ask.for_text("--account", "Service account", self.account, keytab.account)?;
        let issuer =
            ask.for_text("--issuer", "Issuer of callers' tokens (URL)", self.issuer, None)?;
        let what = format!("First target ({FORM})");
        let target = ask.for_text("--target", &what, self.target, None)?;
        ask.all_was_said()?;
        check_realm(&realm)?;
        check_issuer(&issuer)?;
        let target = Target::read(&target)?;
        if realm.contains(char::is_lowercase) {
            let upper = realm.to_uppercase();
            say(out, "realm", &format!("{realm} as it stands; Active Directory's is {upper}"))?;
        }

        let (issuer, kdcs) = if self.offline {
            (Issuer::unseen(&issuer), "not asked for (--offline)".to_owned())
        } else {
            let ca_file = self.ca_file.as_ref().map(|file| self.directory.join(file));
            look::on_the_network(&issuer, &realm, ca_file).await?
        };
        say(out, "issuer", &issuer.said)?;
        say(out, "KDCs", &kdcs)?;

        let spn = self.spn.or(keytab.spn);
        let is_known = spn.is_some();
        let spn = spn.unwrap_or_else(|| {
            let (account, realm) = (account.to_lowercase(), realm.to_lowercase());
            format!("HTTP/{account}.{realm}")
        });
        if !is_known {
            let what = format!("{spn} is guessed: --spn, or register it on the account");
            say(out, "SPN", &what)?;
        }
        let answers = Answers {
            realm,
            account,
            keytab: self.keytab,
            spn,
            kdcs: self.kdc,
            issuer,
            client_id: self.client_id,
            public_url: self.public_url,
            target,
            ca_file: self.ca_file,
        };
        create(&config, &answers.configuration()?)?;
        create(&policy, DEFAULTS)?;
        writeln!(out, "wrote {} and {}", config.display(), policy.display())?;
        match check::print(&config, false, false, out).await {
            Ok(()) => writeln!(out, "next: krb-mcp serve --config {}", config.display())?,
            Err(error) => writeln!(
                out,
                "not yet: {error}\nnext: put that right, and see krb-mcp check --config {}",
                config.display()
            )?,
        }
        Ok(())
    }
}

/// What becomes part of DNS names and of principals.
fn check_realm(realm: &str) -> Result<(), Error> {
    let is_part = |part: &str| {
        let mut characters = part.chars();
        !part.is_empty() && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    if realm.split('.').all(is_part) {
        return Ok(());
    }
    let form =
        "must be a realm's name, such as EXAMPLE.COM: letters, digits, '-' and '_' between dots";
    Err(ConfigError::new("--realm", form).into())
}

/// What `check` would refuse of an issuer, before it is asked.
fn check_issuer(issuer: &str) -> Result<(), Error> {
    match Url::parse(issuer) {
        Ok(url) if url.scheme() == "https" => Ok(()),
        Ok(url) if url.scheme() == "http" && is_loopback(&url) => Ok(()),
        _ => {
            let form = "must be an https URL (plain http only to loopback)";
            Err(ConfigError::new("--issuer", form).into())
        }
    }
}

fn say(out: &mut impl io::Write, of: &str, what: &str) -> io::Result<()> {
    writeln!(out, "{of}: {what}")
}

fn create(file: &Path, text: &str) -> Result<(), Error> {
    let created = OpenOptions::new().write(true).create_new(true).open(file);
    let written = created.and_then(|mut file| io::Write::write_all(&mut file, text.as_bytes()));
    written.map_err(|error| format!("cannot write {}: {error}", file.display()).into())
}

#[cfg(test)]
mod tests;
