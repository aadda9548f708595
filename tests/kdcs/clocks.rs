//! A clock of ours that is wrong.

use krb_proto::iana::ErrorCode;

use crate::domain;
use crate::world::refusal;

#[tokio::test]
async fn it_is_corrected_by_half_an_hour_and_no_more() {
    let domain = domain!();
    for minutes in [-29, -4, 4, 29] {
        let client =
            domain.client_with(&domain.service, domain.service.secret.clone(), 60 * minutes);
        let user = domain.user(domain.ordinary);
        let evidence = client.s4u().evidence(&user).await;
        assert!(evidence.is_ok(), "{minutes} minutes: {:?}", evidence.err());
    }
    for minutes in [-31, 31] {
        let client =
            domain.client_with(&domain.service, domain.service.secret.clone(), 60 * minutes);
        assert_eq!(refusal(client.tgt().await), Some(ErrorCode::SKEW), "{minutes} minutes");
    }
}
