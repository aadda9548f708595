use krb_client::proto::ap::VerifiedRequest;
use krb_client::proto::asn1::AuthorizationData;
use krb_client::proto::authorization::find_pac;
use krb_client::proto::crypto::Key;
use krb_client::proto::der;
use krb_client::proto::pac::{ClientInfo, DelegationInfo, Pac, Sid, VerifiedPac};
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

    /// The account of a ticket's PAC, signed with one of the service's keys and made for this very
    /// ticket.
    pub(super) fn of(request: &VerifiedRequest, keys: &[Key]) -> Result<Self, String> {
        let data = request.authorization_data.as_deref().ok_or("the ticket has no PAC")?;
        let data: AuthorizationData<'_> = der::decode(data)
            .map_err(|error| format!("the ticket's authorization data is malformed: {error}"))?;
        let pac = find_pac(&data)
            .map_err(|error| format!("the ticket's authorization data is malformed: {error}"))?
            .ok_or("the ticket has no PAC")?;
        let mut unbelieved = String::from("there is no key that could have signed it");
        for key in keys {
            match Pac::parse(pac).and_then(|pac| pac.verify_server_signature(key)) {
                Ok(pac) => return Self::read(request, &pac),
                Err(error) => unbelieved = error.to_string(),
            }
        }
        Err(not_believed(unbelieved))
    }

    fn read(request: &VerifiedRequest, pac: &VerifiedPac<'_>) -> Result<Self, String> {
        // Who believes one ticket's name and another's PAC takes somebody for somebody else
        // (CVE-2020-25719).
        let made_for = pac.get::<ClientInfo>().map_err(not_believed)?;
        let made_for =
            made_for.ok_or_else(|| not_believed("it does not say whose ticket it is"))?;
        made_for.check(&request.client.name, request.times.authtime).map_err(not_believed)?;
        let logon = pac.logon_info().map_err(not_believed)?;
        let delegation = pac.get::<DelegationInfo>().map_err(not_believed)?;
        Ok(Self {
            principal: request.client.to_string(),
            sid: logon.user_sid().map_err(not_believed)?.to_string(),
            groups: logon.group_sids().map(|sid| sid.to_string()).collect(),
            account: logon.effective_name,
            delegated_by: delegation.map(|info| info.transited_services).unwrap_or_default(),
        })
    }
}

fn not_believed(why: impl std::fmt::Display) -> String {
    format!("the ticket's PAC is not believed: {why}")
}
