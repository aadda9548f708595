//! What is read of a line without knowing the rest: its number and its links.

use serde::Deserialize;

use super::chain::Link;

/// Behind what a record says.
const CHAIN: &str = ",\"chain\":\"";

/// No log has as many records, nor a record as many bytes before it: what follows never overflows.
pub(super) const MOST: u64 = 1 << 62;

/// A line of the chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Stamp {
    pub(super) seq: u64,
    pub(super) chain: Link,
    /// The link before, where a line says it: the first of a file or of a run.
    pub(super) previous: Option<Link>,
    /// The key from here on, said by the same lines.
    pub(super) key_id: Option<String>,
    /// How many bytes before it are no record: what a run before this one could not end.
    pub(super) torn: u64,
    /// Until where the line is signed.
    pub(super) signed: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    seq: Option<u64>,
    previous: Option<String>,
    key_id: Option<String>,
    torn: Option<u64>,
}

impl Stamp {
    /// The stamp of a line without its end, if it has one.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(line).ok()?;
        let rest = text.strip_suffix("\"}")?;
        let signed = rest.len().checked_sub(64 + CHAIN.len())?;
        let (_, tail) = rest.split_at_checked(signed)?;
        let chain = tail.strip_prefix(CHAIN)?.parse().ok()?;
        let members: Members = serde_json::from_str(text).ok()?;
        let previous = match members.previous {
            Some(text) => Some(text.parse().ok()?),
            None => None,
        };
        let (key_id, torn) = (members.key_id, members.torn.unwrap_or(0));
        let seq = members.seq.filter(|seq| (1..=MOST).contains(seq) && torn <= MOST)?;
        Some(Self { seq, chain, previous, key_id, torn, signed })
    }

    /// Ends a line that is written up to where it is signed.
    pub(super) fn end(line: &mut Vec<u8>, chain: &Link) {
        line.extend_from_slice(CHAIN.as_bytes());
        line.extend_from_slice(chain.to_string().as_bytes());
        line.extend_from_slice(b"\"}\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_signed_up_to_their_link() {
        let mut line = br#"{"seq":7,"phase":"intent","message":",\"chain\":\"x"#.to_vec();
        line.push(b'"');
        let signed = line.len();
        Stamp::end(&mut line, &Link::GENESIS);
        let stamp = Stamp::of(line.strip_suffix(b"\n").unwrap()).unwrap();
        assert_eq!((stamp.seq, stamp.signed, stamp.previous), (7, signed, None));
        for text in ["", "{}", "{\"seq\":1}", "{\"seq\":1,\"chain\":\"00\"}", "\"}", "é\"}"] {
            assert_eq!(Stamp::of(text.as_bytes()), None, "{text}");
        }
        // A member twice is not a line of ours.
        let twice = String::from_utf8(line).unwrap().replace("\"seq\":7", "\"seq\":7,\"seq\":8");
        assert_eq!(Stamp::of(twice.trim_end().as_bytes()), None);
    }
}
