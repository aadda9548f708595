//! What may go wrong with PostgreSQL besides what it says of a statement.

use std::io::Error;

use krb_proto::gss::GssError;

use crate::network::ConnectError;
use crate::resources::failure::NotProven;
use crate::resources::sql::failure::{
    Said, broke_off, no_proof, not_encrypted, somebody_else, unreached,
};
use crate::resources::sql::place::Place;
use crate::{Blame, Code, Failure};

/// There is no session.
pub(super) enum PgError {
    /// There is no connection.
    Connect(ConnectError),
    /// It does not encrypt in the way that is demanded.
    NotEncrypted(&'static str),
    /// The connection broke, or something else than the protocol came, while this was done.
    Broken(&'static str, Error),
    /// It said no, in words that came encrypted.
    Refused(Said),
    /// It did not prove that it is the one that the ticket is for.
    NotProven(GssError),
    /// It let the user in without any proof of who it is, or of who the user is.
    NoProof,
    /// It wants to be shown this in place of what it is given.
    Wants(String),
    /// The ticket makes a token of so many bytes, and so many are taken.
    LongToken(usize, usize),
    /// Its version is older than any that is safe enough.
    Old(String),
    /// It has this setting at another value.
    Setting(&'static str, String),
    /// It took the login for somebody else.
    SomebodyElse(String),
    /// The login that becomes users may do more than that.
    Powerful(String, String),
    /// Explained already.
    Explained(Failure),
}

impl PgError {
    /// What it means to the user.
    pub(super) fn explain(self, place: &Place<'_>, groups: usize) -> Failure {
        let Place { target, endpoint, identity, .. } = place;
        let (host, name) = (&endpoint.host, target.name());
        match self {
            Self::Explained(failure) => failure,
            Self::Connect(error) => unreached(
                host,
                &error,
                "Check the target's host and port, that PostgreSQL runs there, and its \
                 listen_addresses.",
                "Nothing was sent. The certificate must be for the target's host, and of a CA that \
                 network.caFile has.",
            ),
            Self::NotEncrypted(what) => not_encrypted(
                host,
                what,
                "Nothing was sent; nothing is ever sent in clear text. TLS: ssl = on, ssl_cert_file \
                 and ssl_key_file. GSS: krb_server_keyfile with the key of the SPN, and a \
                 hostgssenc line in pg_hba.conf.",
            ),
            Self::Broken(doing, error) => broke_off(
                host,
                doing,
                &error,
                "Look at the server's log for the time of this call.",
            ),
            Self::Refused(said) => login(&said, place),
            Self::NotProven(error) => NotProven(target, &error).into(),
            Self::NoProof => no_proof(
                place,
                "Nothing was done. pg_hba.conf must have the method gss for this user (or, where a \
                 service logs in, scram-sha-256 or cert), never trust; a proxy on the way must pass \
                 the login on.",
            ),
            Self::Wants(what) => Failure::new(
                Code::ResourceRefused,
                format!("{name} wants {what} of {identity}"),
                "Nothing was sent. The first line of pg_hba.conf that fits the user, the database \
                 and the encryption must have the method gss (or, where a service logs in, \
                 scram-sha-256 or cert).",
            ),
            Self::LongToken(length, most) => Failure::new(
                Code::ResourceRefused,
                format!(
                    "the user's ticket for {name} makes a token of {length} bytes (the user is in \
                     {groups} groups); PostgreSQL takes at most {most}"
                ),
                "No server can be told to take more: take the user out of some groups, above all \
                 out of those of other domains and domain-local ones.",
            )
            .blamed_on(Blame::Directory),
            Self::Old(version) => Failure::new(
                Code::ResourceRefused,
                format!("the database server {host} is PostgreSQL {version}, which is too old"),
                "Its faults let roles' settings and row security be passed by (CVE-2024-10976, \
                 CVE-2024-10978). Update it to 17.2, 16.6, 15.10, 14.15, 13.18 or a later one.",
            ),
            Self::Setting(setting, value) => Failure::new(
                Code::ResourceRefused,
                format!("the database server {host} has {setting} = {value:?}"),
                "Statements are read as with client_encoding UTF8 and standard_conforming_strings \
                 on; something between here and the server sets it otherwise.",
            ),
            Self::SomebodyElse(found) => somebody_else(
                place,
                &found,
                "Nothing was done. Look at what sets the role at login: ALTER ROLE … SET role, or a \
                 proxy that logs in by itself.",
            ),
            Self::Powerful(login, what) => Failure::new(
                Code::ResourceRefused,
                format!("the login {login} at {name} {what}"),
                "Nothing was done. A login that becomes users is to have the attributes LOGIN and \
                 NOINHERIT and no other, and to be a member of the users' roles alone.",
            )
            .blamed_on(Blame::Resource),
        }
    }
}

/// What it means that the server let nobody in.
fn login(said: &Said, place: &Place<'_>) -> Failure {
    let host = &place.endpoint.host;
    match said.code.as_str() {
        "53300" => Failure::new(
            Code::ResourceBusy,
            format!("the database server {host} has no connection left"),
            "Call again later; raise max_connections, or the role's CONNECTION LIMIT.",
        )
        .quoting(&said.message),
        _ => said.explain(place),
    }
}
