//! The whole server in a world in memory: no root, no network, no Kerberos on the machine, and a time
//! that goes on as soon as everybody waits for it. `tests/e2e` tells the same stories of real servers.

mod accounts;
mod ages;
mod as_service;
mod audit;
mod bound;
mod delivered;
mod identity;
mod identity_provider;
mod in_doubt;
mod issuers;
mod limits;
mod main_job;
mod negotiate;
mod outages;
mod pins;
mod policy;
mod readiness;
mod refusals;
mod reproducible;
mod revocations;
mod secrets;
mod skew;
mod tokens;
