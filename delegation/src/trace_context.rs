//! W3C Trace Context: where a call belongs in its caller's trace.

use std::str::FromStr;

const TRACE_ID: usize = 32;
const SPAN_ID: usize = 16;

/// What a `traceparent` says: the trace, and the span in it from which this server was called. Both are
/// the caller's word, and mean nothing but to whoever reads records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceContext {
    trace_id: String,
    span_id: String,
}

impl TraceContext {
    /// 32 digits, in hexadecimal.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        &self.trace_id
    }

    /// 16 digits, in hexadecimal.
    #[must_use]
    pub fn span_id(&self) -> &str {
        &self.span_id
    }
}

/// It is no `traceparent`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoTraceContext;

impl FromStr for TraceContext {
    type Err = NoTraceContext;

    /// Reads `00-TRACE-SPAN-FLAGS`, or what a later version has that begins like it (Trace Context
    /// section 3.2).
    fn from_str(text: &str) -> Result<Self, NoTraceContext> {
        let mut parts = text.splitn(5, '-');
        let mut part = |length: usize| {
            let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
            let part = parts.next().filter(|part| part.len() == length);
            part.filter(|part| part.bytes().all(is_digit)).ok_or(NoTraceContext)
        };
        let (version, trace_id, span_id, _) = (part(2)?, part(TRACE_ID)?, part(SPAN_ID)?, part(2)?);
        let is_none = |id: &str| id.bytes().all(|digit| digit == b'0');
        let has_more = parts.next().is_some();
        if version == "ff" || (version == "00" && has_more) || is_none(trace_id) || is_none(span_id)
        {
            return Err(NoTraceContext);
        }
        Ok(Self { trace_id: trace_id.into(), span_id: span_id.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_standard_has_is_read() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context: TraceContext = good.parse().unwrap();
        assert_eq!(context.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(context.span_id(), "b7ad6b7169203331");
        assert_eq!(format!("cc{}-what-the-future-is", &good[2..]).parse(), Ok(context));
        for bad in [
            "",
            "00",
            &good[1..],
            &good[..54],
            &good.to_uppercase(),
            &good.replace("0af7", "é7"),
            &format!("ff{}", &good[2..]),
            &format!("{good}-more"),
            &format!(" {good}"),
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        ] {
            assert_eq!(bad.parse::<TraceContext>(), Err(NoTraceContext), "{bad}");
        }
    }
}
