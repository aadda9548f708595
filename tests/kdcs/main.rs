//! What every KDC must do for us, asked of whichever `KDC_WORLD` names: `embedded` (the default),
//! `samba`, `mit` or `heimdal`, the last three in the lab. Where they differ: docs/interop.md.

mod clocks;
mod evidence;
mod logins;
mod proxies;
mod raw;
mod requests;
mod world;

use world::Domain;

/// The domain, or the end of the test.
macro_rules! domain {
    () => {
        match $crate::world::domain().await {
            Some(domain) => domain,
            None => return,
        }
    };
}
pub(crate) use domain;

/// What this KDC's domain has, or the end of the test.
macro_rules! has {
    ($domain:ident.$what:ident) => {
        match &$domain.$what {
            Some(it) => it,
            None => {
                krb_tests::skipped(concat!("this KDC's domain has no ", stringify!($what)));
                return;
            }
        }
    };
}
pub(crate) use has;
