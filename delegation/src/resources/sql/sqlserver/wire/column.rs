//! COLMETADATA (MS-TDS 2.2.7.4) and TYPE_INFO (2.2.5.6): what the wire says a column is, which may be
//! something else than the catalogue says (`json`, `vector`).

use tds_protocol::token::Collation;

use super::cursor::{Cursor, Unread};

/// A type as it goes over the wire.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Null,
    Bit,
    /// TINYINT has no sign.
    Int,
    Float,
    Money,
    DateTime,
    Decimal {
        scale: u8,
    },
    Guid,
    Date,
    Time {
        scale: u8,
    },
    DateTime2 {
        scale: u8,
    },
    DateTimeOffset {
        scale: u8,
    },
    Text {
        collation: Collation,
    },
    Unicode,
    Binary,
    Xml,
    /// A CLR type's bytes.
    Udt,
    Variant,
}

/// How long a value of it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Length {
    Fixed(usize),
    /// Its number of bytes before it, of 8 bits, 0 for NULL.
    Byte,
    /// Of 16 bits, 0xffff for NULL.
    Short,
    /// Of 32 bits, 0 for NULL.
    Long,
    /// `text`, `ntext`, `image`: behind a pointer and a time.
    Pointer,
    /// In chunks (2.2.5.2.3).
    Chunks,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Type {
    pub(super) kind: Kind,
    pub(super) length: Length,
    /// What SQL calls it, but for lengths.
    name: &'static str,
    /// Precision and scale where it has them.
    digits: Option<(u8, u8)>,
}

/// A column.
#[derive(Clone, Debug)]
pub(in super::super) struct Described {
    pub(in super::super) name: String,
    /// Whether it may be NULL, as far as the wire itself tells: of what has no form for NULL it does. That
    /// another one is not to be NULL is said of views and the like as it was when they were made.
    pub(in super::super) nullable: Option<bool>,
    pub(super) ty: Type,
}

impl Described {
    /// What SQL calls its type.
    pub(in super::super) fn type_name(&self) -> String {
        match self.ty.digits {
            Some((precision, scale)) => format!("{}({precision},{scale})", self.ty.name),
            None => self.ty.name.to_owned(),
        }
    }
}

impl Type {
    const fn is_never_null(&self) -> bool {
        matches!(self.length, Length::Fixed(_)) && !matches!(self.kind, Kind::Null)
    }
}

const NO_COLUMNS: u16 = 0xffff;
/// Flags of a column: it may be NULL, and that this is not known.
const NULLABLE: u16 = 1;
const NULLABLE_UNKNOWN: u16 = 0x8000;

pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Vec<Described>, Unread> {
    let count = cursor.u16()?;
    if count == NO_COLUMNS {
        return Ok(Vec::new());
    }
    // Each has more bytes than this.
    let mut columns = Vec::with_capacity(usize::from(count).min(cursor.left() / 8));
    for _ in 0..count {
        let _user_type = cursor.u32()?;
        let flags = cursor.u16()?;
        let ty = read_type(cursor)?;
        if ty.length == Length::Pointer {
            let parts = cursor.u8()?;
            for _ in 0..parts {
                cursor.us_text()?;
            }
        }
        let name = cursor.b_text()?;
        let nullable = match (flags & NULLABLE != 0, flags & NULLABLE_UNKNOWN != 0) {
            (true, false) => Some(true),
            (false, _) if ty.is_never_null() => Some(false),
            _ => None,
        };
        columns.push(Described { name, nullable, ty });
    }
    Ok(columns)
}

pub(super) fn read_type(cursor: &mut Cursor<'_>) -> Result<Type, Unread> {
    let code = cursor.u8()?;
    let of = |kind, length, name| Type { kind, length, name, digits: None };
    let fixed = |kind, length, name| Ok(of(kind, Length::Fixed(length), name));
    match code {
        0x1f => fixed(Kind::Null, 0, "null"),
        0x30 => fixed(Kind::Int, 1, "tinyint"),
        0x32 => fixed(Kind::Bit, 1, "bit"),
        0x34 => fixed(Kind::Int, 2, "smallint"),
        0x38 => fixed(Kind::Int, 4, "int"),
        0x3a => fixed(Kind::DateTime, 4, "smalldatetime"),
        0x3b => fixed(Kind::Float, 4, "real"),
        0x3c => fixed(Kind::Money, 8, "money"),
        0x3d => fixed(Kind::DateTime, 8, "datetime"),
        0x3e => fixed(Kind::Float, 8, "float"),
        0x7a => fixed(Kind::Money, 4, "smallmoney"),
        0x7f => fixed(Kind::Int, 8, "bigint"),
        0x24 | 0x26 | 0x68 | 0x6d | 0x6e | 0x6f => {
            let (kind, name) = match (code, cursor.u8()?) {
                (0x24, _) => (Kind::Guid, "uniqueidentifier"),
                (0x26, 1) => (Kind::Int, "tinyint"),
                (0x26, 2) => (Kind::Int, "smallint"),
                (0x26, 4) => (Kind::Int, "int"),
                (0x26, 8) => (Kind::Int, "bigint"),
                (0x68, _) => (Kind::Bit, "bit"),
                (0x6d, 4) => (Kind::Float, "real"),
                (0x6d, 8) => (Kind::Float, "float"),
                (0x6e, 4) => (Kind::Money, "smallmoney"),
                (0x6e, 8) => (Kind::Money, "money"),
                (0x6f, 4) => (Kind::DateTime, "smalldatetime"),
                (0x6f, 8) => (Kind::DateTime, "datetime"),
                _ => return Err(Unread::Wrong("a type has a length that it cannot have")),
            };
            Ok(of(kind, Length::Byte, name))
        }
        0x37 | 0x3f | 0x6a | 0x6c => {
            let [_, precision, scale] = cursor.array()?;
            if scale > precision || precision > 38 {
                return Err(Unread::Wrong("a decimal has a precision that it cannot have"));
            }
            let name = if matches!(code, 0x37 | 0x6a) { "decimal" } else { "numeric" };
            let digits = Some((precision, scale));
            Ok(Type { kind: Kind::Decimal { scale }, length: Length::Byte, name, digits })
        }
        0x28 => Ok(of(Kind::Date, Length::Byte, "date")),
        0x29..=0x2b => {
            let scale = cursor.u8()?;
            if scale > 7 {
                return Err(Unread::Wrong("a time has a scale that it cannot have"));
            }
            let (kind, name) = match code {
                0x29 => (Kind::Time { scale }, "time"),
                0x2a => (Kind::DateTime2 { scale }, "datetime2"),
                _ => (Kind::DateTimeOffset { scale }, "datetimeoffset"),
            };
            Ok(of(kind, Length::Byte, name))
        }
        0xa5 | 0xad | 0xa7 | 0xaf | 0xe7 | 0xef => {
            let length = if cursor.u16()? == 0xffff { Length::Chunks } else { Length::Short };
            if matches!(code, 0xa5 | 0xad) {
                let name = if code == 0xa5 { "varbinary" } else { "binary" };
                return Ok(of(Kind::Binary, length, name));
            }
            let collation = Collation::from_bytes(&cursor.array()?);
            Ok(match code {
                0xa7 => of(Kind::Text { collation }, length, "varchar"),
                0xaf => of(Kind::Text { collation }, length, "char"),
                0xe7 => of(Kind::Unicode, length, "nvarchar"),
                _ => of(Kind::Unicode, length, "nchar"),
            })
        }
        0x22 | 0x23 | 0x63 => {
            cursor.u32()?;
            if code == 0x22 {
                return Ok(of(Kind::Binary, Length::Pointer, "image"));
            }
            let collation = Collation::from_bytes(&cursor.array()?);
            Ok(match code {
                0x23 => of(Kind::Text { collation }, Length::Pointer, "text"),
                _ => of(Kind::Unicode, Length::Pointer, "ntext"),
            })
        }
        0x62 => {
            cursor.u32()?;
            Ok(of(Kind::Variant, Length::Long, "sql_variant"))
        }
        0xf1 => {
            if cursor.u8()? != 0 {
                cursor.b_text()?;
                cursor.b_text()?;
                cursor.us_text()?;
            }
            Ok(of(Kind::Xml, Length::Chunks, "xml"))
        }
        0xf0 => {
            cursor.u16()?;
            for _ in 0..3 {
                cursor.b_text()?;
            }
            cursor.us_text()?;
            Ok(of(Kind::Udt, Length::Chunks, "udt"))
        }
        _ => Err(Unread::Wrong("a value has a type that is not known here")),
    }
}
