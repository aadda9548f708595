use std::sync::Arc;

use serde_json::Value;

use super::{BearerToken, OwnTicket};

/// Whoever a verified token was issued for, or whose own ticket was accepted.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Very many may be of one.
    pub(super) issuer: Arc<str>,
    pub(super) subject: String,
    pub(super) client_id: Option<String>,
    pub(super) issued_at: Option<i64>,
    pub(super) expires_at: i64,
    pub(super) may_act: Option<Value>,
    pub(super) token: BearerToken,
    pub(super) ticket: Option<Arc<OwnTicket>>,
}

impl Caller {
    /// Somebody with a token that nobody verified: for questions about them.
    pub(crate) fn unverified(issuer: &str, subject: &str, client_id: Option<&str>) -> Self {
        let (issuer, subject, client_id) =
            (issuer.into(), subject.into(), client_id.map(Into::into));
        let token = BearerToken::new(String::new());
        Self {
            issuer,
            subject,
            client_id,
            issued_at: None,
            expires_at: i64::MAX,
            may_act: None,
            token,
            ticket: None,
        }
    }

    /// Somebody with this token, which nobody verified.
    #[cfg(test)]
    pub(crate) fn with_token(
        issuer: &str,
        subject: &str,
        client_id: Option<&str>,
        token: BearerToken,
        expires_at: i64,
    ) -> Self {
        Self { token, expires_at, ..Self::unverified(issuer, subject, client_id) }
    }

    /// Whose token lets these act.
    #[cfg(test)]
    pub(crate) fn with_may_act(self, may_act: Value) -> Self {
        Self { may_act: Some(may_act), ..self }
    }

    /// Whoever came with a ticket: an account, and not its name.
    pub(crate) fn with_ticket(ticket: OwnTicket) -> Self {
        Self {
            issuer: ticket.issuer().into(),
            subject: ticket.account.sid.to_string(),
            client_id: None,
            issued_at: Some(ticket.ticket.times.authtime.unix()),
            expires_at: ticket.ticket.times.endtime.unix(),
            may_act: None,
            token: BearerToken::new(String::new()),
            ticket: Some(ticket.into()),
        }
    }

    /// `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// `sub`.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The client that the token was issued to.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// When the token was issued, if it says so: by this machine's clock, and at the earliest, since
    /// the issuer's may be ahead. Seconds since 1970.
    #[must_use]
    pub const fn issued_at(&self) -> Option<i64> {
        self.issued_at
    }

    /// When the token ends, by its `exp`, in seconds since 1970.
    #[must_use]
    pub const fn expires_at(&self) -> i64 {
        self.expires_at
    }

    /// Who may act for the user, if the token says so (RFC 8693 section 4.4).
    pub(crate) const fn may_act(&self) -> Option<&Value> {
        self.may_act.as_ref()
    }

    /// The user's own ticket, of whoever came with one. Then there is no token.
    pub(crate) const fn ticket(&self) -> Option<&Arc<OwnTicket>> {
        self.ticket.as_ref()
    }

    /// The token, to be exchanged.
    pub(crate) const fn token(&self) -> &BearerToken {
        &self.token
    }
}
