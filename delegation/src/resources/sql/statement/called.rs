//! What functions are called, written in one way alone, so that two names are the same where the engine
//! takes them for one.

use super::super::engine::Engine;

/// A name of these parts, each as the engine folds it: one that is not plain is quoted, so that no dot in
/// it makes two parts of it.
pub(super) fn written(parts: &[String]) -> String {
    let part = |part: &String| match is_folded(part) {
        true => part.clone(),
        false => format!("\"{}\"", part.replace('"', "\"\"")),
    };
    parts.iter().map(part).collect::<Vec<_>>().join(".")
}

/// A part of a name as the engine compares it: PostgreSQL takes a quoted one for what it is, and both fold
/// ASCII alone where nothing else can stand unquoted.
pub(super) fn folded(engine: Engine, part: &str, is_quoted: bool) -> String {
    match (engine, is_quoted) {
        (Engine::Postgresql, true) => part.to_owned(),
        _ => part.to_ascii_lowercase(),
    }
}

/// A name as an operator writes it, `name` or `schema.name`, each quoted as the engine quotes if it is not
/// plain; `None` if it is none.
pub(in super::super) fn read(engine: Engine, text: &str) -> Option<String> {
    let (mut parts, mut rest) = (Vec::new(), text);
    loop {
        let quotes = match (engine, rest.chars().next()?) {
            (_, '"') => Some('"'),
            (Engine::SqlServer, '[') => Some(']'),
            _ => None,
        };
        let part = match quotes {
            None => {
                let (part, behind) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
                rest = behind;
                let starts = part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
                let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
                (starts && part.chars().all(is_part)).then(|| folded(engine, part, false))?
            }
            Some(quote) => {
                let (part, behind) = unquoted(rest, quote)?;
                rest = behind;
                folded(engine, &part, true)
            }
        };
        parts.push(part);
        match rest.strip_prefix('.') {
            Some(behind) if parts.len() < 2 => rest = behind,
            None if rest.is_empty() => return Some(written(&parts)),
            _ => return None,
        }
    }
}

/// What stands in quotes, of which the first begins the text, and what comes behind.
fn unquoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character != quote {
            part.push(character);
        } else if characters.next_if(|(_, next)| *next == quote).is_some() {
            part.push(quote);
        } else {
            let behind = text.get(at + quote.len_utf8()..)?;
            return (!part.is_empty()).then_some((part, behind));
        }
    }
    None
}

/// It means the same with quotes and without, whatever the engine.
fn is_folded(part: &str) -> bool {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '$';
    part.starts_with(|c: char| c.is_ascii_lowercase() || c == '_') && part.chars().all(is_part)
}
