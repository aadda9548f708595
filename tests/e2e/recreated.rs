//! An account that is deleted and created anew is another account.

use krb_tests::{Server, Setup, issuer};

use crate::lab;

#[tokio::test]
async fn a_new_account_of_the_same_name_does_not_inherit_the_subject() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let token = issuer.token_for("phoenix");
    let path = lab.unc("reports/phoenix.csv");
    assert!(server.read(&token, &path).await.content().contains("phoenix"));

    lab.shell("\"$RECREATE_USER\" phoenix");

    // Her service ticket still works where it is still used, which is why it is used for minutes
    // only. Another target needs the KDC, which has revoked the evidence; what it gives instead
    // is for another SID, and the pin refuses that.
    let (code, message, _) = server.get(&token, &lab.url("/whoami")).await.error();
    assert_eq!(code, "SID_MISMATCH", "{message}");
    assert_eq!(message.matches("S-1-5-21-").count(), 2, "names both SIDs: {message}");

    // Nothing of hers is left after that, and the new account's tickets are not used either.
    assert_eq!(server.read(&token, &path).await.code(), "SID_MISMATCH");

    // A server that never saw the old account takes the new one; the file server does not.
    let fresh = Server::start(lab, &Setup::new(lab, &issuer.url()));
    assert_eq!(fresh.read(&token, &path).await.code(), "ACCESS_DENIED");
}
