//! What may go wrong with SQL Server besides what it says of a statement, and what its numbers mean.

use krb_proto::spnego::SpnegoError;

use super::wire::{Lost, Message};
use crate::network::ConnectError;
use crate::resources::failure::NotProven;
use crate::resources::sql::failure::{
    At, Refusal, Said, broke_off, no_proof, not_encrypted, somebody_else, unreached,
};
use crate::resources::sql::place::Place;
use crate::{Blame, Code, Failure};

/// There is no session.
pub(super) enum TdsError {
    /// There is no connection.
    Connect(ConnectError),
    /// It does not encrypt all of a session.
    NotEncrypted(&'static str),
    /// The connection broke, or something else than the protocol came, while this was done.
    Lost(&'static str, Lost),
    /// It let nobody in.
    Refused { message: Message, is_bound: bool, by_ticket: bool },
    /// It did not prove that it is the one that the ticket is for.
    NotProven(SpnegoError),
    /// It let the user in without any proof of who it is.
    NoProof,
    /// It sends on to a server that is not the target.
    Routed(String, u16),
    /// A name does not fit into a login.
    LongName,
    /// It took the login for somebody else.
    SomebodyElse(String),
    /// It does not say that it executes as the user.
    NotImpersonated(String),
    /// The login that becomes users may do more than that.
    Powerful(String, &'static str),
    /// Explained already.
    Explained(Failure),
}

impl TdsError {
    /// What it means to the user.
    pub(super) fn explain(self, place: &Place<'_>) -> Failure {
        let Place { target, endpoint, database, identity } = place;
        let (host, name) = (&endpoint.host, target.name());
        match self {
            Self::Explained(failure) => failure,
            Self::Connect(error) => unreached(
                host,
                &error,
                "Check the target's host and port, that SQL Server listens there for TCP, and that it \
                 takes TLS 1.2; with encryption strict it must be SQL Server 2022 or later, or an \
                 Azure one.",
                "Nothing was sent. The certificate must be for the target's host, and of a CA that \
                 network.caFile has; one that SQL Server made itself never is.",
            ),
            Self::NotEncrypted(what) => not_encrypted(host, what,
                "Nothing was sent; nothing is ever sent in clear text. Give SQL Server a certificate \
                 (SQL Server Configuration Manager, Protocols, Certificate).",
            ),
            Self::Lost(doing, lost) => broke_off(host, doing, &lost,
                "Look at the server's error log for the time of this call.",
            ),
            Self::Refused { message, is_bound, by_ticket } => {
                refused(&message, is_bound, by_ticket, place)
            }
            Self::NotProven(error) => NotProven(target, &error).into(),
            Self::NoProof => no_proof(place,
                "Nothing was done. A proxy on the way must pass the login on.",
            ),
            Self::Routed(to, port) => Failure::new(
                Code::ResourceRefused,
                format!("{name} sends on to {to}:{port}"),
                "The ticket is for the target's own host and no other. Make a target of that server, \
                 with its own SPN, which the service account may delegate to.",
            )
            .blamed_on(Blame::Configuration),
            Self::LongName => Failure::new(
                Code::ResourceRefused,
                format!("a name for the login at {name} has more than 128 characters"),
                "Change the target's host, databases or login.",
            )
            .blamed_on(Blame::Configuration),
            Self::SomebodyElse(found) => somebody_else(place, &found,
                "Nothing was done. Look at the target's roleTemplate, and at what makes somebody else \
                 of a login: a proxy that logs in by itself.",
            ),
            Self::NotImpersonated(found) => Failure::new(
                Code::ResourceRefused,
                format!("{name} ({database}) was to execute as {identity} and is {found:?}"),
                "Nothing was done. Look at the target's roleTemplate: the database's user, or with \
                 executeAs login the server's login, must be called as it says.",
            ),
            Self::Powerful(login, what) => Failure::new(
                Code::ResourceRefused,
                format!("the login {login} at {name} {what}"),
                "Nothing was done. A login that becomes users is to have IMPERSONATE on those users, or \
                 with executeAs login on their logins, and no other right.",
            ),
        }
    }
}

/// It let nobody in.
fn refused(message: &Message, is_bound: bool, by_ticket: bool, place: &Place<'_>) -> Failure {
    // 18452: "from an untrusted domain", which it says of a ticket that it cannot use, too.
    if message.number != 18452 || !by_ticket {
        return said(message).explain(place);
    }
    let bindings = match is_bound {
        true => "the ticket was bound to its connection (tls-unique)",
        false => {
            "the ticket was bound to no connection, as TLS 1.3 has no tls-unique: use encryption tls \
             where Extended Protection is required"
        }
    };
    Failure::new(
        Code::ResourceRefused,
        format!("{} refused the user's ticket with 18452", place.target.name()),
        format!(
            "It cannot use it: {} is registered on another account than the one that SQL Server runs \
             under, or its clock differs; or it requires Extended Protection, for which {bindings}.",
            place.target.spn()
        ),
    )
    .quoting(&message.text)
}

/// What the server says of a statement.
pub(super) fn said(message: &Message) -> Said {
    let Message { number, class, line, text, .. } = message;
    let what = match number {
        229 | 230 | 262 | 297 | 300 | 378 | 916 | 2557 | 4613 | 15247 | 15151 | 15562 => {
            Refusal::Denied
        }
        208 | 2812 | 4902 | 3701 | 911 => Refusal::NotFound,
        18452 | 18456 | 18470 | 18486 | 18487 | 18488 | 4060 | 4064 | 15404 | 15406 | 15517 => {
            Refusal::Login
        }
        1205 | 1222 | 3960 | 8645 | 8651 | 701 | 40501 | 10928 | 10929 => Refusal::Busy,
        40197 | 40613 | 49918..=49920 | 976 | 983 | 945 | 922 | 924 | 18401 => Refusal::Unavailable,
        _ if *class >= 17 => Refusal::Unavailable,
        _ => Refusal::Statement,
    };
    let at = (*line > 0).then_some(At::Line(*line));
    Said { code: number.to_string(), what, at, message: without_values(*number, text) }
}

/// Without values of rows, which may be another user's.
fn without_values(number: u32, text: &str) -> String {
    match number {
        // "The duplicate key value is (…)."
        2601 | 2627 => text.split(" The duplicate key value is").next().unwrap_or_default().into(),
        // "… converting the nvarchar value '…' to data type int." "Truncated value: '…'."
        235 | 241 | 244 | 245 | 248 | 2628 | 8114 => {
            let mut parts = text.split('\'');
            let before = parts.next().unwrap_or_default();
            let behind = text.rsplit_once('\'').map_or("", |(_, behind)| behind);
            if parts.next().is_some() { format!("{before}'…'{behind}") } else { text.to_owned() }
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u32, text: &str) -> Message {
        Message { number, state: 1, class: 16, text: text.into(), line: 3 }
    }

    #[test]
    fn values_of_rows_are_not_in_what_is_told() {
        for (number, text, told) in [
            (
                2627,
                "Violation of PRIMARY KEY constraint 'PK'. Cannot insert duplicate key in object \
                 'dbo.t'. The duplicate key value is (secret).",
                "Violation of PRIMARY KEY constraint 'PK'. Cannot insert duplicate key in object \
                 'dbo.t'.",
            ),
            (
                245,
                "Conversion failed when converting the nvarchar value 'it's secret' to data type int.",
                "Conversion failed when converting the nvarchar value '…' to data type int.",
            ),
            (208, "Invalid object name 'dbo.people'.", "Invalid object name 'dbo.people'."),
        ] {
            assert_eq!(said(&message(number, text)).message, told);
        }
    }

    #[test]
    fn numbers_say_whose_doing_it_is() {
        for (number, what) in [
            (229, Refusal::Denied),
            (208, Refusal::NotFound),
            (15517, Refusal::Login),
            (1205, Refusal::Busy),
            (40613, Refusal::Unavailable),
            (8134, Refusal::Statement),
        ] {
            let said = said(&message(number, ""));
            assert_eq!((said.what, said.at), (what, Some(At::Line(3))), "{number}");
        }
        let severe = Message { class: 20, ..message(1, "") };
        assert_eq!(said(&severe).what, Refusal::Unavailable);
    }
}
