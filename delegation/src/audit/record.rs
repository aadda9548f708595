//! What a record says.

use krb_client::proto::{KerberosTime, Timestamp};
use serde::Serialize;

use super::address::shown;
use crate::event::{Event, source};
use crate::{Blame, Code};

const MAX_TEXT: usize = 4096;

/// The moment of a call that a record is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Allowed; written before anything is done.
    Intent,
    /// What became of it.
    Closing,
    /// Refused before anything was done.
    Denied,
    /// Ended by a fault before anything was done.
    Failed,
    /// Requests without a valid token, counted.
    Unauthorized,
    /// Calls of a caller who makes too many, counted.
    Limited,
    /// Records that could not be written, counted.
    Lost,
    /// The file that was written so far is no longer the one at `audit.file`.
    Reopened,
    /// A file that was put aside is no longer kept.
    Removed,
}

impl Phase {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Closing => "closing",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::Unauthorized => "unauthorized",
            Self::Limited => "limited",
            Self::Lost => "lost",
            Self::Reopened => "reopened",
            Self::Removed => "removed",
        }
    }
}

/// How much a record wants to be looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Severity {
    /// As it should be.
    Info,
    /// Refused or failed.
    Notice,
    /// Something is wrong with the log itself.
    Warning,
}

/// A record as it is told. Its time, number and link are the writer's.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) phase: Phase,
    pub(super) fields: Fields,
}

/// A record as it is written, but for what the writer adds.
#[derive(Clone, Debug)]
pub(super) struct Body {
    members: Option<Vec<u8>>,
    pub(super) severity: Severity,
}

impl Body {
    pub(super) fn new(phase: Phase, fields: &Fields) -> Self {
        let severity = match phase {
            Phase::Lost | Phase::Reopened | Phase::Removed => Severity::Warning,
            _ if fields.outcome.is_some_and(|outcome| outcome != "OK") => Severity::Notice,
            _ => Severity::Info,
        };
        let mut members = Vec::with_capacity(1024);
        let written = serde_json::to_writer(&mut members, fields).map(|()| {
            // In the place of the object's braces, the phase and what stands behind it.
            members.pop();
            let comma = if members.len() > 1 { "," } else { "" };
            let phase = format!("\"phase\":\"{}\"{comma}", phase.as_str());
            members.splice(..1, phase.into_bytes());
        });
        Self { members: written.is_ok().then_some(members), severity }
    }

    /// The members of the record's object; `None` if it cannot be written.
    pub(super) fn members(&self) -> Option<&[u8]> {
        self.members.as_deref()
    }
}

impl Record {
    pub(super) const fn new(phase: Phase, fields: Fields) -> Self {
        Self { phase, fields }
    }

    pub(super) fn body(&self) -> Body {
        Body::new(self.phase, &self.fields)
    }

    pub(super) fn unauthorized(reason: &str, count: u64, since: Option<KerberosTime>) -> Self {
        let fields = Fields {
            decision: Some("deny"),
            outcome: Some("UNAUTHORIZED"),
            success: Some(false),
            message: Some(text(reason)),
            count: Some(count),
            since: since.map(|time| time.to_string()),
            ..Fields::default()
        };
        Self::new(Phase::Unauthorized, fields)
    }

    pub(super) fn limited(who: Fields, count: u64, since: Option<KerberosTime>) -> Self {
        let fields = Fields {
            decision: Some("deny"),
            outcome: Some(Code::TooManyCalls.as_str()),
            success: Some(false),
            count: Some(count),
            since: since.map(|time| time.to_string()),
            ..who
        };
        Self::new(Phase::Limited, fields)
    }

    pub(super) fn lost(count: u64) -> Self {
        let message = "so many records could not be written before this one";
        Self::note(Phase::Lost, message, count)
    }

    /// `again`: of them, the last so many are written again behind this.
    pub(super) fn reopened(count: u64, again: u64) -> Self {
        let message = "the file was removed or replaced; so many records of this run are elsewhere";
        let mut record = Self::note(Phase::Reopened, message, count);
        record.fields.again = Some(again).filter(|&again| again > 0);
        record
    }

    pub(super) fn removed(file: &str, last: u64) -> Self {
        let message = format!("{file} is removed, as audit.rotation.keep has it");
        let mut record = Self::note(Phase::Removed, &message, 1);
        record.fields.until_seq = Some(last);
        record
    }

    fn note(phase: Phase, message: &str, count: u64) -> Self {
        let (message, count) = (Some(message.into()), Some(count));
        Self::new(phase, Fields { message, count, ..Fields::default() })
    }
}

/// What a record says, in this order: who asked for what, and what came of it.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fields {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<String>,
    /// The caller's trace, as it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trace_id: Option<String>,
    /// The span of it in which this server was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) span_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) action: Option<String>,
    /// Which part of this server it concerns: `delegation:kerberos-ad`, `token-exchange`, or
    /// `delegation` where it is no resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) issuer: Option<String>,
    /// The subject again, under the name by which this kind of log calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) legacy_name: Option<String>,
    /// The identity provider said who that is, in this call or lately.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token_exchange_used: Option<bool>,
    /// The address as the user wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) spn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    /// What is done, where that is a text: without its values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) statement: Option<String>,
    /// Which text it was, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) statement_hash: Option<String>,
    /// The tables that it names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tables: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) decision: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) policies: Vec<String>,
    /// Which policies were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) policy_hash: Option<String>,
    /// How the call gets a credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delegation_mode: Option<&'static str>,
    /// Whom the resource sees, where that is not the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) actual_identity: Option<String>,
    /// And who the user is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) requested_identity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) warning: Option<&'static str>,
    /// The event id of the intent that a closing record belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) intent_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sid: Option<String>,
    /// `kdc` or `store`: whether a KDC said who it is in this call, or a short while ago.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) evidence: Option<&'static str>,
    /// The same of the ticket to the resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ticket: Option<&'static str>,
    /// For which service it was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ticket_spn: Option<String>,
    /// Of the session key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ticket_enctype: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ticket_flags: Option<String>,
    /// When the evidence behind it was got: the ticket says of the user what was so then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ticket_authenticated: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ticket_starts: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ticket_ends: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<&'static str>,
    /// Whether what was asked for was done, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) success: Option<bool>,
    /// Why it was not, as the caller is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    /// The resource's own word for how it went, where it has one: an HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rows: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rows_affected: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) duration_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<String>,
    /// Of the records counted, so many are written again behind this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) again: Option<u64>,
    /// Up to this number, records are no longer kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) until_seq: Option<u64>,
}

impl Fields {
    /// What an event adds to the records of its call that are yet to be written.
    pub(super) fn note(&mut self, event: &Event<'_>) {
        let texts = |ids: &[String]| ids.iter().map(|id| text(id)).collect();
        match event {
            Event::Begun { request_id, tool, caller } => {
                self.request_id = Some(text(request_id));
                self.tool = Some(tool);
                self.source = Some("delegation");
                self.issuer = Some(text(caller.issuer()));
                self.subject = Some(text(caller.subject()));
                self.user_id.clone_from(&self.subject);
                self.client_id = caller.client_id().map(text);
            }
            Event::Traced(trace) => {
                self.trace_id = Some(trace.trace_id().into());
                self.span_id = Some(trace.span_id().into());
            }
            Event::Asked { action, address } => {
                self.action = Some(text(action));
                let is_url = action.starts_with("http:");
                self.path = Some(text(&shown(address, is_url))).filter(|path| !path.is_empty());
                self.resource.clone_from(&self.path);
                if self.resource.is_some() {
                    self.source = Some("delegation:kerberos-ad");
                }
            }
            Event::Exchanged(subject) => {
                self.legacy_name = Some(text(subject.legacy_name().as_str()));
                self.token_exchange_used = Some(true);
            }
            Event::Found(place) => {
                self.action = Some(text(place.action()));
                if let Some(recorded) = place.task().recorded() {
                    self.statement = Some(text(&recorded.statement));
                    self.statement_hash = Some(recorded.hash);
                    self.tables = texts(&recorded.tables);
                }
            }
            Event::Denied { policies, asked } => {
                self.decision = Some("deny");
                self.policies = texts(policies);
                self.policy_hash = asked.map(text);
            }
            Event::AllowedHere { policies, asked } => {
                self.decision = Some("allow");
                self.policies = texts(policies);
                self.policy_hash = Some(text(asked));
            }
            Event::Confirmed { policies } => {
                self.decision = Some("allow");
                self.policies = texts(policies);
            }
            Event::Allowed(permit) => {
                self.action = Some(text(permit.action()));
                self.target = Some(text(permit.target().name()));
                self.spn = Some(text(permit.target().spn()));
                self.path = Some(text(&permit.task().recorded_path()));
                self.decision = Some(if permit.waits_for_groups() { "pending" } else { "allow" });
                self.policies = texts(permit.policies());
                self.policy_hash = Some(text(permit.asked()));
                self.delegation_mode = Some(permit.route().as_str());
                self.warning = permit.route().warning();
                if let Some(actual) = permit.actual_identity() {
                    self.actual_identity = Some(text(actual));
                    self.requested_identity = Some(text(permit.subject().legacy_name().as_str()));
                }
            }
            Event::AsService(account) => {
                self.account = Some(text(&account.name));
                self.sid = Some(account.sid.to_string());
            }
            Event::Evidence { account, ticket } => {
                self.account = Some(text(&account.name));
                self.sid = Some(account.sid.to_string());
                self.evidence = Some(source(ticket));
            }
            Event::Ticket(ticket) => {
                self.ticket = Some(source(ticket));
                self.ticket_enctype = Some(ticket.session_key.enctype().to_string());
                self.ticket_flags = Some(format!("0x{:08x}", ticket.flags.0));
                self.ticket_spn = Some(text(&ticket.server.to_string()));
                self.ticket_authenticated = Some(ticket.times.authtime.to_string());
                self.ticket_starts = Some(ticket.times.starttime.to_string());
                self.ticket_ends = Some(ticket.times.endtime.to_string());
            }
            Event::Answered(answered) => {
                self.status = answered.status;
                self.bytes = Some(answered.bytes);
                self.rows = answered.rows;
                self.rows_affected = answered.changed;
            }
            Event::Failed(failure) => {
                let error = text(failure.own_words());
                self.fail(failure.code.as_str(), error, failure.in_doubt);
                // Before it is known who the user is to the resources, nothing else can fail.
                if self.legacy_name.is_none() && failure.blame == Blame::IdentityProvider {
                    self.source = Some("token-exchange");
                }
            }
            Event::Abandoned { in_doubt } => {
                let error = "the call ended before its outcome was recorded".into();
                self.fail("ABANDONED", error, *in_doubt);
            }
            Event::Announced | Event::Closed => {}
        }
    }

    fn fail(&mut self, outcome: &'static str, error: String, in_doubt: bool) {
        self.outcome = Some(outcome);
        self.success = (!in_doubt).then_some(false);
        self.error = Some(error);
    }

    /// The call is over: what has not failed was done.
    pub(super) fn end(&mut self) {
        if self.outcome.is_none() {
            self.outcome = Some("OK");
            self.success = Some(true);
        }
    }
}

/// Text as a record holds it: at most 4096 bytes, and nothing that could move a terminal's cursor
/// or the reader's eye, or that the eye does not see (JSON itself escapes only what is below
/// U+0020).
pub(super) fn text(raw: &str) -> String {
    // As nearly all of them are.
    if raw.len() <= MAX_TEXT && raw.bytes().all(|byte| byte < 0x7f) {
        return raw.to_owned();
    }
    let mut out = String::with_capacity(raw.len().min(MAX_TEXT));
    for c in raw.chars() {
        if out.len() >= MAX_TEXT {
            out.push('…');
            break;
        }
        if misleads(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

// C1 controls, line separators, what sets a direction (Bidi_Control), and what shows as nothing
// (Default_Ignorable_Code_Point, interlinear annotations, the blank braille pattern): Unicode 17.
const fn misleads(c: char) -> bool {
    matches!(c,
        '\u{7f}'..='\u{9f}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}' | '\u{1160}'
        | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{2800}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// RFC 3339 in UTC with milliseconds.
pub(super) fn rfc3339(time: Timestamp) -> String {
    let seconds = time.seconds.to_string();
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), time.microseconds / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_page_has_every_member() {
        let (page, source) = (include_str!("../../../docs/audit.md"), include_str!("record.rs"));
        let (_, fields) = source.split_once("pub(super) struct Fields {").unwrap();
        let (fields, _) = fields.split_once("\n}\n").unwrap();
        let names = fields.lines().filter_map(|line| line.trim().strip_prefix("pub(super) "));
        let mut words = 0;
        for name in names.filter_map(|line| Some(line.split_once(':')?.0)) {
            let mut parts = name.split('_');
            let mut word = parts.next().unwrap().to_owned();
            for part in parts {
                word += &part[..1].to_uppercase();
                word += &part[1..];
            }
            assert!(page.contains(&format!("`{word}`")), "docs/audit.md has no `{word}`");
            words += 1;
        }
        assert!(words > 30, "{words}");
    }

    #[test]
    fn times() {
        assert_eq!(rfc3339(Timestamp::new(0, 0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(Timestamp::new(951_782_400, 7_999)), "2000-02-29T00:00:00.007Z");
    }

    #[test]
    fn text_is_bounded_and_tame() {
        assert_eq!(text("rené \\ \"x\""), "rené \\ \"x\"");
        assert_eq!(text("a\u{9b}31m\u{202e}b"), "a\\u{9b}31m\\u{202e}b");
        // What would look like alice, or like nothing.
        for hidden in
            "\u{ad}\u{61c}\u{200b}\u{200d}\u{2060}\u{2066}\u{3164}\u{feff}\u{e0041}".chars()
        {
            let shown = text(&format!("al{hidden}ice"));
            assert_eq!(shown, format!("al{}ice", hidden.escape_unicode()));
        }
        assert_eq!(text("Ωмега 表 é e\u{301}"), "Ωмега 表 é e\u{301}");
        assert_eq!(text(&"a".repeat(4096)).len(), 4096);
        assert!(text(&"é".repeat(4096)).len() <= 4096 + '…'.len_utf8());
        // Below U+0020, JSON does it.
        assert_eq!(
            serde_json::to_string(&text("a\r\n\u{1b}[2J\0")).unwrap(),
            r#""a\r\n\u001b[2J\u0000""#
        );
    }
}
