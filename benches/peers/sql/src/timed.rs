//! How long each query took, and all of them together.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::client::{Client, Failed, Kind};

/// Queries that were made for some time.
pub struct Timed {
    each: Vec<Duration>,
    wall: Duration,
    cpu: Duration,
}

impl Timed {
    /// Each client asks again and again, for so long after a quarter of that which does not count.
    pub async fn of(
        clients: Vec<Client>,
        text: &str,
        rows: usize,
        pause: Duration,
        time: Duration,
    ) -> Result<(Self, Vec<Client>), Failed> {
        let from = Instant::now() + time / 4;
        let mut asking = JoinSet::new();
        for mut client in clients {
            let text = text.to_owned();
            asking.spawn(async move {
                let mut each = Vec::new();
                while from.elapsed() < time {
                    if !pause.is_zero() {
                        tokio::time::sleep(pause).await;
                    }
                    let begun = Instant::now();
                    let found = client.ask(&text).await?;
                    if found != rows {
                        return Err(format!("{found} rows of {text}").into());
                    }
                    if begun >= from {
                        each.push(begun.elapsed());
                    }
                }
                Ok::<_, Failed>((each, client))
            });
        }
        tokio::time::sleep_until(from.into()).await;
        let before = processor_time();
        let (mut each, mut clients) = (Vec::new(), Vec::new());
        while let Some(asked) = asking.join_next().await {
            let (times, client) = asked??;
            each.extend(times);
            clients.push(client);
        }
        let cpu = processor_time().saturating_sub(before);
        Ok((Self { each, wall: from.elapsed(), cpu }, clients))
    }

    /// A line for each figure: the median, what one in a hundred is above, the time from one answer to the
    /// next, and the processor's time for one.
    pub fn lines(mut self, case: &str, who: Kind) -> String {
        let count = u32::try_from(self.each.len().max(1)).unwrap_or(u32::MAX);
        [
            ("p50", part(&mut self.each, 50)),
            ("p99", part(&mut self.each, 99)),
            ("time", self.wall / count),
            ("cpu", self.cpu / count),
        ]
        .map(|(what, time)| format!("{case}/{what}\t{}\t{}\t0\n", who.name(), time.as_nanos()))
        .concat()
    }
}

/// The time that so many of a hundred are within.
pub fn part(times: &mut [Duration], percent: usize) -> Duration {
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
