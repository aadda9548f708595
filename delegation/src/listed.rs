//! Accounts and groups as an operator lists them. A text that can be nobody's is refused: a list with it
//! would say less than its writer thinks.

use krb_proto::pac::Sid;

use crate::identity::LegacyName;

/// What no sAMAccountName of Active Directory holds, beside what is refused of any (the schema's page
/// of that attribute). Whoever writes one of them means a pattern, or several names.
const NEVER_IN_A_NAME: [char; 13] =
    ['"', '[', ']', ':', ';', '|', '=', ',', '+', '*', '?', '<', '>'];

/// The name of an account.
///
/// # Errors
/// In words, with the text, if no account has such a sAMAccountName.
pub fn account_name(text: &str) -> Result<String, String> {
    let problem = match LegacyName::new(text) {
        Err(error) => error.to_string(),
        Ok(_) => match text.chars().find(|c| NEVER_IN_A_NAME.contains(c)) {
            Some(c) => format!("it holds {c:?}"),
            None => return Ok(text.to_owned()),
        },
    };
    Err(format!(
        "{text:?} is no account's sAMAccountName: {problem}. It is the bare name, without domain and \
         suffix, and there are no patterns"
    ))
}

/// The SID of an account or a group.
///
/// # Errors
/// In words, with the text, if it is none.
pub fn sid(text: &str) -> Result<Sid, String> {
    let sid: Sid = text.parse().map_err(|_| format!("{text:?} is not a SID (S-1-5-21-…)"))?;
    // S-1-5-21-A-B-C is the domain, of which nobody is a member.
    let written = sid.to_string();
    if written.starts_with("S-1-5-21") && written.split('-').count() != 8 {
        return Err(format!(
            "{text:?} is no account's and no group's SID: those are S-1-5-21-A-B-C-RID"
        ));
    }
    Ok(sid)
}

/// Does somebody mean a SID by it? None is read as the name of an account, however it is mistyped.
pub(crate) fn is_meant_as_sid(text: &str) -> bool {
    let start = text.trim_start().get(..4);
    start.is_some_and(|start| start.eq_ignore_ascii_case("S-1-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_nobodys_is_refused() {
        for name in
            ["bob", "DC1$", "o'neil", "a b", "rené", "s-11", "svc.web", "a(b)", "#1~", "S-1"]
        {
            assert_eq!(account_name(name).as_deref(), Ok(name));
            assert!(!is_meant_as_sid(name), "{name}");
        }
        for name in [
            "",
            " bob",
            "bob ",
            "W25AD\\bob",
            "bob@w25ad.net",
            "bo\tb",
            "adm-*",
            "bob,eve",
            "bob;eve",
            "CN=bob",
            "b?b",
        ] {
            let problem = account_name(name).unwrap_err();
            assert!(problem.contains("is no account's sAMAccountName: it "), "{problem}");
        }
        for text in ["S-1-5-21-1-2-3-1103", "S-1-5-32-544", "S-1-18-1", "S-1-5-21-0-0-0-497"] {
            assert_eq!(sid(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "bob",
            " S-1-5-21-1-2-3-4",
            "S-1-5-21-1-2-3-4 ",
            "s-1-5-21-1-2-3-4",
            "S-1-5-21-1-2-3",
            "S-1-5-21",
            "S-1-5-21-1-2-3-4-5",
            "S-1-5-21-1-2-3-x",
        ] {
            assert!(sid(text).unwrap_err().contains("SID"), "{text}");
        }
        for text in ["S-1-5-21-1-2-3-x", "s-1-5-21-1-2-3-4", " S-1-5-21-1-2-3-4", "S-1-"] {
            assert!(is_meant_as_sid(text), "{text}");
        }
    }
}
