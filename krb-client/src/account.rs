//! Whose a ticket to us is, as its PAC proves it.

use krb_proto::ap::VerifiedRequest;
use krb_proto::crypto::Key;
use krb_proto::der::DecodeError;
use krb_proto::exchange::{EvidenceError, OpenedTicket};
use krb_proto::pac::{ClientInfo, DelegationInfo, LogonInfo, Pac, PacError, Sid, UpnDnsInfo};
use krb_proto::{Credential, KerberosTime, Name};

use crate::Client;

/// userAccountControl bits as LOGON_INFO carries them (MS-SAMR 2.2.1.12, USER_ACCOUNT_…).
const INTERDOMAIN_TRUST_ACCOUNT: u32 = 0x40;
const WORKSTATION_TRUST_ACCOUNT: u32 = 0x80;
const SERVER_TRUST_ACCOUNT: u32 = 0x100;
const NOT_DELEGATED: u32 = 0x4000;
/// The RID of Protected Users.
const PROTECTED_USERS: u32 = 525;

/// The directory account that a verified PAC names. This, and no name in a ticket, is who the
/// user is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// Its SID.
    pub sid: Sid,
    /// Its sAMAccountName, in the directory's spelling.
    pub name: String,
    /// Its userPrincipalName, where the PAC has one; made from its name if it has none of its own.
    pub upn: Option<String>,
    /// The NetBIOS name of its domain.
    pub domain: String,
    /// The SIDs of all groups it was in when the ticket was issued.
    pub groups: Vec<Sid>,
    /// LOGON_INFO's UserAccountControl.
    pub user_account_control: u32,
}

impl Account {
    /// The account of a computer, or of a domain that trusts this one.
    #[must_use]
    pub fn is_machine(&self) -> bool {
        let trusts = INTERDOMAIN_TRUST_ACCOUNT | WORKSTATION_TRUST_ACCOUNT | SERVER_TRUST_ACCOUNT;
        self.user_account_control & trusts != 0
    }

    /// Is it marked "sensitive and cannot be delegated", or one of the Protected Users?
    #[must_use]
    pub fn may_not_be_delegated(&self) -> bool {
        self.user_account_control & NOT_DELEGATED != 0 || self.is_in_domain_group(PROTECTED_USERS)
    }

    /// Is it in the group of its own domain with this RID?
    #[must_use]
    pub fn is_in_domain_group(&self, rid: u32) -> bool {
        self.groups
            .iter()
            .any(|group| group.rid() == Some(rid) && group.domain() == self.sid.domain())
    }

    /// Is it this account, or a member of this group?
    #[must_use]
    pub fn is(&self, sid: &Sid) -> bool {
        self.sid == *sid || self.groups.contains(sid)
    }
}

/// What a ticket's PAC proves. It is signed with the key that the ticket was sealed with, and made for
/// this very ticket: who believes one ticket's name and another's PAC takes somebody for somebody else
/// (CVE-2020-25719).
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Proven {
    /// Whose the ticket is. KDCs other than Active Directory's may sign PACs that do not say so (MIT's
    /// have no LOGON_INFO).
    pub account: Option<Account>,
    /// Who got the ticket in the client's name, from S4U_DELEGATION_INFO; nobody, if the client did.
    pub delegated_by: Vec<String>,
}

/// Why a ticket's PAC is not believed.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotProven {
    /// The ticket does not open with the account's keys, is another than it was said to be, or has no PAC.
    #[error(transparent)]
    Ticket(#[from] EvidenceError),
    /// It is malformed, its signature does not hold, or it is made for another ticket.
    #[error(transparent)]
    Pac(#[from] PacError),
    /// The ticket's authorization data, in which it would stand, is malformed.
    #[error("the ticket's authorization data is malformed: {0}")]
    Data(#[from] DecodeError),
    /// It has no PAC_CLIENT_INFO.
    #[error("it does not say which ticket it is made for")]
    OfNoTicket,
    /// Two of its buffers speak of two accounts.
    #[error("UPN_DNS_INFO names another account than LOGON_INFO")]
    TwoAccounts,
}

impl Proven {
    /// By the PAC of a ticket to ourselves, such as evidence, that was opened with this key.
    ///
    /// # Errors
    /// [`NotProven`].
    pub fn of_evidence(ticket: &OpenedTicket, key: &Key) -> Result<Self, NotProven> {
        Self::of(&ticket.pac, key, &ticket.client.name, ticket.authtime)
    }

    /// By the PAC of a client's ticket; `None` if it has none.
    ///
    /// # Errors
    /// [`NotProven`].
    pub fn of_request(request: &VerifiedRequest) -> Result<Option<Self>, NotProven> {
        let pac = request.pac()?;
        let name = &request.client.name;
        let of = |pac| Self::of(pac, &request.ticket_key, name, request.times.authtime);
        pac.map(of).transpose()
    }

    fn of(pac: &[u8], key: &Key, client: &Name, time: KerberosTime) -> Result<Self, NotProven> {
        let pac = Pac::parse(pac)?.verify_server_signature(key)?;
        pac.get::<ClientInfo>()?.ok_or(NotProven::OfNoTicket)?.check(client, time)?;
        let delegation = pac.get::<DelegationInfo>()?;
        let account = match pac.get::<LogonInfo>()? {
            Some(logon) => Some(account(&logon, pac.get()?)?),
            None => None,
        };
        let delegated_by = delegation.map(|info| info.transited_services).unwrap_or_default();
        Ok(Self { account, delegated_by })
    }
}

impl Client {
    /// What a ticket to the account itself proves, such as [evidence](crate::S4u::evidence): opened as
    /// [`Self::open`] does.
    ///
    /// # Errors
    /// [`NotProven`].
    pub fn prove(&self, ticket: &Credential) -> Result<Proven, NotProven> {
        let (opened, key) = self.open(ticket)?;
        Proven::of_evidence(&opened, &key)
    }
}

fn account(logon: &LogonInfo, upn: Option<UpnDnsInfo>) -> Result<Account, NotProven> {
    let account = Account {
        upn: upn.as_ref().map(|upn| upn.upn.clone()),
        sid: logon.user_sid()?,
        name: logon.effective_name.clone(),
        domain: logon.logon_domain_name.clone(),
        groups: logon.group_sids().collect(),
        user_account_control: logon.user_account_control,
    };
    match upn.and_then(|upn| upn.extended) {
        Some(extended)
            if extended.sam_account_name != account.name || extended.sid != account.sid =>
        {
            Err(NotProven::TwoAccounts)
        }
        _ => Ok(account),
    }
}

#[cfg(test)]
mod tests {
    use krb_proto::Principal;
    use krb_proto::iana::{EncType, TicketFlags};
    use krb_proto::pac::{PacBuilder, PacKeys, UpnDnsExtended};

    use super::*;

    const AUTHTIME: KerberosTime = KerberosTime::from_unix(1_800_000_000);

    fn key(byte: u8) -> Key {
        Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[byte; 32]).unwrap()
    }

    fn logon() -> LogonInfo {
        LogonInfo::new("alice", "W25AD", "S-1-5-21-1-2-3".parse().unwrap(), 1104)
    }

    /// alice's ticket, whose PAC says that it is made for this client and time.
    fn ticket(client: Option<(&str, KerberosTime)>, pac: PacBuilder) -> OpenedTicket {
        let (server, krbtgt) = (key(1), key(2));
        let keys = PacKeys { server: &server, krbtgt: &krbtgt, rodc_identifier: None };
        let mut pac = pac;
        if let Some((name, authtime)) = client {
            pac = pac.with(&ClientInfo::new(&Name::user(name), authtime).unwrap()).unwrap();
        }
        OpenedTicket {
            client: Principal::new(Name::user("alice"), "W25AD.NET"),
            authtime: AUTHTIME,
            flags: TicketFlags::NONE,
            pac: pac.sign(&keys).unwrap(),
        }
    }

    fn proven(
        client: Option<(&str, KerberosTime)>,
        pac: PacBuilder,
        key: &Key,
    ) -> Result<Proven, NotProven> {
        Proven::of_evidence(&ticket(client, pac), key)
    }

    fn alices() -> PacBuilder {
        PacBuilder::new().with(&logon()).unwrap()
    }

    #[test]
    fn a_pac_that_was_made_for_another_ticket_is_refused() {
        let own = proven(Some(("alice", AUTHTIME)), alices(), &key(1)).unwrap().account.unwrap();
        assert_eq!((&*own.name, &*own.sid.to_string()), ("alice", "S-1-5-21-1-2-3-1104"));
        for made_for in [
            Some(("bob", AUTHTIME)),
            Some(("Alice", AUTHTIME)),
            Some(("alice@W25AD.NET", AUTHTIME)),
            Some(("alice", AUTHTIME.plus_seconds(1))),
            Some(("alice", AUTHTIME.plus_seconds(-1))),
        ] {
            let refused = proven(made_for, alices(), &key(1));
            assert!(matches!(refused, Err(NotProven::Pac(_))), "{made_for:?}");
        }
        assert_eq!(proven(None, alices(), &key(1)), Err(NotProven::OfNoTicket));
        let signed_by_another = proven(Some(("alice", AUTHTIME)), alices(), &key(3));
        assert!(matches!(signed_by_another, Err(NotProven::Pac(_))));
    }

    /// As MIT's KDC makes them where nothing else is said (freeipa, SSSD #8300): signed, and no
    /// account's.
    #[test]
    fn a_pac_that_names_no_account_proves_none() {
        let own = proven(Some(("alice", AUTHTIME)), PacBuilder::new(), &key(1)).unwrap();
        assert_eq!(own, Proven { account: None, delegated_by: Vec::new() });
    }

    #[test]
    fn a_pac_that_speaks_of_two_accounts_is_refused() {
        let upn = |sid: &str, sam_account_name: &str| UpnDnsInfo {
            upn: "alice@w25ad.net".into(),
            dns_domain_name: "W25AD.NET".into(),
            upn_is_constructed: false,
            extended: Some(UpnDnsExtended {
                sam_account_name: sam_account_name.into(),
                sid: sid.parse().unwrap(),
            }),
        };
        let own = "S-1-5-21-1-2-3-1104";
        for (sid, name, refused) in
            [(own, "alice", false), (own, "bob", true), ("S-1-5-21-1-2-3-1105", "alice", true)]
        {
            let pac = alices().with(&upn(sid, name)).unwrap();
            let found = proven(Some(("alice", AUTHTIME)), pac, &key(1));
            match refused {
                true => assert_eq!(found, Err(NotProven::TwoAccounts), "{sid} {name}"),
                false => {
                    let account = found.unwrap().account.unwrap();
                    assert_eq!(account.upn.as_deref(), Some("alice@w25ad.net"));
                }
            }
        }
    }
}
