//! Many KDCs of which some are silent, with real sockets.

use tokio::time::timeout;

use super::*;

const PATIENCE: Patience =
    Patience { per_kdc: Duration::from_millis(400), overall: Duration::from_secs(3) };

#[derive(Clone, Copy, PartialEq, Debug)]
enum Way {
    /// No answer to a SYN, as from a machine that is away or behind a firewall.
    Dropping,
    /// Connections are taken and nothing comes.
    Frozen,
    Refusing,
}

/// A port whose queue of connections is full, so that further ones are not answered.
fn dropping() -> SocketAddr {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut queue = Vec::new();
        while let Ok(stream) = timeout(Duration::from_millis(50), TcpStream::connect(address)).await
        {
            queue.push((stream.unwrap(), &listener));
        }
        std::future::pending::<()>().await;
    });
    address
}

/// Sixty KDCs, those in `silent` in one of the ways.
async fn kdcs(silent: &[usize], way: Way) -> Vec<SocketAddr> {
    let mut kdcs = Vec::new();
    for number in 0..60 {
        kdcs.push(match (silent.contains(&number), way) {
            (false, _) => kdc(vec![b"done".to_vec()]).await.0,
            (_, Way::Dropping) => dropping(),
            (_, Way::Frozen) => frozen().await,
            (_, Way::Refusing) => refusing(),
        });
    }
    tokio::time::sleep(Duration::from_millis(150)).await; // until the queues are full
    kdcs
}

async fn first_call(silent: &[usize], way: Way, patience: Patience) -> Duration {
    let source = KdcSource::Addresses(kdcs(silent, way).await);
    let driver = driver_of(source, Transport::tcp(), patience);
    let began = Instant::now();
    driver.run(Probe::default()).await.unwrap();
    began.elapsed()
}

#[tokio::test]
async fn twelve_of_sixty_silent_cost_one_patience_at_most() {
    let places: [Vec<usize>; 3] =
        [(0..12).collect(), (48..60).collect(), (0..60).step_by(5).collect()];
    for way in [Way::Dropping, Way::Frozen, Way::Refusing] {
        for silent in &places {
            thrice(async || {
                let first = first_call(silent, way, PATIENCE).await;
                let limit = PATIENCE.per_kdc * 3 / 2; // a slow machine; virtual time is stricter
                (first > limit).then(|| format!("{first:?} with {way:?} at {silent:?}"))
            })
            .await;
        }
    }
}

#[tokio::test]
async fn sixty_silent_are_all_named_in_time() {
    for way in [Way::Dropping, Way::Frozen, Way::Refusing] {
        thrice(async || {
            let kdcs = kdcs(&(0..60).collect::<Vec<_>>(), way).await;
            let driver = driver_of(KdcSource::Addresses(kdcs.clone()), Transport::tcp(), PATIENCE);
            let began = Instant::now();
            let error = driver.run(Probe::default()).await.unwrap_err();
            let (took, text) = (began.elapsed(), error.to_string());
            let missing = kdcs.iter().find(|kdc| !text.contains(&format!("{kdc}: ")));
            let in_time = took < PATIENCE.overall + Duration::from_millis(500);
            let well = in_time && missing.is_none();
            (!well).then(|| format!("{way:?}: after {took:?}, without {missing:?}: {text}"))
        })
        .await;
    }
}

#[tokio::test]
async fn udp_is_raced_as_tcp_is_and_sent_again() {
    thrice(async || {
        let took = udp_race().await;
        (took >= 2 * PATIENCE.per_kdc).then(|| format!("{took:?}"))
    })
    .await;
}

/// How long it takes where twelve read nothing, and the thirteenth loses the first datagram.
async fn udp_race() -> Duration {
    let mut kdcs = Vec::new();
    let mut held = Vec::new();
    for _ in 0..12 {
        let (tcp, silent, address) = bound(Ipv4Addr::LOCALHOST).await;
        held.push((tcp, silent));
        kdcs.push(address);
    }
    let (_held, answering, address) = bound(Ipv4Addr::LOCALHOST).await;
    kdcs.push(address);
    let heard = tokio::spawn(async move {
        let mut buffer = [0; 100];
        answering.recv_from(&mut buffer).await.unwrap();
        let (length, from) = answering.recv_from(&mut buffer).await.unwrap();
        answering.send_to(b"done", from).await.unwrap();
        buffer[..length].to_vec()
    });
    let driver = driver_of(KdcSource::Addresses(kdcs), Transport::udp_up_to(u32::MAX), PATIENCE);
    let began = Instant::now();
    driver.run(Probe::default()).await.unwrap();
    let took = began.elapsed();
    assert_eq!(heard.await.unwrap(), b"ask");
    took
}
