use krb_client::remedy::Step;
use krb_client::{Client, ClientError};
use krb_proto::Principal;
use krb_proto::iana::ErrorCode;

use crate::remedy::Explained;
use crate::secret::ask_new;
use crate::{Failure, complain};

/// Is it the password that is too old?
pub(super) fn is_it(error: &ClientError) -> bool {
    error.refusal().is_some_and(|refusal| refusal.code == ErrorCode::KEY_EXPIRED)
}

/// Asks for another password, and gives it to the account.
pub(super) async fn change(client: &Client, account: &Principal) -> Result<(), Failure> {
    complain("Password expired. You must change it now.");
    let new = ask_new(&format!("New password for {account}: "))?;
    let changed = client.change_password(&new).await;
    changed.map_err(|error| Explained::of(Step::Login, account, "", error))
}
