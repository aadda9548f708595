//! `krb-mcp check`: everything that can be found wrong without starting. It builds what `serve`
//! starts, so that it finds what `serve` would find; only the port is left to `serve`.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::backend;
use crate::config::Config;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// What a configuration would serve.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    listen: String,
    metrics: Option<String>,
    public_url: String,
    issuers: Vec<String>,
    service_account: String,
    service_principal_name: String,
    kdcs: Vec<String>,
    targets: Vec<TargetReport>,
    policy: PathBuf,
    audit: String,
}

#[derive(Serialize)]
struct TargetReport {
    name: String,
    kind: &'static str,
    spn: String,
    endpoint: String,
}

/// Loads the configuration and the files that it names, and writes what would be served.
pub(crate) async fn print(file: &Path, json: bool, out: &mut impl io::Write) -> Result<(), Error> {
    let report = report(file).await?;
    if json {
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{} is valid", file.display())?;
        write_text(&report, out)?;
    }
    Ok(())
}

async fn report(file: &Path) -> Result<Report, Error> {
    let config = Config::load(file)?;
    let plan = backend::plan(file, &config).await?;
    let account = &config.kerberos.service_account;
    Ok(Report {
        listen: config.server.listen.to_string(),
        metrics: config.server.metrics.map(|metrics| metrics.listen.to_string()),
        public_url: config.server.public_url.to_string(),
        issuers: config.issuers(),
        service_account: format!("{}@{}", account.username, config.kerberos.realm),
        service_principal_name: config.kerberos.service_principal_name.clone(),
        kdcs: config.kerberos.kdcs.clone(),
        targets: plan
            .targets()
            .iter()
            .map(|target| TargetReport {
                name: target.name().to_owned(),
                kind: target.kind(),
                spn: target.spn().to_owned(),
                endpoint: format!("{}:{}", target.host(), target.port()),
            })
            .collect(),
        policy: config.policy.file,
        audit: config.audit.file,
    })
}

fn write_text(report: &Report, out: &mut impl io::Write) -> io::Result<()> {
    let kdcs = match report.kdcs.as_slice() {
        [] => "those that DNS lists for the realm".to_owned(),
        kdcs => kdcs.join(", "),
    };
    writeln!(out, "  listens at       {}", report.listen)?;
    if let Some(metrics) = &report.metrics {
        writeln!(out, "  metrics at       {metrics}")?;
    }
    writeln!(out, "  public URL       {}", report.public_url)?;
    writeln!(out, "  issuers          {}", report.issuers.join(", "))?;
    writeln!(out, "  service account  {}", report.service_account)?;
    writeln!(out, "  its SPN          {}", report.service_principal_name)?;
    writeln!(out, "  KDCs             {kdcs}")?;
    writeln!(out, "  policy           {}", report.policy.display())?;
    writeln!(out, "  audit log        {}", report.audit)?;
    for TargetReport { name, kind, spn, endpoint } in &report.targets {
        writeln!(out, "  target           {name}: {kind} at {endpoint} as {spn}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
