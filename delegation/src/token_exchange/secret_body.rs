//! Request and answer of an exchange: both hold secrets, so neither leaves a copy of ours behind.
//!
//! What cannot be helped: the HTTP library copies a request into its write buffer and an answer into
//! its read buffer, TLS likewise; none of them is zeroized.

use bytes::Bytes;
use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::identity::chain;

/// A form (RFC 6749 appendix B) that is zeroized when the last one who holds it lets go.
pub(super) fn form(fields: &[(&str, &str)]) -> Bytes {
    // Room for everything percent-encoded, and for `=` and `&`: a text that grows leaves copies.
    let room = fields.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let mut form = form_urlencoded::Serializer::new(String::with_capacity(room));
    form.extend_pairs(fields);
    Bytes::from_owner(Zeroizing::new(form.finish()))
}

/// Reads a body that must not be longer than `limit`.
pub(super) async fn read(
    mut response: reqwest::Response,
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(|error| chain(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(format!("the answer is longer than {limit} bytes"));
        }
        append(&mut body, &chunk);
    }
    Ok(body)
}

/// Appends without leaving the bytes behind in a buffer that has become too small.
fn append(body: &mut Zeroizing<Vec<u8>>, more: &[u8]) {
    let length = body.len() + more.len();
    if length > body.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(length.next_power_of_two()));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(more);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_encoded_and_never_outgrow_their_room() {
        let every: String = (' '..='~').chain("ü€".chars()).collect();
        let form = form(&[("a", "b c"), ("secret", &every), ("empty", "")]);
        let parsed: Vec<_> = form_urlencoded::parse(&form).into_owned().collect();
        let expected = [("a", "b c"), ("secret", &every), ("empty", "")];
        assert_eq!(parsed, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn bodies_grow_by_moving_to_a_new_buffer() {
        let mut body = Zeroizing::new(Vec::new());
        let mut expected = Vec::new();
        for number in 0..200_u8 {
            let part = vec![number; usize::from(number)];
            append(&mut body, &part);
            expected.extend(part);
        }
        assert_eq!(*body, expected);
    }
}
