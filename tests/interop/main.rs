//! Other people's clients, and servers, with the embedded KDC: MIT's programs, python3-gssapi, the
//! JDK, impacket, Apache, PostgreSQL, drivers for SQL Server. No lab, no root: everything listens on the loopback, in this
//! process or beside it. A program that is not installed is a loud skip, and a failure where
//! `PEERS_REQUIRED=1`.

mod apache;
mod caches;
mod gssapi;
mod iakerb;
mod impacket;
mod jdk;
mod kdc_proxy;
mod kpasswd;
mod krb;
mod mit;
mod pkinit;
mod postgres;
mod realms;
mod rights;

mod sqlserver;
mod syslog;
mod world;
