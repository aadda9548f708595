//! Requests: batches (MS-TDS 2.2.6.7), and `sp_executesql` (2.2.6.6), which is a module of its own.

use serde_json::Value;

use super::cursor::to_utf16;

/// A value for `@name`, and what it is declared as.
#[derive(Debug)]
pub(in super::super) struct Parameter {
    name: String,
    declared: &'static str,
    /// TYPE_INFO and the value.
    bytes: Vec<u8>,
}

const SP_EXECUTESQL: u16 = 10;
/// Text in a parameter needs none: it is UTF-16.
const NO_COLLATION: [u8; 5] = [0; 5];

impl Parameter {
    /// Of a scalar; `None` for anything else.
    pub(in super::super) fn new(name: &str, value: &Value) -> Option<Self> {
        let (declared, bytes) = match value {
            Value::Null => ("nvarchar(4000)", text(None)),
            Value::Bool(bit) => ("bit", vec![0x68, 1, 1, u8::from(*bit)]),
            Value::String(value) if value.encode_utf16().count() <= 4000 => {
                ("nvarchar(4000)", text(Some(value)))
            }
            Value::String(value) => ("nvarchar(max)", text(Some(value))),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => {
                    ("bigint", [&[0x26, 8, 8][..], &integer.to_le_bytes()].concat())
                }
                (_, Some(float)) => ("float", [&[0x6d, 8, 8][..], &float.to_le_bytes()].concat()),
                _ => return None,
            },
            Value::Array(_) | Value::Object(_) => return None,
        };
        Some(Self { name: format!("@{name}"), declared, bytes })
    }
}

/// `nvarchar`, in PLP where it is longer than 4000 characters.
fn text(value: Option<&str>) -> Vec<u8> {
    let content: Option<Vec<u8>> = value.map(|value| to_utf16(value).collect());
    let length = content.as_ref().map_or(0, Vec::len);
    match (content, u16::try_from(length)) {
        (None, _) => [&[0xe7, 0x40, 0x1f][..], &NO_COLLATION, &[0xff, 0xff]].concat(),
        (Some(content), Ok(length)) if length <= 8000 => {
            [&[0xe7, 0x40, 0x1f][..], &NO_COLLATION, &length.to_le_bytes(), &content].concat()
        }
        (Some(content), _) => {
            let total = (content.len() as u64).to_le_bytes();
            let mut bytes = [&[0xe7, 0xff, 0xff][..], &NO_COLLATION, &total].concat();
            for chunk in content.chunks(1 << 20) {
                let length = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
                bytes.extend_from_slice(&length.to_le_bytes());
                bytes.extend_from_slice(chunk);
            }
            bytes.extend_from_slice(&[0; 4]);
            bytes
        }
    }
}

/// ALL_HEADERS: the transaction that it is in (2.2.5.3.2).
fn headers(transaction: u64) -> Vec<u8> {
    let parts = [
        &22_u32.to_le_bytes()[..],
        &18_u32.to_le_bytes(),
        &2_u16.to_le_bytes(),
        &transaction.to_le_bytes(),
        &1_u32.to_le_bytes(),
    ];
    parts.concat()
}

/// A batch of this text, in which nothing of a caller's may be but what is quoted.
pub(in super::super) fn batch(sql: &str, transaction: u64) -> Vec<u8> {
    let mut body = headers(transaction);
    body.extend(to_utf16(sql));
    body
}

/// A statement as a module of its own: what it sets, makes and becomes ends with it, and outside of it
/// nothing can be undone from within.
pub(in super::super) fn execute_sql(
    sql: &str,
    parameters: &[Parameter],
    transaction: u64,
) -> Vec<u8> {
    let mut body = headers(transaction);
    body.extend_from_slice(&u16::MAX.to_le_bytes());
    body.extend_from_slice(&SP_EXECUTESQL.to_le_bytes());
    body.extend_from_slice(&0_u16.to_le_bytes());
    let mut put = |name: &str, bytes: &[u8]| {
        // No name is longer than 129 characters: SQL Server's are not.
        body.push(u8::try_from(name.encode_utf16().count()).unwrap_or(u8::MAX));
        body.extend(to_utf16(name));
        body.push(0);
        body.extend_from_slice(bytes);
    };
    put("", &text(Some(sql)));
    if parameters.is_empty() {
        return body;
    }
    let declared = parameters.iter().map(|p| format!("{} {}", p.name, p.declared));
    put("", &text(Some(&declared.collect::<Vec<_>>().join(", "))));
    for parameter in parameters {
        put(&parameter.name, &parameter.bytes);
    }
    body
}
