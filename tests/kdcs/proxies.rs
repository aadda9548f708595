//! A ticket to a service in the user's name (S4U2Proxy): each right on which it hangs, taken away.

use krb_client::{ClientError, UserTicket};
use krb_proto::Name;
use krb_proto::iana::{ErrorCode, NameType, TicketFlags};

use crate::world::{Service, refusal};
use crate::{Domain, domain, has};

pub(crate) const GRANTED: &str = "S4U2Proxy to a service that is granted";
pub(crate) const NOT_GRANTED: &str = "S4U2Proxy to one that is not granted";
pub(crate) const NOT_THERE: &str = "S4U2Proxy to one that is not there";
pub(crate) const OF_A_SENSITIVE: &str = "S4U2Proxy for a user who may not be forwarded";
pub(crate) const WITHOUT_THE_FLAG: &str = "S4U2Proxy by a service without the flag";
pub(crate) const MUST_CHANGE: &str = "S4U2Proxy for a user who must change the password";
pub(crate) const OF_A_PROTECTED: &str = "S4U2Proxy for a member of Protected Users";
pub(crate) const RESOURCE_BASED: &str =
    "resource-based: S4U2Proxy to a service that lets the front end in, which has no list itself";
pub(crate) const RESOURCE_BASED_OF_A_SENSITIVE: &str =
    "resource-based: for a user who may not be forwarded";
pub(crate) const RESOURCE_BASED_WITHOUT_THE_FLAG: &str =
    "resource-based: by a front end with a list, and without the flag";
pub(crate) const RESOURCE_BASED_WITH_NOTHING: &str =
    "resource-based: by a front end with neither list nor flag";
pub(crate) const RESOURCE_BASED_BY_ANOTHER: &str = "resource-based: by one that is not let in";

async fn proxy(
    domain: &Domain,
    service: &Service,
    user: &str,
    target: &Name,
) -> Result<UserTicket, ClientError> {
    let client = domain.client(service);
    let evidence = client.s4u().evidence(&domain.user(user)).await?;
    client.s4u().proxy_ticket(&evidence, "", target).await
}

#[tokio::test]
async fn the_ticket_is_the_users_at_the_service() {
    let domain = domain!(GRANTED);
    let granted = has!(domain.granted);
    let ticket = proxy(&domain, &domain.service, domain.ordinary, granted).await.unwrap();
    assert_eq!(ticket.client, domain.user(domain.ordinary));
    assert_eq!(ticket.server.name, *granted);
    let life = ticket.times.endtime.unix() - ticket.times.starttime.unix();
    assert!((60..=3600).contains(&life), "{life} seconds, as it was asked for");
    domain.saw("yes");
}

#[tokio::test]
async fn none_to_a_service_that_is_not_granted() {
    let domain = domain!(NOT_GRANTED);
    let ticket = proxy(&domain, &domain.service, domain.ordinary, &domain.not_granted).await;
    assert_eq!(refusal(ticket.clone()), Some(ErrorCode::BADOPTION));
    domain.saw_refusal(ticket);
}

#[tokio::test]
async fn none_to_a_service_that_is_not_there() {
    let domain = domain!(NOT_THERE);
    let nowhere = Name::new(NameType::SRV_INST, ["HTTP", "nowhere.example.com"]);
    domain.saw_refusal(proxy(&domain, &domain.service, domain.ordinary, &nowhere).await);
}

#[tokio::test]
async fn none_for_a_sensitive_user() {
    let domain = domain!(OF_A_SENSITIVE);
    let (sensitive, granted) = (has!(domain.sensitive), has!(domain.granted));
    let ticket = proxy(&domain, &domain.service, sensitive, granted).await;
    assert_eq!(refusal(ticket.clone()), Some(ErrorCode::BADOPTION));
    domain.saw_refusal(ticket);
}

#[tokio::test]
async fn none_for_a_service_without_the_flag() {
    let domain = domain!(WITHOUT_THE_FLAG);
    let (without, granted) = (has!(domain.without_flag), has!(domain.granted));
    let ticket = proxy(&domain, without, domain.ordinary, granted).await;
    assert_eq!(refusal(ticket.clone()), Some(ErrorCode::BADOPTION));
    domain.saw_refusal(ticket);
}

#[tokio::test]
async fn for_a_user_who_must_change_the_password() {
    let domain = domain!(MUST_CHANGE);
    let (user, granted) = (has!(domain.must_change), has!(domain.granted));
    match proxy(&domain, &domain.service, user, granted).await {
        // MIT's asks no more of a user whom somebody else comes for than that there is one.
        Ok(_) => domain.saw("granted"),
        refused => {
            assert_eq!(refusal(refused.clone()), Some(ErrorCode::KEY_EXPIRED));
            domain.saw_refusal(refused);
        }
    }
}

#[tokio::test]
async fn none_for_a_member_of_protected_users_where_that_group_means_something() {
    let domain = domain!(OF_A_PROTECTED);
    let (user, granted) = (has!(domain.protected), has!(domain.granted));
    match proxy(&domain, &domain.service, user, granted).await {
        Ok(_) => domain.saw("granted"),
        refused => domain.saw_refusal(refused),
    }
}

#[tokio::test]
async fn the_service_itself_may_let_the_front_end_in() {
    let domain = domain!(RESOURCE_BASED);
    let let_in = has!(domain.let_in);
    let_in_or_not(&domain, &let_in.front_end, &let_in.by).await;
}

#[tokio::test]
async fn evidence_that_may_not_be_forwarded_is_as_good_where_the_service_lets_in() {
    let domain = domain!(RESOURCE_BASED_WITHOUT_THE_FLAG);
    let let_in = has!(domain.let_in);
    let_in_or_not(&domain, &let_in.without_flag, &let_in.by).await;
}

#[tokio::test]
async fn nothing_but_being_let_in_is_needed() {
    let domain = domain!(RESOURCE_BASED_WITH_NOTHING);
    let let_in = has!(domain.let_in);
    let_in_or_not(&domain, &let_in.plain, &let_in.by).await;
}

async fn let_in_or_not(domain: &Domain, front_end: &Service, by: &Name) {
    let user = domain.user(domain.ordinary);
    let evidence = domain.client(front_end).s4u().evidence(&user).await.unwrap();
    let forwardable = evidence.flags.contains(TicketFlags::FORWARDABLE);
    let evidence = if forwardable { "" } else { ", with evidence that is not forwardable" };
    match proxy(domain, front_end, domain.ordinary, by).await {
        Ok(ticket) => {
            assert_eq!((&ticket.client, &ticket.server.name), (&user, by));
            domain.saw(&format!("yes{evidence}"));
        }
        refused => domain.saw(&format!("{}{evidence}", refusal(refused).expect("a refusal").0)),
    }
}

#[tokio::test]
async fn a_sensitive_user_is_not_let_in() {
    let domain = domain!(RESOURCE_BASED_OF_A_SENSITIVE);
    let (let_in, sensitive) = (has!(domain.let_in), has!(domain.sensitive));
    let ticket = proxy(&domain, &let_in.front_end, sensitive, &let_in.by).await;
    assert_eq!(refusal(ticket.clone()), Some(ErrorCode::BADOPTION));
    domain.saw_refusal(ticket);
}

#[tokio::test]
async fn others_are_not_let_in() {
    let domain = domain!(RESOURCE_BASED_BY_ANOTHER);
    let let_in = has!(domain.let_in);
    let ticket = proxy(&domain, &domain.service, domain.ordinary, &let_in.by).await;
    assert_eq!(refusal(ticket.clone()), Some(ErrorCode::BADOPTION));
    domain.saw_refusal(ticket);
}
