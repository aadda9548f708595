//! What the lab's web page says of its visitor.

use serde_json::Value;

/// The page `/whoami`.
#[derive(Debug)]
pub struct Page {
    /// Apache's REMOTE_USER: the ticket's client.
    pub remote_user: String,
    /// The query that was asked with.
    pub query: String,
    /// sAMAccountName in the ticket's PAC, as mod_auth_gssapi shows it.
    pub pac_account: Option<String>,
}

/// Reads the page: lines `NAME=value`.
///
/// # Panics
/// If a line is missing.
#[must_use]
pub fn page(text: &str) -> Page {
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).to_owned()
    };
    Page {
        remote_user: value("REMOTE_USER"),
        query: value("QUERY_STRING"),
        pac_account: account(&value("GSS_NAME_ATTRS_JSON")),
    }
}

/// sAMAccountName from `urn:mspac:upn-dns-info` (MS-PAC 2.10), which MIT shows as raw bytes.
fn account(json: &str) -> Option<String> {
    let json: Value = serde_json::from_str(json).ok()?;
    let raw = json["attributes"]["urn:mspac:upn-dns-info"]["values"][0]["raw"].as_str()?;
    let bytes = decode_base64(raw)?;
    let word =
        |at: usize| Some(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]) as usize);
    let (length, offset) = (word(12)?, word(14)?);
    let units = bytes.get(offset..offset + length)?.chunks_exact(2);
    let units: Vec<u16> = units.map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
    String::from_utf16(&units).ok()
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    use base64ct::{Base64, Encoding};
    Base64::decode_vec(text).ok()
}
