use std::time::Duration;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisConnectionInfo};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::store::{Away, Store, Swap};
use crate::network::Network;
use crate::secret::Secret;

/// For connecting, with login; for an answer. The library's own are shorter or none, by its version.
const CONNECT: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_millis(800);
/// A connection is used no longer, so that a name that leads elsewhere by now is asked again.
const MAX_AGE: Duration = Duration::from_secs(300);
/// After a failure, nobody connects for so long.
const PAUSE: Duration = Duration::from_millis(250);

/// All or nothing, as the server runs it alone: names, then each one's old value (empty if there is
/// none) and its new one.
const SWAP: &str = "
for i, name in ipairs(KEYS) do
  local found = redis.call('GET', name)
  if (found or '') ~= ARGV[2 * i - 1] then return 0 end
end
for i, name in ipairs(KEYS) do redis.call('SET', name, ARGV[2 * i]) end
return 1";

/// Redis or Valkey.
pub(crate) struct Redis {
    network: Network,
    host: String,
    port: u16,
    tls: bool,
    username: Option<String>,
    password: Option<Secret>,
    link: Mutex<Link>,
}

#[derive(Default)]
struct Link {
    up: Option<(MultiplexedConnection, Instant)>,
    failed: Option<Instant>,
}

impl Redis {
    pub(crate) fn new(
        network: Network,
        (host, port): (String, u16),
        tls: bool,
        username: Option<String>,
        password: Option<Secret>,
    ) -> Self {
        Self { network, host, port, tls, username, password, link: Mutex::default() }
    }

    async fn connection(&self) -> Result<MultiplexedConnection, Away> {
        let mut link = self.link.lock().await;
        if let Some((up, since)) = &link.up
            && since.elapsed() < MAX_AGE
        {
            return Ok(up.clone());
        }
        link.up = None;
        if link.failed.is_some_and(|failed| failed.elapsed() < PAUSE) {
            return Err(Away("it did not answer a moment ago".to_owned()));
        }
        let connected = timeout(CONNECT, self.connect()).await;
        match connected.unwrap_or_else(|_| Err(Away("no connection in 2 seconds".to_owned()))) {
            Ok(up) => {
                *link = Link { up: Some((up.clone(), Instant::now())), failed: None };
                Ok(up)
            }
            Err(away) => {
                link.failed = Some(Instant::now());
                Err(away)
            }
        }
    }

    async fn connect(&self) -> Result<MultiplexedConnection, Away> {
        let stream = self.network.stream(&self.host, self.port, self.tls).await.map_err(away)?;
        let mut login = RedisConnectionInfo::default();
        if let Some(username) = &self.username {
            login = login.set_username(username);
        }
        if let Some(password) = &self.password {
            login = login.set_password(&**password.resolve().map_err(away)?);
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
        let connected = MultiplexedConnection::new_with_config(&login, stream, config).await;
        let (mut connection, driver) = connected.map_err(away)?;
        // It ends with the connection's last handle.
        tokio::spawn(driver);
        let mut ask = redis::cmd("INFO");
        let memory: String = ask.arg("memory").query_async(&mut connection).await.map_err(away)?;
        check(&memory)?;
        Ok(connection)
    }

    async fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, Away> {
        let mut connection = self.connection().await?;
        match command.query_async(&mut connection).await {
            Ok(answer) => Ok(answer),
            // Somebody put something else there, or there is no room for more: that is no word about
            // what else it has.
            Err(error) if matches!(error.code(), Some("WRONGTYPE" | "OOM" | "MISCONF")) => {
                Err(away(error))
            }
            Err(error) => {
                // Whatever it is (a server that is read-only by now, one that is gone), the next one
                // asks where the name leads.
                let mut link = self.link.lock().await;
                *link = Link { up: None, failed: Some(Instant::now()) };
                Err(away(error))
            }
        }
    }
}

/// A store that throws away what it was given would give access back.
fn check(memory: &str) -> Result<(), Away> {
    let value = |name: &str| {
        let line = |line: &str| line.strip_prefix(name)?.strip_prefix(':').map(str::to_owned);
        memory.lines().find_map(line)
    };
    match (value("maxmemory").as_deref(), value("maxmemory_policy").as_deref()) {
        (Some("0"), _) | (_, Some("noeviction")) => Ok(()),
        (_, policy) => Err(Away(format!(
            "its maxmemory-policy is {}: it must be noeviction, or revocations get lost",
            policy.unwrap_or("not told")
        ))),
    }
}

fn away(error: impl std::fmt::Display) -> Away {
    Away(error.to_string())
}

#[async_trait]
impl Store for Redis {
    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Away> {
        self.ask(redis::cmd("GET").arg(name)).await
    }

    async fn put(&self, name: &str, value: &[u8], life: Duration) -> Result<(), Away> {
        let milliseconds = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
        self.ask(redis::cmd("SET").arg(name).arg(value).arg("PX").arg(milliseconds)).await
    }

    async fn put_new(&self, name: &str, value: &[u8], life: Duration) -> Result<bool, Away> {
        let milliseconds = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
        let mut set = redis::cmd("SET");
        let put: Option<String> =
            self.ask(set.arg(name).arg(value).arg("PX").arg(milliseconds).arg("NX")).await?;
        Ok(put.is_some())
    }

    async fn swap(&self, all: &[Swap]) -> Result<bool, Away> {
        let mut command = redis::cmd("EVAL");
        command.arg(SWAP).arg(all.len());
        for Swap { name, .. } in all {
            command.arg(name);
        }
        for Swap { old, new, .. } in all {
            command.arg(old.as_deref().unwrap_or_default()).arg(&**new);
        }
        self.ask::<i64>(&command).await.map(|done| done == 1)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::io::{DuplexStream, duplex};
    use tokio::time::{advance, sleep};

    use super::*;
    use crate::network::{Connect, NetworkConfig, Stream};

    /// What the name leads to: at first a server that was demoted, then the one that took its place.
    #[derive(Clone, Default)]
    struct FailedOver(Arc<AtomicUsize>);

    #[async_trait]
    impl Connect for FailedOver {
        async fn connect(&self, _: SocketAddr) -> std::io::Result<Box<dyn Stream>> {
            let (ours, theirs) = duplex(1 << 16);
            let is_first = self.0.fetch_add(1, Ordering::SeqCst) == 0;
            let set: &[u8] = if is_first { READ_ONLY } else { OK };
            tokio::spawn(serve(theirs, set, b""));
            Ok(Box::new(ours))
        }
    }

    const OK: &[u8] = b"+OK\r\n";
    const READ_ONLY: &[u8] = b"-READONLY You can't write against a read only replica.\r\n";

    /// Serves one connection, with this answer to SET.
    async fn serve(
        stream: DuplexStream,
        set: &'static [u8],
        silent_to: &'static [u8],
    ) -> Option<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let number = async |stream: &mut BufReader<DuplexStream>| {
                let mut line = String::new();
                stream.read_line(&mut line).await.ok()?;
                line.trim_end().get(1..)?.parse::<usize>().ok()
            };
            let mut words = Vec::new();
            for _ in 0..number(&mut stream).await? {
                let mut word = vec![0; number(&mut stream).await? + 2];
                stream.read_exact(&mut word).await.ok()?;
                words.push(word);
            }
            let answer: &[u8] = match words.first()?.trim_ascii_end() {
                command if command == silent_to => continue,
                b"INFO" => b"$13\r\nmaxmemory:0\r\n\r\n",
                b"GET" => b"$-1\r\n",
                b"SET" => set,
                _ => OK,
            };
            stream.get_mut().write_all(answer).await.ok()?;
        }
    }

    fn config() -> NetworkConfig {
        NetworkConfig {
            hosts: [("store".to_owned(), [127, 0, 0, 1].into())].into(),
            nameservers: vec!["192.0.2.1".into()],
            ..NetworkConfig::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_was_demoted_is_left_for_whom_the_name_leads_to() {
        let failed_over = FailedOver::default();
        let network = Network::new(&config(), Arc::new(failed_over.clone())).unwrap();
        let redis = Redis::new(network, ("store".to_owned(), 6379), false, None, None);
        let put = async || redis.put("name", b"value", Duration::from_secs(60)).await;
        let connections = || failed_over.0.load(Ordering::SeqCst);
        let refused = put().await.unwrap_err().0;
        assert!(refused.to_lowercase().contains("read"), "{refused}");
        // Not at once and again and again.
        assert!(put().await.is_err());
        assert_eq!(connections(), 1);
        sleep(PAUSE).await;
        for _ in 0..3 {
            assert_eq!(put().await, Ok(()));
        }
        assert_eq!(connections(), 2);
        // Nobody failed, and yet it is asked where the name leads.
        advance(MAX_AGE).await;
        assert_eq!(redis.get("name").await, Ok(None));
        assert_eq!(connections(), 3);
    }

    /// A server that says nothing to one command, or with none that nobody reaches.
    #[derive(Clone)]
    struct SilentTo(&'static [u8]);

    #[async_trait]
    impl Connect for SilentTo {
        async fn connect(&self, _: SocketAddr) -> std::io::Result<Box<dyn Stream>> {
            if self.0.is_empty() {
                std::future::pending::<()>().await;
            }
            let (ours, theirs) = duplex(1 << 16);
            tokio::spawn(serve(theirs, OK, self.0));
            Ok(Box::new(ours))
        }
    }

    /// A server that takes nothing more, for this reason; how often it was connected to.
    #[derive(Clone)]
    struct Full(&'static [u8], Arc<AtomicUsize>);

    #[async_trait]
    impl Connect for Full {
        async fn connect(&self, _: SocketAddr) -> std::io::Result<Box<dyn Stream>> {
            self.1.fetch_add(1, Ordering::SeqCst);
            let (ours, theirs) = duplex(1 << 16);
            tokio::spawn(serve(theirs, self.0, b""));
            Ok(Box::new(ours))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_full_is_read_all_the_same() {
        for (word, answer) in [
            ("OOM", &b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"[..]),
            ("MISCONF", b"-MISCONF Errors writing to the AOF file: No space left on device\r\n"),
        ] {
            let full = Full(answer, Arc::default());
            let network = Network::new(&config(), Arc::new(full.clone())).unwrap();
            let redis = Redis::new(network, ("store".to_owned(), 6379), false, None, None);
            for _ in 0..3 {
                let put = redis.put("name", b"value", Duration::from_secs(60)).await;
                assert!(put.unwrap_err().0.contains(word), "{word}");
                assert_eq!(redis.get("name").await, Ok(None), "{word}");
            }
            assert_eq!(full.1.load(Ordering::SeqCst), 1, "{word}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_falls_silent_is_away_within_its_time() {
        for (command, time) in [(&b""[..], CONNECT), (b"INFO", ANSWER), (b"GET", ANSWER)] {
            let network = Network::new(&config(), Arc::new(SilentTo(command))).unwrap();
            let redis = Redis::new(network, ("store".to_owned(), 6379), false, None, None);
            let asked = Instant::now();
            assert!(redis.get("name").await.is_err());
            let took = asked.elapsed();
            assert!(took >= time && took < time + Duration::from_millis(50), "{took:?}");
            // Whoever comes next is told so at once.
            let asked = Instant::now();
            assert!(redis.get("name").await.is_err());
            assert!(asked.elapsed() < Duration::from_millis(50));
        }
    }

    #[test]
    fn a_store_that_evicts_is_none() {
        let info = |maxmemory, policy| {
            check(&format!(
                "used_memory:1\r\nmaxmemory:{maxmemory}\r\nmaxmemory_policy:{policy}\r\n"
            ))
        };
        assert_eq!(info("0", "allkeys-lru"), Ok(()), "there is no limit at which it would");
        assert_eq!(info("1000000", "noeviction"), Ok(()));
        for policy in ["volatile-lru", "allkeys-lru", "volatile-ttl"] {
            assert!(info("1000000", policy).unwrap_err().0.contains(policy));
        }
        assert!(check("").is_err());
    }
}
