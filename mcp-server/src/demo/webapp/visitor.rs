use krb_client::accept::Caller;
use krb_client::proto::pac::Sid;
use serde::Serialize;

/// Who came, as their ticket proves it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Visitor {
    /// The client's name in the ticket.
    pub principal: String,
    /// The sAMAccountName in the PAC.
    pub account: String,
    /// The account's SID.
    pub sid: String,
    /// SIDs of the groups it is in.
    pub groups: Vec<String>,
    /// The services that act for the user, from S4U_DELEGATION_INFO; none, if the user came in
    /// person.
    pub delegated_by: Vec<String>,
}

impl Visitor {
    /// Is it this user, or a member of this group?
    #[must_use]
    pub fn is(&self, sid: &Sid) -> bool {
        let sid = sid.to_string();
        self.sid == sid || self.groups.contains(&sid)
    }

    /// The account that a login proves.
    pub(super) fn of(caller: &Caller) -> Option<Self> {
        let account = caller.account.as_ref()?;
        Some(Self {
            principal: caller.principal.to_string(),
            sid: account.sid.to_string(),
            groups: account.groups.iter().map(Sid::to_string).collect(),
            account: account.name.clone(),
            delegated_by: caller.delegated_by.clone(),
        })
    }
}
