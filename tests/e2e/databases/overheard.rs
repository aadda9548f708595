//! Somebody on the way to a database who hears everything and changes nothing.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// What went over the network, in both directions.
#[derive(Clone, Default)]
pub(crate) struct Overheard(Arc<Mutex<Vec<u8>>>);

impl Overheard {
    /// Stands in front of a server; the port at 127.0.0.1.
    pub(crate) async fn of(server: String) -> (u16, Self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let overheard = Self::default();
        let heard = overheard.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.expect("the database");
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(heard.clone().pass(from_client, to_server));
                tokio::spawn(heard.clone().pass(from_server, to_client));
            }
        });
        (port, overheard)
    }

    async fn pass(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(length) = from.read(&mut bytes).await {
            let read = &bytes[..length];
            self.0.lock().unwrap().extend_from_slice(read);
            if length == 0 || to.write_all(read).await.is_err() {
                return;
            }
        }
    }

    /// Nothing of this was told, in any of the forms in which databases write text.
    pub(crate) fn has_none_of(&self, secrets: &[&str]) {
        let heard = self.0.lock().unwrap();
        assert!(heard.len() > 2000, "{} bytes were all", heard.len());
        for secret in secrets {
            let wide: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
            // As a login of TDS hides its password.
            let hidden: Vec<u8> = wide.iter().map(|byte| byte.rotate_left(4) ^ 0xa5).collect();
            for form in [secret.as_bytes(), &wide, &hidden] {
                let is_there = heard.windows(form.len()).any(|window| window == form);
                assert!(!is_there, "{secret:?} was to be read");
            }
        }
    }
}

/// Names lead to whoever listens here.
pub(crate) fn lead_here(configuration: &mut Value, host: &str) {
    let host = std::env::var(host).expect("the lab sets it");
    configuration["network"]["hosts"][host] = "127.0.0.1".into();
}
