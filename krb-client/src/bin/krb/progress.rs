//! What is waited for, told to whoever sits at the terminal and sees nothing happen.

use std::fmt;
use std::io::{self, IsTerminal as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use krb_client::Ccache;
use tokio::time::Instant;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use crate::complain;

/// Nobody wonders for so long.
const QUIET: Duration = Duration::from_secs(2);
/// It is looked so often.
const PAUSE: Duration = Duration::from_millis(200);

/// What is waited for, and since when; nothing once it has been told.
static WAITED_FOR: Mutex<Option<(String, Instant)>> = Mutex::new(None);

fn waited_for() -> MutexGuard<'static, Option<(String, Instant)>> {
    WAITED_FOR.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells it from here on, of a command that is not quiet.
pub(crate) fn watch() -> io::Result<()> {
    let watching = std::thread::Builder::new().name("progress".to_owned());
    watching.spawn(|| {
        loop {
            std::thread::sleep(PAUSE);
            let told = waited_for().take_if(|(_, since)| since.elapsed() >= QUIET);
            if let Some((what, _)) = told {
                complain(&format!("waiting for {what}"));
            }
        }
    })?;
    Ok(())
}

/// Is somebody there to be told?
pub(crate) fn is_seen() -> bool {
    io::stderr().is_terminal()
}

/// Uses a cache, for which another program may have to finish first.
pub(crate) async fn cache<T>(cache: &Ccache, used: impl Future<Output = T>) -> T {
    let what =
        format!("the credential cache {}, which another program may have locked", cache.name());
    *waited_for() = Some((what, Instant::now()));
    let outcome = used.await;
    *waited_for() = None;
    outcome
}

/// Hears from the library's trace whom it asks, and that they answered.
pub(crate) struct Exchanges;

impl<S: Subscriber> Layer<S> for Exchanges {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut said = Said(String::new());
        event.record(&mut said);
        heard(&said.0, Instant::now());
    }
}

/// Whoever is asked last is named; as long as nobody answers it is since the first.
fn heard(said: &str, now: Instant) {
    let mut waited_for = waited_for();
    if said.starts_with("Received from ") {
        *waited_for = None;
    } else if let Some((to, _)) =
        said.strip_prefix("Sending to ").and_then(|it| it.split_once(": "))
    {
        let since = waited_for.as_ref().map_or(now, |(_, since)| *since);
        *waited_for = Some((format!("an answer of {to}"), since));
    }
}

/// The words of an event.
struct Said(String);

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_asked_last_is_named_until_somebody_answers() {
        let begun = Instant::now();
        heard("Sending to udp 192.0.2.1:88: AS-REQ of alice@R", begun);
        heard("No answer from udp 192.0.2.1:88: timed out", begun);
        heard("Sending to tcp 192.0.2.2:88: AS-REQ of alice@R", begun + QUIET);
        let waited = waited_for().clone();
        assert_eq!(waited, Some(("an answer of tcp 192.0.2.2:88".to_owned(), begun)));
        heard("Received from tcp 192.0.2.2:88: AS-REP", begun);
        assert!(waited_for().is_none());
    }
}
