//! `krb-mcp policy`: what a policy may speak of, one to begin with, and why one decides as it does.

use std::io;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Args, Subcommand};
use krb_client::files::read_text;
use krb_client::proto::pac::Sid;
use krb_delegation::Request;
use krb_delegation::identity::{ClaimTypes, Claimed};
use krb_delegation::plan::Plan;
use krb_delegation::policy::{Applies, DEFAULTS, Explanation, Listed, Outlook, Usable, schema};
use krb_delegation::targets::Resolved;
use serde::Serialize;
use serde_json::Value;

use crate::config::Config;
use crate::print::{Said, print_json};
use crate::{backend, tools};

/// More than a token or its claims ever are.
const MAX_CLAIMS: u64 = 1 << 20;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// What is asked of `krb-mcp policy`.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Print what policies may speak of, as a Cedar schema
    Schema {
        /// Configuration file, for the claims that policies may speak of by it
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Print policies to begin with, which give permissions such as file:read their meaning
    Init,
    /// Check the policies of a configuration, and explain what they decide
    ///
    /// Alone it lists them. With --claims or --token it says whether a tool call is allowed, by
    /// which policies, and what the others ask for. Nothing is done but that with --token the identity
    /// provider is asked, and nothing is recorded.
    ///
    /// Ends with 0 if it is allowed, or the policies are valid; with 1 if it is denied; with 2 if the
    /// command line is wrong; and with 4 if it cannot be said: it depends on groups that are not given,
    /// a file cannot be read or makes no sense, the claims or the token stand for nobody.
    Check(Check),
}

/// What is checked.
#[derive(Args)]
pub(crate) struct Check {
    /// Configuration file (JSON with comments, or TOML or YAML by its suffix)
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Who calls: claims of an exchanged token as JSON, or such a token; nothing of it is verified
    #[arg(long, value_name = "FILE", group = "who")]
    claims: Option<PathBuf>,
    /// Who calls: a caller's token, which is verified and exchanged as for a call
    #[arg(long, value_name = "FILE", group = "who")]
    token: Option<PathBuf>,
    /// SIDs of the groups that the account is in, as a KDC would say; "" for none
    #[arg(long, value_name = "SID", value_delimiter = ',', requires = "who", value_parser = group)]
    groups: Option<Vec<Group>>,
    /// The tool that is called
    #[arg(long, value_name = "NAME", default_value = "user-info", requires = "who")]
    tool: String,
    /// Its arguments, as JSON
    #[arg(long, value_name = "JSON", default_value = "{}", requires = "who")]
    arguments: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A group's SID, or nothing.
#[derive(Clone)]
struct Group(Option<Sid>);

fn group(text: &str) -> Result<Group, &'static str> {
    let sid = (!text.is_empty()).then(|| text.parse()).transpose();
    sid.map(Group).map_err(|_| "a SID, S-1-5-21-…")
}

/// The command line is wrong, which shows only now.
fn wrong(what: impl std::fmt::Display) -> Error {
    clap::Error::raw(ErrorKind::ValueValidation, format!("{what}\n")).into()
}

/// Does what is asked. Whether the call is allowed, if one is asked about.
pub(crate) async fn run(command: Command, out: &mut impl io::Write) -> Result<Said, Error> {
    match command {
        Command::Schema { config } => {
            let config = config.map(|file| Config::load(&file)).transpose()?;
            let idps = config.map(|config| config.auth.trusted_idps).unwrap_or_default();
            out.write_all(schema(&ClaimTypes::of(&idps)?).as_bytes())?;
        }
        Command::Init => out.write_all(DEFAULTS.as_bytes())?,
        Command::Check(check) => return check.run(out).await,
    }
    Ok(Said::Yes)
}

impl Check {
    async fn run(&self, out: &mut impl io::Write) -> Result<Said, Error> {
        let config = Config::load(&self.config)?;
        let plan = backend::plan(&self.config, &config).await?;
        if self.claims.is_none() && self.token.is_none() {
            self.list(&config, &plan, out).await?;
            return Ok(Said::Yes);
        }
        let groups: Option<Vec<Sid>> = self
            .groups
            .as_ref()
            .map(|groups| groups.iter().filter_map(|group| group.0.clone()).collect());
        let resolved = match self.request()? {
            Request::Operation(operation) => Some(plan.targets().resolve(&operation)),
            _ => None,
        };
        let tool = tools::audited_name(&self.tool);
        let resolved = resolved.map(|resolved| resolved.map(|resolved| resolved.by(tool)));
        let resolved = resolved.transpose().map_err(|why| why.explain(&[]).to_string())?;
        let who = match (&self.claims, &self.token) {
            (None, Some(file)) => {
                let at = resolved.as_ref().map(Resolved::target);
                plan.claimed(text(file)?.trim(), at).await?
            }
            (file, _) => {
                let file = file.as_deref().ok_or("--claims or --token: a file")?;
                Claimed::read(&text(file)?, &config.auth.trusted_idps)?
            }
        };
        let policy = plan.policy().await;
        let explanation = policy.explain(&who, resolved.as_ref(), groups.as_deref());
        let usable = policy.usable_as(&who);
        if self.json {
            print_json(&Report { explanation: &explanation, usable: &usable }, out)?;
        } else {
            write(&explanation, &config.policy.file, out)?;
            for one in usable {
                let (addresses, actions) = (one.addresses.join(" "), one.actions.join(", "));
                writeln!(out, "\n  may use {addresses}\n      {actions}")?;
            }
        }
        Ok(match explanation.decision {
            Outlook::Allow => Said::Yes,
            Outlook::Deny => Said::No,
            Outlook::Pending => Said::Nothing,
        })
    }

    /// What the tool is asked for.
    fn request(&self) -> Result<Request, Error> {
        let names = || tools::names().join(", ");
        let tool = tools::find(&self.tool);
        let tool = tool.ok_or_else(|| wrong(format_args!("--tool: one of {}", names())))?;
        match serde_json::from_str(&self.arguments) {
            Ok(Value::Object(arguments)) => tool
                .parse(arguments)
                .map_err(|failure| wrong(format_args!("--arguments: {failure}"))),
            Ok(_) => Err(wrong("--arguments: a JSON object")),
            Err(error) => Err(wrong(format_args!("--arguments: {error}"))),
        }
    }

    async fn list(
        &self,
        config: &Config,
        plan: &Plan,
        out: &mut impl io::Write,
    ) -> Result<(), Error> {
        let policy = plan.policy().await;
        let (file, hash) = (&config.policy.file, policy.hash());
        if self.json {
            return print_json(&List { file, policy_hash: hash, policies: policy.list() }, out);
        }
        writeln!(out, "{} is valid, hash {hash}", file.display())?;
        for Listed { id, line, effect, asks_groups } in policy.list() {
            let groups = if asks_groups { "  (waits for groups)" } else { "" };
            writeln!(out, "  {effect:<7} {id}{}{groups}", place(file, line))?;
        }
        Ok(())
    }
}

/// Why a call is decided as it is, and what its caller may use at all.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    explanation: &'a Explanation,
    usable: &'a [Usable],
}

/// The policies of a file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    file: &'a Path,
    policy_hash: &'a str,
    policies: Vec<Listed>,
}

fn text(file: &Path) -> Result<String, Error> {
    let text = read_text(file, MAX_CLAIMS);
    Ok(text.map_err(|error| format!("cannot read {}: {error}", file.display()))?.to_string())
}

fn place(file: &Path, line: Option<usize>) -> String {
    line.map(|line| format!("  {}:{line}", file.display())).unwrap_or_default()
}

fn write(explanation: &Explanation, file: &Path, out: &mut impl io::Write) -> io::Result<()> {
    let Explanation { decision, principal, action, target, path, policies, others, .. } =
        explanation;
    let decision = match decision {
        Outlook::Allow => "ALLOWED",
        Outlook::Deny => "DENIED",
        Outlook::Pending => "DEPENDS ON GROUPS, which only a KDC knows: give --groups",
    };
    writeln!(out, "{decision}")?;
    let verified = if explanation.verified { "" } else { "  (claims, not verified)" };
    writeln!(out, "  principal    {}{verified}", principal.id)?;
    writeln!(out, "  account      {}", principal.legacy_name)?;
    for (name, texts) in [
        ("roles", Some(&principal.roles)),
        ("permissions", Some(&principal.permissions)),
        ("scopes", Some(&principal.scopes)),
        ("groups", principal.groups.as_ref()),
    ] {
        if let Some(texts) = texts {
            writeln!(
                out,
                "  {name:<12} {}",
                if texts.is_empty() { "-".into() } else { texts.join(", ") }
            )?;
        }
    }
    for (name, value) in &principal.claims {
        writeln!(out, "  claim        {name} = {}", serde_json::to_string(value)?)?;
    }
    if let Some(client_id) = &principal.client_id {
        writeln!(out, "  client       {client_id}")?;
    }
    writeln!(out, "  action       {action}")?;
    for (name, text) in [("target", target), ("path", path)] {
        if let Some(text) = text {
            writeln!(out, "  {name:<12} {text}")?;
        }
    }
    for policy in policies {
        let applies = match policy.applies {
            Applies::Fails => "fails: everything that it is for is denied",
            Applies::Yes => "applies",
            Applies::Unknown => "may apply",
            Applies::No => "does not apply",
        };
        writeln!(out)?;
        let place = place(file, policy.line);
        writeln!(out, "  {} {} {applies}{place}", policy.effect, policy.id)?;
        if let Some(error) = &policy.error {
            writeln!(out, "      {error}")?;
        }
        for text in &policy.unmet {
            writeln!(out, "      does not hold: {text}")?;
        }
        for text in &policy.unknown {
            writeln!(out, "      depends on groups: {text}")?;
        }
    }
    if policies.is_empty() {
        writeln!(out, "\n  no policy is for this action and target")?;
    }
    if *others > 0 {
        writeln!(out, "\n  {others} more for other actions or targets")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
