//! The request of an exchange: it holds secrets, so it leaves no copy of ours behind.
//!
//! What cannot be helped: the HTTP library copies a request into its write buffer, TLS likewise;
//! neither is zeroized.

use bytes::Bytes;
use url::form_urlencoded;
use zeroize::Zeroizing;

/// A form (RFC 6749 appendix B) that is zeroized when the last one who holds it lets go.
pub(super) fn encode(fields: &[(&str, &str)]) -> Bytes {
    // Room for everything percent-encoded, and for `=` and `&`: a text that grows leaves copies.
    let room = fields.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let mut form = form_urlencoded::Serializer::new(String::with_capacity(room));
    form.extend_pairs(fields);
    Bytes::from_owner(Zeroizing::new(form.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_encoded_and_never_outgrow_their_room() {
        let every: String = (' '..='~').chain("ü€".chars()).collect();
        let form = encode(&[("a", "b c"), ("secret", &every), ("empty", "")]);
        let parsed: Vec<_> = form_urlencoded::parse(&form).into_owned().collect();
        let expected = [("a", "b c"), ("secret", &every), ("empty", "")];
        assert_eq!(parsed, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
