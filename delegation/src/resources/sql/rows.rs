//! What a statement answers, as far as it is taken.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;

/// A column of an answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// Its name in the rows: one that stands there twice has a number behind it.
    pub name: String,
    /// Its type, as the engine calls it.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it may be null, where the engine says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nullable: Option<bool>,
}

/// A row: its values by its columns' names, in their order.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    columns: Arc<[Column]>,
    values: Vec<Value>,
}

// A JSON number of ours is never NaN.
impl Eq for Row {}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.values.len()))?;
        for (column, value) in self.columns.iter().zip(&self.values) {
            map.serialize_entry(&column.name, value)?;
        }
        map.end()
    }
}

/// Takes the rows of one answer, until it has as many as it may.
#[derive(Debug)]
pub(super) struct Rows {
    columns: Arc<[Column]>,
    rows: Vec<Row>,
    /// So many come before the first that is wanted.
    skip: u64,
    most: usize,
    /// So many bytes are left.
    bytes: usize,
    taken: usize,
    more: bool,
}

/// Whether an engine is to go on reading.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(super) enum Next {
    /// The next one.
    More,
    /// No more: it stops reading, and has the server stop sending.
    Enough,
}

impl Rows {
    pub(super) fn new(skip: u64, most: u32, bytes: usize) -> Self {
        Self {
            columns: Arc::from([]),
            rows: Vec::new(),
            skip,
            most: most as usize,
            bytes,
            taken: 0,
            more: false,
        }
    }

    /// What the columns of the rows that follow are. Rows before are dropped: of several answers to
    /// one statement (a procedure's) the last counts.
    pub(super) fn columns(&mut self, columns: Vec<Column>) {
        let mut named: Vec<Column> = Vec::with_capacity(columns.len());
        // With the number that was last tried behind each: who asks chooses how many there are of one.
        let mut taken: HashMap<String, u32> = HashMap::with_capacity(columns.len());
        for mut column in columns {
            if column.name.is_empty() {
                column.name = format!("column{}", named.len() + 1);
            }
            if let Some(last) = taken.get(&column.name) {
                let mut number = *last;
                let name = loop {
                    number = number.saturating_add(1);
                    let name = format!("{}_{number}", column.name);
                    if !taken.contains_key(&name) {
                        break name;
                    }
                };
                taken.insert(std::mem::replace(&mut column.name, name), number);
            }
            taken.insert(column.name.clone(), 1);
            named.push(column);
        }
        self.columns = named.into();
        self.rows.clear();
    }

    /// Whether a row with values of so many bytes on the wire is to be read at all: asked before its
    /// values are made. What it answers with [`Next::Enough`] is not pushed.
    pub(super) fn wants(&mut self, bytes: usize) -> Next {
        if self.skip > 0 {
            return Next::More;
        }
        if self.rows.len() >= self.most || bytes > self.bytes {
            self.more = true;
            return Next::Enough;
        }
        Next::More
    }

    /// Whether the row that is being read comes before those that are wanted. It is counted then, and
    /// its values need not be made.
    pub(super) fn skips(&mut self) -> bool {
        let skips = self.skip > 0;
        self.skip = self.skip.saturating_sub(1);
        skips
    }

    /// Whether none was taken.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A row that had so many bytes on the wire.
    pub(super) fn push(&mut self, values: Vec<Value>, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.taken += bytes;
        self.rows.push(Row { columns: self.columns.clone(), values });
    }

    /// Whether there are more than were taken, and how many bytes those had that were.
    pub(super) fn into_parts(self) -> Taken {
        let Self { columns, rows, more, taken, .. } = self;
        Taken { columns: columns.to_vec(), rows, more, bytes: taken as u64 }
    }
}

/// What was taken.
pub(super) struct Taken {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
    pub(super) more: bool,
    pub(super) bytes: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn column(name: &str) -> Column {
        Column { name: name.into(), kind: "int4".into(), nullable: None }
    }

    /// Reads rows of ten bytes each as an engine does.
    fn read(mut rows: Rows, there: u64) -> (Vec<u64>, bool) {
        rows.columns(vec![column("n")]);
        for number in 0..there {
            if rows.wants(10) == Next::Enough {
                break;
            }
            if !rows.skips() {
                rows.push(vec![number.into()], 10);
            }
        }
        let Taken { rows, more, bytes, .. } = rows.into_parts();
        assert_eq!(bytes, 10 * rows.len() as u64);
        (rows.iter().map(|row| row.values[0].as_u64().unwrap()).collect(), more)
    }

    #[test]
    fn no_more_is_read_than_may_be() {
        for (skip, most, bytes, there, taken, more) in [
            (0, 3, 1000, 2, 0..2, false),
            (0, 3, 1000, 3, 0..3, false),
            (0, 3, 1000, 4, 0..3, true),
            (0, 3, 29, 4, 0..2, true),
            (0, 3, 30, 3, 0..3, false),
            (0, 3, 9, 1, 0..0, true),
            (2, 3, 1000, 4, 2..4, false),
            (2, 3, 30, 6, 2..5, true),
            (9, 3, 1000, 4, 0..0, false),
        ] {
            let rows = Rows::new(skip, most, bytes);
            let expected = (taken.collect::<Vec<_>>(), more);
            assert_eq!(read(rows, there), expected, "{skip} {most} {bytes} {there}");
        }
    }

    #[test]
    fn columns_of_one_name_are_told_apart_and_keep_their_order() {
        let mut rows = Rows::new(0, 10, 1000);
        rows.columns(["b", "a", "b", "", "b_2", "b"].map(column).into());
        rows.push((0..6).map(Value::from).collect(), 6);
        let text = serde_json::to_string(&rows.into_parts().rows).unwrap();
        assert_eq!(text, r#"[{"b":0,"a":1,"b_2":2,"column4":3,"b_2_2":4,"b_3":5}]"#);
        // As many as a statement may have, of one name: each is numbered at once.
        let mut rows = Rows::new(0, 10, 1000);
        let many = 50_000;
        rows.columns(vec![column("b"); many]);
        let columns = rows.into_parts().columns;
        assert_eq!(columns.last().map(|column| &*column.name), Some("b_50000"));
        assert_eq!(columns.len(), many);
        let mut rows = Rows::new(0, 10, 1000);
        rows.columns(vec![column("a")]);
        rows.push(vec![json!(1)], 1);
        rows.columns(vec![column("b")]);
        rows.push(vec![json!(2)], 1);
        assert_eq!(serde_json::to_value(&rows.into_parts().rows).unwrap(), json!([{"b": 2}]));
    }
}
