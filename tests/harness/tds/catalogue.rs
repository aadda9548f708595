//! INFORMATION_SCHEMA, of what the one who asks may read.

use super::directory::{Database, Table};
use super::token::SqlError;
use super::value::{Type, Value};

pub(super) fn view(
    name: &str,
    database: &Database,
    user: &str,
    view: &str,
) -> Result<Table, SqlError> {
    let text = |text: &str| Value::Text(text.into());
    let int = |number: Option<i64>| number.map_or(Value::Null, Value::Int);
    let named = Type::NVarChar(Some(128));
    let columns = |names: &[(&str, Type)]| -> Vec<(String, Type)> {
        names.iter().map(|(name, ty)| ((*name).to_owned(), *ty)).collect()
    };
    let tables = database.tables.iter().filter(|(_, table)| may_read(table, user));
    match view {
        "tables" => Ok(Table {
            columns: columns(&[
                ("TABLE_CATALOG", named),
                ("TABLE_SCHEMA", named),
                ("TABLE_NAME", named),
                ("TABLE_TYPE", Type::VarChar(Some(10))),
            ]),
            rows: tables
                .map(|(key, table)| {
                    vec![text(name), text(&table.schema), text(key), text("BASE TABLE")]
                })
                .collect(),
            ..Table::default()
        }),
        "columns" => Ok(Table {
            columns: columns(&[
                ("TABLE_CATALOG", named),
                ("TABLE_SCHEMA", named),
                ("TABLE_NAME", named),
                ("COLUMN_NAME", named),
                ("ORDINAL_POSITION", Type::Int),
                ("COLUMN_DEFAULT", Type::NVarChar(Some(4000))),
                ("IS_NULLABLE", Type::VarChar(Some(3))),
                ("DATA_TYPE", named),
                ("CHARACTER_MAXIMUM_LENGTH", Type::Int),
                ("NUMERIC_PRECISION", Type::TinyInt),
                ("NUMERIC_SCALE", Type::Int),
                ("DATETIME_PRECISION", Type::SmallInt),
            ]),
            rows: tables
                .flat_map(|(key, table)| {
                    table.columns.iter().enumerate().map(move |(at, (column, ty))| {
                        let (kind, length, precision, scale) = described(column, *ty);
                        let rule = table.rule(at);
                        let default =
                            rule.default.map_or(Value::Null, |(_, written)| text(&written));
                        vec![
                            text(name),
                            text(&table.schema),
                            text(key),
                            text(column),
                            Value::Int(i64::try_from(at).expect("few") + 1),
                            default,
                            text(if rule.never_null { "NO" } else { "YES" }),
                            text(kind),
                            int(length),
                            int(precision),
                            int(scale),
                            Value::Null,
                        ]
                    })
                })
                .collect(),
            ..Table::default()
        }),
        other => Err(SqlError::new(208, 16, format!("Invalid object name '{other}'."))),
    }
}

/// Whether somebody may read a table, and is told of it.
pub(super) fn may_read(table: &Table, user: &str) -> bool {
    user == "dbo" || table.readers.as_ref().is_none_or(|may| may.iter().any(|u| u == user))
}

/// DATA_TYPE, which for json and vector is another one than the wire has.
fn described(column: &str, ty: Type) -> (&'static str, Option<i64>, Option<i64>, Option<i64>) {
    let length = |length: Option<u16>| Some(length.map_or(-1, i64::from));
    match (column, ty) {
        ("document", _) => ("json", None, None, None),
        ("numbers", _) => ("vector", None, None, None),
        (_, Type::TinyInt) => ("tinyint", None, Some(3), Some(0)),
        (_, Type::SmallInt) => ("smallint", None, Some(5), Some(0)),
        (_, Type::Int) => ("int", None, Some(10), Some(0)),
        (_, Type::BigInt) => ("bigint", None, Some(19), Some(0)),
        (_, Type::Bit) => ("bit", None, None, None),
        (_, Type::Real) => ("real", None, Some(24), None),
        (_, Type::Float) => ("float", None, Some(53), None),
        (_, Type::Decimal(precision, scale)) => {
            ("decimal", None, Some(precision.into()), Some(scale.into()))
        }
        (_, Type::Money) => ("money", None, Some(19), Some(4)),
        (_, Type::SmallMoney) => ("smallmoney", None, Some(10), Some(4)),
        (_, Type::NVarChar(n)) => ("nvarchar", length(n), None, None),
        (_, Type::VarChar(n)) => ("varchar", length(n), None, None),
        (_, Type::VarBinary(n)) => ("varbinary", length(n), None, None),
        (_, Type::Date) => ("date", None, None, None),
        (_, Type::Time(_)) => ("time", None, None, None),
        (_, Type::DateTime2(_)) => ("datetime2", None, None, None),
        (_, Type::DateTimeOffset(_)) => ("datetimeoffset", None, None, None),
        (_, Type::DateTime) => ("datetime", None, None, None),
        (_, Type::SmallDateTime) => ("smalldatetime", None, None, None),
        (_, Type::Guid) => ("uniqueidentifier", None, None, None),
        (_, Type::Xml) => ("xml", None, None, None),
    }
}
