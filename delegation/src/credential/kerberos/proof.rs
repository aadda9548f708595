use krb_client::{Account, Proven};
use krb_proto::crypto::Key;
use krb_proto::exchange::OpenedTicket;

use super::failure::Doubt;

/// The account that an opened evidence ticket proves, by its PAC.
pub(super) fn account(ticket: &OpenedTicket, key: &Key) -> Result<Account, Doubt> {
    let proven = Proven::of_evidence(ticket, key);
    let proven = proven.map_err(|error| Doubt::NoAccount(error.to_string()))?;
    proven.account.ok_or_else(|| Doubt::NoAccount("it names no account (LOGON_INFO)".into()))
}
