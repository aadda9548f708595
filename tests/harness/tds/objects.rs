//! The catalogue's views in schema `sys`, of what the one who asks may read: made of the tables
//! that there are, for each query.

use super::catalogue::may_read;
use super::directory::{Database, Table};
use super::token::SqlError;
use super::value::{Type, Value};

const NAME: Type = Type::NVarChar(Some(128));
/// The index that a primary key is.
const KEY: i64 = 1;

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn int(number: i64) -> Value {
    Value::Int(number)
}

/// The same for as long as it is called that: FNV-1a of its name, positive.
fn id(name: &str) -> i64 {
    let hash = name
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    i64::from(hash >> 1)
}

pub(super) fn view(database: &Database, user: &str, view: &str) -> Result<Table, SqlError> {
    let tables = || database.tables.iter().filter(|(_, table)| may_read(table, user));
    let columns = || {
        tables().flat_map(|(name, table)| {
            table.columns.iter().enumerate().map(move |(at, column)| (name, table, at, column))
        })
    };
    let number = |at: usize| int(i64::try_from(at).expect("few") + 1);
    let of = |columns: &[(&str, Type)], rows: Vec<Vec<Value>>| Table {
        columns: columns.iter().map(|(name, ty)| ((*name).to_owned(), *ty)).collect(),
        rows,
        ..Table::default()
    };
    Ok(match view {
        "schemas" => of(
            &[("name", NAME), ("schema_id", Type::Int)],
            SCHEMAS.iter().map(|(name, id)| vec![text(name), int(*id)]).collect(),
        ),
        "types" => of(
            &[("name", NAME), ("user_type_id", Type::Int)],
            TYPES.iter().map(|(name, id)| vec![text(name), int(*id)]).collect(),
        ),
        "objects" => of(
            &[
                ("name", NAME),
                ("object_id", Type::Int),
                ("schema_id", Type::Int),
                ("type", Type::VarChar(Some(2))),
                ("is_ms_shipped", Type::Bit),
            ],
            tables()
                .map(|(name, table)| {
                    let schema = SCHEMAS.iter().find(|(name, _)| *name == table.schema);
                    let schema = schema.map_or(0, |(_, id)| *id);
                    vec![text(name), int(id(name)), int(schema), text("U"), int(0)]
                })
                .collect(),
        ),
        "columns" => of(
            &[
                ("object_id", Type::Int),
                ("name", NAME),
                ("column_id", Type::Int),
                ("user_type_id", Type::Int),
                ("max_length", Type::SmallInt),
                ("precision", Type::TinyInt),
                ("scale", Type::TinyInt),
                ("is_nullable", Type::Bit),
                ("default_object_id", Type::Int),
            ],
            columns()
                .map(|(table, has, at, (name, ty))| {
                    let (kind, length, precision, scale) = described(name, *ty);
                    let kind = TYPES.iter().find(|(name, _)| *name == kind).expect("a type").1;
                    let rule = has.rule(at);
                    let default = rule.default.map_or(0, |_| id(&format!("DF_{table}_{name}")));
                    vec![
                        int(id(table)),
                        text(name),
                        number(at),
                        int(kind),
                        int(length),
                        int(precision),
                        int(scale),
                        int((!rule.never_null).into()),
                        int(default),
                    ]
                })
                .collect(),
        ),
        "default_constraints" => of(
            &[
                ("name", NAME),
                ("object_id", Type::Int),
                ("parent_object_id", Type::Int),
                ("parent_column_id", Type::Int),
                ("definition", Type::NVarChar(None)),
            ],
            columns()
                .filter_map(|(table, has, at, (column, _))| {
                    let (_, definition) = has.rule(at).default?;
                    let name = format!("DF_{table}_{column}");
                    let row = [text(&name), int(id(&name)), int(id(table)), number(at)];
                    Some([&row[..], &[text(&definition)]].concat())
                })
                .collect(),
        ),
        "indexes" => of(
            &[
                ("object_id", Type::Int),
                ("name", NAME),
                ("index_id", Type::Int),
                ("is_primary_key", Type::Bit),
            ],
            tables()
                .filter(|(_, table)| table.rules.iter().any(|rule| rule.is_key))
                .map(|(name, _)| vec![int(id(name)), text(&format!("PK_{name}")), int(KEY), int(1)])
                .collect(),
        ),
        "index_columns" => of(
            &[("object_id", Type::Int), ("index_id", Type::Int), ("column_id", Type::Int)],
            columns()
                .filter(|(_, table, at, _)| table.rule(*at).is_key)
                .map(|(name, _, at, _)| vec![int(id(name)), int(KEY), number(at)])
                .collect(),
        ),
        other => {
            return Err(SqlError::new(208, 16, format!("Invalid object name 'sys.{other}'.")));
        }
    })
}

const SCHEMAS: &[(&str, i64)] = &[("dbo", 1), ("guest", 2), ("INFORMATION_SCHEMA", 3), ("sys", 4)];

const TYPES: &[(&str, i64)] = &[
    ("uniqueidentifier", 36),
    ("date", 40),
    ("time", 41),
    ("datetime2", 42),
    ("datetimeoffset", 43),
    ("tinyint", 48),
    ("smallint", 52),
    ("int", 56),
    ("smalldatetime", 58),
    ("real", 59),
    ("money", 60),
    ("datetime", 61),
    ("float", 62),
    ("bit", 104),
    ("decimal", 106),
    ("smallmoney", 122),
    ("bigint", 127),
    ("varbinary", 165),
    ("varchar", 167),
    ("nvarchar", 231),
    ("xml", 241),
    ("json", 244),
    ("vector", 255),
];

/// A type's name, and what `sys.columns` says of a column of it: its length in bytes, precision, scale.
fn described(column: &str, ty: Type) -> (&'static str, i64, i64, i64) {
    let length = |length: Option<u16>, of: i64| length.map_or(-1, |length| of * i64::from(length));
    // 3 bytes, 4 or 5, by how many digits a second has.
    let time = |scale: u8| 3 + i64::from(scale > 2) + i64::from(scale > 4);
    let digits = |scale: u8| if scale == 0 { 0 } else { 1 + i64::from(scale) };
    match (column, ty) {
        ("document", _) => ("json", -1, 0, 0),
        ("numbers", _) => ("vector", -1, 0, 0),
        (_, Type::TinyInt) => ("tinyint", 1, 3, 0),
        (_, Type::SmallInt) => ("smallint", 2, 5, 0),
        (_, Type::Int) => ("int", 4, 10, 0),
        (_, Type::BigInt) => ("bigint", 8, 19, 0),
        (_, Type::Bit) => ("bit", 1, 1, 0),
        (_, Type::Real) => ("real", 4, 24, 0),
        (_, Type::Float) => ("float", 8, 53, 0),
        (_, Type::Decimal(precision, scale)) => {
            let length = match precision {
                ..=9 => 5,
                10..=19 => 9,
                20..=28 => 13,
                _ => 17,
            };
            ("decimal", length, precision.into(), scale.into())
        }
        (_, Type::Money) => ("money", 8, 19, 4),
        (_, Type::SmallMoney) => ("smallmoney", 4, 10, 4),
        (_, Type::NVarChar(n)) => ("nvarchar", length(n, 2), 0, 0),
        (_, Type::VarChar(n)) => ("varchar", length(n, 1), 0, 0),
        (_, Type::VarBinary(n)) => ("varbinary", length(n, 1), 0, 0),
        (_, Type::Date) => ("date", 3, 10, 0),
        (_, Type::Time(scale)) => ("time", time(scale), 8 + digits(scale), scale.into()),
        (_, Type::DateTime2(scale)) => {
            ("datetime2", 3 + time(scale), 19 + digits(scale), scale.into())
        }
        (_, Type::DateTimeOffset(scale)) => {
            ("datetimeoffset", 5 + time(scale), 26 + digits(scale), scale.into())
        }
        (_, Type::DateTime) => ("datetime", 8, 23, 3),
        (_, Type::SmallDateTime) => ("smalldatetime", 4, 16, 0),
        (_, Type::Guid) => ("uniqueidentifier", 16, 0, 0),
        (_, Type::Xml) => ("xml", -1, 0, 0),
    }
}
