use krb_proto::crypto::Key;
use krb_proto::exchange::OpenedTicket;
use krb_proto::pac::{ClientInfo, DelegationInfo, Pac, UpnDnsInfo};

use super::account::Account;
use super::failure::Doubt;

/// The account that an opened evidence ticket proves. Its PAC must be signed with the key that the
/// ticket was opened with, and be made for this very ticket: who believes one ticket's name and
/// another's PAC takes somebody for somebody else (CVE-2020-25719).
pub(super) fn account(ticket: &OpenedTicket, key: &Key) -> Result<Account, Doubt> {
    let pac = Pac::parse(&ticket.pac)
        .and_then(|pac| pac.verify_server_signature(key))
        .map_err(not_proven)?;
    let info = pac.get::<ClientInfo>().map_err(not_proven)?;
    let info = info.ok_or_else(|| not_proven("it does not say which ticket it is made for"))?;
    info.check(&ticket.client.name, ticket.authtime).map_err(not_proven)?;
    let logon = pac.logon_info().map_err(not_proven)?;
    let upn = pac.get::<UpnDnsInfo>().map_err(not_proven)?;
    let account = Account {
        upn: upn.as_ref().map(|upn| upn.upn.clone()),
        sid: logon.user_sid().map_err(not_proven)?,
        name: logon.effective_name.clone(),
        domain: logon.logon_domain_name.clone(),
        groups: logon.group_sids().collect(),
        user_account_control: logon.user_account_control,
    };
    if let Some(extended) = upn.and_then(|upn| upn.extended)
        && (extended.sam_account_name != account.name || extended.sid != account.sid)
    {
        return Err(not_proven("UPN_DNS_INFO names another account than LOGON_INFO"));
    }
    Ok(account)
}

/// Who got a ticket in its client's name, from S4U_DELEGATION_INFO; nobody, if the client did.
pub(super) fn delegated_by(ticket: &OpenedTicket, key: &Key) -> Result<Vec<String>, Doubt> {
    let pac = Pac::parse(&ticket.pac)
        .and_then(|pac| pac.verify_server_signature(key))
        .map_err(not_proven)?;
    let info = pac.get::<DelegationInfo>().map_err(not_proven)?;
    Ok(info.map(|info| info.transited_services).unwrap_or_default())
}

fn not_proven(what: impl std::fmt::Display) -> Doubt {
    Doubt::NoAccount(what.to_string())
}

#[cfg(test)]
mod tests {
    use krb_proto::iana::{EncType, TicketFlags};
    use krb_proto::pac::{LogonInfo, PacBuilder, PacKeys};
    use krb_proto::{KerberosTime, Name, Principal};

    use super::*;

    const AUTHTIME: KerberosTime = KerberosTime::from_unix(1_800_000_000);

    fn key(byte: u8) -> Key {
        Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[byte; 32]).unwrap()
    }

    /// alice's ticket, whose PAC says that it is made for this client and time.
    fn ticket(client: Option<(&str, KerberosTime)>) -> OpenedTicket {
        let (server, krbtgt) = (key(1), key(2));
        let keys = PacKeys { server: &server, krbtgt: &krbtgt, rodc_identifier: None };
        let sid = "S-1-5-21-1-2-3".parse().unwrap();
        let mut pac = PacBuilder::new();
        pac = pac.with(&LogonInfo::new("alice", "W25AD", sid, 1104)).unwrap();
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

    #[test]
    fn a_pac_that_was_made_for_another_ticket_is_refused() {
        let proven = account(&ticket(Some(("alice", AUTHTIME))), &key(1)).unwrap();
        assert_eq!((&*proven.name, &*proven.sid.to_string()), ("alice", "S-1-5-21-1-2-3-1104"));
        for made_for in [
            Some(("bob", AUTHTIME)),
            Some(("Alice", AUTHTIME)),
            Some(("alice@W25AD.NET", AUTHTIME)),
            Some(("alice", AUTHTIME.plus_seconds(1))),
            Some(("alice", AUTHTIME.plus_seconds(-1))),
            None,
        ] {
            let doubt = account(&ticket(made_for), &key(1)).unwrap_err();
            assert!(matches!(doubt, Doubt::NoAccount(_)), "{made_for:?}");
        }
        let signed_by_another = account(&ticket(Some(("alice", AUTHTIME))), &key(3)).unwrap_err();
        assert!(matches!(signed_by_another, Doubt::NoAccount(_)));
    }
}
