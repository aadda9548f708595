//! A transport between `smb2` and the socket that makes the NEGOTIATE request ask for what we
//! insist on, and keeps the handshake's bytes, since the pre-authentication hash (MS-SMB2 3.1.4.4.1)
//! is made over what really went over the wire.

use std::sync::{Arc, Mutex, PoisonError};

use smb2::Result;
use smb2::transport::{ReceiveProgress, TransportReceive, TransportSend};

use super::socket::Socket;

/// MS-SMB2 2.2.1.2: what a message starts with unless it is encrypted; where its command stands,
/// and that of NEGOTIATE.
const PROTOCOL_ID: [u8; 4] = [0xfe, b'S', b'M', b'B'];
const COMMAND: usize = 12;
const NEGOTIATE: [u8; 2] = [0, 0];
/// MS-SMB2 2.2.3, behind the header of 64 bytes.
const SECURITY_MODE: usize = 68;
const SIGNING_REQUIRED: u8 = 0x02;
const CAPABILITIES: usize = 72;
const GLOBAL_CAP_ENCRYPTION: u8 = 0x40;

/// The messages of the handshake, in both directions, as they stood on the wire.
#[derive(Default)]
pub(super) struct Recording {
    messages: Mutex<Option<Messages>>,
}

#[derive(Default, Clone)]
pub(super) struct Messages {
    pub(super) sent: Vec<Vec<u8>>,
    pub(super) received: Vec<Vec<u8>>,
}

impl Recording {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { messages: Mutex::new(Some(Messages::default())) })
    }

    /// What was recorded so far.
    pub(super) fn messages(&self) -> Messages {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
    }

    /// Ends the recording and forgets it.
    pub(super) fn stop(&self) {
        *self.messages.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn record(&self, message: &[u8], which: fn(&mut Messages) -> &mut Vec<Vec<u8>>) {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(messages) = &mut *messages {
            which(messages).push(message.to_vec());
        }
    }
}

/// The two halves of the transport.
pub(super) struct Tap {
    socket: Arc<Socket>,
    recording: Arc<Recording>,
}

impl Tap {
    pub(super) fn new(socket: Arc<Socket>, recording: Arc<Recording>) -> Self {
        Self { socket, recording }
    }
}

/// NEGOTIATE as we mean it: signing is required, and encryption can be done (Samba offers no
/// cipher to a client that does not say so here, whatever its negotiate contexts list).
fn insist(message: &[u8]) -> Option<Vec<u8>> {
    // In an encrypted message a signature stands where the command would: any two bytes.
    let is_negotiate = message.starts_with(&PROTOCOL_ID)
        && message.get(COMMAND..COMMAND + 2) == Some(&NEGOTIATE)
        && message.len() > CAPABILITIES;
    if !is_negotiate {
        return None;
    }
    let mut message = message.to_vec();
    message[SECURITY_MODE] |= SIGNING_REQUIRED;
    message[CAPABILITIES] |= GLOBAL_CAP_ENCRYPTION;
    Some(message)
}

#[async_trait::async_trait]
impl TransportSend for Tap {
    async fn send(&self, data: &[u8]) -> Result<()> {
        let edited = insist(data);
        let data = edited.as_deref().unwrap_or(data);
        self.recording.record(data, |messages| &mut messages.sent);
        self.socket.send(data).await
    }
}

#[async_trait::async_trait]
impl TransportReceive for Tap {
    async fn receive(&self) -> Result<Vec<u8>> {
        let data = self.socket.receive().await?;
        self.recording.record(&data, |messages| &mut messages.received);
        Ok(data)
    }

    fn receive_progress(&self) -> Option<Arc<ReceiveProgress>> {
        self.socket.receive_progress()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_negotiate_is_edited_and_only_in_two_bits() {
        let mut negotiate = vec![0u8; 100];
        negotiate[..4].copy_from_slice(&PROTOCOL_ID);
        negotiate[SECURITY_MODE] = 0x01;
        negotiate[CAPABILITIES] = 0x07;
        let edited = insist(&negotiate).unwrap();
        assert_eq!((edited[SECURITY_MODE], edited[CAPABILITIES]), (0x03, 0x47));
        let differing = edited.iter().zip(&negotiate).filter(|(a, b)| a != b).count();
        assert_eq!(differing, 2);
        let mut other = negotiate.clone();
        other[COMMAND] = 1;
        assert_eq!(insist(&other), None, "SESSION_SETUP");
        assert_eq!(insist(&negotiate[..CAPABILITIES]), None, "too short to be one");
        let mut encrypted = negotiate;
        encrypted[0] = 0xfd;
        assert_eq!(insist(&encrypted), None, "a transform header with zeros in its signature");
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_sent_its_length_stays(mut message: Vec<u8>, negotiate: bool) {
            if negotiate {
                let start = [&PROTOCOL_ID[..], &[0; 10]].concat();
                message.splice(..message.len().min(start.len()), start);
            }
            if let Some(edited) = insist(&message) {
                proptest::prop_assert_eq!(edited.len(), message.len());
                proptest::prop_assert!(negotiate && message.len() > CAPABILITIES);
            }
        }
    }
}
