//! What this server itself asks databases: which tables and columns there are, and calls of procedures.
//! Names come in as values, or quoted as the engine quotes them.

use serde_json::Value;

use super::engine::Engine;
use super::failure::Misasked;
use super::statement::Access;
use super::work::{Param, Params, Work, check_values};
use crate::targets::fold;

/// The schema that a name without one is looked for in.
pub(super) const fn usual_schema(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgresql => "public",
        Engine::SqlServer => "dbo",
    }
}

/// Tables and views that the user may use.
pub(super) fn tables(engine: Engine, schema: Option<&str>) -> Work {
    let text = match engine {
        Engine::Postgresql => POSTGRES_TABLES,
        Engine::SqlServer => SQL_SERVER_TABLES,
    };
    let schema = schema.map_or(Value::Null, Value::from);
    reads(text, vec![param(engine, 1, "schema", schema)])
}

/// Columns of one table or view.
pub(super) fn columns(engine: Engine, schema: &str, table: &str) -> Work {
    let text = match engine {
        Engine::Postgresql => POSTGRES_COLUMNS,
        Engine::SqlServer => SQL_SERVER_COLUMNS,
    };
    let params =
        [param(engine, 1, "schema", schema.into()), param(engine, 2, "table", table.into())];
    reads(text, params.into())
}

/// Whether a procedure is, or may be, one of the engine's own. SQL Server looks for what begins with
/// `sp_` or `xp_` among its own whatever schema is named; PostgreSQL has none.
pub(super) fn is_the_engines(engine: Engine, schema: &str, name: &str) -> bool {
    let name = fold(name);
    match engine {
        Engine::Postgresql => false,
        Engine::SqlServer => {
            fold(schema) == "sys" || name.starts_with("sp_") || name.starts_with("xp_")
        }
    }
}

/// A call of a procedure.
pub(super) fn call(
    engine: Engine,
    schema: &str,
    name: &str,
    params: &Params,
) -> Result<Work, Misasked> {
    let target = format!("{}.{}", quoted(engine, schema), quoted(engine, name));
    let mut values = Vec::new();
    let mut arguments = Vec::new();
    match params {
        Params::List(list) => {
            for (index, value) in list.iter().enumerate() {
                let number = index + 1;
                values.push(param(engine, number, &format!("p{number}"), value.clone()));
                arguments.push(match engine {
                    Engine::Postgresql => format!("${number}"),
                    Engine::SqlServer => format!("@p{number}"),
                });
            }
        }
        Params::Named(map) => {
            for (index, (key, value)) in map.iter().enumerate() {
                let (number, key) = (index + 1, key.trim_start_matches('@'));
                if !is_plain(key) {
                    let problem = format!("{key:?} is no name of a procedure's parameter");
                    return Err(Misasked::Parameters(problem));
                }
                values.push(param(engine, number, &format!("p{number}"), value.clone()));
                arguments.push(match engine {
                    Engine::Postgresql => format!("{} => ${number}", quoted(engine, key)),
                    Engine::SqlServer => format!("@{key} = @p{number}"),
                });
            }
        }
    }
    check_values(&values)?;
    let arguments = arguments.join(", ");
    let text = match engine {
        Engine::Postgresql => format!("CALL {target}({arguments})"),
        Engine::SqlServer => format!("EXECUTE {target} {arguments}").trim_end().to_owned(),
    };
    Ok(Work { text, params: values, access: Access::Write })
}

fn reads(text: &str, params: Vec<Param>) -> Work {
    Work { text: text.to_owned(), params, access: Access::Read }
}

/// A value for `$number`, or for `@name`.
fn param(engine: Engine, number: usize, name: &str, value: Value) -> Param {
    let name = match engine {
        Engine::Postgresql => number.to_string(),
        Engine::SqlServer => name.to_owned(),
    };
    Param { name, value }
}

fn is_plain(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A name as the engine quotes it.
pub(super) fn quoted(engine: Engine, name: &str) -> String {
    match engine {
        Engine::Postgresql => format!("\"{}\"", name.replace('"', "\"\"")),
        Engine::SqlServer => format!("[{}]", name.replace(']', "]]")),
    }
}

const POSTGRES_TABLES: &str = "\
SELECT n.nspname::text AS schema, c.relname::text AS name, \
CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' \
WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END AS kind, \
pg_catalog.obj_description(c.oid, 'pg_class') AS comment \
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') \
AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)' \
AND ($1::text IS NULL OR n.nspname = $1::text) \
AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') \
AND (pg_catalog.has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE') \
OR pg_catalog.has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE')) \
ORDER BY 1, 2";

const POSTGRES_COLUMNS: &str = "\
SELECT a.attname::text AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, \
NOT a.attnotnull AS nullable, pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS \"default\", \
EXISTS (SELECT 1 FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary \
AND a.attnum = ANY (i.indkey)) AS \"primaryKey\", \
pg_catalog.col_description(c.oid, a.attnum) AS comment \
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
WHERE n.nspname = $1::text AND c.relname = $2::text AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
AND a.attnum > 0 AND NOT a.attisdropped \
AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') \
AND (pg_catalog.has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE') \
OR pg_catalog.has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE')) \
ORDER BY a.attnum";

// What the user may not use, SQL Server's catalog views do not show.
const SQL_SERVER_TABLES: &str = "\
SELECT s.name AS [schema], o.name AS [name], \
CASE o.type WHEN 'U' THEN 'table' ELSE 'view' END AS [kind] \
FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 \
AND (@schema IS NULL OR s.name = @schema) ORDER BY 1, 2";

const SQL_SERVER_COLUMNS: &str = "\
SELECT c.name AS [name], t.name AS [type], c.max_length AS [length], c.precision AS [precision], \
c.scale AS [scale], c.is_nullable AS [nullable], d.definition AS [default], \
CAST(CASE WHEN k.column_id IS NULL THEN 0 ELSE 1 END AS bit) AS [primaryKey] \
FROM sys.columns AS c JOIN sys.objects AS o ON o.object_id = c.object_id \
JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
JOIN sys.types AS t ON t.user_type_id = c.user_type_id \
LEFT JOIN sys.default_constraints AS d ON d.object_id = c.default_object_id \
LEFT JOIN (SELECT ic.object_id, ic.column_id FROM sys.index_columns AS ic \
JOIN sys.indexes AS i ON i.object_id = ic.object_id AND i.index_id = ic.index_id \
WHERE i.is_primary_key = 1) AS k ON k.object_id = c.object_id AND k.column_id = c.column_id \
WHERE s.name = @schema AND o.name = @table AND o.type IN ('U', 'V') ORDER BY c.column_id";
