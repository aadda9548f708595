//! The demonstration's realm.

use krb_client::OsRandom;
use krb_client::proto::crypto::CryptoError;
use krb_client::proto::iana::EncType;
use krb_client::proto::kdc::{Account, Realm};
use krb_client::proto::pac::Sid;

pub(super) const REALM: &str = "DEMO.TEST";
pub(super) const SERVICE: &str = "svc-mcp";
pub(super) const WEB: &str = "svc-web";
pub(super) const WEB_SPN: &str = "HTTP/web.demo.test";
pub(super) const PAYROLL_SPN: &str = "HTTP/payroll.demo.test";
const STAFF: u32 = 1600;

/// A user of the demonstration.
pub(super) struct User {
    /// In tokens.
    pub(super) subject: &'static str,
    /// In the realm.
    pub(super) account: &'static str,
    /// For those who try `kinit`; the demonstration itself needs none.
    pub(super) password: &'static str,
}

pub(super) const USERS: [User; 3] = [
    User { subject: "alice", account: "ALICE_ADMIN", password: "alice's password" },
    User { subject: "bob", account: "bob", password: "bob's password" },
    User { subject: "carol", account: "carol", password: "carol's password" },
];

/// The users, the MCP server's account with its right to act for users, and the account that the web
/// application runs under. carol is sensitive and cannot be delegated.
pub(super) fn realm() -> Result<Realm, CryptoError> {
    let enctypes = [EncType::AES256_CTS_HMAC_SHA1_96];
    let service = Account::service(SERVICE)
        .spn("HTTP/mcp.demo.test")
        .random_keys(&enctypes, &mut OsRandom)?
        .set(|account| {
            account.trusted_to_auth_for_delegation = true;
            account.allowed_to_delegate_to = [WEB_SPN, PAYROLL_SPN].map(Into::into).into();
        });
    let web = Account::service(WEB)
        .spn(WEB_SPN)
        .spn(PAYROLL_SPN)
        .random_keys(&enctypes, &mut OsRandom)?;
    let mut realm = Realm::new(REALM, &mut OsRandom).with(service).with(web);
    for User { account, password, .. } in USERS {
        realm.insert(Account::user(account).password(password).groups([STAFF]));
    }
    if let Some(carol) = realm.account_mut("carol") {
        carol.not_delegated = true;
    }
    Ok(realm)
}

/// The SID of an account.
pub(super) fn sid_of(realm: &Realm, account: &str) -> Option<Sid> {
    realm.domain_sid().with_rid(realm.account(account)?.relative_id()?)
}

/// The SID of the group that all users are in.
pub(super) fn staff(realm: &Realm) -> Option<Sid> {
    realm.domain_sid().with_rid(STAFF)
}
