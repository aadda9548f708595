//! PRELOGIN (MS-TDS 2.2.6.5), which asks for encryption of the whole session.

use super::channel::Lost;

const VERSION: u8 = 0;
const ENCRYPTION: u8 = 1;
const INSTANCE: u8 = 2;
const TERMINATOR: u8 = 0xff;
const ENCRYPT_ON: u8 = 1;

/// What the server says of encryption.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Encryption {
    /// Of everything.
    On,
    /// Of the login, or of nothing.
    Less,
}

/// ENCRYPT_ON, an instance without a name, no MARS.
pub(in super::super) fn prelogin() -> Vec<u8> {
    let values: [(u8, &[u8]); 3] =
        [(VERSION, &[0, 0, 0, 0, 0, 0]), (ENCRYPTION, &[ENCRYPT_ON]), (INSTANCE, &[0])];
    // Five bytes for each, and the end.
    let mut offset = 16_u8;
    let (mut body, mut content) = (Vec::new(), Vec::new());
    for (option, value) in values {
        // None is longer than six bytes.
        #[expect(clippy::cast_possible_truncation, reason = "constants")]
        let length = value.len() as u8;
        body.extend_from_slice(&[option, 0, offset, 0, length]);
        content.extend_from_slice(value);
        offset += length;
    }
    body.push(TERMINATOR);
    body.extend_from_slice(&content);
    body
}

/// The answer.
pub(in super::super) fn answered(body: &[u8]) -> Result<Encryption, Lost> {
    let mut options = body;
    while let [option, o1, o2, l1, l2, behind @ ..] = options {
        if *option == TERMINATOR {
            break;
        }
        let start = usize::from(u16::from_be_bytes([*o1, *o2]));
        let length = usize::from(u16::from_be_bytes([*l1, *l2]));
        if *option == ENCRYPTION {
            let value = body.get(start..start + length);
            return match value {
                // ENCRYPT_REQ is its own demand, which is ours.
                Some([ENCRYPT_ON | 3]) => Ok(Encryption::On),
                Some([0 | 2]) => Ok(Encryption::Less),
                _ => Err(Lost::Wrong("its PRELOGIN says nothing of encryption")),
            };
        }
        options = behind;
    }
    Err(Lost::Wrong("its PRELOGIN says nothing of encryption"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encryption_of_everything_is_asked_for_and_taken_and_nothing_less() {
        let asked = prelogin();
        assert_eq!(asked[..16], [0, 0, 16, 0, 6, 1, 0, 22, 0, 1, 2, 0, 23, 0, 1, 0xff]);
        assert_eq!(answered(&asked), Ok(Encryption::On));
        for (says, expected) in [(0, Encryption::Less), (2, Encryption::Less), (3, Encryption::On)]
        {
            let mut answer = asked.clone();
            answer[22] = says;
            assert_eq!(answered(&answer), Ok(expected), "{says}");
        }
        for length in 0..23 {
            assert!(answered(&asked[..length]).is_err(), "{length}");
        }
        let mut unknown = asked;
        unknown[22] = 9;
        assert!(answered(&unknown).is_err());
    }
}
