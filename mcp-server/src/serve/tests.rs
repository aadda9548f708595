//! The server over sockets: what it lets in, and for how long.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

mod places;
mod refusals;

use super::{MAX_CONNECTIONS, serve_with};
use crate::testing::{Fake, app};

/// Long enough for whatever is to happen, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(20);

struct Running {
    address: SocketAddr,
    fake: Arc<Fake>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

async fn start(drain: Duration) -> Running {
    start_with(MAX_CONNECTIONS, drain).await
}

async fn start_with(places: usize, drain: Duration) -> Running {
    let (app, fake, cancel) = app("");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let stopped = async { stopped.await.unwrap() };
    let server = tokio::spawn(serve_with(places, listener, app, stopped, drain, cancel));
    Running { address, fake, stop, server }
}

/// A call that is under way once this returns.
async fn call(running: &Running, path: &str) -> TcpStream {
    let body = serde_json::json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "kerberos-file-read", "arguments": {"path": path}}
    })
    .to_string();
    let request = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alice\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    running.fake.wait_for("started").await;
    stream
}

async fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut text)).await.unwrap().unwrap();
    text
}

#[tokio::test]
async fn a_running_call_ends_and_nothing_new_begins() {
    let running = start(2 * PATIENCE).await;
    let stream = call(&running, r"\\files\corp\slow").await;
    let mut idle = TcpStream::connect(running.address).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert!(idle.read(&mut [0; 4096]).await.unwrap() > 0);
    running.stop.send(()).unwrap();
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("a,b"), "{answer}");
    assert_eq!(rest(idle).await, "");
    timeout(PATIENCE, running.server).await.unwrap().unwrap();
    assert_eq!(running.fake.events(), ["started", "ended"]);
    assert!(TcpStream::connect(running.address).await.is_err());
}

#[tokio::test]
async fn a_call_that_does_not_end_is_cancelled() {
    let running = start(Duration::from_millis(50)).await;
    let stream = call(&running, r"\\files\corp\endless").await;
    running.stop.send(()).unwrap();
    timeout(PATIENCE, running.server).await.unwrap().unwrap();
    running.fake.wait_for("cancelled").await;
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
}
