//! What a user is called in a database.

use super::engine::Engine;
use crate::credential::kerberos::Account;

/// What the name is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Text(String),
    Of { what: What, lower: bool },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    Name,
    Domain,
    Upn,
}

impl Template {
    /// Reads one. It must tell users apart.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some((before, behind)) = rest.split_once('{') {
            let wrong = || {
                "must be of text and {name}, {domain}, {upn}, each also with :lower, \
                 such as {domain}\\{name:lower}"
                    .to_owned()
            };
            let (field, after) = behind.split_once('}').ok_or_else(wrong)?;
            let (field, lower) = match field.strip_suffix(":lower") {
                Some(field) => (field, true),
                None => (field, false),
            };
            let what = match field {
                "name" => What::Name,
                "domain" => What::Domain,
                "upn" => What::Upn,
                _ => return Err(wrong()),
            };
            pieces.extend((!before.is_empty()).then(|| Piece::Text(before.to_owned())));
            pieces.push(Piece::Of { what, lower });
            rest = after;
        }
        pieces.extend((!rest.is_empty()).then(|| Piece::Text(rest.to_owned())));
        let tells = |piece: &Piece| matches!(piece, Piece::Of { what: What::Name | What::Upn, .. });
        if !pieces.iter().any(tells) {
            return Err("must have {name} or {upn}: it must tell users apart".into());
        }
        if text.contains('}') && rest.contains('}') || text.chars().any(char::is_control) {
            return Err("has a } without its {, or a control character".into());
        }
        Ok(Self(pieces))
    }

    /// What this account is called.
    ///
    /// # Errors
    /// [`Unnameable`]: the engine would cut it, or take it for another one.
    pub(super) fn of(&self, account: &Account, engine: Engine) -> Result<String, Unnameable> {
        let mut name = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => name.push_str(text),
                Piece::Of { what, lower } => {
                    let value = match what {
                        What::Name => &account.name,
                        What::Domain => &account.domain,
                        What::Upn => account.upn.as_ref().ok_or(Unnameable::NoUpn)?,
                    };
                    if value.is_empty() {
                        return Err(Unnameable::Empty);
                    }
                    // SQL Server compares names as if they were in small letters.
                    if (*lower || engine == Engine::SqlServer) && value.chars().any(is_odd) {
                        return Err(Unnameable::Odd(value.clone()));
                    }
                    match lower {
                        true => name.push_str(&value.to_lowercase()),
                        false => name.push_str(value),
                    }
                }
            }
        }
        // PostgreSQL cuts a name after 63 bytes, and two users may have the same beginning.
        let is_long = match engine {
            Engine::Postgresql => name.len() > 63,
            Engine::SqlServer => name.encode_utf16().count() > 128,
        };
        if is_long {
            return Err(Unnameable::Long(name));
        }
        if name.chars().any(char::is_control) {
            return Err(Unnameable::Control);
        }
        Ok(name)
    }
}

/// An account cannot have a name in the database.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Unnameable {
    /// It has no UPN.
    NoUpn,
    /// What the template takes of it is empty.
    Empty,
    /// It is longer than the engine's names.
    Long(String),
    /// It has a control character.
    Control,
    /// It has a letter whose small letter is another one's.
    Odd(String),
}

/// Whether a capital letter has a small one that belongs to another: the Kelvin sign has that of K.
fn is_odd(letter: char) -> bool {
    let mut small = letter.to_lowercase();
    match (small.next(), small.next()) {
        (Some(small), None) => small != letter && !small.to_uppercase().eq([letter]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::testing::account;

    #[test]
    fn names_are_made_of_the_account_that_evidence_proves() {
        let account = Account {
            name: "ALICE_ADMIN".into(),
            domain: "W25AD".into(),
            upn: Some("alice@w25ad.net".into()),
            ..account()
        };
        let of = |template: &str, engine| Template::read(template).unwrap().of(&account, engine);
        let postgres = |template| of(template, Engine::Postgresql).unwrap();
        assert_eq!(postgres("{name:lower}"), "alice_admin");
        assert_eq!(postgres(r"{domain}\{name}"), r"W25AD\ALICE_ADMIN");
        assert_eq!(postgres("{upn}"), "alice@w25ad.net");
        assert_eq!(postgres("u_{name}_x"), "u_ALICE_ADMIN_x");
        let prefix = "x".repeat(52);
        let template = format!("{prefix}{{name}}");
        assert_eq!(of(&template, Engine::Postgresql).unwrap().len(), 63);
        let template = format!("x{prefix}{{name}}");
        assert!(of(&template, Engine::Postgresql).is_err(), "PostgreSQL would cut it");
        assert!(of(&template, Engine::SqlServer).is_ok());
        let nameless = Account { upn: None, ..account.clone() };
        assert!(Template::read("{upn}").unwrap().of(&nameless, Engine::Postgresql).is_err());
    }

    #[test]
    fn small_letters_are_of_one_account_alone() {
        let of = |name: &str, template: &str, engine| {
            let account = Account { name: name.into(), ..account() };
            Template::read(template).unwrap().of(&account, engine)
        };
        let lower = |name: &str| of(name, "{name:lower}", Engine::Postgresql);
        for (name, small) in [
            ("KATE", "kate"),
            ("\u{c5}SA", "\u{e5}sa"),
            ("STRA\u{df}E", "stra\u{df}e"),
            ("\u{130}BO", "i\u{307}bo"),
        ] {
            assert_eq!(lower(name).unwrap(), small);
        }
        for name in ["\u{212a}ATE", "\u{212b}SA", "STRA\u{1e9e}E", "\u{2126}"] {
            let odd = || Err(Unnameable::Odd(name.into()));
            assert_eq!(lower(name), odd());
            assert_eq!(of(name, "{name}", Engine::SqlServer), odd());
            assert_eq!(of(name, "{name}", Engine::Postgresql).unwrap(), name);
        }
    }

    #[test]
    fn what_does_not_tell_users_apart_is_refused() {
        for template in
            ["", "app", "{domain}", "{nam}", "{name", "name}", "{name}}", "{name:upper}"]
        {
            assert!(Template::read(template).is_err(), "{template}");
        }
    }
}
