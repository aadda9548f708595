use krb_client::remedy::{Names, Refused, Step, of_refusal};
use krb_client::{Account, Client, ClientError, UserTicket};
use krb_proto::Principal;
use krb_proto::asn1::Ticket;
use krb_proto::der;
use krb_proto::iana::{ErrorCode, NtStatus, TicketFlags};

use super::{Finding, Findings};
use crate::{Failure, remedy};

/// Whether the account may act in users' names: in its own first, which needs nobody; then in a
/// user's, and at a service.
pub(super) async fn look(
    client: &Client,
    user: Option<Principal>,
    spn: Option<&str>,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let account = client.account();
    let name = account.name.to_string();
    let names = Names { account: &name, ..Names::default() };
    let own = match client.s4u().evidence(account).await {
        Ok(own) => own,
        Err(error) => return findings.add(no_evidence(&error, &names)),
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
            advice(&Refused::new(Step::S4uProxy, ErrorCode::BADOPTION, None).with_evidence(false), &names),
        )
    })?;
    let Some(user) = user else { return Ok(()) };
    let realm = String::from_utf8_lossy(&account.realm);
    let user_name = user.name.to_string();
    let names = Names { user: &user_name, ..names };
    let evidence = match client.s4u().evidence(&user).await {
        Ok(evidence) => evidence,
        Err(error) => {
            let remedy = remedy::text(remedy::of(Step::S4uSelf, &error, true, &names));
            return findings.add(Finding::red("S4U2Self", error.to_string(), remedy));
        }
    };
    findings.add(Finding::green("S4U2Self", who(client, &evidence, &user)))?;
    let forwardable = evidence.flags.contains(TicketFlags::FORWARDABLE);
    let restricted =
        Refused::new(Step::S4uProxy, ErrorCode::BADOPTION, Some(NtStatus::ACCOUNT_RESTRICTION));
    // The account's own evidence can be handed on, so it is not the account.
    let is_the_user = may_all && !forwardable;
    if is_the_user {
        findings.add(Finding::red(
            "user",
            format!(
                "{user} may not be delegated: NOT_DELEGATED is set, or it is in Protected Users"
            ),
            advice(&restricted, &names),
        ))?;
    }
    let Some(spn) = spn else { return Ok(()) };
    let target =
        Principal::parse(spn, Some(&realm)).map_err(|error| format!("{spn}: {error}"))?.name;
    let target_name = target.to_string();
    let names = Names { target: &target_name, ..names };
    // Nothing of it is kept, so there is no account to tell apart by its SID.
    findings.add(match client.s4u().proxy_ticket(&evidence, "", &target).await {
        Ok(ticket) => Finding::green(
            "S4U2Proxy",
            format!(
                "{} in the name of {}, good until {}",
                ticket.server, ticket.client, ticket.times.endtime
            ),
        ),
        Err(error) => {
            let refused = error.refusal().map(|refusal| refusal.code);
            let remedy = match is_the_user && refused == Some(ErrorCode::BADOPTION) {
                true => of_refusal(&restricted, &names),
                false => remedy::of(Step::S4uProxy, &error, forwardable, &names),
            };
            Finding::red("S4U2Proxy", error.to_string(), remedy::text(remedy))
        }
    })
}

fn no_evidence(error: &ClientError, names: &Names<'_>) -> Finding {
    let code = error.refusal().map(|refusal| refusal.code);
    let what = if code == Some(ErrorCode::S_PRINCIPAL_UNKNOWN) { "SPN" } else { "S4U2Self" };
    let remedy = remedy::text(remedy::of(Step::S4uSelf, error, true, names));
    Finding::red(what, error.to_string(), remedy)
}

/// What would help after such a refusal.
fn advice(refused: &Refused, names: &Names<'_>) -> String {
    of_refusal(refused, names).map(|remedy| remedy.advice()).unwrap_or_default()
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
    match client.prove(evidence).ok().and_then(|proven| proven.account) {
        Some(Account { domain, name, sid, .. }) => format!("{asked} is {domain}\\{name} ({sid})"),
        None => format!("evidence for {asked}"),
    }
}
