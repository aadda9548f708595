//! Where a chain ends, signed: to be kept where whoever can change the log cannot.

use krb_client::proto::Timestamp;
use serde::Deserialize;

use super::chain::{ChainKey, Link};
use super::record::rfc3339;

const MAC: &str = ",\"mac\":\"";

/// The end of a chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct End {
    /// The number of the last record, from 1; 0 before the first.
    pub(super) seq: u64,
    pub(super) chain: Link,
}

impl End {
    pub(super) const GENESIS: Self = Self { seq: 0, chain: Link::GENESIS };
}

/// A line that says where a chain ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Head {
    pub(super) end: End,
    pub(super) time: String,
    pub(super) key_id: String,
    signed: String,
    mac: Link,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    timestamp: String,
    seq: u64,
    chain: String,
    key_id: String,
    mac: String,
}

impl Head {
    /// The line, without its end.
    pub(super) fn line(end: &End, key: &ChainKey, now: Timestamp) -> String {
        let (time, id) = (rfc3339(now), key.id());
        let End { seq, chain } = end;
        let signed = format!(
            r#"{{"timestamp":"{time}","phase":"checkpoint","seq":{seq},"chain":"{chain}","keyId":"{id}""#
        );
        let mac = key.sign(signed.as_bytes());
        format!("{signed}{MAC}{mac}\"}}")
    }

    /// Reads a line; whatever stands before the object (as a syslog daemon puts it there) is passed
    /// over. `None` if it holds none.
    pub(super) fn of(line: &str) -> Option<Self> {
        let line = &line[line.find("{\"timestamp\"")?..];
        let line = &line[..=line.rfind('}')?];
        let members: Members = serde_json::from_str(line).ok()?;
        let signed = line.rfind(MAC).map(|at| line[..at].to_owned())?;
        Some(Self {
            end: End { seq: members.seq, chain: members.chain.parse().ok()? },
            time: members.timestamp,
            key_id: members.key_id,
            mac: members.mac.parse().ok()?,
            signed,
        })
    }

    /// Whether the key signed it.
    pub(super) fn is_by(&self, key: &ChainKey) -> bool {
        self.key_id == key.id() && self.mac.is(&key.sign(self.signed.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_believed_from_their_key_only() {
        let key = ChainKey::new(&"k".repeat(32)).unwrap();
        let end = End { seq: 12, chain: key.link(&Link::GENESIS, b"x") };
        let line = Head::line(&end, &key, Timestamp::new(1_700_000_040, 0));
        let head = Head::of(&format!("Nov 14 22:14:00 host krb-mcp[7]: {line}\n")).unwrap();
        assert_eq!((head.end, &*head.time), (end, "2023-11-14T22:14:00.000Z"));
        assert!(head.is_by(&key));
        assert!(!head.is_by(&ChainKey::none()));
        let changed = line.replace("\"seq\":12", "\"seq\":11");
        assert!(!Head::of(&changed).unwrap().is_by(&key));
        for text in ["", "{\"timestamp\"", "{\"timestamp\":1}", "é{\"timestamp\"é}"] {
            assert_eq!(Head::of(text), None, "{text}");
        }
    }
}
