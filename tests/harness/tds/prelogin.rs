//! PRELOGIN (MS-TDS 2.2.6.5).

use std::io::Result;

use super::packet::wrong;

const VERSION: u8 = 0;
const ENCRYPTION: u8 = 1;
const INSTANCE: u8 = 2;
const MARS: u8 = 4;
const END: u8 = 0xff;

pub(super) const OFF: u8 = 0;
pub(super) const ON: u8 = 1;
pub(super) const NOT_SUPPORTED: u8 = 2;
pub(super) const REQUIRED: u8 = 3;

/// Which encryption the client asks for.
pub(super) fn read(body: &[u8]) -> Result<u8> {
    let mut options: Vec<(u8, &[u8])> = Vec::new();
    let mut at = 0;
    loop {
        let head = body.get(at..at + 5);
        match (body.get(at), head) {
            (Some(&END), _) => break,
            (_, Some(&[kind, o1, o2, l1, l2])) => {
                let start = usize::from(u16::from_be_bytes([o1, o2]));
                let length = usize::from(u16::from_be_bytes([l1, l2]));
                let value = body.get(start..start + length);
                let value = value.ok_or_else(|| wrong(format!("option {kind} lies outside")))?;
                if options.iter().any(|(known, _)| *known == kind) {
                    return Err(wrong(format!("option {kind} twice")));
                }
                options.push((kind, value));
                at += 5;
            }
            _ => return Err(wrong("PRELOGIN without TERMINATOR")),
        }
    }
    // 2.2.6.5: VERSION is required, and is the first.
    if !matches!(options.first(), Some((VERSION, version)) if version.len() == 6) {
        return Err(wrong("PRELOGIN does not begin with VERSION"));
    }
    let encryption = options.iter().find(|(kind, _)| *kind == ENCRYPTION);
    match encryption {
        Some((_, [asked @ (OFF | ON | NOT_SUPPORTED | REQUIRED)])) => Ok(*asked),
        Some((_, other)) => Err(wrong(format!("ENCRYPTION {other:02x?}"))),
        None => Err(wrong("PRELOGIN without ENCRYPTION")),
    }
}

/// The answer.
pub(super) fn answer(encryption: u8) -> Vec<u8> {
    let options: [(u8, &[u8]); 4] = [
        (VERSION, &[16, 0, 0x10, 0, 0, 0]),
        (ENCRYPTION, &[encryption]),
        (INSTANCE, &[0]),
        (MARS, &[0]),
    ];
    let (mut heads, mut values) = (Vec::new(), Vec::new());
    for (kind, value) in options {
        let offset = u16::try_from(5 * options.len() + 1 + values.len()).expect("short");
        heads.push(kind);
        heads.extend_from_slice(&offset.to_be_bytes());
        heads.extend_from_slice(&u16::try_from(value.len()).expect("short").to_be_bytes());
        values.extend_from_slice(value);
    }
    heads.push(END);
    [heads, values].concat()
}
