//! Somebody on the way between the server and a resource, who changes what the resource says.

use std::net::SocketAddr;

use tokio::io::{self, AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Changes the n-th message of a resource, counted from 0 on each connection.
pub type Change = fn(usize, &mut Vec<u8>);

/// A listening relay; it ends with its value.
pub struct Relay {
    address: SocketAddr,
    task: JoinHandle<()>,
}

#[derive(Clone, Copy)]
enum Framing {
    /// MS-SMB2 2.1: a length of four bytes before each message.
    Smb,
    /// The head of the first answer is the only message; what follows passes as it is.
    HttpHead,
}

impl Relay {
    /// Relays to an SMB server.
    pub async fn smb(server: String, change: Change) -> Self {
        Self::start(server, Framing::Smb, change).await
    }

    /// Relays to a web server.
    pub async fn http(server: String, change: Change) -> Self {
        Self::start(server, Framing::HttpHead, change).await
    }

    async fn start(server: String, framing: Framing, change: Change) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.expect("the resource");
                tokio::spawn(connection(client, server, framing, change));
            }
        });
        Self { address, task }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Ends when either side hangs up.
async fn connection(client: TcpStream, server: TcpStream, framing: Framing, change: Change) {
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let answers = async {
        match framing {
            Framing::Smb => smb(from_server, to_client, change).await,
            Framing::HttpHead => http(from_server, to_client, change).await,
        }
    };
    let _hung_up = tokio::select! {
        end = answers => end,
        end = io::copy(&mut from_client, &mut to_server) => end.map(drop),
    };
}

async fn smb(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, change: Change) -> io::Result<()> {
    for number in 0.. {
        let length = from.read_u32().await?;
        let mut message = vec![0; length as usize];
        from.read_exact(&mut message).await?;
        change(number, &mut message);
        to.write_u32(message.len() as u32).await?;
        to.write_all(&message).await?;
    }
    Ok(())
}

async fn http(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, change: Change) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(from.read_u8().await?);
    }
    change(0, &mut head);
    to.write_all(&head).await?;
    io::copy(&mut from, &mut to).await.map(drop)
}
