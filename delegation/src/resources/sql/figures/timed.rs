//! How long each query took, and all of them together: as `benches/peers/sql` has it for others.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::Asking;

/// Queries that were made for some time.
pub(super) struct Timed {
    each: Vec<Duration>,
    wall: Duration,
    cpu: Duration,
}

impl Timed {
    /// Each asks again and again, for so long after a quarter of that which does not count.
    pub(super) async fn of(all: Vec<Asking>, rows: usize, pause: Duration, time: Duration) -> Self {
        // Sessions and tickets are there.
        for asking in &all {
            assert_eq!(asking.ask().await, rows);
        }
        let from = Instant::now() + time / 4;
        let mut asked = JoinSet::new();
        for asking in all {
            asked.spawn(async move {
                let mut each = Vec::new();
                while from.elapsed() < time {
                    if !pause.is_zero() {
                        sleep(pause).await;
                    }
                    let begun = Instant::now();
                    assert_eq!(asking.ask().await, rows);
                    if begun >= from {
                        each.push(begun.elapsed());
                    }
                }
                each
            });
        }
        sleep_until(from).await;
        let before = processor_time();
        let each = asked.join_all().await.concat();
        let cpu = processor_time().saturating_sub(before);
        Self { each, wall: from.elapsed(), cpu }
    }

    /// A line for each figure: the median, what one in a hundred is above, the time from one answer to the
    /// next, and the processor's time for one.
    pub(super) fn lines(mut self, case: &str, who: &str) -> String {
        let count = u32::try_from(self.each.len().max(1)).unwrap_or(u32::MAX);
        [
            ("p50", part(&mut self.each, 50)),
            ("p99", part(&mut self.each, 99)),
            ("time", self.wall / count),
            ("cpu", self.cpu / count),
        ]
        .map(|(what, time)| format!("{case}/{what}\t{who}\t{}\t0\n", time.as_nanos()))
        .concat()
    }
}

/// The time that so many of a hundred are within.
pub(super) fn part(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let at = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(at).copied().unwrap_or_default()
}

/// Of this process, in the kernel too (proc_pid_stat(5), in hundredths of a second).
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
