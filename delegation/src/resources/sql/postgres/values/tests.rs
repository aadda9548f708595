//! The server's own binary forms are met in tests/e2e; here are those at the limits, and those of a
//! server that lies.

use serde_json::json;

use super::*;

fn read(kind: u32, bytes: &[u8]) -> Result<Value, Malformed> {
    value(kind, Some(Bytes::copy_from_slice(bytes)))
}

#[test]
fn null_is_null_of_every_type() {
    for kind in [16, 20, 25, 1700, 1016, 0, 600] {
        assert_eq!(value(kind, None), Ok(Value::Null));
    }
}

#[test]
fn bigint_is_always_text() {
    for number in [1_i64, 9_007_199_254_740_993, i64::MIN, i64::MAX] {
        assert_eq!(read(20, &number.to_be_bytes()), Ok(json!(number.to_string())));
    }
}

#[test]
fn floats_that_json_does_not_have_are_text() {
    for (number, expected) in [
        (f64::NAN, json!("NaN")),
        (f64::INFINITY, json!("Infinity")),
        (f64::NEG_INFINITY, json!("-Infinity")),
        (0.1, json!(0.1)),
        (f64::MAX, json!(f64::MAX)),
    ] {
        assert_eq!(read(701, &number.to_be_bytes()), Ok(expected));
    }
    assert_eq!(read(700, &0.1_f32.to_be_bytes()).unwrap().to_string(), "0.1");
    assert_eq!(read(700, &f32::NEG_INFINITY.to_be_bytes()), Ok(json!("-Infinity")));
    assert_eq!(read(700, &f32::NAN.to_be_bytes()), Ok(json!("NaN")));
}

fn number(groups: &[u16], weight: i16, sign: u16, scale: u16) -> Result<Value, Malformed> {
    let count = u16::try_from(groups.len()).unwrap();
    let head = [count, weight.cast_unsigned(), sign, scale];
    let bytes: Vec<u8> = head.iter().chain(groups).flat_map(|part| part.to_be_bytes()).collect();
    read(1700, &bytes)
}

#[test]
fn numbers_have_all_their_digits() {
    let long = number(&[1234; 20], 9, 0, 40).unwrap();
    assert_eq!(long, json!(format!("{}.{}", "1234".repeat(10), "1234".repeat(10))));
    for (groups, weight, sign, scale, expected) in [
        (&[][..], 0, 0, 0, "0"),
        (&[], 0, 0, 2, "0.00"),
        (&[1], 0, 0, 0, "1"),
        (&[1], 1, 0x4000, 0, "-10000"),
        (&[12, 3400], 0, 0, 2, "12.34"),
        (&[12, 3400], 0, 0, 1, "12.3"),
        (&[5000], -1, 0, 1, "0.5"),
        (&[1], -2, 0, 8, "0.00000001"),
        (&[1], -3, 0, 9, "0.000000000"),
        (&[1], -3, 0, 12, "0.000000000001"),
        (&[7], 2, 0, 3, "700000000.000"),
        (&[], 0, 0xc000, 0, "NaN"),
        (&[], 0, 0xd000, 0, "Infinity"),
        (&[], 0, 0xf000, 0, "-Infinity"),
    ] {
        assert_eq!(number(groups, weight, sign, scale), Ok(json!(expected)), "{groups:?} {weight}");
    }
    assert_eq!(number(&[10_000], 0, 0, 0), Err(Malformed), "no group of four digits");
    assert_eq!(number(&[1], 0, 0x8000, 0), Err(Malformed), "no sign");
    assert!(number(&[1], i16::MAX, 0, u16::MAX).is_ok(), "bounded by its fields");
    assert!(number(&[1], i16::MIN, 0, u16::MAX).is_ok());
}

#[test]
fn days_and_instants_to_their_ends() {
    let date = |days: i32| read(1082, &days.to_be_bytes()).unwrap();
    for (days, expected) in [
        (0, "2000-01-01"),
        (-1, "1999-12-31"),
        (59, "2000-02-29"),
        (-10_957, "1970-01-01"),
        (2_921_939, "9999-12-31"),
        (2_921_940, "10000-01-01"),
        (-730_119, "0001-01-01"),
        (-730_120, "0001-12-31 BC"),
        (-2_451_545, "4714-11-24 BC"),
        (i32::MAX, "infinity"),
        (i32::MIN, "-infinity"),
    ] {
        assert_eq!(date(days), json!(expected), "{days}");
    }
    let at = |kind, at: i64| read(kind, &at.to_be_bytes()).unwrap();
    assert_eq!(at(1184, 0), json!("2000-01-01T00:00:00Z"));
    assert_eq!(at(1184, -1), json!("1999-12-31T23:59:59.999999Z"));
    assert_eq!(at(1114, 1_500_000), json!("2000-01-01T00:00:01.5"));
    assert_eq!(at(1184, i64::MAX), json!("infinity"));
    assert_eq!(at(1114, i64::MIN), json!("-infinity"));
    assert!(at(1114, i64::MAX - 1).is_string());
    assert_eq!(at(1083, 86_400_000_000), json!("24:00:00"));
    assert_eq!(read(1083, &86_400_000_001_i64.to_be_bytes()), Err(Malformed));
    assert_eq!(read(1083, &(-1_i64).to_be_bytes()), Err(Malformed));
    let zoned =
        |west: i32| read(1266, &[&600_000_000_i64.to_be_bytes()[..], &west.to_be_bytes()].concat());
    assert_eq!(zoned(-19_800), Ok(json!("00:10:00+05:30")));
    assert_eq!(zoned(3600), Ok(json!("00:10:00-01:00")));
    assert_eq!(zoned(0), Ok(json!("00:10:00+00:00")));
    assert_eq!(zoned(-3661), Ok(json!("00:10:00+01:01:01")));
    assert!(zoned(i32::MIN).is_ok());
}

#[test]
fn intervals_keep_the_sign_of_each_part() {
    let interval = |time: i64, days: i32, months: i32| {
        read(1186, &[&time.to_be_bytes()[..], &days.to_be_bytes(), &months.to_be_bytes()].concat())
    };
    for (time, days, months, expected) in [
        (0, 0, 0, "PT0S"),
        (0, 3, 14, "P1Y2M3D"),
        (-3_723_500_000, -4, 13, "P1Y1M-4DT-1H-2M-3.5S"),
        (-500_000, 0, 0, "PT-0.5S"),
        (0, 0, -13, "P-1Y-1M"),
        (i64::MAX, i32::MAX, i32::MAX, "infinity"),
        (i64::MIN, i32::MIN, i32::MIN, "-infinity"),
    ] {
        assert_eq!(interval(time, days, months), Ok(json!(expected)));
    }
    assert!(interval(i64::MIN, i32::MIN, i32::MAX).is_ok());
}

#[test]
fn json_keeps_what_its_readers_would_round() {
    let jsonb = |text: &str| read(3802, &[b"\x01", text.as_bytes()].concat()).unwrap().to_string();
    for (text, expected) in [
        (r#"{"id": 9007199254740993, "n": 1}"#, r#"{"id":"9007199254740993","n":1}"#),
        ("[9007199254740991, -9007199254740991]", "[9007199254740991,-9007199254740991]"),
        ("[0.1, 1.50, 1e2, -0.0]", "[0.1,1.5,100.0,-0.0]"),
        ("[0.1234567890123456789]", r#"["0.1234567890123456789"]"#),
        ("[1e400, 0.00]", r#"["1e400",0.0]"#),
        (r#"{"1e999": "9007199254740993 \" 1e999"}"#, r#"{"1e999":"9007199254740993 \" 1e999"}"#),
        ("null", "null"),
        ("12345678901234567890123", r#""12345678901234567890123""#),
    ] {
        assert_eq!(jsonb(text), expected);
    }
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    assert_eq!(read(114, deep.as_bytes()), Ok(json!(deep)), "deeper than a parser goes");
    assert_eq!(read(3802, b"\x02{}"), Err(Malformed), "another version");
    assert_eq!(read(114, b"\xff"), Err(Malformed));
}

#[test]
fn addresses() {
    for (bytes, expected) in [
        (&[2, 32, 0, 4, 10, 0, 0, 1][..], "10.0.0.1"),
        (&[2, 8, 0, 4, 10, 0, 0, 1], "10.0.0.1/8"),
        (&[2, 32, 1, 4, 10, 0, 0, 1], "10.0.0.1/32"),
        (&[3, 64, 1, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "2001:db8::/64"),
    ] {
        assert_eq!(read(869, bytes), Ok(json!(expected)));
    }
    for bytes in
        [&[][..], &[2, 33, 0, 4, 10, 0, 0, 1], &[2, 32, 0, 4, 10, 0, 0], &[4, 32, 0, 4, 1, 2, 3, 4]]
    {
        assert_eq!(read(869, bytes), Err(Malformed));
    }
}

#[test]
fn arrays_are_nested_as_their_dimensions_are() {
    let array = |dimensions: &[i32], kind: u32, elements: &[Option<&[u8]>]| {
        let mut bytes = Vec::new();
        bytes.extend(i32::try_from(dimensions.len()).unwrap().to_be_bytes());
        bytes.extend(1_i32.to_be_bytes());
        bytes.extend(kind.to_be_bytes());
        for length in dimensions {
            bytes.extend(length.to_be_bytes());
            bytes.extend(1_i32.to_be_bytes());
        }
        for element in elements {
            let length = element.map_or(-1, |element| i32::try_from(element.len()).unwrap());
            bytes.extend(length.to_be_bytes());
            bytes.extend(element.unwrap_or_default());
        }
        read(1009, &bytes)
    };
    let (a, b) = (Some(&b"a"[..]), Some(&b"b"[..]));
    assert_eq!(array(&[], 25, &[]), Ok(json!([])));
    assert_eq!(array(&[2], 25, &[a, None]), Ok(json!(["a", null])));
    assert_eq!(array(&[2, 2], 25, &[a, b, b, a]), Ok(json!([["a", "b"], ["b", "a"]])));
    assert_eq!(array(&[1; 6], 25, &[a]), Ok(json!([[[[[["a"]]]]]])));
    assert_eq!(array(&[1; 7], 25, &[a]), Err(Malformed), "a dimension too many");
    assert_eq!(array(&[i32::MAX], 25, &[a]), Err(Malformed), "as long as it says");
    assert_eq!(array(&[i32::MAX; 6], 25, &[a]), Err(Malformed));
    assert_eq!(array(&[-1], 25, &[]), Err(Malformed));
    assert_eq!(array(&[1], 25, &[a, b]), Err(Malformed), "something behind it");
    assert_eq!(array(&[1], 16384, &[a]), Err(Malformed), "an element whose type is not read");
}

#[test]
fn the_rest() {
    assert_eq!(read(17, &[0, 255, 1]), Ok(json!("AP8B")));
    assert_eq!(read(16, &[1]), Ok(json!(true)));
    assert_eq!(read(16, &[2]), Err(Malformed));
    assert_eq!(read(21, &[0xff, 0xff]), Ok(json!(-1)));
    assert_eq!(read(26, &[0xff; 4]), Ok(json!(4_294_967_295_u32)));
    assert_eq!(read(23, &[1]), Err(Malformed));
    let bytes: Vec<u8> = (0..16).collect();
    assert_eq!(read(2950, &bytes), Ok(json!("00010203-0405-0607-0809-0a0b0c0d0e0f")));
    assert_eq!(read(16_400, b"(1,\"a b\")"), Ok(json!("(1,\"a b\")")), "the server's own text");
    assert_eq!(name(1016).as_deref(), Some("bigint[]"));
    assert_eq!(name(16_400), None);
}
