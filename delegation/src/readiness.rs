//! Whether calls can be served, and what of it does not work. Not ready is who can serve nobody; what
//! keeps some from being served, or an older file in use, is a warning
//! (docs/decisions/0036-readiness.md).

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;
use tokio::time::sleep;

use crate::pipeline::Delegation;

/// How often it is looked whether all is well.
const EVERY: Duration = Duration::from_secs(5);
/// How soon it is looked again where it is not; doubled each time.
const SOON: Duration = Duration::from_secs(1);
/// To this.
const SELDOM: Duration = Duration::from_secs(30);

/// What is missing, and what would be better otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Readiness {
    /// Why nobody can be served. Nothing: calls are served.
    pub missing: Vec<String>,
    /// What keeps some from being served, or an older file in use.
    pub warnings: Vec<String>,
}

impl Readiness {
    /// Can calls be served?
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.missing.is_empty()
    }

    /// Of several, each with what it lacks, one is enough.
    fn one_of(&mut self, lacking: Vec<Option<String>>) {
        let is_there_one = lacking.iter().any(Option::is_none);
        let to = if is_there_one { &mut self.warnings } else { &mut self.missing };
        to.extend(lacking.into_iter().flatten());
    }
}

impl Delegation {
    /// How it stands now. Nobody is asked over the network; files are looked at, if that was not done
    /// within the last seconds.
    pub async fn readiness(&self) -> Readiness {
        let mut readiness = Readiness::default();
        if self.ends.load(Ordering::Relaxed) {
            readiness.missing.push("shutting down".into());
        }
        if !self.audit.is_writable() {
            readiness.missing.push("audit.file: the audit log cannot be written".into());
        }
        let (nobody, some) = self.state.trouble();
        readiness.missing.extend(nobody);
        readiness.warnings.extend(some);
        let lacks = |(issuer, is_there): (String, bool)| {
            (!is_there).then(|| format!("auth.trustedIDPs: no keys of {issuer} were had yet"))
        };
        readiness.one_of(self.verifier.standing().map(lacks).collect());
        readiness.one_of(self.kerberos.standing());

        let mut files = vec![("policy.file".to_owned(), self.policies.trouble().await)];
        files.extend(self.network.trouble().await);
        files.extend(self.kerberos.troubles().await);
        files.extend(self.exchanger.troubles().await);
        files.extend(self.verifier.trouble().await);
        for target in self.targets.iter() {
            files.extend(target.endpoint().trouble().await);
        }
        for (setting, trouble) in files {
            self.metrics.file_is_current(&setting, trouble.is_none());
            let what = |problem| format!("{setting}: {problem}; what was read before is used");
            readiness.warnings.extend(trouble.map(what));
        }
        self.metrics.is_ready(readiness.is_ready());
        readiness
    }

    /// From now on it is not ready: it is about to end.
    pub fn ends(&self) {
        self.ends.store(true, Ordering::Relaxed);
    }

    /// Finds out how it stands, again and again: fetches the keys of issuers that nobody asked for yet,
    /// logs in, looks at files. Otherwise the first call would, and one that is not ready gets none.
    pub async fn keep_finding_out(&self) {
        let mut soon = SOON;
        loop {
            tokio::join!(self.verifier.find_out(), self.kerberos.find_out());
            let readiness = self.readiness().await;
            let all_is_well = readiness.is_ready() && readiness.warnings.is_empty();
            sleep(if all_is_well { EVERY } else { soon }).await;
            soon = if all_is_well { SOON } else { (2 * soon).min(SELDOM) };
        }
    }
}
