//! YAML, as far as it says no more than JSON does and nobody can take it for something else: one
//! document of mappings, lists and scalars. What is not quoted is a number where JSON has it so, `true`,
//! `false` or `null`, or else it is text: `no` is text. Anchors, aliases, merge keys and tags are
//! refused, and so is a name that is there twice.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};
use zeroize::Zeroize;

use super::malformed::Malformed;
use super::unique::twice;

/// Many times what a configuration needs.
const MAX_DEPTH: usize = 32;

/// What a text says.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Malformed> {
    let mut reader = Reader { events: Parser::new_from_str(text), places: HashMap::new() };
    let mut value = reader.document()?;
    let read = serde_path_to_error::deserialize(&value);
    // A configuration may hold secrets.
    wipe(&mut value);
    read.map_err(|error| {
        let path = error.path().to_string();
        Malformed::setting(reader.place(&path), &path, &error.inner().to_string())
    })
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(list) => list.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    /// Where each setting stands, by its path.
    places: HashMap<String, (usize, usize)>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Malformed> {
        let of = |error: &ScanError| {
            let at = error.marker();
            Malformed::setting((at.line(), at.col() + 1), "", error.info())
        };
        match self.events.next_event() {
            Some(event) => event.map_err(|error| of(&error)),
            None => Err(Malformed::setting((1, 1), "", "it ends too early")),
        }
    }

    fn document(&mut self) -> Result<Value, Malformed> {
        let mut value = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
                Event::StreamEnd => return Ok(value.unwrap_or(Value::Null)),
                _ if value.is_some() => return Err(refused(span, "", "it is a second document")),
                event => value = Some(self.value(event, span, "", 0)?),
            }
        }
    }

    fn value(
        &mut self,
        event: Event<'a>,
        span: Span,
        path: &str,
        depth: usize,
    ) -> Result<Value, Malformed> {
        if depth > MAX_DEPTH {
            return Err(refused(span, path, "it is nested too deeply"));
        }
        let (anchor, tag) = match &event {
            Event::Scalar(_, _, anchor, tag) => (*anchor, tag.is_some()),
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => {
                (*anchor, tag.is_some())
            }
            _ => (0, false),
        };
        if anchor != 0 {
            return Err(refused(span, path, "anchors (&name) are not taken"));
        }
        if tag {
            return Err(refused(span, path, "tags (!name) are not taken"));
        }
        self.places.insert(path.to_owned(), place(span));
        match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) => Ok(plain(&text)),
            Event::Scalar(text, ..) => Ok(Value::String(text.into_owned())),
            Event::SequenceStart(..) => self.list(path, depth),
            Event::MappingStart(..) => self.map(path, depth),
            Event::Alias(_) => Err(refused(span, path, "aliases (*name) are not taken")),
            _ => Err(refused(span, path, "a value is missing")),
        }
    }

    fn list(&mut self, path: &str, depth: usize) -> Result<Value, Malformed> {
        let mut list = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Value::Array(list));
            }
            let path = format!("{path}[{}]", list.len());
            list.push(self.value(event, span, &path, depth + 1)?);
        }
    }

    fn map(&mut self, path: &str, depth: usize) -> Result<Value, Malformed> {
        let mut map = Map::new();
        loop {
            let (event, span) = self.next()?;
            let name = match event {
                Event::MappingEnd => return Ok(Value::Object(map)),
                Event::Scalar(name, style, 0, None) => {
                    if style == ScalarStyle::Plain && name == "<<" {
                        return Err(refused(span, path, "merge keys (<<) are not taken"));
                    }
                    name.into_owned()
                }
                _ => return Err(refused(span, path, "a name must be a text and no more")),
            };
            if map.contains_key(&name) {
                return Err(refused(span, path, &twice(&name)));
            }
            let path = match path {
                "" => name.clone(),
                path => format!("{path}.{name}"),
            };
            let (event, behind) = self.next()?;
            let value = self.value(event, behind, &path, depth + 1)?;
            // Where its name stands says more than where its value does.
            self.places.insert(path, place(span));
            map.insert(name, value);
        }
    }

    /// Where a setting stands, or the one that it would be in.
    fn place(&self, path: &str) -> (usize, usize) {
        let mut path = path;
        loop {
            if let Some(place) = self.places.get(path) {
                return *place;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return (1, 1),
            }
        }
    }
}

/// What is not quoted.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        text => {
            text.parse::<Number>().map_or_else(|_| Value::String(text.to_owned()), Value::Number)
        }
    }
}

fn place(span: Span) -> (usize, usize) {
    (span.start.line(), span.start.col() + 1)
}

fn refused(span: Span, path: &str, problem: &str) -> Malformed {
    Malformed::setting(place(span), path, problem)
}
