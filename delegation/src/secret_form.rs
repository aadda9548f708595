//! Forms with secrets in them, and the field `Authorization` that is made like one: neither leaves a
//! copy of ours behind.
//!
//! What cannot be helped: the HTTP library copies a request into its write buffer, TLS likewise;
//! neither is zeroized.

use base64ct::{Base64, Encoding};
use bytes::Bytes;
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

/// A form (RFC 6749 appendix B) that is zeroized when the last one who holds it lets go.
pub(crate) fn encode(fields: &[(&str, &str)]) -> Bytes {
    Bytes::from_owner(form(fields))
}

fn form(fields: &[(&str, &str)]) -> Zeroizing<String> {
    let mut form = Serializer::new(String::with_capacity(room(fields)));
    form.extend_pairs(fields);
    Zeroizing::new(form.finish())
}

/// For everything percent-encoded, and for what stands between: a text that grows leaves copies.
fn room(fields: &[(&str, &str)]) -> usize {
    fields.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum()
}

/// The value of `Authorization` for a client: both are encoded as in a form before they are put
/// together (RFC 6749 section 2.3.1).
pub(crate) fn basic(id: &str, secret: &str) -> Zeroizing<String> {
    let mut pair = Zeroizing::new(String::with_capacity(room(&[(id, secret)])));
    pair.extend(byte_serialize(id.as_bytes()));
    pair.push(':');
    pair.extend(byte_serialize(secret.as_bytes()));
    let encoded = Zeroizing::new(Base64::encode_string(pair.as_bytes()));
    joined(&["Basic ", &encoded])
}

/// The parts behind one another, in a text that never was any shorter.
pub(crate) fn joined(parts: &[&str]) -> Zeroizing<String> {
    let mut whole =
        Zeroizing::new(String::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| whole.push_str(part));
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_encoded_and_never_outgrow_their_room() {
        let every: String = (' '..='~').chain("ü€".chars()).collect();
        let longest = "ü".repeat(1000);
        for secret in [&every, &longest] {
            let fields = [("a", "b c"), ("secret", &**secret), ("empty", "")];
            let form = form(&fields);
            let parsed: Vec<_> =
                url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
            assert_eq!(parsed, fields.map(|(name, value)| (name.to_owned(), value.to_owned())));
            assert_eq!(form.capacity(), room(&fields));
        }
    }

    #[test]
    fn id_and_secret_are_encoded_before_they_are_put_together() {
        assert_eq!(*basic("mcp", "secret"), "Basic bWNwOnNlY3JldA==");
        let decoded = |id, secret| {
            let field = basic(id, secret);
            assert_eq!(field.capacity(), field.len());
            let pair = Base64::decode_vec(field.strip_prefix("Basic ").unwrap()).unwrap();
            String::from_utf8(pair).unwrap()
        };
        assert_eq!(decoded("a:b", "c d+ü"), "a%3Ab:c+d%2B%C3%BC");
        let (id, secret) = ("ü".repeat(100), "€".repeat(100));
        assert_eq!(decoded(&id, &secret).len(), 600 + 1 + 900);
    }
}
