//! Connections that keep us waiting, and newcomers who want their places.

use super::*;
use crate::serve::places::Places;
use crate::serve::places_within;

/// A connection of its own, and what the server makes of its requests.
async fn get(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    rest(stream).await
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    let read = timeout(PATIENCE, stream.read(&mut [0; 4096])).await.unwrap();
    read.map_or(true, |length| length == 0)
}

#[tokio::test]
async fn the_oldest_idle_connection_gives_way_and_a_running_call_does_not() {
    let running = start_with(3, 2 * PATIENCE).await;
    let call = call(&running, r"\\files\corp\slow").await;
    let mut older = TcpStream::connect(running.address).await.unwrap();
    older.write_all(b"GET /").await.unwrap();
    // So that the server sees it first.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut newer = TcpStream::connect(running.address).await.unwrap();
    for _ in 0..5 {
        assert!(get(running.address).await.starts_with("HTTP/1.1 200"));
    }
    assert!(is_closed(&mut older).await);
    newer.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert!(newer.read(&mut [0; 4096]).await.unwrap() > 0, "there was a place for it");
    running.stop.send(()).unwrap();
    let answer = rest(call).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("a,b"), "{answer}");
}

#[tokio::test]
async fn where_all_places_work_a_newcomer_waits_for_the_first_that_ends() {
    let running = start_with(1, 2 * PATIENCE).await;
    let call = call(&running, r"\\files\corp\slow").await;
    assert!(get(running.address).await.starts_with("HTTP/1.1 200"));
    assert_eq!(running.fake.events(), ["started", "ended"], "the call came first");
    drop(call);
}

#[tokio::test(start_paused = true)]
async fn who_keeps_us_waiting_is_told_to_leave_in_time() {
    let places = Places::new(2);
    let begun = Instant::now();
    let place = places.take().await;
    places.end_overdue(begun + Duration::from_millis(9_999));
    assert!(!place.connection.is_closed());
    places.end_overdue(begun + Duration::from_secs(10));
    assert!(place.connection.is_closed());
}

#[test]
fn there_are_no_more_places_than_files() {
    for (files, places) in
        [(1024, 512), (524_288, 1024), (2047, 1023), (usize::MAX, 1024), (20, 16)]
    {
        assert_eq!(places_within(files), places, "{files}");
    }
}
