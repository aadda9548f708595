//! What was decoded: for people an indented tree, for programs JSON.

use std::fmt::{Display, Write as _};

use serde_json::Value;

/// A value with a name for each of its parts.
pub(super) enum Tree {
    Text(String),
    Number(i64),
    Truth(bool),
    /// What nobody here has a meaning for.
    Octets(Vec<u8>),
    List(Vec<Tree>),
    Fields(Fields),
}

/// Parts in the order of the message.
#[derive(Default)]
pub(super) struct Fields(Vec<(&'static str, Tree)>);

/// People are shown so many octets of what has no meaning; JSON has all.
const SHOWN_OCTETS: usize = 32;

impl Fields {
    /// A message or a structure, by its name.
    pub(super) fn of(kind: impl Into<Tree>) -> Self {
        Self::default().with("type", kind)
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<Tree>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// With what may be absent.
    pub(super) fn with_some<T: Into<Tree>>(self, name: &'static str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With a value as it prints itself.
    pub(super) fn show(self, name: &'static str, value: impl Display) -> Self {
        self.with(name, value.to_string())
    }

    pub(super) fn show_some<T: Display>(self, name: &'static str, value: Option<T>) -> Self {
        self.with_some(name, value.map(|value| value.to_string()))
    }

    /// With the parts of another.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

impl Tree {
    /// Octets that are meant to be text; what is none stays octets.
    pub(super) fn text(octets: &[u8]) -> Self {
        match std::str::from_utf8(octets) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Octets(octets.to_vec()),
        }
    }

    pub(super) fn octets(octets: &[u8]) -> Self {
        Self::Octets(octets.to_vec())
    }

    pub(super) fn list(items: impl IntoIterator<Item = impl Into<Self>>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }

    pub(super) fn json(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(text.as_str()),
            Self::Number(number) => Value::from(*number),
            Self::Truth(truth) => Value::from(*truth),
            Self::Octets(octets) => Value::from(hex(octets)),
            Self::List(items) => items.iter().map(Self::json).collect(),
            Self::Fields(Fields(fields)) => {
                fields.iter().map(|(name, value)| ((*name).to_owned(), value.json())).collect()
            }
        }
    }

    /// The tree, each line behind so many steps.
    pub(super) fn write(&self, depth: usize, out: &mut String) {
        match self {
            Self::Fields(Fields(fields)) => {
                for (name, value) in fields {
                    indent(depth, out);
                    value.write_named(name, depth, out);
                }
            }
            Self::List(items) => {
                for item in items {
                    indent(depth, out);
                    out.push_str("- ");
                    item.write_item(depth, out);
                }
            }
            leaf => {
                indent(depth, out);
                leaf.write_leaf(out);
                out.push('\n');
            }
        }
    }

    fn write_named(&self, name: &str, depth: usize, out: &mut String) {
        out.push_str(name);
        out.push(':');
        match self {
            Self::List(items) if items.is_empty() => out.push_str(" none\n"),
            Self::List(items) if items.iter().all(Self::is_leaf) => {
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at == 0 { " " } else { ", " });
                    item.write_leaf(out);
                }
                out.push('\n');
            }
            Self::List(_) | Self::Fields(_) => {
                out.push('\n');
                self.write(depth + 1, out);
            }
            leaf => {
                out.push(' ');
                leaf.write_leaf(out);
                out.push('\n');
            }
        }
    }

    /// Behind the dash of a list: the first part stands in its line, the others below it.
    fn write_item(&self, depth: usize, out: &mut String) {
        match self {
            Self::Fields(Fields(fields)) => {
                for (at, (name, value)) in fields.iter().enumerate() {
                    if at > 0 {
                        indent(depth + 1, out);
                    }
                    value.write_named(name, depth + 1, out);
                }
            }
            Self::List(_) => {
                out.push('\n');
                self.write(depth + 1, out);
            }
            leaf => {
                leaf.write_leaf(out);
                out.push('\n');
            }
        }
    }

    const fn is_leaf(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Fields(_))
    }

    fn write_leaf(&self, out: &mut String) {
        match self {
            Self::Text(text) => write_text(text, out),
            Self::Number(number) => drop(write!(out, "{number}")),
            Self::Truth(truth) => drop(write!(out, "{truth}")),
            Self::Octets(octets) => {
                let shown = octets.get(..SHOWN_OCTETS).unwrap_or(octets);
                let more = if shown.len() < octets.len() { "…" } else { "" };
                let _ = write!(out, "{}{more} ({} octets)", hex(shown), octets.len());
            }
            Self::List(_) | Self::Fields(_) => {}
        }
    }
}

/// Text of others in one line: a line feed in a name begins no line of ours.
fn write_text(text: &str, out: &mut String) {
    for character in text.chars() {
        if character.is_control() {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
}

fn indent(depth: usize, out: &mut String) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

pub(super) fn hex(octets: &[u8]) -> String {
    let mut text = String::with_capacity(2 * octets.len());
    for octet in octets {
        let _ = write!(text, "{octet:02x}");
    }
    text
}

impl From<Fields> for Tree {
    fn from(fields: Fields) -> Self {
        Self::Fields(fields)
    }
}

impl From<Vec<Self>> for Tree {
    fn from(items: Vec<Self>) -> Self {
        Self::List(items)
    }
}

impl From<String> for Tree {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for Tree {
    fn from(truth: bool) -> Self {
        Self::Truth(truth)
    }
}

macro_rules! number {
    ($($type:ty)*) => {$(
        impl From<$type> for Tree {
            fn from(number: $type) -> Self {
                Self::Number(number.into())
            }
        }
    )*};
}
number!(i32 i64 u8 u16 u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_lines_and_programs_see_all() {
        let inner = Fields::of("INNER").with("list", Tree::list([1, 2]));
        let tree = Tree::from(
            Fields::of("OUTER")
                .with("name", "a\nb\u{1b}[31m")
                .with("octets", Tree::octets(&[7; 40]))
                .with("items", Tree::list([Tree::from(inner), Tree::from("leaf")])),
        );
        let mut text = String::new();
        tree.write(0, &mut text);
        let octets = "07".repeat(32);
        let expected = format!(
            "type: OUTER\nname: a\\nb\\u{{1b}}[31m\noctets: {octets}… (40 octets)\nitems:\n  - type: \
             INNER\n    list: 1, 2\n  - leaf\n"
        );
        assert_eq!(text, expected);
        assert_eq!(tree.json()["octets"], "07".repeat(40));
        assert_eq!(tree.json()["items"][0]["list"][1], 2);
    }
}
