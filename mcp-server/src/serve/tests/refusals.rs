//! Refusals on real connections: the client reads every one, whatever it still sends.

use super::*;

fn request(token: &str, length: usize) -> Vec<u8> {
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    head.into_bytes()
}

/// Reads one answer: its head, and whether the body came whole.
async fn answer(stream: &mut TcpStream) -> std::io::Result<String> {
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    loop {
        let length = timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap()?;
        text += std::str::from_utf8(&buffer[..length]).unwrap();
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let announced = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            announced.is_some_and(|announced| announced == body.len().to_string())
        });
        if whole || length == 0 {
            assert!(whole, "{text}");
            return Ok(text);
        }
    }
}

#[tokio::test]
async fn a_client_that_sends_a_large_body_reads_its_refusal() {
    let running = start(Duration::from_secs(1)).await;
    // Drained, beyond what is drained, and refused for its length after the gate.
    for (token, length, status) in
        [("expired", 1_000_000, 401), ("expired", 6_000_000, 401), ("alice", 6_000_000, 413)]
    {
        for _ in 0..20 {
            for time in 1.. {
                let begun = Instant::now();
                let refusal = refused(running.address, token, length).await;
                let is_well = refusal.as_ref().is_ok_and(|text| {
                    text.starts_with(&format!("HTTP/1.1 {status}"))
                        && text.contains("connection: close") == (length > 1 << 20)
                });
                if is_well {
                    break;
                }
                // A client on a machine that stands still is not waited for; then it is tried again.
                assert!(
                    time < 3 && begun.elapsed() > Duration::from_secs(1),
                    "{length}: {refusal:?}"
                );
            }
        }
    }
}

/// What a client reads that, as most do, sends everything before it reads anything.
async fn refused(address: SocketAddr, token: &str, length: usize) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&request(token, length)).await?;
    timeout(PATIENCE, stream.write_all(&vec![b' '; length])).await.unwrap()?;
    if length <= 1 << 20 {
        return answer(&mut stream).await;
    }
    let mut text = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut text)).await.unwrap()?;
    Ok(text)
}

#[tokio::test]
async fn a_refused_keep_alive_connection_lives_on_under_load() {
    let running = start(Duration::from_secs(1)).await;
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let address = running.address;
        clients.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            for _ in 0..30 {
                // The body comes in a packet of its own, as with most clients.
                stream.write_all(&request("expired", 100)).await.unwrap();
                tokio::task::yield_now().await;
                stream.write_all(&[b' '; 100]).await.unwrap();
                let text = answer(&mut stream).await.unwrap();
                assert!(text.starts_with("HTTP/1.1 401"), "{text}");
                assert!(!text.contains("connection: close"), "{text}");
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
}

#[tokio::test]
async fn who_waits_to_be_told_to_send_is_not_told() {
    let running = start(Duration::from_secs(1)).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let request = String::from_utf8(request("expired", 100)).unwrap();
    let request = request.replace("Content-Type", "Expect: 100-continue\r\nContent-Type");
    stream.write_all(request.as_bytes()).await.unwrap();
    let text = answer(&mut stream).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 401") && text.contains("connection: close"), "{text}");
}

#[tokio::test]
async fn a_client_that_closes_its_connection_cancels_its_call() {
    let running = start(Duration::from_secs(1)).await;
    let stream = call(&running, r"\\files\corp\endless").await;
    drop(stream);
    timeout(PATIENCE, running.fake.wait_for("cancelled")).await.unwrap();
}
