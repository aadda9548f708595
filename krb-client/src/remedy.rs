//! What a KDC's refusal means, and what to change: one table for all who show errors.
//!
//! A KDC says little. One code stands for several causes, and what is not said inside of FAST anybody may
//! have said. So each row says what the wire shows and no more, and ends with what an administrator of the
//! directory changes: the attribute in Active Directory, and the commands.
//!
//! ```
//! use krb_client::proto::iana::ErrorCode;
//! use krb_client::remedy::{Names, Refused, Step, of_refusal};
//!
//! let names = Names { account: "svc-mcp", user: "alice", target: "cifs/files.example.test" };
//! let refused = Refused::new(Step::S4uProxy, ErrorCode::BADOPTION, None);
//! let remedy = of_refusal(&refused, &names).unwrap();
//! assert_eq!(remedy.cause, "svc-mcp may not delegate to cifs/files.example.test");
//! assert_eq!(remedy.attribute, Some("msDS-AllowedToDelegateTo"));
//! assert_eq!(
//!     remedy.samba_tool.unwrap(),
//!     "samba-tool delegation add-service svc-mcp cifs/files.example.test"
//! );
//! ```

mod table;

use std::fmt;

use krb_proto::exchange::{ExchangeError, KdcRefusal, Mismatch};
use krb_proto::iana::{ErrorCode, NtStatus};

use crate::ClientError;
use table::ROWS;

/// What was asked of the KDC when it refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Step {
    /// The account's login (AS).
    Login,
    /// A ticket to the target in the account's own name (TGS).
    Ticket,
    /// A ticket to the account itself in the user's name.
    S4uSelf,
    /// A ticket to the target in the user's name.
    S4uProxy,
    /// The same ticket once more, valid or for longer.
    Renewal,
}

/// What was refused, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Refused {
    /// What was asked.
    pub step: Step,
    /// The KDC's code.
    pub code: ErrorCode,
    /// AD's reason, where it gave one.
    pub status: Option<NtStatus>,
    /// The evidence that a ticket was asked with was not forwardable.
    pub evidence_not_forwardable: bool,
}

impl Refused {
    /// A refusal of that step.
    #[must_use]
    pub const fn new(step: Step, code: ErrorCode, status: Option<NtStatus>) -> Self {
        Self { step, code, status, evidence_not_forwardable: false }
    }

    /// The same, where it is known whether the evidence was forwardable.
    #[must_use]
    pub const fn with_evidence(self, forwardable: bool) -> Self {
        Self { evidence_not_forwardable: !forwardable, ..self }
    }

    /// From what a KDC said.
    #[must_use]
    pub const fn of(step: Step, refusal: &KdcRefusal) -> Self {
        Self::new(step, refusal.code, refusal.nt_status)
    }
}

/// Who it is about, as messages name them; empty where there is none.
#[derive(Clone, Copy, Default, Debug)]
pub struct Names<'a> {
    /// The account that asked.
    pub account: &'a str,
    /// The user in whose name it asked.
    pub user: &'a str,
    /// The service that the ticket is for, by its SPN.
    pub target: &'a str,
}

/// Why, and what to change.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Remedy {
    /// What is the case, as far as the wire shows. No period behind it.
    pub cause: String,
    /// What to change, in sentences.
    pub change: String,
    /// The attribute in Active Directory.
    pub attribute: Option<&'static str>,
    /// The command in PowerShell.
    pub powershell: Option<String>,
    /// The command at a Samba domain controller.
    pub samba_tool: Option<String>,
}

impl Remedy {
    /// What to change, with the commands.
    #[must_use]
    pub fn advice(&self) -> String {
        let mut text = self.change.clone();
        let commands = [("PowerShell", &self.powershell), ("Samba", &self.samba_tool)];
        for (shell, command) in commands {
            if let Some(command) = command {
                text.push_str(&format!(" {shell}: {command}."));
            }
        }
        text
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. {}", self.cause, self.advice())
    }
}

/// What a refusal means. `None` for one that the table does not have: then the KDC's log does.
#[must_use]
pub fn of_refusal(refused: &Refused, names: &Names<'_>) -> Option<Remedy> {
    let fits = |row: &&table::Row| {
        row.code == refused.code
            && (row.steps.is_empty() || row.steps.contains(&refused.step))
            && row.not_forwardable.is_none_or(|not| not == refused.evidence_not_forwardable)
    };
    let rows = || ROWS.iter().filter(fits);
    // AD's reason, where a row knows it, says more than the code.
    let by_status = refused.status.and_then(|status| rows().find(|row| row.status == Some(status)));
    let row = by_status.or_else(|| rows().find(|row| row.status.is_none()))?;
    let command = |text: &str, quote| (!text.is_empty()).then(|| filled(text, names, quote));
    Some(Remedy {
        cause: filled(row.cause, names, plain),
        change: filled(row.change, names, plain),
        attribute: (!row.attribute.is_empty()).then_some(row.attribute),
        powershell: command(row.powershell, powershell),
        samba_tool: command(row.samba_tool, shell),
    })
}

/// What an error means, whatever it is; `None` if it says all that is known.
#[must_use]
pub fn of_error(step: Step, error: &ClientError, names: &Names<'_>) -> Option<Remedy> {
    let said = |cause: &str, change: &str| {
        let (cause, change) = (cause.to_owned(), change.to_owned());
        let (attribute, powershell, samba_tool) = (None, None, None);
        Some(Remedy { cause, change, attribute, powershell, samba_tool })
    };
    match error {
        ClientError::Login(error) => of_error(Step::Login, error, names),
        ClientError::Exchange(ExchangeError::Refused(refusal)) => {
            of_refusal(&Refused::of(step, refusal), names)
        }
        ClientError::Exchange(ExchangeError::Mismatch(Mismatch::S4uIgnored)) => said(
            "the KDC does not do what was asked in the user's name, and gave the service's own ticket",
            "Ask a KDC that does S4U (MS-SFU): Active Directory, Samba, MIT krb5 with a database \
             that allows it.",
        ),
        ClientError::Exchange(ExchangeError::NoCommonEnctype) => said(
            "the KDC and this side have no enctype in common",
            "Give the account AES keys: set msDS-SupportedEncryptionTypes to 24, then its password \
             anew.",
        ),
        ClientError::Exchange(ExchangeError::NoCommonMechanism) => said(
            "the KDC takes nothing that this side can prove itself with",
            "Look at what the KDC demands of the account: a smart card, a one-time password inside of \
             FAST, a certificate.",
        ),
        ClientError::Unreachable(nobody) if nobody.tried.is_empty() => said(
            "nothing says where the realm's KDCs are",
            "Name them, or look at the SRV records _kerberos._tcp of the realm in DNS.",
        ),
        ClientError::Unreachable(_) => said(
            "no KDC answered",
            "Look whether the KDCs run, and whether this machine reaches their port 88.",
        ),
        _ => None,
    }
}

/// A template with the names in it.
fn filled(template: &str, names: &Names<'_>, quote: fn(&str) -> String) -> String {
    let Names { account, user, target } = names;
    let names = [("{account}", account), ("{user}", user), ("{target}", target)];
    let mut text = String::new();
    let mut rest = template;
    while let Some(character) = rest.chars().next() {
        match names.iter().find_map(|(mark, name)| Some((rest.strip_prefix(mark)?, name))) {
            Some((behind, name)) => {
                text.push_str(&quote(name));
                rest = behind;
            }
            None => {
                text.push(character);
                rest = &rest[character.len_utf8()..];
            }
        }
    }
    text
}

fn plain(name: &str) -> String {
    name.to_owned()
}

/// Is it the same to a shell without quotes?
fn is_bare(name: &str) -> bool {
    let bare = |c: char| c.is_ascii_alphanumeric() || "._/@:-".contains(c);
    !name.is_empty() && !name.starts_with(['-', '@']) && name.chars().all(bare)
}

/// Always in quotes: what needs none as an argument does in an expression.
fn powershell(name: &str) -> String {
    format!("'{}'", name.replace('\'', "''"))
}

fn shell(name: &str) -> String {
    if is_bare(name) { name.to_owned() } else { format!("'{}'", name.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests;
