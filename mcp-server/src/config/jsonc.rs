//! JSON with comments.

use std::iter::repeat_n;

use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::malformed::Malformed;
use super::unique::Unique;

/// What a text says.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Malformed> {
    // A configuration may hold secrets.
    let json = Zeroizing::new(without_comments(text));
    whole::<Unique>(&json)?;
    whole(&json)
}

fn whole<T: DeserializeOwned>(json: &str) -> Result<T, Malformed> {
    let malformed = |error: &serde_json::Error, path: &str| {
        let whole = error.to_string();
        let position = format!(" at line {} column {}", error.line(), error.column());
        let problem = whole.strip_suffix(&position).unwrap_or(&whole);
        Malformed::setting((error.line(), error.column()), path, problem)
    };
    let mut input = serde_json::Deserializer::from_str(json);
    let read = serde_path_to_error::deserialize(&mut input)
        .map_err(|error| malformed(error.inner(), &error.path().to_string()))?;
    input.end().map_err(|error| malformed(&error, ""))?;
    Ok(read)
}

#[derive(Clone, Copy)]
enum State {
    Json,
    String,
    LineComment,
    BlockComment,
}

/// The text with each `//` and `/* */` comment blanked out. Line breaks stay, and everything keeps
/// its place, so that a JSON parser's errors name the right line and column.
fn without_comments(text: &str) -> String {
    let mut json = String::with_capacity(text.len());
    let mut state = State::Json;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        // How many characters belong together, and what comes after them.
        let (pair, next) = match (state, c, chars.peek()) {
            (State::Json, '"', _) => (false, State::String),
            (State::Json, '/', Some('/')) => (true, State::LineComment),
            (State::Json, '/', Some('*')) => (true, State::BlockComment),
            (State::String, '\\', Some(_)) => (true, State::String),
            (State::String, '"', _) | (State::LineComment, '\n', _) => (false, State::Json),
            (State::BlockComment, '*', Some('/')) => (true, State::Json),
            _ => (false, state),
        };
        let comment = |state| matches!(state, State::LineComment | State::BlockComment);
        let blank = comment(state) || comment(next);
        for c in [Some(c), if pair { chars.next() } else { None }].into_iter().flatten() {
            if blank && !matches!(c, '\n' | '\r') {
                json.extend(repeat_n(' ', c.len_utf8()));
            } else {
                json.push(c);
            }
        }
        state = next;
    }
    json
}

#[cfg(test)]
mod tests {
    use super::without_comments;

    #[test]
    fn comments_are_blanked_in_place() {
        let cases = [
            ("{} // c", "{}     "),
            ("// a\n{\n}//", "    \n{\n}  "),
            ("[1, /* é\r\n * */ 2]", "[1,      \r\n      2]"),
            (r#""http://x" // y"#, r#""http://x"     "#),
            (r#""a\"//b" /**/1"#, r#""a\"//b"     1"#),
            (r#""\\"//x"#, r#""\\"   "#),
            ("/*/ 1 /*/ 2", "          2"),
            ("1 / 2", "1 / 2"),
            ("/* open", "       "),
            ("\"open // x", "\"open // x"),
        ];
        for (text, expected) in cases {
            let json = without_comments(text);
            assert_eq!(json, expected, "{text:?}");
            assert_eq!(json.len(), text.len());
        }
    }

    proptest::proptest! {
        #[test]
        fn everything_keeps_its_place(text in "[\\PC\n\"/*\\\\]*") {
            let json = without_comments(&text);
            proptest::prop_assert_eq!(json.len(), text.len());
            let breaks = |text: &str| text.match_indices('\n').map(|(at, _)| at).collect::<Vec<_>>();
            proptest::prop_assert_eq!(breaks(&json), breaks(&text));
        }

        #[test]
        fn strings_are_left_alone(text in "[a/*\"\\\\\n]*", comment in "[a/\"\\\\]*") {
            let string = serde_json::to_string(&text).unwrap();
            let json = without_comments(&format!("{string}//{comment}\n/*{comment}*/"));
            proptest::prop_assert_eq!(json.trim(), string);
        }
    }
}
