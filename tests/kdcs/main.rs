//! What every KDC must do for us, asked of whichever `KDC_WORLD` names: `embedded` (the default), or
//! `samba`, `samba422`, `mit`, `mit-kldap`, `mit-test` or `heimdal` in the lab. What each does stands in a table of
//! docs/interop.md, a row a test: `UPDATE_SNAPSHOTS=1` writes this KDC's cells, without it they are
//! compared.

mod clocks;
mod evidence;
mod logins;
mod proxies;
mod raw;
mod requests;
mod table;
mod tickets;
mod world;
mod worlds;

use world::Domain;

/// The domain, for a row of the table, or the end of the test.
macro_rules! domain {
    ($row:expr) => {
        match $crate::worlds::domain($row).await {
            Some(domain) => domain,
            None => return,
        }
    };
}
pub(crate) use domain;

/// What this KDC's domain has, or the end of the test, with why in the table.
macro_rules! has {
    ($domain:ident.$what:ident) => {
        match &$domain.$what {
            Ok(it) => it,
            Err(why) => {
                $domain.saw(&format!("- ({why})"));
                return;
            }
        }
    };
}
pub(crate) use has;

/// The rows of the table of behaviours.
const ROWS: &[&str] = &[
    logins::OWN_TICKET,
    logins::WRONG_KEY,
    logins::NOBODY,
    logins::ARMORED,
    logins::ENTERPRISE,
    evidence::OF_A_USER,
    evidence::BY_ENTERPRISE_NAME,
    evidence::OF_NOBODY,
    evidence::OF_A_DISABLED,
    evidence::OF_AN_EXPIRED,
    evidence::OF_A_SENSITIVE,
    evidence::WITHOUT_THE_FLAG,
    evidence::BY_CERTIFICATE,
    proxies::GRANTED,
    proxies::NOT_GRANTED,
    proxies::NOT_THERE,
    proxies::OF_A_SENSITIVE,
    proxies::WITHOUT_THE_FLAG,
    proxies::MUST_CHANGE,
    proxies::OF_A_PROTECTED,
    proxies::RESOURCE_BASED,
    proxies::RESOURCE_BASED_OF_A_SENSITIVE,
    proxies::RESOURCE_BASED_WITHOUT_THE_FLAG,
    proxies::RESOURCE_BASED_WITH_NOTHING,
    proxies::RESOURCE_BASED_BY_ANOTHER,
    tickets::RENEWED,
    tickets::FORWARDED,
    tickets::PROXIED,
    tickets::POSTDATED,
    tickets::USER_TO_USER,
    clocks::CORRECTED,
    clocks::TOO_FAR,
];

#[test]
fn every_kdc_was_asked_all_of_it() {
    if std::env::var_os("UPDATE_SNAPSHOTS").is_none() {
        table::is_complete(table::BEHAVIOUR, ROWS);
    }
}
