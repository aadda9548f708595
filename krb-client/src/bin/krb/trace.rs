//! Lines of a trace in the form of MIT's library.

use std::fmt;

use krb_client::{Clock, SystemClock};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The process, the time since 1970 to the microsecond, and what happened.
pub(crate) struct AsMit;

impl<S, N> FormatEvent<S, N> for AsMit
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let now = SystemClock.now();
        let (seconds, microseconds) = (now.seconds.unix(), now.microseconds);
        write!(writer, "[{}] {seconds}.{microseconds:06}: ", std::process::id())?;
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}
