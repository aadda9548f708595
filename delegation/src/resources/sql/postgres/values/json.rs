use serde_json::Value;

/// The version in front of a `jsonb`'s text.
const JSONB: u8 = 1;
/// The whole numbers that every reader of JSON keeps.
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;

/// `jsonb`: its text behind a version.
pub(super) fn jsonb(bytes: &[u8]) -> Option<Value> {
    match bytes {
        [JSONB, text @ ..] => json(text),
        _ => None,
    }
}

/// `json`. What is nested deeper than a parser of JSON goes is given as text.
pub(super) fn json(bytes: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(bytes).ok()?;
    let quoted = quote_numbers(text);
    Some(serde_json::from_str(&quoted).unwrap_or_else(|_| text.into()))
}

/// Puts quotes around the numbers that would come out as others.
fn quote_numbers(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(c) = rest.chars().next() {
        let (taken, after) = match c {
            '"' => rest.split_at(string_end(rest)),
            '-' | '0'..='9' => {
                let end =
                    rest.find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'));
                let (number, after) = rest.split_at(end.unwrap_or(rest.len()));
                if !is_kept(number) {
                    out.push('"');
                    out.push_str(number);
                    out.push('"');
                    rest = after;
                    continue;
                }
                (number, after)
            }
            c => rest.split_at(c.len_utf8()),
        };
        out.push_str(taken);
        rest = after;
    }
    out
}

/// Behind the quote that ends the string which the text begins with.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Whether a double is this very number, as far as it is written: its shortest form has the same
/// digits.
fn is_kept(number: &str) -> bool {
    let Ok(value) = number.parse::<f64>() else { return false };
    let is_whole = !number.contains(['.', 'e', 'E']);
    if is_whole {
        return value.abs() <= MAX_SAFE;
    }
    value.is_finite() && digits(number) == digits(&format!("{value:e}"))
}

/// The digits that matter, and the power of ten of the first.
fn digits(number: &str) -> (String, i64) {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole = whole.trim_start_matches('-');
    let all = format!("{whole}{fraction}");
    let zeros = all.len() - all.trim_start_matches('0').len();
    let digits = all.trim_matches('0').to_owned();
    let exponent: i64 = exponent.parse().unwrap_or(i64::MAX / 2);
    let count = |length: usize| i64::try_from(length).unwrap_or(i64::MAX / 4);
    match digits.is_empty() {
        true => (digits, 0),
        false => (digits, exponent + count(whole.len()) - count(zeros)),
    }
}
