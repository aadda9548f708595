//! One spelling for all spellings that a server may take for the same name.
//!
//! Windows and Samba compare names one code unit at a time by upper case, each with a table of its
//! own. The fold is coarser than both: two names that either of them takes for one are one here.
//! Beyond that it knows no difference that a reader cannot see: Unicode's composed and decomposed
//! forms are one, and characters without a shape are left out.
//! `docs/decisions/0010-paths-in-policy.md` says what that means for a `permit`.

use unicode_normalization::UnicodeNormalization as _;

/// The one spelling: small letters, composed (NFC), without characters that have no shape. Folding
/// it again changes nothing.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfd().filter(|c| !is_ignorable(*c)).map(fold_char).nfc().collect()
}

/// The small letter of the capital letter, where both are one character: what makes `ς` and `σ`,
/// `K` (U+212A) and `k` one.
fn fold_char(c: char) -> char {
    // Combining; in Unicode alone its capital is a letter, which stands elsewhere in the order.
    if c == '\u{345}' {
        return c;
    }
    one(one(c, c.to_uppercase()), one(c, c.to_uppercase()).to_lowercase())
}

fn one(otherwise: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(c), None) => c,
        _ => otherwise,
    }
}

/// Unicode's `Default_Ignorable_Code_Point` (DerivedCoreProperties.txt).
const fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs that a server takes for one: what the tables of Windows and Samba map, in hexadecimal.
    const PAIRS: &str = include_str!("fold/pairs.txt");

    fn pairs() -> impl Iterator<Item = (char, char)> {
        let code = |text: &str| char::from_u32(u32::from_str_radix(text, 16).unwrap()).unwrap();
        PAIRS.lines().filter(|line| !line.starts_with('#')).map(move |line| {
            let (one, other) = line.split_once(' ').unwrap();
            (code(one), code(other))
        })
    }

    #[test]
    fn what_windows_or_samba_takes_for_one_name_is_one() {
        assert!(pairs().count() > 900);
        for (one, other) in pairs() {
            // Alone, within a word, and before and after a combining mark.
            for (before, after) in [("", ""), ("a", "b"), ("e\u{301}", "\u{301}"), ("Σ", "\u{327}")]
            {
                let spell = |c: char| format!("{before}{c}{after}");
                assert_eq!(fold(&spell(one)), fold(&spell(other)), "{one:?} {other:?}");
            }
        }
    }

    // What has another case or form, and the neighbours of a cut.
    fn chars() -> impl Iterator<Item = char> {
        ('\0'..=char::MAX).filter(|c| {
            let is = |mut other: String| other.pop() == Some(*c) && other.is_empty();
            !is(c.to_uppercase().collect())
                || !is(c.to_lowercase().collect())
                || !is(c.to_string().nfd().collect())
                || is_ignorable(*c)
        })
    }

    #[test]
    fn folding_again_changes_nothing() {
        for c in chars() {
            for text in [c.to_string(), format!("a{c}\u{301}"), format!("{c}\u{345}\u{308}")] {
                let folded = fold(&text);
                assert_eq!(fold(&folded), folded, "{c:?} in {text:?}");
            }
        }
    }

    #[test]
    fn capitals_and_small_letters_are_one() {
        for c in chars().filter(|c| *c != '\u{345}') {
            let folded = fold(&c.to_string());
            let (upper, lower) = (one(c, c.to_uppercase()), one(c, c.to_lowercase()));
            assert_eq!(fold(&upper.to_string()), folded, "{c:?}");
            assert_eq!(fold(&lower.to_string()), folded, "{c:?}");
        }
    }

    #[test]
    fn spellings_that_look_the_same_are_one() {
        for (one, other) in [
            ("RÉSUMÉ", "re\u{301}sume\u{301}"),
            ("ΟΔΟΣ", "οδος"),
            ("ΟΔΟΣ", "οδοσ"),
            ("\u{212a}", "k"),
            ("\u{212b}", "a\u{30a}"),
            ("ſ", "S"),
            ("ᾼ", "ᾳ"),
            ("Ǆ", "ǅ"),
            ("sec\u{200b}ret", "secret"),
            ("ОТЧЁТ", "отче\u{308}т"),
            ("𐐀", "𐐨"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
        for (one, other) in
            [("resume", "résumé"), ("ß", "ss"), ("i", "ł"), ("０", "0"), ("ﬁ", "fi")]
        {
            assert_ne!(fold(one), fold(other), "{one} {other}");
        }
        assert_eq!(fold("/Corp/Отчёты/Straße/İ"), "/corp/отчёты/straße/i\u{307}");
    }
}
