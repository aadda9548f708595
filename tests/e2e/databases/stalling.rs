//! Somebody on the way to a database who falls silent in the middle of what it says.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use krb_mcp::demo::Issuer;
use krb_tests::{Lab, Server, Setup};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// A relay to a database.
pub(crate) struct Stalling {
    pub(crate) port: u16,
    /// So much of the database's passes on each connection.
    after: Arc<AtomicUsize>,
    /// So much has passed, on all together.
    passed: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl Stalling {
    pub(crate) async fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let after = Arc::new(AtomicUsize::new(usize::MAX));
        let (passed, connections) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let stalling = Self { port, after, passed, connections };
        let (after, passed) = (stalling.after.clone(), stalling.passed.clone());
        let connections = stalling.connections.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let server = TcpStream::connect(&server).await.expect("the database");
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                tokio::spawn(async move { copy(&mut from_client, &mut to_server).await });
                let (after, passed) = (after.clone(), passed.clone());
                tokio::spawn(async move {
                    let mut left = after.load(Ordering::SeqCst);
                    let mut bytes = vec![0; 1 << 14];
                    while left > 0 {
                        let most = left.min(bytes.len());
                        let Ok(length @ 1..) = from_server.read(&mut bytes[..most]).await else {
                            return;
                        };
                        passed.fetch_add(length, Ordering::SeqCst);
                        left -= length;
                        if to_client.write_all(&bytes[..length]).await.is_err() {
                            return;
                        }
                    }
                    // It stays open, and silent.
                    sleep(Duration::from_secs(60)).await;
                });
            }
        });
        stalling
    }

    /// Whatever it is at when it falls silent, the call ends when its time is up, by the one connection
    /// that it began with.
    ///
    /// # Panics
    /// If that is not so.
    pub(crate) async fn ends_on_time(
        &self,
        lab: &Lab,
        issuer: &Issuer,
        targets: Vec<Value>,
        sql: &str,
        change: fn(&mut Value),
    ) {
        let names: Vec<_> =
            targets.iter().map(|target| target["name"].as_str().unwrap().to_owned()).collect();
        let mut setup = Setup::new(lab, &issuer.url());
        setup.targets = targets;
        setup.change = change;
        let server = Server::start(lab, &setup);
        let mut users = (0..).map(|number| issuer.token_for(&format!("crowd{number:02}")));
        for name in names {
            let ask = async |token: &str| {
                let arguments = json!({
                    "action": "query", "target": name, "sql": sql, "maxRows": 10_000
                });
                server.call(Some(token), "sql-delegate", arguments).await
            };
            let before = self.passed.load(Ordering::SeqCst);
            let answer = ask(&users.next().unwrap()).await;
            assert!(!answer.data().as_array().unwrap().is_empty(), "{name}");
            let all = self.passed.load(Ordering::SeqCst) - before;
            for percent in [1, 10, 25, 50, 75] {
                self.after.store((all * percent / 100).max(1), Ordering::SeqCst);
                // What the call before asked to be cancelled may still be on its way.
                sleep(Duration::from_secs(1)).await;
                let connections = self.connections.load(Ordering::SeqCst);
                let (token, begun) = (users.next().unwrap(), Instant::now());
                let (code, message, _) = ask(&token).await.error();
                let took = begun.elapsed();
                assert_eq!(code, "RESOURCE_TIMEOUT", "{name} {percent} % of {all}: {message}");
                assert!(took < Duration::from_secs(10), "{name} {percent} %: {took:?}");
                // A cancellation of what runs has a connection of its own; a second try would be a login.
                let more = self.connections.load(Ordering::SeqCst) - connections;
                let most = if percent == 1 { 1 } else { 2 };
                assert!((1..=most).contains(&more), "{name} {percent} %: {more} connections");
            }
            self.after.store(usize::MAX, Ordering::SeqCst);
        }
    }
}
