//! Values of a realm file that are more than texts and numbers.

use std::fmt;

use krb_proto::KerberosTime;
use krb_proto::crypto::Key;
use krb_proto::formats::danger_parse_key;
use krb_proto::formats::krb5_conf::{parse_duration, parse_enctype};
use krb_proto::iana::EncType;
use krb_proto::pac::Sid;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use zeroize::Zeroizing;

/// A password. What is wrong with it is said without it.
pub(super) struct Secret(pub(super) Zeroizing<String>);

struct SecretVisitor;

const QUOTES: &str = "a password is a text between quotes, and not empty";

impl Visitor<'_> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(QUOTES)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Secret, E> {
        if text.is_empty() {
            return Err(E::custom(QUOTES));
        }
        Ok(Secret(Zeroizing::new(text.to_owned())))
    }

    // Whose own words would have the value in them.
    fn visit_i64<E: Error>(self, _: i64) -> Result<Secret, E> {
        Err(E::custom(QUOTES))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Secret, E> {
        Err(E::custom(QUOTES))
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(SecretVisitor)
    }
}

/// The text, made something of.
fn of_text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    read: impl FnOnce(&str) -> Option<T>,
    expected: &str,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    read(&text).ok_or_else(|| D::Error::custom(expected))
}

/// An enctype by one of its names in a krb5.conf.
#[derive(Clone, Copy)]
pub(super) struct Enctype(pub(super) EncType);

impl<'de> Deserialize<'de> for Enctype {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected =
            "an enctype is named as in a krb5.conf: aes256-cts-hmac-sha1-96, aes256-sha2…";
        of_text(deserializer, parse_enctype, expected).map(Self)
    }
}

/// A key: `ENCTYPE:HEXADECIMAL`.
pub(super) struct KeyText(pub(super) Key);

impl<'de> Deserialize<'de> for KeyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: &str| danger_parse_key(text).ok();
        let expected = "a key is ENCTYPE:HEXADECIMAL, as aes256-cts-hmac-sha1-96:00112233…";
        of_text(deserializer, read, expected).map(Self)
    }
}

/// A SID, `S-1-…`.
pub(super) struct SidText(pub(super) Sid);

impl<'de> Deserialize<'de> for SidText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a domain's SID is of the form S-1-5-21-1-2-3";
        of_text(deserializer, |text| text.parse().ok(), expected).map(Self)
    }
}

/// A time in seconds, as a krb5.conf writes it: `10h`, `7d`, `1h30m`.
#[derive(Clone, Copy)]
pub(super) struct Seconds(pub(super) i64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: &str| parse_duration(text).filter(|seconds| *seconds > 0);
        let expected = "a time is written \"10h\", \"7d\", \"1h30m\" or \"300s\"";
        of_text(deserializer, read, expected).map(|seconds| Self(seconds.into()))
    }
}

/// A moment: TOML's own date and time, with its offset.
#[derive(Clone, Copy)]
pub(super) struct Time(pub(super) KerberosTime);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a moment is written 2031-12-31T23:59:59Z, without quotes";
        let written = toml::value::Datetime::deserialize(deserializer)?;
        let read = || {
            let (date, time) = (written.date?, written.time?);
            let minutes = match written.offset? {
                toml::value::Offset::Z => 0,
                toml::value::Offset::Custom { minutes } => minutes,
            };
            let second = time.second.unwrap_or(0);
            let text = format!(
                "{:04}{:02}{:02}{:02}{:02}{second:02}Z",
                date.year, date.month, date.day, time.hour, time.minute
            );
            let local = KerberosTime::from_generalized(text.as_bytes())?;
            Some(local.plus_seconds(-60 * i64::from(minutes)))
        };
        read().map(Self).ok_or_else(|| D::Error::custom(expected))
    }
}

/// A group by its name under `[realm.groups]`, or by its RID.
#[derive(serde::Deserialize)]
#[serde(untagged, expecting = "a group is its name under [realm.groups], or its RID")]
pub(super) enum GroupName {
    Name(String),
    Rid(u32),
}
