//! Streams of bytes to resources.

use std::io::Result;
use std::net::SocketAddr;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A connection before anything is spoken on it.
pub trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

/// How resources are connected to, once their names are resolved and before TLS. In production by
/// [`Tcp`]; in tests by pipes in memory.
#[async_trait]
pub trait Connect: Send + Sync {
    /// Connects. How long it may take is the caller's business; dropped, it leaves nothing behind.
    ///
    /// # Errors
    /// Why there is no connection.
    async fn connect(&self, address: SocketAddr) -> Result<Box<dyn Stream>>;
}

/// TCP, which sends at once what it is given.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tcp;

#[async_trait]
impl Connect for Tcp {
    async fn connect(&self, address: SocketAddr) -> Result<Box<dyn Stream>> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        Ok(Box::new(socket))
    }
}
