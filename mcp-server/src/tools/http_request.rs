//! `kerberos-http-request`.

use std::collections::BTreeMap;

use krb_delegation::resources::http;
use rmcp::model::ToolAnnotations;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{Entry, arguments, describe, encoding_schema};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Absolute `http` or `https` URL that begins as one of `list-targets` does.
    url: String,
    /// The request's method.
    #[serde(default)]
    method: Method,
    /// Header fields to send: those that speak of content, and those that the server's operator
    /// allows. Others are refused.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Body to send.
    #[serde(default)]
    body: Option<String>,
}

// The schema has capitals; models write small letters all the same.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Method {
    #[default]
    #[serde(alias = "get")]
    Get,
    #[serde(alias = "head")]
    Head,
    #[serde(alias = "post")]
    Post,
    #[serde(alias = "put")]
    Put,
    #[serde(alias = "patch")]
    Patch,
    #[serde(alias = "delete")]
    Delete,
}

impl Method {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

pub(super) const ENTRY: Entry = Entry {
    name: "kerberos-http-request",
    actions: &["http:get", "http:head", "http:post", "http:put", "http:patch", "http:delete"],
    describe: |name| {
        describe::<Arguments>(
            name,
            "Makes one HTTP request to a web application that authenticates by Kerberos \
             (Negotiate), as the calling user. Call list-targets first: it names the web \
             applications. Redirects are returned, not followed. The \
             application's refusals (401 and 403) are failures; every other status is its answer.",
            ToolAnnotations::with_title("Make an HTTP request")
                .read_only(false)
                .destructive(true)
                .idempotent(false)
                .open_world(false),
            &json!({
                "type": "object",
                "properties": {
                    "status": {"type": "integer", "minimum": 100, "maximum": 999},
                    "headers": {
                        "type": "array",
                        "description": "name and value of each field, without authentication and \
                                        cookie fields",
                        "items": {"type": "array", "items": {"type": "string"}}
                    },
                    "encoding": encoding_schema(),
                    "body": {"type": "string"}
                },
                "required": ["status", "headers", "encoding", "body"]
            }),
        )
    },
    parse: |given| {
        let Arguments { url, method, headers, body } = arguments(given)?;
        let headers = headers.into_iter().collect();
        let method = method.as_str().to_owned();
        Ok(http::Operation { method, url, headers, body }.into())
    },
    #[cfg(test)]
    asks: || {
        let url = "http://web/".to_owned();
        let (method, headers) = ("GET".to_owned(), vec![]);
        let get = http::Operation { method, url: url.clone(), headers, body: None };
        let put = http::Operation {
            method: "PUT".into(),
            headers: vec![("A".into(), "b".into())],
            body: Some("c".into()),
            ..get.clone()
        };
        let all = json!({"url": url, "method": "PUT", "headers": {"A": "b"}, "body": "c"});
        vec![(json!({"url": url}), get.into()), (all, put.into())]
    },
    #[cfg(test)]
    answer: |_| {
        let headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
        http::Response { status: 200, headers, encoding: "utf-8", body: "hi".into() }.into()
    },
};
