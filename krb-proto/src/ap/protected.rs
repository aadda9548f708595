//! KRB-SAFE and KRB-PRIV (RFC 4120 sections 3.4 and 3.5): one message of an application, signed or
//! encrypted with a session key or subkey.

use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use crate::Timestamp;
use crate::asn1::{
    Checksum, EncKrbPrivPart, EncryptedData, HostAddress, KrbPriv, KrbSafe, KrbSafeBody,
};
use crate::crypto::{CryptoError, Key};
use crate::der::{self, DecodeError, Int, Microseconds, UInt32};
use crate::iana::{ChecksumType, KeyUsage};
use crate::{KerberosTime, Random};

/// What ties a message to its place in a conversation: its time, its number, or both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// When it was made.
    pub time: Option<Timestamp>,
    /// Its number, counted up from the one in AP-REQ or AP-REP.
    pub sequence_number: Option<u32>,
}

impl Stamp {
    fn parts(self) -> (Option<KerberosTime>, Option<Microseconds>, Option<UInt32>) {
        let time = self.time;
        (
            time.map(|time| time.seconds),
            time.map(|time| Microseconds(time.microseconds)),
            self.sequence_number.map(UInt32::new),
        )
    }

    fn new(
        seconds: Option<KerberosTime>,
        microseconds: Option<Microseconds>,
        sequence_number: Option<UInt32>,
    ) -> Self {
        let microseconds = microseconds.map_or(0, |microseconds| microseconds.0);
        Self {
            time: seconds.map(|seconds| Timestamp { seconds, microseconds }),
            sequence_number: sequence_number.map(UInt32::get),
        }
    }
}

/// Which message is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// The one with this number.
    Number(u32),
    /// The first one of a peer that named no number before: MIT's programs count from 0 then, and
    /// leave a 0 out. That it comes once is the caller's business, as with [`Due::Time`].
    Unnumbered,
    /// One made within `skew` seconds of `now`. The caller remembers messages for as long and
    /// refuses one that comes again.
    Time {
        /// The caller's clock.
        now: Timestamp,
        /// By how much the peer's may differ.
        skew: u32,
    },
}

impl Due {
    fn check(self, stamp: Stamp) -> Result<(), ProtectedError> {
        let is_due = match self {
            Self::Number(number) => stamp.sequence_number == Some(number),
            Self::Unnumbered => stamp.time.is_none() && stamp.sequence_number.unwrap_or(0) == 0,
            Self::Time { now, skew } => stamp.time.is_some_and(|time| {
                time.seconds.unix().abs_diff(now.seconds.unix()) <= u64::from(skew)
            }),
        };
        if is_due { Ok(()) } else { Err(ProtectedError::NotDue) }
    }
}

/// Why a KRB-SAFE or KRB-PRIV was refused: the peer's fault, or an attacker's on the way.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum ProtectedError {
    /// Not the message it should be.
    Malformed(DecodeError),
    /// Checksum or encryption do not hold.
    Crypto(CryptoError),
    /// It claims another enctype than the key has.
    WrongEnctype,
    /// It has another number or time than the message that is due: replayed, lost or reordered.
    NotDue,
}

impl fmt::Display for ProtectedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "the peer's message is malformed: {error}"),
            Self::Crypto(error) => write!(f, "the peer's message was changed: {error}"),
            Self::WrongEnctype => {
                f.write_str("the peer's message has another enctype than its key")
            }
            Self::NotDue => f.write_str("the peer's message is not the one that is due"),
        }
    }
}

impl core::error::Error for ProtectedError {}

impl From<DecodeError> for ProtectedError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

/// A KRB-SAFE. `sender` is the address it is sent from; peers across NAT do not look at it.
#[must_use]
pub fn krb_safe(key: &Key, user_data: &[u8], stamp: Stamp, sender: HostAddress<'_>) -> Vec<u8> {
    let (timestamp, usec, seq_number) = stamp.parts();
    let mut message = KrbSafe {
        pvno: Int,
        msg_type: Int,
        safe_body: KrbSafeBody {
            user_data,
            timestamp,
            usec,
            seq_number,
            s_address: sender,
            r_address: None,
        },
        cksum: UNSIGNED,
    };
    let checksum = key.checksum(KeyUsage::KRB_SAFE, &der::encode(&message));
    message.cksum = Checksum { cksumtype: key.checksum_type(), checksum: &checksum };
    der::encode(&message)
}

/// The checksum covers the whole message, with this in its own place (RFC 4120 section 5.6.1).
const UNSIGNED: Checksum<'_> = Checksum { cksumtype: ChecksumType(0), checksum: &[] };

/// Verifies a KRB-SAFE; returns its user data. Addresses are not looked at.
///
/// # Errors
/// [`ProtectedError`]; a checksum of another type than the key's own is refused.
pub fn open_krb_safe<'a>(
    key: &Key,
    message: &'a [u8],
    due: Due,
) -> Result<&'a [u8], ProtectedError> {
    let mut message: KrbSafe<'a> = der::decode(message)?;
    let Checksum { cksumtype, checksum } = core::mem::replace(&mut message.cksum, UNSIGNED);
    if cksumtype != key.checksum_type() {
        return Err(ProtectedError::Crypto(CryptoError::ChecksumTypeNotAllowed(cksumtype)));
    }
    key.verify_checksum(KeyUsage::KRB_SAFE, cksumtype, &der::encode(&message), checksum)
        .map_err(ProtectedError::Crypto)?;
    let body = message.safe_body;
    due.check(Stamp::new(body.timestamp, body.usec, body.seq_number))?;
    Ok(body.user_data)
}

/// A KRB-PRIV.
#[must_use]
pub fn krb_priv(
    key: &Key,
    user_data: &[u8],
    stamp: Stamp,
    sender: HostAddress<'_>,
    rng: &mut dyn Random,
) -> Vec<u8> {
    let (timestamp, usec, seq_number) = stamp.parts();
    let part = der::encode_secret(&EncKrbPrivPart {
        user_data,
        timestamp,
        usec,
        seq_number,
        s_address: sender,
        r_address: None,
    });
    let cipher = key.encrypt(KeyUsage::KRB_PRIV, &part, rng);
    der::encode(&KrbPriv {
        pvno: Int,
        msg_type: Int,
        enc_part: EncryptedData { etype: key.enctype(), kvno: None, cipher: &cipher },
    })
}

/// Decrypts a KRB-PRIV; returns its user data. Addresses are not looked at.
///
/// # Errors
/// [`ProtectedError`].
pub fn open_krb_priv(
    key: &Key,
    message: &[u8],
    due: Due,
) -> Result<Zeroizing<Vec<u8>>, ProtectedError> {
    let message: KrbPriv<'_> = der::decode(message)?;
    if message.enc_part.etype != key.enctype() {
        return Err(ProtectedError::WrongEnctype);
    }
    let plaintext =
        key.decrypt(KeyUsage::KRB_PRIV, message.enc_part.cipher).map_err(ProtectedError::Crypto)?;
    let part: EncKrbPrivPart<'_> = der::decode(&plaintext)?;
    due.check(Stamp::new(part.timestamp, part.usec, part.seq_number))?;
    Ok(Zeroizing::new(part.user_data.to_vec()))
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;
    use crate::iana::EncType;

    struct Fixed;

    impl Random for Fixed {
        fn fill(&mut self, out: &mut [u8]) {
            out.fill(7);
        }
    }

    const SENDER: HostAddress<'_> = HostAddress { addr_type: 2, address: &[127, 0, 0, 1] };

    fn key(byte: u8) -> Key {
        Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[byte; 32]).unwrap()
    }

    fn at(unix: i64) -> Timestamp {
        Timestamp { seconds: KerberosTime::from_unix(unix), microseconds: 5 }
    }

    #[test]
    fn only_the_message_that_is_due_is_taken() {
        let stamp = Stamp { time: Some(at(1000)), sequence_number: Some(17) };
        let safe = krb_safe(&key(1), b"data", stamp, SENDER);
        let private = krb_priv(&key(1), b"data", stamp, SENDER, &mut Fixed);
        let within = |now| Due::Time { now: at(now), skew: 300 };
        for (due, expected) in [
            (Due::Number(17), true),
            (Due::Number(16), false),
            (Due::Number(18), false),
            (Due::Unnumbered, false),
            (within(700), true),
            (within(699), false),
            (within(1300), true),
            (within(1301), false),
        ] {
            let expected =
                if expected { Ok(b"data".to_vec()) } else { Err(ProtectedError::NotDue) };
            assert_eq!(open_krb_safe(&key(1), &safe, due).map(<[u8]>::to_vec), expected);
            assert_eq!(open_krb_priv(&key(1), &private, due).map(|data| data.to_vec()), expected);
        }
        let bare = Stamp { time: None, sequence_number: None };
        for due in [Due::Number(0), within(0)] {
            let safe = krb_safe(&key(1), b"data", bare, SENDER);
            assert_eq!(open_krb_safe(&key(1), &safe, due), Err(ProtectedError::NotDue));
        }
        for (sequence_number, expected) in [(None, true), (Some(0), true), (Some(1), false)] {
            let stamp = Stamp { time: None, sequence_number };
            let private = krb_priv(&key(1), b"data", stamp, SENDER, &mut Fixed);
            let taken = open_krb_priv(&key(1), &private, Due::Unnumbered).is_ok();
            assert_eq!(taken, expected, "{sequence_number:?}");
        }
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_refused() {
        let stamp = Stamp { time: None, sequence_number: Some(17) };
        let safe = krb_safe(&key(1), b"data", stamp, SENDER);
        let private = krb_priv(&key(1), b"data", stamp, SENDER, &mut Fixed);
        let opens = |message: &[u8], safe: bool| match safe {
            true => open_krb_safe(&key(1), message, Due::Number(17)).is_ok(),
            false => open_krb_priv(&key(1), message, Due::Number(17)).is_ok(),
        };
        for (message, safe) in [(safe, true), (private, false)] {
            assert!(opens(&message, safe));
            for bit in 0..8 * message.len() {
                let mut changed = message.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                // Nothing but the key version, which is absent, stands outside of the MAC.
                assert!(!opens(&changed, safe), "bit {bit}");
            }
            assert!((0..message.len()).all(|end| !opens(&message[..end], safe)));
        }
    }

    #[test]
    fn an_unkeyed_checksum_is_refused() {
        let message = vec![0; 0];
        let stamp = Stamp { time: None, sequence_number: Some(17) };
        let safe = krb_safe(&key(1), &message, stamp, SENDER);
        let mut forged: KrbSafe<'_> = der::decode(&safe).unwrap();
        for cksumtype in [ChecksumType(1), ChecksumType::RSA_MD5, ChecksumType::HMAC_MD5] {
            forged.cksum = Checksum { cksumtype, checksum: &[0; 16] };
            assert_eq!(
                open_krb_safe(&key(1), &der::encode(&forged), Due::Number(17)),
                Err(ProtectedError::Crypto(CryptoError::ChecksumTypeNotAllowed(cksumtype)))
            );
        }
    }
}
