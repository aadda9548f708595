//! What the reader refuses, with the offset it names; what the writer writes.

use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use DecodeErrorKind as Kind;

sequence! {
    /// A type of the tests.
    #[allow(unreachable_pub)]
    pub struct Sample<'a>: [APPLICATION 5] {
        [0] version: Int<5>,
        [1] number: Option<UInt32>,
        [2] names: List<'a, KerberosString<'a>>,
        [3] flags: Option<KerberosFlags<'a>>,
    }
}

fn kind(bytes: &[u8]) -> (Kind, usize, &'static str) {
    let error = decode::<Sample<'_>>(bytes).unwrap_err();
    (error.kind, error.offset, error.field)
}

const VALID: &[u8] = &[
    0x65, 0x12, 0x30, 0x10, 0xa0, 0x03, 0x02, 0x01, 0x05, 0xa2, 0x09, 0x30, 0x07, 0x1b, 0x01, b'a',
    0x1b, 0x02, b'b', b'c',
];

#[test]
fn a_valid_value_round_trips() {
    let value: Sample<'_> = decode(VALID).unwrap();
    assert_eq!(value.number, None);
    let names: Vec<_> = value.names.iter().map(|name| name.0).collect();
    assert_eq!(names, [&b"a"[..], b"bc"]);
    assert_eq!(encode(&value), VALID);
}

#[test]
fn every_truncation_is_refused() {
    for end in 0..VALID.len() {
        assert!(decode::<Sample<'_>>(&VALID[..end]).is_err());
    }
}

#[test]
fn what_is_not_der_is_refused_where_it_stands() {
    let changed = |at: usize, to: &[u8]| {
        let mut bytes = VALID.to_vec();
        bytes.splice(at..at + 1, to.iter().copied());
        bytes
    };
    let (tag, expected) = (0x66, 0x65);
    assert_eq!(kind(&changed(0, &[tag])).0, Kind::UnexpectedTag { expected, found: tag });
    assert_eq!(kind(&changed(1, &[0x80])), (Kind::IndefiniteLength, 1, ""));
    assert_eq!(kind(&changed(1, &[0x81, 0x12])), (Kind::BadLength, 1, ""));
    assert_eq!(kind(&changed(1, &[0x82, 0x00, 0x12])), (Kind::BadLength, 1, ""));
    assert_eq!(kind(&changed(1, &[0x85, 0, 0, 0, 0, 0x12])), (Kind::BadLength, 1, ""));
    assert_eq!(kind(&changed(1, &[0x13])).0, Kind::Truncated);
    assert_eq!(kind(&[VALID, &[0]].concat()), (Kind::TrailingData, 20, ""));
    assert_eq!(kind(&changed(8, &[0x04])), (Kind::WrongConstant, 8, "Sample.version"));
    // A surplus byte inside a member.
    let surplus = [&[0x65, 0x13, 0x30, 0x11, 0xa0, 0x04, 2, 1, 5, 0][..], &VALID[9..]].concat();
    assert_eq!(kind(&surplus), (Kind::TrailingData, 9, "Sample.version"));
}

#[test]
fn a_fault_does_not_say_where_memory_lies() {
    let fault = Reader::new(VALID).enter(0x66).unwrap_err();
    let shown = std::format!("{fault:?}");
    assert_eq!(shown, "Fault(UnexpectedTag { expected: 102, found: 101 }, \"\")");
    // Nor does an error that was made with another input than the fault's.
    assert!(fault.within(&[1, 2, 3]).offset <= 3);
}

#[test]
fn integers_must_be_minimal_and_in_range() {
    for (bytes, expected) in [
        (&[2, 0][..], Err(Kind::NonMinimalInteger)),
        (&[2, 2, 0, 5], Err(Kind::NonMinimalInteger)),
        (&[2, 2, 0xff, 0x80], Err(Kind::NonMinimalInteger)),
        (&[2, 5, 0, 0xff, 0xff, 0xff, 0xff], Ok(u32::MAX)),
        (&[2, 1, 0xff], Ok(u32::MAX)), // the same kvno, written by a peer that thinks it is signed
        (&[2, 4, 0x80, 0, 0, 0], Ok(0x8000_0000)),
        (&[2, 5, 1, 0, 0, 0, 0], Err(Kind::IntegerOutOfRange)),
        (&[2, 5, 0xff, 0x7f, 0xff, 0xff, 0xff], Err(Kind::IntegerOutOfRange)),
        (&[2, 6, 1, 0, 0, 0, 0, 0], Err(Kind::IntegerOutOfRange)),
    ] {
        let decoded = decode::<UInt32>(bytes);
        assert_eq!(decoded.map(UInt32::get).map_err(|error| error.kind), expected, "{bytes:02x?}");
        if let Ok(value) = decoded {
            assert_eq!(encode(&value), bytes, "re-encoded untouched");
        }
    }
    assert_eq!(decode::<Microseconds>(&[2, 3, 0x0f, 0x42, 0x3f]).unwrap().0, 999_999);
    assert!(decode::<Microseconds>(&[2, 3, 0x0f, 0x42, 0x40]).is_err());
    assert!(decode::<Microseconds>(&[2, 1, 0xff]).is_err());
}

#[test]
fn flags_of_any_length_keep_their_bytes() {
    for (bytes, bits) in [
        (&[3, 5, 0, 0x40, 0, 0, 0x10][..], 0x4000_0010),
        (&[3, 1, 0], 0),
        (&[3, 2, 4, 0x50], 0x5000_0000),
        (&[3, 6, 0, 1, 2, 3, 4, 5], 0x0102_0304),
    ] {
        let flags: KerberosFlags<'_> = decode(bytes).unwrap();
        assert_eq!(flags.bits(), bits);
        assert_eq!(encode(&flags), bytes);
    }
    for bytes in [&[3, 0][..], &[3, 1, 1], &[3, 2, 8, 0], &[3, 2, 1, 1]] {
        assert!(decode::<KerberosFlags<'_>>(bytes).is_err(), "{bytes:02x?}");
    }
}

#[test]
fn lists_are_capped() {
    let list = |count: usize| {
        let numbers = vec![7i32; count];
        encode(&List::of(&numbers))
    };
    for count in [0, 1, MAX_ELEMENTS - 1, MAX_ELEMENTS] {
        assert_eq!(decode::<List<'_, i32>>(&list(count)).unwrap().iter().count(), count);
    }
    let error = decode::<List<'_, i32>>(&list(MAX_ELEMENTS + 1)).unwrap_err();
    assert_eq!(error.kind, Kind::TooManyElements);
    // 1 MB of 300 000 elements is refused after MAX_ELEMENTS of them, not after all: the error
    // stands at the first element beyond the cap.
    let error = decode::<List<'_, i32>>(&list(300_000)).unwrap_err();
    assert_eq!(error.offset, 5 + 3 * MAX_ELEMENTS);
}

#[test]
fn the_writer_takes_values_of_every_length_form() {
    for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536, 70_000] {
        let octets = vec![0x5a; length];
        let der = encode(&octets.as_slice());
        assert_eq!(decode::<&[u8]>(&der).unwrap(), octets);
    }
}

/// A value of each type with one tag, and the same behind an IMPLICIT and behind an EXPLICIT one.
macro_rules! primitives_round_trip {
    ($source:ident: $($type:ty),+ $(,)?) => {$(
        let value = <$type as crate::der::Sample<'_>>::sample(&mut Source($source));
        let der = encode(&value);
        prop_assert_eq!(value.encoded_len(), der.len(), "{}", stringify!($type));
        let decoded = decode::<$type>(&der);
        prop_assert!(decoded.is_ok(), "{}: {:?}", stringify!($type), decoded);
        prop_assert_eq!(decoded.unwrap(), value);
        // The same type of another class, and an octet too many in front or behind.
        for class in [0x40, 0x80, 0xc0] {
            let mut other = der.clone();
            other[0] |= class;
            let refused = decode::<$type>(&other).unwrap_err();
            let (expected, found) = (der[0], other[0]);
            prop_assert_eq!((refused.kind, refused.offset), (Kind::UnexpectedTag { expected, found }, 0));
        }
        let behind = decode::<$type>(&[&der[..], &[0]].concat()).unwrap_err();
        prop_assert_eq!((behind.kind, behind.offset), (Kind::TrailingData, der.len()));
        for end in 0..der.len() {
            prop_assert_eq!(decode::<$type>(&der[..end]).unwrap_err().kind, Kind::Truncated);
        }
        // Explicitly tagged, in short and in long form.
        let mut writer = Writer::new();
        value.encode_explicit(&mut writer, 0xa3);
        let explicit = read(writer.as_slice(), |reader| <$type>::decode_explicit(reader, 0xa3));
        prop_assert_eq!(explicit.unwrap(), value);
    )+};
}

proptest! {
    #[test]
    fn primitives_round_trip(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let source: &[u8] = keep(bytes.into());
        primitives_round_trip!(
            source: i32, UInt32, Microseconds, Enumerated, bool, &[u8], KerberosString<'_>,
            Utf8String<'_>, BitString<'_>, BigUnsigned<'_>, Oid<'_>, crate::KerberosTime,
            KerberosFlags<'_>, Int<5>, List<'_, i32>, List<'_, KerberosString<'_>>,
        );
    }
}

proptest! {
    #[test]
    fn integers_round_trip(value: i32, unsigned: u32) {
        prop_assert_eq!(decode::<i32>(&encode(&value)).unwrap(), value);
        prop_assert_eq!(decode::<UInt32>(&encode(&UInt32::new(unsigned))).unwrap().get(), unsigned);
    }

    #[test]
    fn whatever_is_accepted_is_written_back_byte_for_byte(
        bytes in proptest::collection::vec(any::<u8>(), 0..64),
        at in 0..VALID.len(),
    ) {
        let mut mixed = VALID.to_vec();
        mixed.splice(at.., bytes);
        if let Ok(value) = decode::<Sample<'_>>(&mixed) {
            prop_assert_eq!(encode(&value), mixed);
        }
    }
}

sequence! {
    /// As X.509 and CMS declare theirs: members without tags.
    #[allow(unreachable_pub)]
    pub struct Untagged<'a> {
        [] key: BitString<'a>,
        [0 IMPLICIT] set: Option<SetOf<'a, Any<'a>>>,
        [] last: Any<'a>,
    }
}

#[test]
fn members_without_tags_and_opaque_ones() {
    let bytes = [0x30, 0x0f, 3, 2, 0, 0xaa, 0xa0, 5, 5, 0, 4, 1, 7, 0x31, 2, 5, 0];
    let value: Untagged<'_> = decode(&bytes).unwrap();
    let elements = [Any(&[5, 0]), Any(&[4, 1, 7])];
    assert_eq!((value.key, value.last), (BitString(&[0xaa]), Any(&[0x31, 2, 5, 0])));
    assert_eq!(value.set, Some(SetOf::set_of(&elements)));
    assert_eq!(encode(&value), bytes);
    assert_eq!(encode(&SetOf::set_of(&elements)), [0x31, 5, 5, 0, 4, 1, 7]);

    let kind = |bytes: &[u8]| decode::<Untagged<'_>>(bytes).unwrap_err().kind;
    assert_eq!(kind(&[0x30, 6, 3, 2, 1, 0xaa, 5, 0]), Kind::BadBitString, "7 bits");
    assert_eq!(kind(&[0x30, 4, 3, 0, 5, 0]), Kind::BadBitString, "no count of unused bits");
    assert_eq!(kind(&[0x30, 4, 3, 2, 0, 0xaa]), Kind::Truncated, "nothing where a value is due");
    assert_eq!(kind(&[0x30, 6, 3, 2, 0, 0xaa, 5, 1]), Kind::Truncated);
}

#[test]
fn big_numbers_are_positive_and_minimal() {
    for (bytes, octets) in [
        (&[2, 1, 1][..], &[1][..]),
        (&[2, 1, 0x7f], &[0x7f]),
        (&[2, 2, 0, 0x80], &[0x80]),
        (&[2, 3, 0, 0xff, 0], &[0xff, 0]),
    ] {
        let value: BigUnsigned<'_> = decode(bytes).unwrap();
        assert_eq!(value.octets(), octets);
        assert_eq!(encode(&value), bytes);
        assert_eq!(BigUnsigned::new(&[&[0, 0], octets].concat()), value);
    }
    for (bytes, kind) in [
        (&[2, 1, 0][..], Kind::IntegerOutOfRange),
        (&[2, 1, 0x80], Kind::IntegerOutOfRange),
        (&[2, 0], Kind::NonMinimalInteger),
        (&[2, 2, 0, 0x7f], Kind::NonMinimalInteger),
        (&[2, 2, 0, 0], Kind::NonMinimalInteger),
    ] {
        assert_eq!(decode::<BigUnsigned<'_>>(bytes).unwrap_err().kind, kind, "{bytes:?}");
    }
}
