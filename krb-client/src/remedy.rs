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

use crate::{ClientError, Service};
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
    /// The KDC knows no way to a realm, which was all that was asked of it.
    pub no_way: bool,
}

impl Refused {
    /// A refusal of that step.
    #[must_use]
    pub const fn new(step: Step, code: ErrorCode, status: Option<NtStatus>) -> Self {
        Self { step, code, status, evidence_not_forwardable: false, no_way: false }
    }

    /// The same, where it is known whether the evidence was forwardable.
    #[must_use]
    pub const fn with_evidence(self, forwardable: bool) -> Self {
        Self { evidence_not_forwardable: !forwardable, ..self }
    }

    /// From what a KDC said.
    #[must_use]
    pub const fn of(step: Step, refusal: &KdcRefusal) -> Self {
        let no_way = refusal.no_way_to.is_some();
        Self { no_way, ..Self::new(step, refusal.code, refusal.nt_status) }
    }
}

/// Who it is about, as messages name them; empty where there is none. Whatever they hold, what comes of
/// them orders a terminal nothing, and a command runs nothing of it: one that would have to is left out.
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
            && row.no_way == refused.no_way
            && row.not_forwardable.is_none_or(|not| not == refused.evidence_not_forwardable)
    };
    let rows = || ROWS.iter().filter(fits);
    // AD's reason, where a row knows it, says more than the code.
    let by_status = refused.status.and_then(|status| rows().find(|row| row.status == Some(status)));
    let row = by_status.or_else(|| rows().find(|row| row.status.is_none()))?;
    let text = |text| filled(text, names, |name| Some(plain(name))).unwrap_or_default();
    let command = |text: &str, quote| filled(text, names, quote).filter(|text| !text.is_empty());
    Some(Remedy {
        cause: text(row.cause),
        change: text(row.change),
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
        // Whose that would be is not known here: another cache's, another account's.
        ClientError::Armor(error) => said(
            "there is no ticket that would armor what is asked (FAST), so nothing was",
            match **error {
                ClientError::Unreachable(_) => {
                    "Look whether the KDCs of the armor's realm run and are reached."
                }
                ClientError::Cache(_) | ClientError::NoTicket { .. } => {
                    "Log in into the cache that the armor is in, such as with the host's keytab (kinit \
                     -k), or name another one."
                }
                _ => {
                    "Look at the account whose ticket is the armor, which is another one: it has to log \
                     in first."
                }
            },
        ),
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
        ClientError::Unreachable(nobody) => {
            let (cause, change) = match (nobody.service, nobody.tried.is_empty()) {
                (Service::Kdc, true) => (
                    "no KDC of the realm was found",
                    "Name them, or look at the SRV records _kerberos._tcp of the realm in DNS and \
                     whether the names in them, or in the configuration, have addresses.",
                ),
                (Service::Kdc, false) => (
                    "no KDC answered",
                    "Look whether the KDCs run, and whether this machine reaches their port 88.",
                ),
                (Service::Kpasswd, true) => (
                    "no server of the realm was found that changes passwords",
                    "Name it (kpasswd_server), or look at the SRV records _kpasswd._tcp of the realm in \
                     DNS and whether the names in them, or in the configuration, have addresses.",
                ),
                (Service::Kpasswd, false) => (
                    "no server that changes passwords answered, so nothing was changed",
                    "Look whether it runs (at AD on every domain controller that can be written to), and \
                     whether this machine reaches its port 464.",
                ),
            };
            said(cause, change)
        }
        _ => None,
    }
}

/// A template with the names in it; `None` if one of them cannot be put into it.
fn filled(template: &str, names: &Names<'_>, quote: fn(&str) -> Option<String>) -> Option<String> {
    let Names { account, user, target } = names;
    let names = [("{account}", account), ("{user}", user), ("{target}", target)];
    let mut text = String::new();
    let mut rest = template;
    while let Some(character) = rest.chars().next() {
        match names.iter().find_map(|(mark, name)| Some((rest.strip_prefix(mark)?, name))) {
            Some((behind, name)) => {
                text.push_str(&quote(name)?);
                rest = behind;
            }
            None => {
                text.push(character);
                rest = &rest[character.len_utf8()..];
            }
        }
    }
    Some(text)
}

/// What a terminal would take for an order, or would show elsewhere, is written in letters.
fn plain(name: &str) -> String {
    let escaped =
        |c: char| if may_be_shown(c) { c.to_string() } else { c.escape_default().to_string() };
    name.chars().map(escaped).collect()
}

/// Is it a character that stands where it was written, and does nothing? Of what came from elsewhere a
/// terminal is shown no others: it would take them for orders, or show what follows elsewhere.
#[must_use]
pub fn may_be_shown(c: char) -> bool {
    let directs = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !c.is_control() && !directs && !matches!(c, '\u{2028}' | '\u{2029}')
}

/// Can it be an argument at all: is there something, that is no option and can be pasted?
fn may_be_argument(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-') && name.chars().all(may_be_shown)
}

/// Is it the same to a shell without quotes?
fn is_bare(name: &str) -> bool {
    let bare = |c: char| c.is_ascii_alphanumeric() || "._/@:-".contains(c);
    !name.starts_with('@') && name.chars().all(bare)
}

/// Always in quotes: what needs none as an argument does in an expression. To PowerShell the curved
/// ones are quotes, too. What it passes to other programs a double quote would end.
fn powershell(name: &str) -> Option<String> {
    let quotes = ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];
    let mut quoted = String::from("'");
    for c in name.chars() {
        quoted.push(c);
        if quotes.contains(&c) {
            quoted.push(c);
        }
    }
    (may_be_argument(name) && !name.contains('"')).then(|| quoted + "'")
}

fn shell(name: &str) -> Option<String> {
    let quoted = || format!("'{}'", name.replace('\'', r"'\''"));
    may_be_argument(name).then(|| if is_bare(name) { name.to_owned() } else { quoted() })
}

#[cfg(test)]
mod tests;
