//! The beginning of what a page says, as a line of text.

/// How much of a body is read for it, in bytes, and what is made of that, in characters.
pub(super) const MAX_READ: usize = 64 << 10;
const MAX_CHARS: usize = 300;

/// `None` for what is no text, or has none.
pub(super) fn excerpt(content_type: &str, body: &[u8]) -> Option<String> {
    let content_type = content_type.to_ascii_lowercase();
    let textual = ["text/", "json", "xml"];
    if !content_type.is_empty() && !textual.iter().any(|part| content_type.contains(part)) {
        return None;
    }
    let text = String::from_utf8_lossy(body);
    let is_markup = content_type.contains("html") || content_type.contains("xml");
    let text = if is_markup { without_markup(&text) } else { text.into_owned() };
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let word = word.chars().filter(|c| !is_invisible(*c) && *c != '"');
        let word: String = word.collect();
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += &word;
        if let Some((end, _)) = line.char_indices().nth(MAX_CHARS) {
            line.truncate(end);
            line.push('…');
            break;
        }
    }
    (!line.is_empty()).then_some(line)
}

/// Zero-width characters and direction marks: they make a line read other than it is.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffd}')
}

/// Without tags, comments, scripts and styles.
fn without_markup(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out += &rest[..at];
        out.push(' ');
        let tag = &rest[at..];
        let starts = |start: &str| {
            let beginning = tag.as_bytes().get(..start.len());
            beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(start.as_bytes()))
        };
        let ends = [("<script", "</script"), ("<style", "</style"), ("<!--", "-->")];
        let end = ends.iter().find(|(start, _)| starts(start)).map_or("", |(_, end)| end);
        // What is not closed hides the rest.
        let Some(end) = find_ignoring_case(tag, end) else { return out };
        let Some(close) = tag[end..].find('>') else { return out };
        rest = &tag[end + close + 1..];
    }
    out + rest
}

/// Where it stands behind the first byte of `text`; `part` is ASCII in lower case.
fn find_ignoring_case(text: &str, part: &str) -> Option<usize> {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    if part.is_empty() {
        return Some(0);
    }
    let mut windows = text.windows(part.len()).skip(1);
    windows.position(|window| window.eq_ignore_ascii_case(part)).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_become_a_line() {
        let html = "<!DOCTYPE html><html><head><title>403 Forbidden</title><STYLE>p{x:'>'}</STYLE>\
            <script>if (a < b) {}</script><!-- <p>no</p> --></head><body>\n<h1>You &amp;\tI</h1>\
            <p>é</p></body>";
        assert_eq!(excerpt("text/html", html.as_bytes()).unwrap(), "403 Forbidden You &amp; I é");
        let json = br#"{"error": {"message": "no access < to it"}}"#;
        let expected = "{error: {message: no access < to it}}";
        assert_eq!(excerpt("application/json", json).unwrap(), expected);
        assert_eq!(excerpt("", b"plain\r\nwords").unwrap(), "plain words");
        assert_eq!(excerpt("text/plain", "a\u{202e}b\u{200b}\0c".as_bytes()).unwrap(), "ab c");
        assert_eq!(excerpt("image/png", b"x"), None);
        assert_eq!(excerpt("text/html", b"<p></p>\n"), None);
        assert_eq!(excerpt("text/html", b"<script>never closed"), None);
        assert_eq!(excerpt("text/html", b"a <p"), Some("a".into()));
        assert_eq!(excerpt("text/html", b"<!-->a"), Some("a".into()));
    }

    #[test]
    fn it_is_short() {
        let at = excerpt("", "é".repeat(MAX_CHARS).as_bytes()).unwrap();
        assert_eq!(at.chars().count(), MAX_CHARS);
        let over = excerpt("", "é".repeat(MAX_CHARS + 1).as_bytes()).unwrap();
        assert_eq!(over.chars().count(), MAX_CHARS + 1);
        assert!(over.ends_with("é…"), "{over}");
        let words = excerpt("", "a ".repeat(MAX_READ).as_bytes()).unwrap();
        assert_eq!(words.chars().count(), MAX_CHARS + 1);
    }

    proptest::proptest! {
        #[test]
        fn no_page_is_too_odd(text in "[<>a/!\\- scriptSTYLEé\u{202e}]{0,80}") {
            let line = excerpt("text/html", text.as_bytes()).unwrap_or_default();
            let odd = line.contains(['<', '\u{202e}', '\n']);
            proptest::prop_assert!(!odd);
        }
    }
}
