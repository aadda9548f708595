//! `krb doctor`: what stands in the way of tickets, and what helps.

mod account;
mod cache;
mod delegation;
mod probe;
mod servers;

use krb_proto::Principal;
use serde_json::{Value, json};

use crate::environment::Environment;
use crate::output::{Ended, ended, failure_json};
use crate::s4u::{Naming, Service, Unready};
use crate::{Failure, report, report_json};

#[derive(clap::Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    service: Service,
    /// Look at this realm's servers; without it at those of the account, else of the default realm.
    #[arg(long, value_name = "REALM")]
    realm: Option<String>,
    /// Print what is found as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    naming: Naming,
    /// Try to act in this user's name, who need not know of it.
    user: Option<String>,
    /// Try to reach this service in the user's name.
    spn: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Light {
    Green,
    Yellow,
    Red,
}

impl Light {
    const fn name(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
        }
    }
}

/// Something that was looked at.
struct Finding {
    light: Light,
    /// What: `clock`, `keytab`, …
    what: &'static str,
    said: String,
    /// What helps, unless all is well.
    remedy: Option<String>,
}

impl Finding {
    fn green(what: &'static str, said: impl Into<String>) -> Self {
        Self { light: Light::Green, what, said: said.into(), remedy: None }
    }

    fn yellow(what: &'static str, said: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { light: Light::Yellow, what, said: said.into(), remedy: Some(remedy.into()) }
    }

    fn red(what: &'static str, said: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { light: Light::Red, what, said: said.into(), remedy: Some(remedy.into()) }
    }
}

/// What was found; each is told at once, since some takes time.
struct Findings {
    json: bool,
    all: Vec<Finding>,
}

impl Findings {
    fn add(&mut self, finding: Finding) -> Result<(), Failure> {
        if !self.json {
            let Finding { light, what, said, remedy } = &finding;
            let mut text = format!("{:<6}  {what}: {said}", light.name());
            if let Some(remedy) = remedy {
                text += &format!("\n        -> {remedy}");
            }
            report(&text)?;
        }
        self.all.push(finding);
        Ok(())
    }

    fn worst(&self) -> Light {
        let has = |light| self.all.iter().any(|finding| finding.light == light);
        if has(Light::Red) {
            Light::Red
        } else if has(Light::Yellow) {
            Light::Yellow
        } else {
            Light::Green
        }
    }
}

pub(crate) async fn run(arguments: &Doctor) -> Result<(), Failure> {
    let mut findings = Findings { json: arguments.json, all: Vec::new() };
    let looked = look(arguments, &mut findings).await;
    let worst = findings.worst();
    if arguments.json {
        let all: Vec<Value> = findings
            .all
            .iter()
            .map(|finding| {
                json!({
                    "light": finding.light.name(), "what": finding.what, "said": finding.said,
                    "remedy": finding.remedy,
                })
            })
            .collect();
        // What ended it early, such as a name that is none, is said with what was found before.
        let error = looked.as_ref().err().map(|error| failure_json(&**error));
        report_json(&json!({ "worst": worst.name(), "findings": all, "error": error }))?;
    }
    looked.or_else(ended)?;
    // Who only wants to know whether it works is not told of what could be better.
    if worst == Light::Red { Err(Ended::FAILED.into()) } else { Ok(()) }
}

async fn look(arguments: &Doctor, findings: &mut Findings) -> Result<(), Failure> {
    let environment = match Environment::read().await {
        Ok(environment) => environment,
        Err(error) => {
            let remedy = "mend the file that is named, or set KRB5_CONFIG to another";
            return findings.add(Finding::red("configuration", error.to_string(), remedy));
        }
    };
    let client = arguments.service.client(&environment).await;
    let account = match &client {
        Ok(client) => Some(Principal::clone(client.account())),
        // Much is known of one that is named, whatever it would log in with.
        Err(_) => arguments.service.named(&environment).unwrap_or_default(),
    };
    let realm = match (&arguments.realm, &account) {
        (Some(realm), _) => Some(realm.clone()),
        (None, Some(account)) => Some(String::from_utf8_lossy(&account.realm).into_owned()),
        (None, None) => environment.realms.default_realm().map(str::to_owned),
    };
    let Some(realm) = realm else {
        let remedy = "set default_realm in krb5.conf, or name a realm with --realm";
        return findings.add(Finding::red("configuration", "no realm is known", remedy));
    };
    findings.add(Finding::green("configuration", format!("the realm is {realm}")))?;
    cache::look(&environment, findings).await?;
    servers::look(&environment, &arguments.service, &realm, findings).await?;
    if let Err(Unready { what, error }) = &client {
        findings.add(Finding::red(what.name(), error.to_string(), what.remedy()))?;
    }
    let Some(account) = account else { return Ok(()) };
    let may_go_on = probe::look(&environment, &arguments.service, &account, findings).await?;
    let Some(client) = client.ok().filter(|_| may_go_on) else { return Ok(()) };
    if account::look(&environment, &arguments.service, &client, findings).await? {
        let user = arguments.user.as_deref();
        let user = user.map(|name| arguments.naming.user(name, &account.realm)).transpose()?;
        delegation::look(&client, user, arguments.spn.as_deref(), findings).await?;
    }
    Ok(())
}
