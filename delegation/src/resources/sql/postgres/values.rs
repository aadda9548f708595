//! Values as JSON, by their types' OIDs: of built-in types from their binary form, of all others (enums,
//! composites, ranges, geometry, an extension's) the server's own text.
//!
//! | type | JSON |
//! |---|---|
//! | `boolean` | true, false |
//! | `smallint`, `integer`, `oid` | a number |
//! | `bigint`, `numeric` | text, always, with every digit; `NaN`, `Infinity`, `-Infinity` |
//! | `real`, `double precision` | a number; `NaN`, `Infinity`, `-Infinity` as text |
//! | `date`, `time`, `timestamp`, `timestamptz`, `interval` | ISO 8601; `infinity`, `-infinity` |
//! | `bytea` | base64 |
//! | `json`, `jsonb` | the value itself; a number in it that a double does not hold is text |
//! | arrays of these | arrays |
//! | anything else | text as the server writes it |

mod array;
mod json;
mod network;
mod numeric;
mod time;

use base64ct::{Base64, Encoding};
use bytes::Bytes;
use serde_json::Value;

/// A value does not have the form that its type has.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Malformed;

/// How a built-in type's binary form is read.
type Read = fn(&[u8]) -> Option<Value>;

/// OID, name and form of the types that are read, and the OID of their arrays (`pg_type.dat`).
const TYPES: &[(u32, &str, Read, u32)] = &[
    (16, "boolean", boolean, 1000),
    (17, "bytea", |bytes| Some(Base64::encode_string(bytes).into()), 1001),
    (18, "\"char\"", text, 1002),
    (19, "name", text, 1003),
    (20, "bigint", bigint, 1016),
    (21, "smallint", |bytes| fixed(bytes).map(|bytes| i16::from_be_bytes(bytes).into()), 1005),
    (23, "integer", |bytes| fixed(bytes).map(|bytes| i32::from_be_bytes(bytes).into()), 1007),
    (25, "text", text, 1009),
    (26, "oid", |bytes| fixed(bytes).map(|bytes| u32::from_be_bytes(bytes).into()), 1028),
    (114, "json", json::json, 199),
    (650, "cidr", network::address, 651),
    (700, "real", real, 1021),
    (701, "double precision", double, 1022),
    (869, "inet", network::address, 1041),
    (1042, "character", text, 1014),
    (1043, "character varying", text, 1015),
    (1082, "date", time::date, 1182),
    (1083, "time without time zone", time::time, 1183),
    (1114, "timestamp without time zone", time::timestamp, 1115),
    (1184, "timestamp with time zone", time::timestamp_tz, 1185),
    (1186, "interval", time::interval, 1187),
    (1266, "time with time zone", time::time_tz, 1270),
    (1700, "numeric", numeric::numeric, 1231),
    (2950, "uuid", uuid, 2951),
    (3802, "jsonb", json::jsonb, 3807),
];

/// `json[]`, `jsonb[]` and those two: a parameter for them is JSON, too.
pub(super) const fn is_json(kind: u32) -> bool {
    matches!(kind, 114 | 3802)
}

fn scalar(kind: u32) -> Option<Read> {
    TYPES.iter().find(|(oid, ..)| *oid == kind).map(|(_, _, read, _)| *read)
}

/// Whether a value of the type is read from its binary form.
pub(super) fn is_binary(kind: u32) -> bool {
    TYPES.iter().any(|(oid, _, _, array)| [*oid, *array].contains(&kind))
}

/// The type's name in SQL, if it is one of those that are read.
pub(super) fn name(kind: u32) -> Option<String> {
    TYPES.iter().find_map(|(oid, name, _, array)| {
        let is_array = *array == kind;
        (*oid == kind || is_array)
            .then(|| if is_array { format!("{name}[]") } else { (*name).into() })
    })
}

/// A value of the type, in the form in which it was asked for.
pub(super) fn value(kind: u32, bytes: Option<Bytes>) -> Result<Value, Malformed> {
    let Some(bytes) = bytes else { return Ok(Value::Null) };
    let read = match scalar(kind) {
        Some(read) => read(&bytes),
        None if is_binary(kind) => array::array(bytes),
        None => text(&bytes),
    };
    read.ok_or(Malformed)
}

fn fixed<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

fn text(bytes: &[u8]) -> Option<Value> {
    std::str::from_utf8(bytes).ok().map(Value::from)
}

fn boolean(bytes: &[u8]) -> Option<Value> {
    match bytes {
        [0] => Some(false.into()),
        [1] => Some(true.into()),
        _ => None,
    }
}

/// Text, since readers of JSON round what is above 2^53; always, since a column is of one type.
fn bigint(bytes: &[u8]) -> Option<Value> {
    fixed(bytes).map(|bytes| i64::from_be_bytes(bytes).to_string().into())
}

/// The shortest number that is this one and no other of 32 bits.
fn real(bytes: &[u8]) -> Option<Value> {
    let value = f32::from_be_bytes(fixed(bytes)?);
    if value.is_finite() {
        value.to_string().parse().ok().and_then(float)
    } else {
        float(value.into())
    }
}

fn double(bytes: &[u8]) -> Option<Value> {
    float(f64::from_be_bytes(fixed(bytes)?))
}

fn float(value: f64) -> Option<Value> {
    Some(match value {
        value if value.is_nan() => "NaN".into(),
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        value => value.into(),
    })
}

fn uuid(bytes: &[u8]) -> Option<Value> {
    let bytes: [u8; 16] = fixed(bytes)?;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    Some(parts.join("-").into())
}

#[cfg(test)]
mod tests;
