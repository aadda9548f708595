use std::vec;

use super::*;

const FLAGS: GssFlags = GssFlags(GssFlags::DELEG.0 | GssFlags::INTEG.0);

fn extension(number: u32, value: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes()[..], &(value.len() as u32).to_be_bytes(), value].concat()
}

fn with(delegated: Option<&[u8]>, extensions: &[u8]) -> Vec<u8> {
    [&encode(None, FLAGS, delegated, None).unwrap()[..], extensions].concat()
}

#[test]
fn the_fields_stand_where_rfc_4121_puts_them() {
    let checksum = with(Some(b"KRB-CRED"), &extension(1, b"abc"));
    let expected = [
        &[16, 0, 0, 0][..],
        &[0; 16],
        &[0x21, 0, 0, 0],
        &[1, 0, 8, 0],
        b"KRB-CRED",
        &[0, 0, 0, 1, 0, 0, 0, 3],
        b"abc",
    ];
    assert_eq!(checksum, expected.concat());
    let fields = parse(&checksum).unwrap();
    assert_eq!((fields.bound, fields.flags), (UNBOUND, FLAGS));
    assert_eq!(fields.delegated, Some(&b"KRB-CRED"[..]));
    assert_eq!(fields.extensions.collect::<Vec<_>>(), [(1, &b"abc"[..])]);
}

/// Wherever it is cut, but behind a whole field, it is refused.
#[test]
fn every_truncation_is_refused() {
    let extensions = [extension(1, b"abc"), extension(7, b"")].concat();
    let checksum = with(Some(b"KRB-CRED"), &extensions);
    let whole = [24, 24 + 12, 24 + 12 + 11, checksum.len()];
    for end in 0..checksum.len() {
        let parsed = parse(&checksum[..end]);
        assert_eq!(parsed.is_ok(), whole.contains(&end), "length {end}");
    }
    assert_eq!(parse(&checksum[..24]).map(|fields| fields.flags), Ok(GssFlags::INTEG));
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    for bindings in [0, 15, 17, u32::MAX] {
        let mut checksum = with(None, b"");
        checksum[..4].copy_from_slice(&bindings.to_le_bytes());
        assert_eq!(parse(&checksum), Err(GssError::BadChecksum));
    }
    for (length, expected) in [(7, false), (8, true), (9, false), (u16::MAX, false)] {
        let mut checksum = with(Some(b"KRB-CRED"), b"");
        checksum[26..28].copy_from_slice(&length.to_le_bytes());
        assert_eq!(parse(&checksum).is_ok(), expected, "{length}");
    }
    for (length, expected) in [(2_u32, false), (3, true), (4, false), (u32::MAX, false)] {
        let mut extension = extension(1, b"abc");
        extension[4..8].copy_from_slice(&length.to_be_bytes());
        let checksum = with(Some(b"KRB-CRED"), &extension);
        assert_eq!(parse(&checksum).is_ok(), expected, "{length}");
    }
    let mut checksum = with(Some(b"KRB-CRED"), b"");
    checksum[24] = 2;
    assert_eq!(parse(&checksum), Err(GssError::BadChecksum), "another option than delegation");
}

/// Without the flag nothing is a delegated credential: what follows are extensions.
#[test]
fn the_flag_decides_what_follows() {
    let mut checksum = with(Some(b"KRB-CRED"), b"");
    checksum[20] = 0x20;
    assert_eq!(parse(&checksum), Err(GssError::BadChecksum));
    let mut checksum = with(None, &extension(1, b"abc"));
    checksum[20] = 0x20;
    let fields = parse(&checksum).unwrap();
    assert_eq!((fields.delegated, fields.extensions.count()), (None, 1));
}

#[test]
fn a_delegated_credential_has_less_than_64_kilobytes() {
    let limit = usize::from(u16::MAX);
    let longest = with(Some(&vec![7; limit]), b"");
    assert_eq!(parse(&longest).unwrap().delegated.map(<[u8]>::len), Some(limit));
    let error = encode(None, FLAGS, Some(&vec![7; limit + 1]), None);
    assert_eq!(error, Err(GssError::DelegationTooLong));
}

proptest::proptest! {
    #[test]
    fn what_is_read_is_all_there_is(mut checksum: Vec<u8>, framed: bool) {
        if framed && checksum.len() >= 4 {
            checksum[..4].copy_from_slice(&BINDINGS);
        }
        if let Ok(fields) = parse(&checksum) {
            let delegated = fields.delegated.map_or(0, |message| 4 + message.len());
            let extensions: usize = fields.extensions.map(|(_, value)| 8 + value.len()).sum();
            proptest::prop_assert_eq!(24 + delegated + extensions, checksum.len());
        }
    }
}
