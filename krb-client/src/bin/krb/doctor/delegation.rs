use krb_client::{Client, ClientError, UserTicket};
use krb_proto::Principal;
use krb_proto::asn1::Ticket;
use krb_proto::der;
use krb_proto::iana::{ErrorCode, TicketFlags};
use krb_proto::pac::{LogonInfo, Pac};

use super::{Finding, Findings};
use crate::Failure;

/// Whether the account may act in users' names: in its own first, which needs nobody; then in a
/// user's, and at a service.
pub(super) async fn look(
    client: &Client,
    user: Option<&str>,
    spn: Option<&str>,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let account = client.account();
    let own = match client.s4u().evidence(account).await {
        Ok(own) => own,
        Err(error) => return findings.add(no_evidence(account, &error)),
    };
    findings
        .add(Finding::green("SPN", format!("{account} is a service: there are tickets to it")))?;
    findings.add(opened(client, &own))?;
    let may_all = own.flags.contains(TicketFlags::FORWARDABLE);
    findings.add(if may_all {
        Finding::green("delegation", "TRUSTED_TO_AUTH_FOR_DELEGATION: its evidence can be handed on")
    } else {
        Finding::yellow(
            "delegation",
            "its evidence cannot be handed on: TRUSTED_TO_AUTH_FOR_DELEGATION is not set, or the account \
             itself may not be delegated",
            "Set-ADAccountControl ACCOUNT -TrustedToAuthForDelegation $true, or `samba-tool delegation \
             for-any-protocol ACCOUNT on`; without it only resource-based delegation on Windows' KDCs works",
        )
    })?;
    let Some(user) = user else { return Ok(()) };
    let realm = String::from_utf8_lossy(&account.realm);
    let user = Principal::parse(user, Some(&realm)).map_err(|error| format!("{user}: {error}"))?;
    let evidence = match client.s4u().evidence(&user).await {
        Ok(evidence) => evidence,
        Err(error) => {
            let remedy = match error.refusal().map(|refusal| refusal.code) {
                Some(ErrorCode::C_PRINCIPAL_UNKNOWN) => {
                    "there is no such account, or two have that name: name it by its sAMAccountName"
                }
                Some(ErrorCode::POLICY | ErrorCode::CLIENT_REVOKED) => "the account is disabled",
                Some(ErrorCode::NAME_EXP) => "the account has expired",
                _ => "see what the KDC says",
            };
            return findings.add(Finding::red("S4U2Self", error.to_string(), remedy));
        }
    };
    findings.add(Finding::green("S4U2Self", who(client, &evidence, &user)))?;
    let forwardable = evidence.flags.contains(TicketFlags::FORWARDABLE);
    if may_all && !forwardable {
        findings.add(Finding::red(
            "user",
            format!(
                "{user} may not be delegated: NOT_DELEGATED is set, or it is in Protected Users"
            ),
            "that is meant to protect the account; if it is not, Set-ADAccountControl USER \
             -AccountNotDelegated $false",
        ))?;
    }
    let Some(spn) = spn else { return Ok(()) };
    let target =
        Principal::parse(spn, Some(&realm)).map_err(|error| format!("{spn}: {error}"))?.name;
    // Nothing of it is kept, so there is no account to tell apart by its SID.
    findings.add(match client.s4u().proxy_ticket(&evidence, "", &target).await {
        Ok(ticket) => Finding::green(
            "S4U2Proxy",
            format!("{} in the name of {}, good until {}", ticket.server, ticket.client, ticket.times.endtime),
        ),
        Err(error) => {
            let remedy = match error.refusal().map(|refusal| refusal.code) {
                Some(ErrorCode::S_PRINCIPAL_UNKNOWN) => format!(
                    "no account has the SPN {target}, or two have it: setspn -Q {target}; setspn -S {target} \
                     ACCOUNT, or `samba-tool spn add {target} ACCOUNT`"
                ),
                Some(ErrorCode::BADOPTION) if !forwardable => "the evidence cannot be handed on: see above".into(),
                Some(ErrorCode::BADOPTION) => format!(
                    "{target} is not in msDS-AllowedToDelegateTo of {account}: Set-ADUser ACCOUNT -Add \
                     @{{'msDS-AllowedToDelegateTo'='{target}'}}, or `samba-tool delegation add-service \
                     ACCOUNT {target}`; or let the target's account allow it (resource-based)"
                ),
                _ => "see what the KDC says".into(),
            };
            Finding::red("S4U2Proxy", error.to_string(), remedy)
        }
    })
}

fn no_evidence(account: &Principal, error: &ClientError) -> Finding {
    match error.refusal().map(|refusal| refusal.code) {
        Some(ErrorCode::S_PRINCIPAL_UNKNOWN) => Finding::red(
            "SPN",
            format!("{account} has no SPN, so nobody gets tickets to it"),
            "setspn -S HTTP/HOST ACCOUNT, or `samba-tool spn add HTTP/HOST ACCOUNT`",
        ),
        _ => Finding::red("S4U2Self", error.to_string(), "see what the KDC says"),
    }
}

/// Whether the account's keys open what it is sent, and by which version.
fn opened(client: &Client, evidence: &UserTicket) -> Finding {
    let kvno = der::decode::<Ticket<'_>>(&evidence.ticket).ok().and_then(|it| it.enc_part.kvno);
    let kvno = kvno.map_or("no version".to_owned(), |kvno| format!("version {}", kvno.get()));
    match client.open(evidence) {
        Ok((_, key)) => Finding::green(
            "keys",
            format!("the keytab opens what the KDC seals for it ({kvno}, {})", key.enctype()),
        ),
        Err(error) => Finding::red(
            "keys",
            format!("the keytab does not open what the KDC seals for it ({kvno}): {error}"),
            "write the keytab anew, with keys of that version and enctype",
        ),
    }
}

/// The account that the evidence proves, which is not always the one that was named.
fn who(client: &Client, evidence: &UserTicket, asked: &Principal) -> String {
    let named = || -> Option<String> {
        let (opened, key) = client.open(evidence).ok()?;
        let pac = Pac::parse(&opened.pac).ok()?.verify_server_signature(&key).ok()?;
        let logon: LogonInfo = pac.logon_info().ok()?;
        let sid = logon.user_sid().ok()?;
        Some(format!("{}\\{} ({sid})", logon.logon_domain_name, logon.effective_name))
    };
    match named() {
        Some(account) => format!("{asked} is {account}"),
        None => format!("evidence for {asked}"),
    }
}
