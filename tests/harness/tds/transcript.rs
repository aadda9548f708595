//! `tls-unique` (RFC 5929 section 3), computed from the handshake's messages and the master secret: the
//! client's Finished (RFC 5246 section 7.4.9), by nobody's TLS library.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{self, SHA256, SHA384};
use aws_lc_rs::hmac::{self, HMAC_SHA256, HMAC_SHA384};
use rustls::KeyLog;

/// The bytes of a handshake, both ways, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Transcript(Arc<Mutex<Vec<u8>>>);

const MAX: usize = 64 << 10;
const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;

impl Transcript {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn hear(&self, bytes: &[u8]) {
        let mut heard = self.lock();
        if heard.len() < MAX {
            heard.extend_from_slice(bytes);
        }
    }

    /// The messages up to the client's ChangeCipherSpec.
    fn messages(&self) -> Option<Vec<u8>> {
        let heard = self.lock();
        let (mut rest, mut messages) = (&heard[..], Vec::new());
        while let [kind, _, _, high, low, behind @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let (record, next) = behind.split_at_checked(length)?;
            match *kind {
                HANDSHAKE => messages.extend_from_slice(record),
                CHANGE_CIPHER_SPEC => return Some(messages),
                _ => return None,
            }
            rest = next;
        }
        None
    }

    /// `None` unless it was TLS 1.2.
    pub(super) fn tls_unique(&self, secrets: &Secrets, sha384: bool) -> Option<Vec<u8>> {
        let master = secrets.0.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let (digest, algorithm) = match sha384 {
            true => (&SHA384, HMAC_SHA384),
            false => (&SHA256, HMAC_SHA256),
        };
        let hash = digest::digest(digest, &self.messages()?);
        let seed = [b"client finished", hash.as_ref()].concat();
        let key = hmac::Key::new(algorithm, &master);
        let a1 = hmac::sign(&key, &seed);
        let block = hmac::sign(&key, &[a1.as_ref(), &seed].concat());
        Some(block.as_ref()[..12].to_vec())
    }
}

/// The master secret of a connection.
#[derive(Debug, Default)]
pub(super) struct Secrets(Mutex<Option<Vec<u8>>>);

impl KeyLog for Secrets {
    fn log(&self, label: &str, _client_random: &[u8], secret: &[u8]) {
        if label == "CLIENT_RANDOM" {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(secret.to_vec());
        }
    }
}
