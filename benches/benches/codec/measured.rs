//! One message, measured with everybody.

use std::fmt::Debug;
use std::hint::black_box;

use criterion::Criterion;
use kerberos_asn1::Asn1Object;
use krb_benches::cases::{Id, Operation};
use krb_benches::harness::{Case, ThreadTime};
use krb_benches::messages::Message;
use krb_benches::names;
use krb_proto::der::{DecodeError, Writer};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::owned::Owned;

/// Measures a message. Whoever encodes must give back the octets that were decoded.
pub(crate) struct Measured<'c> {
    criterion: &'c mut Criterion<ThreadTime>,
    message: Message,
    der: Vec<u8>,
}

impl<'c> Measured<'c> {
    pub(crate) fn new(criterion: &'c mut Criterion<ThreadTime>, message: Message) -> Self {
        Self { criterion, message, der: message.der() }
    }

    fn case(&mut self, operation: Operation) -> Case<'_> {
        Case::new(self.criterion, Id::Codec(operation, self.message))
    }

    pub(crate) fn floors(&mut self) {
        let (der, mut copy) = (self.der.clone(), self.der.clone());
        let mut case = self.case(Operation::Decode);
        case.measure(names::COPY, || black_box(&mut copy).copy_from_slice(black_box(&der)));
        case.measure(names::WALK, || walk(black_box(&der)).expect("well-formed"));
    }

    pub(crate) fn ours<'m, T>(
        &mut self,
        der: &'m [u8],
        decode: impl Fn(&'m [u8]) -> Result<T, DecodeError>,
        encode: impl Fn(&T, &mut Writer),
        encode_fresh: impl Fn(&T) -> Vec<u8>,
    ) {
        self.case(Operation::Decode)
            .measure(names::BORROWED, || decode(black_box(der)).expect("valid"));

        let value = decode(der).expect("valid");
        assert!(encode_fresh(&value) == der, "{:?} is encoded otherwise", self.message);
        let mut writer = Writer::new();
        let mut case = self.case(Operation::Encode);
        case.measure(names::REUSED, || {
            writer.clear();
            encode(black_box(&value), &mut writer);
            writer.mark()
        });
        case.measure(names::FRESH, || encode_fresh(black_box(&value)));
    }

    pub(crate) fn ours_owned<'m, T: Owned>(
        &mut self,
        der: &'m [u8],
        decode: impl Fn(&'m [u8]) -> Result<T, DecodeError>,
    ) {
        self.case(Operation::Decode)
            .measure(names::OWNED, || decode(black_box(der)).expect("valid").owned());
    }

    pub(crate) fn peers<R, P, K>(&mut self)
    where
        R: rasn::Decode + rasn::Encode,
        P: Serialize + DeserializeOwned,
        K: Asn1Object,
    {
        self.peer(names::RASN, rasn::der::decode::<R>, |value| {
            rasn::der::encode(value).expect("encodes")
        });
        self.peer(
            names::PICKY,
            |der| picky_asn1_der::from_bytes::<P>(der),
            |value| picky_asn1_der::to_vec(value).expect("encodes"),
        );
        self.peer(names::KERBEROS_ASN1, |der| K::parse(der).map(|(_, value)| value), K::build);
    }

    pub(crate) fn kerbcore<T, E: Debug>(
        &mut self,
        decode: impl Fn(&[u8]) -> Result<T, E>,
        encode: impl Fn(&T) -> Vec<u8>,
    ) {
        self.peer(names::KERBCORE, decode, encode);
    }

    /// kerbcore reads some messages that it does not write, and of some not everything.
    pub(crate) fn kerbcore_decodes<T, E: Debug>(
        &mut self,
        who: &str,
        decode: impl Fn(&[u8]) -> Result<T, E>,
    ) {
        let der = self.der.clone();
        self.case(Operation::Decode).measure(who, || decode(black_box(&der)).expect("valid"));
    }

    fn peer<T, E: Debug>(
        &mut self,
        who: &str,
        decode: impl Fn(&[u8]) -> Result<T, E>,
        encode: impl Fn(&T) -> Vec<u8>,
    ) {
        let der = self.der.clone();
        self.case(Operation::Decode).measure(who, || decode(black_box(&der)).expect("valid"));
        let value = decode(&der).expect("valid");
        assert!(encode(&value) == der, "{who} encodes {:?} otherwise", self.message);
        self.case(Operation::Encode).measure(who, || encode(black_box(&value)));
    }
}

/// Counts the values in a message: enters every constructed one and passes over every other. Nothing
/// is compared with anything but the end of the message.
fn walk(message: &[u8]) -> Option<usize> {
    let (mut rest, mut values) = (message, 0);
    while let [tag, first, after @ ..] = rest {
        let (length, contents) = match (*first, after) {
            (0..=0x7f, contents) => (usize::from(*first), contents),
            (0x81, [a, contents @ ..]) => (usize::from(*a), contents),
            (0x82, [a, b, contents @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), contents),
            _ => return None,
        };
        rest = if tag & 0x20 == 0 { contents.get(length..)? } else { contents };
        values += 1;
    }
    Some(values)
}
