use std::sync::Arc;

use hyper::header::HeaderMap;
use serde::Serialize;
use url::Url;

use super::{Endpoint, address, headers};
use crate::Failure;
use crate::resources::{Action, Effect, Form, Found};
use crate::targets::Names;

/// One HTTP request to make. Redirects are returned, not followed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operation {
    /// GET, HEAD, POST, PUT, PATCH or DELETE.
    pub method: String,
    /// Absolute `http` or `https` URL.
    pub url: String,
    /// Header fields to send; `Authorization`, `Cookie`, `Host` and hop-by-hop ones are refused.
    pub headers: Vec<(String, String)>,
    /// Body to send.
    pub body: Option<String>,
}

pub(super) const ACTIONS: &[Action] = &[
    action("http:get"),
    action("http:head"),
    action("http:post"),
    action("http:put"),
    action("http:patch"),
    action("http:delete"),
];

const fn action(name: &'static str) -> Action {
    Action { name, form: Form::Either }
}

/// The action of a method, in policy and audit.
pub(super) fn action_name(method: &str) -> String {
    format!("http:{}", method.to_ascii_lowercase())
}

/// What a method means (RFC 9110 section 9.2): of one that is not known, the most.
pub(super) fn effect(method: &str) -> Effect {
    match method {
        "GET" | "HEAD" => Effect::None,
        "PUT" | "DELETE" => Effect::Once,
        _ => Effect::Each,
    }
}

/// What came back: the one thing that web applications answer with.
pub type Outcome = Response;

/// An HTTP response as the tool returns it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Header fields, without authentication and cookie fields.
    pub headers: Vec<(String, String)>,
    /// `utf-8` or `base64`.
    pub encoding: &'static str,
    /// The body in that encoding.
    pub body: String,
}

/// One request to a web application.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Task {
    /// The web application.
    pub(super) endpoint: Arc<Endpoint>,
    /// The method, in capital letters.
    pub method: String,
    /// A URL on the target's configured origin, under its configured path: the path normalised
    /// (RFC 3986 section 6.2.2), the query as written.
    pub url: Url,
    /// Header fields to send, all of which the web application may be sent.
    pub headers: HeaderMap,
    /// Body to send.
    pub body: Option<String>,
}

/// An operation whose method and URL were read.
pub(crate) struct Asked {
    operation: Operation,
    url: Url,
    policy_path: String,
}

impl Asked {
    pub(super) fn read(operation: &Operation) -> Result<Self, Failure> {
        address::check_method(&operation.method)?;
        let url = address::parse(&operation.url)?;
        let policy_path = address::policy_path(&url)?;
        Ok(Self { operation: operation.clone(), url, policy_path })
    }

    pub(super) fn find(
        &self,
        endpoint: &Arc<Endpoint>,
        names: &Names,
    ) -> Result<Option<Found<Task>>, Failure> {
        let (asked, base) = (&self.url, &endpoint.base);
        let same_origin = asked.scheme() == base.scheme()
            && asked.port_or_known_default() == base.port_or_known_default()
            && asked.host_str().is_some_and(|host| names.has(host));
        if !same_origin || !address::is_under(base.path(), asked.path()) {
            return Ok(None);
        }
        let takes = |name: &str| endpoint.takes_header(name);
        let headers = headers::read(takes, &self.operation.headers)?;
        let mut url = base.clone();
        url.set_path(asked.path());
        url.set_query(asked.query());
        let Operation { method, body, .. } = self.operation.clone();
        let method = method.to_ascii_uppercase();
        let task = Task { endpoint: endpoint.clone(), method, url, headers, body };
        let action = action_name(&self.operation.method).into();
        Ok(Some(Found { task, action, policy_path: self.policy_path.clone() }))
    }
}
