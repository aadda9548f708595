//! End-to-end tests: an MCP call goes in, a real server says who came.
//!
//! They run inside the lab (`tests/run` sees to it). Without one each says on standard error that it
//! was skipped: libtest, which has no word for that, counts it as passed.

mod accounts;
mod active_directory;
mod attacks;
mod cgroups;
mod clients;
mod databases;
mod directory;
mod fast;
mod hostile_store;
mod identity;
mod interleaved;
mod introspection;
mod kdc_access;
mod kdc_outage;
mod kept_sessions;
mod keycloak;
mod keycloak_profile;
mod keycloak_ticket;
mod keys;
mod large_tickets;
mod logins;
mod main_job;
mod mcp_clients;
mod mit_kdc;
mod mit_kdcs;
mod negotiate;
mod oidc;
mod postgres;
mod privileged;
mod proxies;
mod realms;
mod recreated;
mod refusals;
mod release;
mod replicas;
mod resources;
mod revocations;
mod rodc;
mod rollovers;
mod shipped_server;
mod sql;
mod sqlserver;

/// The lab, or the end of the test. Tests run several at a time; `lab!(alone)` is for those that stop
/// or change what others use, or look for what others may cause.
macro_rules! lab {
    () => {
        lab!(beside_others)
    };
    ($how:ident) => {
        // The end of the test is the end of the value: `let` extends its life.
        &match krb_tests::lab() {
            Some(lab) => lab.$how(),
            None => return,
        }
    };
}
pub(crate) use lab;
