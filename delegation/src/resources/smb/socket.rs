//! Frames over TCP (MS-SMB2 2.1). As `smb2`'s own transport, but one write for a frame: where its
//! length goes out before it, the server is woken for four bytes, and once more for the rest.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;

use smb2::transport::{ReceiveProgress, TransportReceive, TransportSend};
use smb2::{Error, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Mutex;

/// More than any answer to what we ask, and less than 24 bits can say.
const MAX_FRAME: usize = 8 << 20;
/// An answer of a usual length is read at once with its own length.
const AT_ONCE: usize = 4 << 10;

pub(super) struct Socket {
    reader: Mutex<BufReader<OwnedReadHalf>>,
    writer: Mutex<OwnedWriteHalf>,
    progress: Arc<ReceiveProgress>,
}

impl Socket {
    pub(super) async fn connect(to: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self::of(stream))
    }

    fn of(stream: TcpStream) -> Self {
        let (reader, writer) = stream.into_split();
        let reader = Mutex::new(BufReader::with_capacity(AT_ONCE, reader));
        Self { reader, writer: Mutex::new(writer), progress: Arc::new(ReceiveProgress::new()) }
    }
}

/// A zero, and the length in three bytes.
fn prefix(length: usize) -> Result<[u8; 4]> {
    match u32::try_from(length) {
        Ok(prefix) if length <= MAX_FRAME => Ok(prefix.to_be_bytes()),
        _ => Err(Error::invalid_data("a frame is too long")),
    }
}

fn length(prefix: [u8; 4]) -> Result<usize> {
    let length = u32::from_be_bytes(prefix) as usize;
    if length > MAX_FRAME {
        // What does not begin with a zero is no frame, and longer than any.
        return Err(Error::invalid_data("no frame of SMB came"));
    }
    Ok(length)
}

#[async_trait::async_trait]
impl TransportSend for Socket {
    async fn send(&self, data: &[u8]) -> Result<()> {
        let frame = [&prefix(data.len())?, data].concat();
        self.writer.lock().await.write_all(&frame).await.map_err(Error::Io)
    }
}

#[async_trait::async_trait]
impl TransportReceive for Socket {
    async fn receive(&self) -> Result<Vec<u8>> {
        let mut reader = self.reader.lock().await;
        let mut prefix = [0; 4];
        reader.read_exact(&mut prefix).await.map_err(ended)?;
        let length = length(prefix)?;
        let _arriving = Arriving::new(&self.progress, length);
        let mut frame = Vec::with_capacity(length);
        while frame.len() < length {
            let rest = (length - frame.len()) as u64;
            let read = (&mut *reader).take(rest).read_buf(&mut frame).await.map_err(ended)?;
            if read == 0 {
                return Err(Error::Disconnected);
            }
            self.progress.record(read);
        }
        Ok(frame)
    }

    fn receive_progress(&self) -> Option<Arc<ReceiveProgress>> {
        Some(self.progress.clone())
    }
}

fn ended(error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::UnexpectedEof => Error::Disconnected,
        _ => Error::Io(error),
    }
}

/// A frame on its way, until all of it came or nobody waits for it any more.
struct Arriving<'a>(&'a ReceiveProgress);

impl<'a> Arriving<'a> {
    fn new(progress: &'a ReceiveProgress, length: usize) -> Self {
        progress.begin_frame(length);
        Self(progress)
    }
}

impl Drop for Arriving<'_> {
    fn drop(&mut self) {
        self.0.end_frame();
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (socket, peer) =
            tokio::join!(Socket::connect(listener.local_addr().unwrap()), listener.accept());
        (socket.unwrap(), peer.unwrap().0)
    }

    #[tokio::test]
    async fn a_frame_is_one_write_and_is_read_however_it_is_cut() {
        let (socket, mut peer) = pair().await;
        socket.send(b"ask").await.unwrap();
        let mut sent = [0; 100];
        let length = peer.read(&mut sent).await.unwrap();
        assert_eq!(sent[..length], *b"\0\0\0\x03ask");

        let long: Vec<u8> = (0..3 * AT_ONCE + 1).map(|number| number as u8).collect();
        let frames = [&b"short"[..], &[], &long, b"last"];
        let bytes: Vec<u8> = frames
            .iter()
            .flat_map(|frame| [&prefix(frame.len()).unwrap(), *frame].concat())
            .collect();
        let write = async {
            for (number, piece) in bytes.chunks(1000).enumerate() {
                let (first, rest) = piece.split_at(number % piece.len());
                for part in [first, rest] {
                    peer.write_all(part).await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        };
        let read = async {
            for frame in frames {
                assert_eq!(socket.receive().await.unwrap(), frame);
            }
        };
        tokio::join!(write, read);
    }

    #[tokio::test]
    async fn what_ends_early_or_is_no_frame_is_an_error() {
        for cut in [&b""[..], b"\0\0", b"\0\0\0\x05abc"] {
            let (socket, mut peer) = pair().await;
            peer.write_all(cut).await.unwrap();
            drop(peer);
            let error = socket.receive().await.unwrap_err();
            assert!(matches!(error, Error::Disconnected), "{error}");
        }
        for other in [*b"\x01\0\0\x01", *b"HTTP", [0, 0xff, 0xff, 0xff], [0xff; 4]] {
            let (socket, mut peer) = pair().await;
            peer.write_all(&other).await.unwrap();
            let error = socket.receive().await.unwrap_err();
            assert!(matches!(error, Error::InvalidData { .. }), "{error}");
        }
        let (socket, _peer) = pair().await;
        assert!(socket.send(&vec![0; MAX_FRAME + 1]).await.is_err());
    }
}
