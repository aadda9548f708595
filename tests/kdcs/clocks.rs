//! A clock of ours that is wrong.

use crate::domain;

pub(crate) const CORRECTED: &str =
    "a clock that is wrong by 29 minutes is told the time and corrected";
pub(crate) const TOO_FAR: &str = "a clock that is wrong by 31 minutes";

#[tokio::test]
async fn it_is_corrected_by_half_an_hour() {
    let domain = domain!(CORRECTED);
    for minutes in [-29, -4, 4, 29] {
        let client =
            domain.client_with(&domain.service, domain.service.secret.clone(), 60 * minutes);
        let user = domain.user(domain.ordinary);
        let evidence = client.s4u().evidence(&user).await;
        assert!(evidence.is_ok(), "{minutes} minutes: {:?}", evidence.err());
    }
    domain.saw("yes");
}

#[tokio::test]
async fn and_by_no_more() {
    let domain = domain!(TOO_FAR);
    for minutes in [-31, 31] {
        let client =
            domain.client_with(&domain.service, domain.service.secret.clone(), 60 * minutes);
        domain.saw_refusal(client.tgt().await);
    }
}
