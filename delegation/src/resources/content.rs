use base64ct::{Base64, Encoding};

/// The most content that a tool returns.
pub(super) const MAX_CONTENT: u64 = 1 << 20;

/// Content as text where it is UTF-8, else as base64: the encoding's name and the content.
pub(super) fn encode(bytes: Vec<u8>) -> (&'static str, String) {
    match String::from_utf8(bytes) {
        Ok(text) => ("utf-8", text),
        Err(error) => ("base64", Base64::encode_string(error.as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text_and_bytes_become_base64() {
        assert_eq!(encode("1,42 é\0".into()), ("utf-8", "1,42 é\0".into()));
        assert_eq!(encode(vec![0xff, 0xfe]), ("base64", "//4=".into()));
    }
}
