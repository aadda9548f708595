//! Records as OpenTelemetry's logs: OTLP 1.x over HTTP, in its JSON form.

use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::config::OtlpConfig;
use super::{Delivered, Line, Sink};
use crate::ConfigError;
use crate::audit::record::Severity;
use crate::network::Fetch;

/// For one request.
const TIME: Duration = Duration::from_secs(4);
const MAX_ANSWER: usize = 64 << 10;
/// What is left of a collector's answer in the log.
const MAX_SHOWN: usize = 200;

/// A collector.
pub(super) struct Otlp {
    url: String,
    headers: HeaderMap,
    http: Arc<dyn Fetch>,
    // Of its own, so that nothing of the server waits for it, nor it for the server's end. Made by the
    // copy's thread, which may let go of it as well.
    runtime: Option<Runtime>,
    is_required: bool,
}

impl Otlp {
    pub(super) fn new(config: &OtlpConfig, http: Arc<dyn Fetch>) -> Result<Self, ConfigError> {
        let problem = |error: String| ConfigError::new("audit.sinks.headers", error);
        let mut headers = HeaderMap::new();
        for (name, value) in &config.headers {
            let value = value.resolve().map_err(|error| problem(error.to_string()))?;
            let name: HeaderName =
                name.parse().map_err(|_| problem(format!("{name:?} is no field's name")))?;
            let mut value = HeaderValue::from_str(&value)
                .map_err(|_| problem(format!("the value of {name} is none for a header field")))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let url = config.url()?.into();
        Ok(Self { url, headers, http, runtime: None, is_required: config.required })
    }
}

impl Sink for Otlp {
    fn name(&self) -> &'static str {
        "otlp"
    }

    fn is_required(&self) -> bool {
        self.is_required
    }

    fn deliver(&mut self, lines: &[Line]) -> Delivered {
        let mut request = Request::post(&self.url).body(Bytes::from(body(lines).to_string()));
        if let Ok(request) = &mut request {
            *request.headers_mut() = self.headers.clone();
        }
        let request = request.map_err(|error| (0, error.to_string()))?;
        let runtime = match self.runtime.take() {
            Some(runtime) => runtime,
            None => Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| (0, error.to_string()))?,
        };
        let fetched = self
            .runtime
            .insert(runtime)
            .block_on(async { timeout(TIME, self.http.fetch(request, MAX_ANSWER)).await });
        let answer = match fetched {
            Ok(fetched) => fetched.map_err(|error| (0, error))?,
            Err(_) => return Err((0, "no answer in time".into())),
        };
        let shown: String =
            String::from_utf8_lossy(answer.body()).chars().take(MAX_SHOWN).collect();
        match answer.status().as_u16() {
            200..=299 => Ok(rejected(answer.body())),
            // OTLP: these are to be tried again, and no others.
            status @ (429 | 502 | 503 | 504) => Err((0, format!("HTTP {status}: {shown}"))),
            status => {
                tracing::error!(status, answer = shown, "the collector refuses audit records");
                Ok(lines.len())
            }
        }
    }
}

/// How many records it did not take, for good.
fn rejected(answer: &[u8]) -> usize {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let rejected = &answer["partialSuccess"]["rejectedLogRecords"];
    // A number of 64 bits, which OTLP's JSON writes as a text.
    let number = rejected.as_u64().or_else(|| rejected.as_str()?.parse().ok()).unwrap_or(0);
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// `ExportLogsServiceRequest`.
fn body(lines: &[Line]) -> Value {
    let service = [
        attribute("service.name", &json!("krb-mcp")),
        attribute("service.version", &json!(env!("CARGO_PKG_VERSION"))),
    ];
    let records: Vec<Value> = lines.iter().map(record).collect();
    json!({"resourceLogs": [{
        "resource": {"attributes": service},
        "scopeLogs": [{
            "scope": {"name": "krb-mcp.audit"},
            "logRecords": records
        }]
    }]})
}

fn record(line: &Line) -> Value {
    let members: Map<String, Value> = serde_json::from_str(&line.text).unwrap_or_default();
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let (number, severity) = match line.severity {
        Severity::Info => (9, "INFO"),
        Severity::Notice => (10, "INFO2"),
        Severity::Warning => (13, "WARN"),
    };
    let named = |name: &str| !matches!(name, "timestamp" | "traceId" | "spanId" | "chain");
    let attributes: Vec<Value> = members
        .iter()
        .filter(|(name, _)| named(name))
        .map(|(name, value)| attribute(&format!("audit.{name}"), value))
        .collect();
    let mut record = json!({
        "severityNumber": number,
        "severityText": severity,
        "eventName": "audit",
        // As it stands in the log: a copy is as good as a head that was kept.
        "body": {"stringValue": &*line.text},
        "attributes": attributes
    });
    if let Some(nanoseconds) = text("timestamp").and_then(nanoseconds) {
        record["timeUnixNano"] = json!(nanoseconds);
    }
    for name in ["traceId", "spanId"] {
        if let Some(id) = text(name) {
            record[name] = json!(id);
        }
    }
    record
}

fn attribute(name: &str, value: &Value) -> Value {
    let value = match value {
        Value::String(text) => json!({"stringValue": text}),
        Value::Bool(is_so) => json!({"boolValue": is_so}),
        Value::Number(number) if number.is_i64() => json!({"intValue": number.to_string()}),
        Value::Array(values) => {
            let values: Vec<Value> =
                values.iter().filter_map(|v| Some(json!({"stringValue": v.as_str()?}))).collect();
            json!({"arrayValue": {"values": values}})
        }
        other => json!({"stringValue": other.to_string()}),
    };
    json!({"key": name, "value": value})
}

/// Since 1970, as OTLP's JSON writes a number of 64 bits.
fn nanoseconds(time: &str) -> Option<String> {
    let (seconds, milliseconds) = time.strip_suffix('Z')?.split_once('.')?;
    let seconds = crate::audit::segments::time(seconds)?.unix();
    Some(format!("{seconds}{milliseconds:0<9}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_a_log_record() {
        let text = r#"{"timestamp":"2023-11-14T22:14:00.007Z","seq":7,"phase":"closing","success":true,"policies":["a","b"],"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","chain":"00"}"#;
        let record = record(&Line::record(text.as_bytes(), Severity::Notice));
        assert_eq!(record["timeUnixNano"], "1700000040007000000");
        assert_eq!(record["traceId"], "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(record["body"]["stringValue"], text);
        let attributes = record["attributes"].as_array().unwrap();
        let of = |name: &str| &attributes.iter().find(|a| a["key"] == name).unwrap()["value"];
        assert_eq!(*of("audit.seq"), json!({"intValue": "7"}));
        assert_eq!(*of("audit.success"), json!({"boolValue": true}));
        assert_eq!(of("audit.policies")["arrayValue"]["values"][1], json!({"stringValue": "b"}));
        assert_eq!(attributes.len(), 4);
    }

    #[test]
    fn what_a_collector_does_not_take_is_counted() {
        for (answer, count) in [
            ("", 0),
            ("{}", 0),
            (r#"{"partialSuccess":{"rejectedLogRecords":"3"}}"#, 3),
            (r#"{"partialSuccess":{"rejectedLogRecords":3}}"#, 3),
        ] {
            assert_eq!(rejected(answer.as_bytes()), count, "{answer}");
        }
    }
}
