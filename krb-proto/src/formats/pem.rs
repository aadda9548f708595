use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::ber::from_base64;

/// So many blocks are read of one file.
const MAX_BLOCKS: usize = 64;

/// What the blocks of a PEM text with one of these labels hold (RFC 7468), such as `CERTIFICATE` or
/// `PRIVATE KEY`, in order; blocks of other labels, and what stands between blocks, are passed over.
/// `None` if a block has no end or is no base64, or there are more than 64.
#[must_use]
pub fn read_pem(text: &str, labels: &[&str]) -> Option<Vec<Zeroizing<Vec<u8>>>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, begun)) = rest.split_once("-----BEGIN ") {
        let (label, body) = begun.split_once("-----")?;
        let (body, behind) = body.split_once("-----END ")?;
        rest = behind.strip_prefix(label)?.strip_prefix("-----")?;
        if labels.contains(&label) {
            found.push(from_base64(body.as_bytes())?);
        }
        if found.len() > MAX_BLOCKS {
            return None;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use std::assert_eq;
    use std::string::String;
    use std::vec::Vec;

    use super::*;

    fn read(text: &str, labels: &[&str]) -> Option<Vec<Vec<u8>>> {
        Some(read_pem(text, labels)?.iter().map(|block| block.to_vec()).collect())
    }

    #[test]
    fn blocks_are_found_by_their_labels() {
        let text = "Bag Attributes\n-----BEGIN A-----\nYWJj\r\nZGVm\n-----END A-----\n\
            -----BEGIN B B-----\nZw==\n-----END B B-----\n-----BEGIN A-----\naA==\n-----END A-----";
        assert_eq!(read(text, &["A"]).unwrap(), [&b"abcdef"[..], b"h"]);
        assert_eq!(read(text, &["B B", "C"]).unwrap(), [b"g"]);
        assert_eq!(read("", &["A"]).unwrap(), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for text in [
            "-----BEGIN A-----\nYWJj\n",
            "-----BEGIN A-----\nYWJj\n-----END B-----",
            "-----BEGIN A-----\nYW*j\n-----END A-----",
            "-----BEGIN A-----\n-----END A-----",
            "-----BEGIN A",
        ] {
            assert_eq!(read(text, &["A"]), None, "{text:?}");
        }
        let one = "-----BEGIN A-----\nYWJj\n-----END A-----\n";
        let many: String = core::iter::repeat_n(one, MAX_BLOCKS + 1).collect();
        assert_eq!(read(&many, &["A"]), None);
    }
}
