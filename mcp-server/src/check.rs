//! `krb-mcp check`: everything that can be found wrong without starting. It builds what `serve`
//! starts, so that it finds what `serve` would find; only the port is left to `serve`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use krb_delegation::audit::AuditConfig;
use krb_delegation::credential::kerberos::{AccountConfig, DelegationMode, Mode};
use krb_delegation::network::Fetch;
use krb_delegation::plan::Parts;
use serde::Serialize;

use crate::backend;
use crate::config::Config;
use crate::print::print_json;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// What a configuration would serve.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    listen: String,
    metrics: Option<String>,
    public_url: String,
    issuers: Vec<String>,
    /// Whether they, and databases that a service logs in at, were asked: what they lack is among the
    /// warnings then.
    online: bool,
    service_account: String,
    service_principal_name: String,
    kdcs: Vec<String>,
    /// Whether resources see the service account, not the user.
    comes_itself: bool,
    accounts: Vec<AccountReport>,
    targets: Vec<TargetReport>,
    policy: PathBuf,
    audit: String,
    audit_chain: &'static str,
    /// Where what outlives a restart is kept.
    state: Option<PathBuf>,
    /// Where it is shared with other replicas.
    shared_state: Option<String>,
    /// What is well to know of the targets.
    remarks: Vec<String>,
    /// What would be better otherwise, and keeps nothing from starting.
    warnings: Vec<String>,
}

/// A further service account.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountReport {
    name: String,
    service_account: String,
    service_principal_name: String,
    kdcs: Vec<String>,
    comes_itself: bool,
}

impl AccountReport {
    fn new((name, account): (&String, &AccountConfig)) -> Self {
        Self {
            name: name.clone(),
            service_account: format!("{}@{}", account.service_account.username, account.realm),
            service_principal_name: account.service_principal_name.clone(),
            kdcs: account.kdcs.clone(),
            comes_itself: comes_itself(account.delegation),
        }
    }
}

fn comes_itself(delegation: DelegationMode) -> bool {
    delegation.mode == Mode::ServiceAccount
}

fn itself(comes_itself: bool) -> &'static str {
    if comes_itself { ", which comes itself in the place of users" } else { "" }
}

#[derive(Serialize)]
struct TargetReport {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    kind: &'static str,
    spn: String,
    endpoint: String,
}

/// Loads the configuration and the files that it names, and writes what would be served.
/// With `online`, issuers are asked what they lack, and services log in at databases.
pub(crate) async fn print(
    file: &Path,
    json: bool,
    online: bool,
    out: &mut impl io::Write,
) -> Result<(), Error> {
    let report = report(file, online).await?;
    if json {
        print_json(&report, out)?;
    } else {
        writeln!(out, "{} is valid", file.display())?;
        write_text(&report, out)?;
    }
    Ok(())
}

async fn report(file: &Path, online: bool) -> Result<Report, Error> {
    let config = Config::load(file)?;
    let plan = backend::plan(file, &config).await?;
    let account = &config.kerberos.service_account;
    let mut warnings = warnings(&config, online).await?;
    warnings.extend(config.exposed(file)?);
    if online {
        warnings.extend(plan.lacking().await);
    }
    Ok(Report {
        listen: config.server.listen.to_string(),
        metrics: config.server.metrics.map(|metrics| metrics.listen.to_string()),
        public_url: config.server.public_url.to_string(),
        issuers: config.issuers(),
        online,
        service_account: format!("{}@{}", account.username, config.kerberos.realm),
        service_principal_name: config.kerberos.service_principal_name.clone(),
        kdcs: config.kerberos.kdcs.clone(),
        comes_itself: comes_itself(config.kerberos.delegation),
        accounts: config.kerberos.accounts.iter().map(AccountReport::new).collect(),
        targets: plan
            .targets()
            .iter()
            .map(|target| TargetReport {
                name: target.name().to_owned(),
                account: target.account().map(str::to_owned),
                kind: target.kind(),
                spn: target.spn().to_owned(),
                endpoint: format!("{}:{}", target.host(), target.port()),
            })
            .collect(),
        policy: config.policy.file,
        audit_chain: worth(&config.audit),
        audit: config.audit.file,
        state: config.state.directory,
        shared_state: config.state.redis.map(|redis| redis.address),
        remarks: plan.remarks().to_vec(),
        warnings,
    })
}

/// What the audit log proves, as it is configured.
const fn worth(config: &AuditConfig) -> &'static str {
    match (config.has_key(), config.checkpoints.is_some()) {
        (true, true) => "by audit.key, its heads kept apart: any change shows",
        (true, false) => {
            "by audit.key: any change shows, but not that its end is cut off (audit.checkpoints)"
        }
        (false, true) => {
            "without audit.key: who can write it can change what is newer than the last head kept apart"
        }
        (false, false) => {
            "without audit.key: who can write it can make it anew, and nothing shows it"
        }
    }
}

/// What would be better otherwise, by the setting that it is about.
async fn warnings(config: &Config, online: bool) -> Result<Vec<String>, Error> {
    let fetch: Option<Arc<dyn Fetch>> =
        if online { Some(Parts::of_the_system(&config.network)?.idp) } else { None };
    let mut warnings = Vec::new();
    let idps = &config.auth.trusted_idps;
    for (index, idp) in idps.iter().enumerate() {
        let mut all = idp.advice();
        if let Some(fetch) = &fetch {
            let common = config.delegation.token_exchange.as_ref();
            let common = common.filter(|common| common.is_for(idp, idps));
            all.extend(idp.lacks(fetch, idp.token_exchange.as_ref().or(common)).await);
        }
        warnings.extend(all.iter().map(|one| format!("auth.trustedIDPs[{index}]: {one}")));
    }
    if config.serves_as_itself() {
        warnings.extend(of_users_who_are_not_asked_for(config));
    }
    Ok(warnings)
}

/// What does not count where a service account comes itself in the place of users, of whom no KDC is asked.
fn of_users_who_are_not_asked_for(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    let claims = &config.auth.trusted_idps;
    if claims.iter().any(|idp| idp.claim_mappings.sid.is_none()) {
        warnings.push(
            "delegation.mode service-account: without claimMappings.sid, krb-mcp revoke SID and \
             kerberos.neverImpersonate.sids do not count at its targets; give the names that tokens say, too"
                .to_owned(),
        );
    }
    if !config.kerberos.only_members_of.is_empty() {
        warnings.push(
            "kerberos.onlyMembersOf: it does not count at targets of delegation.mode service-account, where \
             nobody is impersonated; name those who are meant in the policy"
                .to_owned(),
        );
    }
    warnings
}

fn write_text(report: &Report, out: &mut impl io::Write) -> io::Result<()> {
    let kdcs = |kdcs: &[String]| match kdcs {
        [] => "those that DNS lists for the realm".to_owned(),
        kdcs => kdcs.join(", "),
    };
    writeln!(out, "  listens at       {}", report.listen)?;
    if let Some(metrics) = &report.metrics {
        writeln!(out, "  metrics at       {metrics}")?;
    }
    writeln!(out, "  public URL       {}", report.public_url)?;
    writeln!(out, "  issuers          {}", report.issuers.join(", "))?;
    if report.online {
        writeln!(
            out,
            "  online           issuers and databases were asked; what they lack is among the warnings"
        )?;
    }
    let comes = itself(report.comes_itself);
    writeln!(out, "  service account  {}{comes}", report.service_account)?;
    writeln!(out, "  its SPN          {}", report.service_principal_name)?;
    writeln!(out, "  KDCs             {}", kdcs(&report.kdcs))?;
    for account in &report.accounts {
        let AccountReport { name, service_account, service_principal_name, .. } = account;
        let (kdcs, comes) = (kdcs(&account.kdcs), itself(account.comes_itself));
        writeln!(out, "  account          {name}: {service_account}{comes}")?;
        writeln!(out, "    its SPN        {service_principal_name}")?;
        writeln!(out, "    its KDCs       {kdcs}")?;
    }
    writeln!(out, "  policy           {}", report.policy.display())?;
    writeln!(out, "  audit log        {}", report.audit)?;
    writeln!(out, "  its chain        {}", report.audit_chain)?;
    match &report.state {
        Some(directory) => writeln!(out, "  state            {}", directory.display())?,
        None => {
            let nobody =
                if report.shared_state.is_none() { ", and nobody can be revoked" } else { "" };
            writeln!(
                out,
                "  state            none: a restart forgets which account each subject is{nobody} \
                 (state.directory)"
            )?;
        }
    }
    if let Some(address) = &report.shared_state {
        writeln!(out, "  shared state     {address}")?;
    }
    for TargetReport { name, account, kind, spn, endpoint } in &report.targets {
        let by = account.as_ref().map(|account| format!(" by {account}")).unwrap_or_default();
        writeln!(out, "  target           {name}: {kind} at {endpoint} as {spn}{by}")?;
    }
    for remark in &report.remarks {
        writeln!(out, "  note: {remark}")?;
    }
    for warning in &report.warnings {
        writeln!(out, "  warning          {warning}")?;
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
