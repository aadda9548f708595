//! MS-KKDCP: a KDC's messages inside of HTTPS, passed on by a proxy.

use alloc::vec::Vec;
use core::fmt;

use crate::asn1::KdcProxyMessage;
use crate::der::{self, DecodeError, KerberosString};

/// A message on its way through a proxy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Proxied<'a> {
    /// The Kerberos message, without the length that goes before it over TCP.
    pub message: &'a [u8],
    /// Whose KDC it is for; a KDC's reply names none.
    pub realm: Option<&'a [u8]>,
}

impl<'a> Proxied<'a> {
    /// The body of the HTTP request or response (MS-KKDCP 2.2.2).
    ///
    /// # Errors
    /// [`ProxyError::Length`] for a message of 2^31 octets or more, which no length stands for.
    pub fn wrap(&self) -> Result<Vec<u8>, ProxyError> {
        let length = u32::try_from(self.message.len()).map_err(|_| ProxyError::Length)?;
        if length > i32::MAX as u32 {
            return Err(ProxyError::Length);
        }
        Ok(der::encode(&KdcProxyMessage {
            kerb_message: &[&length.to_be_bytes(), self.message].concat(),
            target_domain: self.realm.map(KerberosString),
            dclocator_hint: None,
        }))
    }

    /// Takes the message out of a body. What it says of how to find a domain controller is dropped.
    ///
    /// # Errors
    /// [`ProxyError`].
    pub fn unwrap(body: &'a [u8]) -> Result<Self, ProxyError> {
        let body: KdcProxyMessage<'a> = der::decode(body).map_err(ProxyError::Malformed)?;
        let (length, message) = body.kerb_message.split_first_chunk().ok_or(ProxyError::Length)?;
        if usize::try_from(u32::from_be_bytes(*length)) != Ok(message.len()) {
            return Err(ProxyError::Length);
        }
        Ok(Self { message, realm: body.target_domain.map(|domain| domain.0) })
    }
}

/// Why a proxied message was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ProxyError {
    /// Not a KDC-PROXY-MESSAGE.
    Malformed(DecodeError),
    /// The length in front of the Kerberos message is not the message's.
    Length,
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "the KDC proxy's message is malformed: {error}"),
            Self::Length => {
                f.write_str("the KDC proxy's message is longer or shorter than it says")
            }
        }
    }
}

impl core::error::Error for ProxyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_out_as_it_went_in() {
        for realm in [Some(&b"W25AD.NET"[..]), None] {
            for message in [&b""[..], b"\x7e\x00", &[7; 300]] {
                let proxied = Proxied { message, realm };
                let body = proxied.wrap().unwrap();
                assert_eq!(Proxied::unwrap(&body), Ok(proxied));
                for end in 0..body.len() {
                    assert!(Proxied::unwrap(&body[..end]).is_err(), "length {end}");
                }
            }
        }
    }

    /// MS-KKDCP 2.2.2: SEQUENCE { [0] OCTET STRING, [1] Realm }, written by hand.
    #[test]
    fn the_octets() {
        let body = b"\x30\x0d\xa0\x07\x04\x05\x00\x00\x00\x01\x7e\xa1\x02\x1b\x00";
        let proxied = Proxied { message: b"\x7e", realm: Some(b"") };
        assert_eq!(Proxied::unwrap(&body[..]), Ok(proxied));
        assert_eq!(proxied.wrap().unwrap(), body);
    }

    #[test]
    fn the_length_is_the_messages_own() {
        for (kerb_message, expected) in [
            (&b"\x00\x00\x00\x02\x7e\x00"[..], true),
            (b"\x00\x00\x00\x01\x7e\x00", false),
            (b"\x00\x00\x00\x03\x7e\x00", false),
            (b"\x80\x00\x00\x02\x7e\x00", false),
            (b"\xff\xff\xff\xff\x7e\x00", false),
            (b"\x00\x00\x00\x00", true),
            (b"\x00\x00\x00", false),
            (b"", false),
        ] {
            let message =
                KdcProxyMessage { kerb_message, target_domain: None, dclocator_hint: Some(1) };
            let body = der::encode(&message);
            assert_eq!(Proxied::unwrap(&body).is_ok(), expected, "{kerb_message:?}");
        }
    }
}
