//! Calls that are answered without rmcp: of the revisions with a handshake, in which a call says what
//! tool it is for and with which arguments, and nothing else that a server would have to go by.
//!
//! Most clients send nothing else. Whatever has a member more, or one twice, or one of another type,
//! is looked at by [`envelope`](super::envelope) and answered by rmcp.

use std::fmt;
use std::marker::PhantomData;

use axum::http::HeaderMap;
use rmcp::model::JsonObject;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::envelope::{FIRST_WITHOUT_HANDSHAKE, Id, MAX_ID_BYTES, VERSION_FIELD, VERSIONS};

/// A call that says no more than that.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PlainCall {
    pub(crate) id: Id,
    pub(crate) tool: String,
    pub(crate) arguments: JsonObject,
    /// Where it belongs in its caller's trace, as the message says.
    pub(crate) traceparent: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message<'a> {
    jsonrpc: &'a str,
    id: RawId,
    method: &'a str,
    params: Object<Params>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawId {
    Number(i64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    name: String,
    arguments: Option<JsonObject>,
    /// It may be absent, but not `null`.
    #[serde(rename = "_meta", default, deserialize_with = "some")]
    meta: Option<Object<Meta>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Meta {
    traceparent: Option<String>,
    /// For progress, of which nothing is told here.
    #[serde(rename = "progressToken")]
    _progress_token: Option<RawId>,
}

/// What is an object in JSON. serde would take a list of the members' values as well.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members)).map(Object)
            }
        }

        deserializer.deserialize_map(Members(PhantomData))
    }
}

fn some<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

impl PlainCall {
    /// The call that a body is, if it is one.
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let version = headers.get(VERSION_FIELD).map(|field| field.to_str().unwrap_or_default());
        if version.is_some_and(|version| !is_with_handshake(version)) {
            return None;
        }
        let Object::<Message<'_>>(message) = serde_json::from_slice(body).ok()?;
        if message.jsonrpc != "2.0" || message.method != "tools/call" {
            return None;
        }
        let id = match message.id {
            RawId::Number(number) => Id::Number(number),
            RawId::Text(text) if text.len() <= MAX_ID_BYTES => Id::Text(text),
            RawId::Text(_) => return None,
        };
        let Object(Params { name: tool, arguments, meta }) = message.params;
        let traceparent = meta.and_then(|Object(meta)| meta.traceparent);
        Some(Self { id, tool, arguments: arguments.unwrap_or_default(), traceparent })
    }
}

fn is_with_handshake(version: &str) -> bool {
    version < FIRST_WITHOUT_HANDSHAKE && VERSIONS.iter().any(|known| known.as_str() == version)
}
