//! Claims as Windows Server 2022 sent them: PACs from Samba's
//! `python/samba/tests/krb5/claims_in_pac.py`, which cites the values too.

use std::vec;
use std::vec::Vec;

use super::*;
use crate::iana::PacBufferType;
use crate::pac::xpress_huffman::compress;

const WINDOWS: &str = include_str!("../../../vectors/windows-2022-claims.txt");

pub(super) fn windows(name: &str) -> Vec<u8> {
    vector(WINDOWS, name)
}

fn buffer(pac: &[u8], kind: PacBufferType) -> Vec<u8> {
    Pac::parse(pac).unwrap().find(kind).unwrap().1.to_vec()
}

fn read(name: &str) -> ClaimsSet {
    ClientClaims::from_bytes(&buffer(&windows(name), ClientClaims::TYPE)).unwrap().0
}

fn strings(values: &[&str]) -> ClaimValues {
    ClaimValues::String(values.iter().map(ToString::to_string).collect())
}

#[test]
fn claims_are_what_they_were_in_the_directory() {
    let plain = read("plain");
    assert_eq!(plain.arrays.len(), 1);
    assert_eq!(plain.arrays[0].source, ClaimsSource::AD);
    let claims: Vec<_> = plain.iter().map(|claim| (&claim.id[..], claim.values.clone())).collect();
    let expected = [
        ("720fd3c3_9", ClaimValues::Boolean(vec![true])),
        ("720fd3c3_7", strings(&["foo", "bar", "baz"])),
        ("720fd3c3_8", ClaimValues::UInt64(vec![655_369, 65_543, 65_542, 65_536])),
    ];
    assert_eq!(claims, expected);

    let int64 = read("int64");
    let claim =
        Claim { id: "a claim".into(), values: ClaimValues::Int64(vec![3, 42, -999, 1000, 20_000]) };
    assert_eq!(int64.iter().collect::<Vec<_>>(), [&claim]);
}

#[test]
fn compressed_claims_are_read_and_written() {
    let claims = read("compressed");
    let [first, second, third, fourth, _] = &claims.arrays[0].claims[..] else { panic!() };
    assert_eq!((&first.id[..], &first.values), ("720fd3c3_4", &ClaimValues::Boolean(vec![true])));
    let ClaimValues::String(values) = &second.values else { panic!() };
    assert_eq!(values[..3], ["A first value.", "A second value.", "A third value."]);
    assert_eq!(values.len(), 4);
    let names = [
        "DC=win22,DC=example,DC=com",
        "CN=Users,DC=win22,DC=example,DC=com",
        "CN=Computers,DC=win22,DC=example,DC=com",
    ];
    assert_eq!(third.values, strings(&names));
    assert_eq!(fourth.values, ClaimValues::UInt64(vec![655_369, 65_543, 65_542, 65_536]));
    let ours = ClientClaims(claims.clone()).to_bytes().unwrap();
    // 8232 bytes of NDR; Windows made 553 of them.
    assert!(ours.len() < 700, "{}", ours.len());
    assert_eq!(ClientClaims::from_bytes(&ours).unwrap().0, claims);
    assert_eq!(DeviceClaims::from_bytes(&ours).unwrap().0, claims);
}

#[test]
fn no_claims_are_no_bytes() {
    let none = ClientClaims(ClaimsSet::default());
    assert_eq!(none.to_bytes(), Ok(vec![]));
    assert_eq!(ClientClaims::from_bytes(&[]), Ok(none));
}

/// CLAIMS_SET_METADATA with a set in a format of our choice, which says that it stands for `size`
/// bytes.
fn metadata(format: u16, size: u32, set: &[u8]) -> Vec<u8> {
    let mut ndr = ndr::Writer::new();
    let pointer = ndr.counted_pointer(set.len(), "");
    ndr.u16(format);
    ndr.u32(size);
    ndr.reserved();
    ndr.octets(pointer, set);
    ndr.finish().unwrap()
}

#[test]
fn claims_decompress_to_at_most_a_megabyte() {
    let limit = MAX_UNCOMPRESSED_CLAIMS;
    for (size, expected) in [
        (limit - 1, PacErrorKind::BadHeader), // zeros are no NDR, but they are decompressed
        (limit, PacErrorKind::BadHeader),
        (limit + 1, PacErrorKind::TooLarge),
    ] {
        let zeros = compress(&vec![0; size]);
        assert!(zeros.len() < 5000, "{}", zeros.len());
        let buffer = metadata(4, size as u32, &zeros);
        assert_eq!(ClientClaims::from_bytes(&buffer).unwrap_err().kind, expected, "{size}");
    }
    let text = |units| {
        let claim = Claim { id: "x".into(), values: ClaimValues::String(vec!["y".repeat(units)]) };
        let arrays = vec![ClaimsArray { source: ClaimsSource::AD, claims: vec![claim] }];
        ClientClaims(ClaimsSet { arrays })
    };
    let most = (limit - metadata_size(&text(0))) / 2;
    assert!(text(most).to_bytes().is_ok());
    assert_eq!(text(most + 4).to_bytes().unwrap_err().kind, PacErrorKind::TooLarge);
}

/// ulUncompressedClaimsSetSize.
fn metadata_size(claims: &ClientClaims) -> usize {
    let bytes = claims.to_bytes().unwrap();
    u32::from_le_bytes(bytes[32..36].try_into().unwrap()) as usize
}

#[test]
fn small_claims_are_not_compressed() {
    let claims = |units| {
        let values = ClaimValues::String(vec!["é".repeat(units)]);
        let claims = vec![Claim { id: "x".into(), values }];
        ClientClaims(ClaimsSet { arrays: vec![ClaimsArray { source: ClaimsSource::AD, claims }] })
    };
    for units in 0..300 {
        let bytes = claims(units).to_bytes().unwrap();
        let compressed = metadata_size(&claims(units)) >= 384;
        assert_eq!(bytes[28], if compressed { 4 } else { 0 }, "{units}");
        assert_eq!(ClientClaims::from_bytes(&bytes), Ok(claims(units)));
    }
}

#[test]
fn other_compression_and_bent_sizes_are_refused() {
    let plain = buffer(&windows("plain"), ClientClaims::TYPE);
    let set = &plain[52..52 + 0x158];
    let size = set.len() as u32;
    let kind = |buffer: &[u8]| ClientClaims::from_bytes(buffer).map_err(|error| error.kind);
    assert_eq!(metadata(0, size, set), plain);
    for format in [1, 2, 3, 5, 0x8000] {
        let result = kind(&metadata(format, size, set));
        assert_eq!(result, Err(PacErrorKind::UnsupportedCompression), "{format}");
    }
    assert_eq!(kind(&metadata(0, size + 1, set)), Err(PacErrorKind::BadLength));
    let packed = compress(set);
    assert!(kind(&metadata(4, size, &packed)).is_ok());
    for wrong in [0, size - 1, size + 1] {
        assert_eq!(kind(&metadata(4, wrong, &packed)), Err(PacErrorKind::BadCompression));
    }
}

#[test]
fn claims_of_no_type_are_refused() {
    let plain = buffer(&windows("plain"), ClientClaims::TYPE);
    let set = &plain[52..52 + 0x158];
    let kind = |at: usize, byte: u8| {
        let mut bent = set.to_vec();
        bent[at] = byte;
        let result = ClientClaims::from_bytes(&metadata(0, set.len() as u32, &bent));
        result.map_err(|error| error.kind)
    };
    // The first entry stands behind the headers, CLAIMS_SET, and an array of one CLAIMS_ARRAY.
    let entry = 16 + 4 + 20 + 4 + 12 + 4;
    assert_eq!(set[entry + 4..entry + 8], [6, 0, 6, 0]);
    assert_eq!(kind(entry + 6, 3), Err(PacErrorKind::BadValue), "the discriminant differs");
    // One value behind the first claim's id: the count, aligned to 8, then "true".
    let value = set.windows(16).position(|w| w == [1, 0, 0, 0, 0, 0, 0, 0].repeat(2)).unwrap();
    assert!(kind(value + 8, 0).is_ok());
    assert_eq!(kind(value + 8, 2), Err(PacErrorKind::BadValue), "neither true nor false");
    for text in ["nul\0", "\0", "n\0ul"] {
        let claims = vec![Claim { id: text.into(), values: ClaimValues::Int64(vec![]) }];
        let arrays = vec![ClaimsArray { source: ClaimsSource::CERTIFICATE, claims }];
        let error = ClientClaims(ClaimsSet { arrays }).to_bytes().unwrap_err();
        assert_eq!(error.kind, PacErrorKind::BadText);
    }
}
