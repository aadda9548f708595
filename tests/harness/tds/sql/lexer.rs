//! Words of Transact-SQL.

use super::super::token::SqlError;

#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Word {
    /// A name or keyword; `true`: it was quoted.
    Name(String, bool),
    /// `@name` or `@@name`.
    Variable(String),
    Text(String),
    Binary(Vec<u8>),
    Number(String),
    Sign(&'static str),
}

const SIGNS: [&str; 21] = [
    "<>", "<=", ">=", "!=", "::", "(", ")", ",", ";", "=", "<", ">", "+", "-", "*", "/", "%", ".",
    ":", "&", "|",
];

/// Each word with the line that it is on.
pub(in super::super) fn words(text: &str) -> Result<Vec<(Word, u32)>, SqlError> {
    let mut words = Vec::new();
    let mut rest = text;
    let mut line = 1;
    let unclosed = |line| {
        let mut error = SqlError::new(105, 15, "Unclosed quotation mark.");
        error.line = line;
        error
    };
    while let Some(first) = rest.chars().next() {
        let start = line;
        if first == '\n' {
            line += 1;
        }
        if first.is_whitespace() {
            rest = &rest[first.len_utf8()..];
            continue;
        }
        if rest.starts_with("--") {
            rest = rest.find('\n').map_or("", |at| &rest[at..]);
            continue;
        }
        if rest.starts_with("/*") {
            let (length, lines) = comment(rest).ok_or_else(|| unclosed(start))?;
            line += lines;
            rest = &rest[length..];
            continue;
        }
        let text_at = match rest.as_bytes() {
            [b'\'', ..] => Some(0),
            [b'N' | b'n', b'\'', ..] => Some(1),
            _ => None,
        };
        if let Some(at) = text_at {
            let (value, length) = quoted(&rest[at..], '\'').ok_or_else(|| unclosed(start))?;
            line += u32::try_from(value.matches('\n').count()).unwrap_or(0);
            words.push((Word::Text(value), start));
            rest = &rest[at + length..];
            continue;
        }
        if let '[' | '"' = first {
            let end = if first == '[' { ']' } else { '"' };
            let (value, length) = quoted(rest, end).ok_or_else(|| unclosed(start))?;
            words.push((Word::Name(value, true), start));
            rest = &rest[length..];
            continue;
        }
        if rest.starts_with("0x") {
            let digits: String = rest[2..].chars().take_while(char::is_ascii_hexdigit).collect();
            let padded = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits.clone() };
            let bytes = (0..padded.len()).step_by(2);
            let bytes = bytes.map(|at| u8::from_str_radix(&padded[at..at + 2], 16).expect("hex"));
            words.push((Word::Binary(bytes.collect()), start));
            rest = &rest[2 + digits.len()..];
            continue;
        }
        let is_part = |c: &char| c.is_alphanumeric() || "_@#$".contains(*c);
        if first.is_ascii_digit() {
            let number: String =
                rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
            rest = &rest[number.len()..];
            words.push((Word::Number(number), start));
            continue;
        }
        if is_part(&first) {
            let name: String = rest.chars().take_while(is_part).collect();
            rest = &rest[name.len()..];
            let is_variable = name.starts_with('@');
            words.push((
                if is_variable { Word::Variable(name) } else { Word::Name(name, false) },
                start,
            ));
            continue;
        }
        let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign)).ok_or_else(|| {
            let mut error = SqlError::new(102, 15, format!("Incorrect syntax near '{first}'."));
            error.line = start;
            error
        })?;
        words.push((Word::Sign(sign), start));
        rest = &rest[sign.len()..];
    }
    Ok(words)
}

/// Comments nest. How long it is, and how many lines.
fn comment(text: &str) -> Option<(usize, u32)> {
    let (mut depth, mut lines, mut at) = (0, 0, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some((at, lines));
            }
        } else {
            let character = rest.chars().next()?;
            lines += u32::from(character == '\n');
            at += character.len_utf8();
        }
    }
    None
}

/// What is quoted, where the end's sign is doubled, and how long it was.
fn quoted(text: &str, end: char) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character != end {
            value.push(character);
        } else if characters.peek().is_some_and(|(_, next)| *next == end) {
            characters.next();
            value.push(end);
        } else {
            return Some((value, at + 1));
        }
    }
    None
}
