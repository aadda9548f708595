//! The examples of MS-XCA, what Windows compressed, and what nobody should have.

use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::pac::tests::vector;

/// A code with these lengths, and what follows it.
fn block(lengths: &[(usize, u8)], data: &[u8]) -> Vec<u8> {
    let mut table = vec![0; TABLE];
    for &(symbol, length) in lengths {
        table[symbol / 2] |= length << (4 * (symbol % 2));
    }
    [table, data.to_vec()].concat()
}

/// Windows' own, from Samba's `testdata/compression/compressed-huffman`.
const WINDOWS: &str = include_str!("../../../vectors/windows-xpress-huffman.txt");

#[test]
fn the_examples_of_ms_xca() {
    // MS-XCA 3.2: the alphabet, and "abc" a hundred times.
    let mut lengths: Vec<_> = (b'a'..=b'z').map(|letter| (letter.into(), 5)).collect();
    for four in [b'w', b'x', b'y', b'z'] {
        lengths[usize::from(four - b'a')].1 = 4;
    }
    lengths.push((END, 4));
    let data = [
        0xd8, 0x52, 0x3e, 0xd7, 0x94, 0x11, 0x5b, 0xe9, 0x19, 0x5f, 0xf9, 0xd6, 0x7c, 0xdf, 0x8d,
        0x04, 0, 0, 0, 0,
    ];
    let alphabet = b"abcdefghijklmnopqrstuvwxyz";
    assert_eq!(decompress(&block(&lengths, &data), 26).as_deref(), Ok(&alphabet[..]));

    let lengths = [(0x61, 3), (0x62, 3), (0x63, 2), (END, 2), (0x11f, 2)];
    let abc = b"abc".repeat(100);
    let example = block(&lengths, &[0xa8, 0xdc, 0, 0, 0xff, 0x26, 1]);
    assert_eq!(decompress(&example, 300), Ok(abc.clone()));
    assert_eq!(compress(&abc).len(), example.len());
}

#[test]
fn what_windows_compressed() {
    let line = b"GeUlS6yt/OZDw2NjxUMzLZJAhWQNq8ed8lTrZ9mDLpSAl0Fi\n";
    let lines: Vec<u8> = line.iter().copied().cycle().take(65_660).collect();
    for (name, plaintext) in [
        ("64k-minus-one-zeros", vec![0; 65_535]),
        ("64k-zeros", vec![0; 65_536]),
        ("64k-plus-one-zeros", vec![0; 65_537]), // a match over the block's end
        ("abc-times-101", b"abc".repeat(101)),
        ("abc-times-200", b"abc".repeat(200)),
        ("repeating-exactly-64k", lines[..65_536].to_vec()),
        ("repeating", lines), // a length of 32 bits
    ] {
        let compressed = vector(WINDOWS, name);
        assert!(decompress(&compressed, plaintext.len()) == Ok(plaintext.clone()), "{name}");
        for wrong in [0, 1, plaintext.len() - 1, plaintext.len() + 1, 1 << 20] {
            assert!(decompress(&compressed, wrong).is_err(), "{name} as {wrong}");
        }
        for end in 0..compressed.len() {
            assert!(decompress(&compressed[..end], plaintext.len()).is_err(), "{name} to {end}");
        }
        assert!(decompress(&compress(&plaintext), plaintext.len()) == Ok(plaintext));
    }
}

#[test]
fn codes_must_be_complete_and_prefix_free() {
    let run = |lengths: &[(usize, u8)]| decompress(&block(lengths, &[0; 4]), 1);
    // A zero bit is the first symbol, then the next is the end.
    assert_eq!(run(&[(65, 1), (END, 1)]), Err(MalformedCompression), "no mark of the end");
    let marked = block(&[(65, 1), (END, 1)], &[0, 0x40, 0, 0]);
    assert_eq!(decompress(&marked, 1), Ok(vec![65]));
    for lengths in [
        &[][..],
        &[(65, 1)],
        &[(65, 1), (66, 2)],
        &[(65, 1), (66, 1), (END, 1)],
        &[(65, 1), (66, 2), (67, 2), (END, 15)],
    ] {
        let data = [&block(lengths, &[]), &[0, 0x40, 0, 0][..]].concat();
        assert_eq!(decompress(&data, 1), Err(MalformedCompression), "{lengths:?}");
    }
}

#[test]
fn matches_stay_within_what_is_there() {
    // 'A', then a match of three at distance 1; the end. 0, 10, 11.
    let code = [(65, 1), (END, 2), (END + 0x10, 2)];
    let whole = |bits: u16| [block(&code, &bits.to_le_bytes()), vec![0; 2]].concat();
    // END stands for a match of three at distance 1 where the data do not end.
    assert_eq!(decompress(&whole(0b0101_0000_0000_0000), 4), Ok(vec![65; 4]));
    assert!(decompress(&whole(0b0101_0000_0000_0000), 3).is_err(), "over the end");
    assert!(decompress(&whole(0b1010_0000_0000_0000), 3).is_err(), "before the beginning");
    // Distance 2 + one bit, with one byte there.
    assert!(decompress(&whole(0b0110_1000_0000_0000), 4).is_err(), "before the beginning");
    // Lengths in more bytes than they need.
    let code = [(65, 1), (END, 2), (END + 15, 2)];
    let long = |extra: &[u8], length| {
        let bits = 0b0111_0000_0000_0000_u16.to_le_bytes();
        decompress(&[block(&code, &bits), vec![0; 2], extra.to_vec()].concat(), length)
    };
    assert_eq!(long(&[0], 1 + 3 + 15), Ok(vec![65; 19]));
    assert_eq!(long(&[255, 15, 0], 1 + 3 + 15), Ok(vec![65; 19]));
    assert!(long(&[255, 14, 0], 1 + 3 + 14).is_err());
    assert_eq!(long(&[255, 0, 0, 15, 0, 0, 0], 1 + 3 + 15), Ok(vec![65; 19]));
    assert!(long(&[255, 0, 0, 14, 0, 0, 0], 1 + 3 + 14).is_err());
    assert!(long(&[255, 0, 0, 255, 255, 255, 255], 1 << 20).is_err());
}

#[test]
fn skewed_bytes_have_codes_of_at_most_15_bits() {
    // Fibonacci numbers make the deepest tree: each symbol is as frequent as all before it.
    let longest = |symbols| {
        let (mut a, mut b) = (1, 1);
        let mut counts = [0; SYMBOLS];
        for count in counts.iter_mut().skip(200).take(symbols) {
            *count = a;
            (a, b) = (b, a + b);
        }
        let lengths = huffman::code_lengths(counts);
        assert!(lengths.decoder().is_some());
        lengths.0.into_iter().max().unwrap()
    };
    assert_eq!([15, 16].map(longest), [14, 15]);
    assert!(longest(17) < 15 && longest(30) <= 15);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_compressed_comes_out(
        alphabet in 1..=255_u8,
        bytes in proptest::collection::vec(any::<u8>(), 0..1000),
        copies in 1..20_usize,
    ) {
        let bytes: Vec<u8> = bytes.iter().map(|byte| byte % alphabet).collect();
        let bytes = bytes.repeat(copies);
        let compressed = compress(&bytes);
        prop_assert!(compressed.len() <= bytes.len() + bytes.len() / 8 + 2 * 270);
        prop_assert!(decompress(&compressed, bytes.len()) == Ok(bytes));
    }

    #[test]
    fn hostile_bits_give_what_was_asked_or_nothing(
        bits in proptest::collection::vec(any::<u8>(), 0..400),
        length in 0..200_000_usize,
    ) {
        let code: Vec<_> = (0..SYMBOLS).map(|symbol| (symbol, 9)).collect();
        if let Ok(bytes) = decompress(&block(&code, &bits), length) {
            prop_assert_eq!(bytes.len(), length);
        }
    }
}
