//! Queries by tokio-postgres and by tiberius, with a login of their own and nobody in between.
//!
//!   bare-sql postgresql|sqlserver ADDRESS HOST CA-FILE USER PASSWORD SECONDS ONE MANY
//!
//! ONE is a statement that gives one row, MANY one that gives a thousand. Prints lines as the other programs
//! in `benches/peers` do.

mod client;
mod timed;

use std::time::{Duration, Instant};

use client::{Failed, Login};
use timed::Timed;

/// So many clients where there are many.
const MANY: usize = 16;
/// So many first queries.
const FIRST: usize = 10;
/// Between one query and the next, where they do not follow at once.
const PAUSE: Duration = Duration::from_millis(2);

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [engine, address, host, ca, user, password, seconds, one, many] = &arguments[..] else {
        return Err(
            "bare-sql postgresql|sqlserver ADDRESS HOST CA-FILE USER PASSWORD SECONDS ONE MANY"
                .into(),
        );
    };
    let time = Duration::from_secs_f64(seconds.parse()?);
    let login = Login { engine, address, host, ca, user, password };
    for kind in login.kinds() {
        let mut clients = Vec::new();
        for _ in 0..MANY {
            clients.push(login.client(kind).await?);
        }
        for (text, rows, case) in [(one, 1, "1"), (many, 1000, "1000")] {
            for (of, pause, suffix) in
                [(1, Duration::ZERO, ""), (1, PAUSE, "-later"), (MANY, Duration::ZERO, "-16")]
            {
                let asking = clients.drain(..of).collect();
                let (timed, asked) = Timed::of(asking, text, rows, pause, time).await?;
                clients.extend(asked);
                print!("{}", timed.lines(&format!("sql/{engine}/{case}{suffix}"), *kind));
            }
        }
        let mut firsts = Vec::new();
        for _ in 0..FIRST {
            let begun = Instant::now();
            let mut client = login.client(kind).await?;
            client.ask(one).await?;
            firsts.push(begun.elapsed());
        }
        let first = timed::part(&mut firsts, 50).as_nanos();
        println!("sql/{engine}/first/p50\t{}\t{first}\t0", kind.name());
    }
    Ok(())
}
