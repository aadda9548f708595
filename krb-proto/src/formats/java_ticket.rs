//! `javax.security.auth.kerberos.KerberosTicket` as Java writes it (Java Object Serialization
//! Specification, section 6): what Keycloak puts into its claim `gss_delegation_credential`.
//!
//! This is no reader of Java objects: it knows the six classes that such a ticket is made of, in the
//! places where they stand, and nothing in the stream makes it go deeper or in circles.

use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use super::cursor::{Cursor, FormatError, FormatErrorKind};
use crate::ap::received_key;
use crate::asn1::{EncryptionKey, PrincipalName, Ticket};
use crate::credential::TicketTimes;
use crate::crypto::CryptoError;
use crate::der::{self, DecodeError, KerberosString};
use crate::iana::TicketFlags;
use crate::{Credential, KerberosTime, Principal};

/// The longest stream that is read, in bytes: a ticket with the largest PAC fits.
const MAX_LENGTH: usize = 256 * 1024;
/// So many things in a stream may be referred to; a ticket has some thirty.
const MAX_HANDLES: usize = 64;
/// Members of a class; `KerberosTicket` has eleven.
const MAX_MEMBERS: usize = 16;

const MAGIC: [u8; 4] = [0xac, 0xed, 0x00, 0x05];
/// The number of the first thing that may be referred to.
const BASE_HANDLE: u32 = 0x007e_0000;

const TC_NULL: u8 = 0x70;
const TC_REFERENCE: u8 = 0x71;
const TC_CLASSDESC: u8 = 0x72;
const TC_OBJECT: u8 = 0x73;
const TC_STRING: u8 = 0x74;
const TC_ARRAY: u8 = 0x75;
const TC_BLOCKDATA: u8 = 0x77;
const TC_ENDBLOCKDATA: u8 = 0x78;

/// Its members are written by their names and types.
const SC_SERIALIZABLE: u8 = 0x02;
/// And behind them stands what the class itself writes.
const SC_WRITE_METHOD: u8 = 0x01;

/// Why a stream was refused. It never quotes the stream, which holds a key.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum JavaTicketError {
    /// It ends too early, or a length in it cannot be.
    Format(FormatError),
    /// Something else than a ticket stands there: another class, another member, another order.
    NotATicket(usize),
    /// What is ASN.1 in it is malformed.
    Malformed(DecodeError),
    /// Its session key is of no kind that is used here.
    Key(CryptoError),
    /// It was destroyed, or lacks its client, server, key, ticket or end.
    Incomplete,
    /// It is good from certain addresses only.
    Addresses,
}

impl fmt::Display for JavaTicketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format(error) => write!(f, "{error}"),
            Self::NotATicket(offset) => {
                write!(f, "something else than a Java KerberosTicket at byte {offset}")
            }
            Self::Malformed(error) => write!(f, "a malformed part: {error}"),
            Self::Key(error) => write!(f, "the session key: {error}"),
            Self::Incomplete => f.write_str("the ticket is incomplete or was destroyed"),
            Self::Addresses => f.write_str("the ticket is bound to addresses"),
        }
    }
}

impl core::error::Error for JavaTicketError {}

impl From<FormatError> for JavaTicketError {
    fn from(error: FormatError) -> Self {
        Self::Format(error)
    }
}

impl From<DecodeError> for JavaTicketError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

type Read<T> = Result<T, JavaTicketError>;

/// Reads one serialized `KerberosTicket`, with nothing behind it.
///
/// # Errors
/// [`JavaTicketError`].
pub fn read_java_ticket(bytes: &[u8]) -> Result<Credential, JavaTicketError> {
    let mut stream = Stream { cursor: Cursor::new(bytes), handles: Vec::new() };
    if bytes.len() > MAX_LENGTH {
        return Err(stream.cursor.error(FormatErrorKind::BadLength, "stream").into());
    }
    if stream.cursor.take(MAGIC.len(), "magic")? != MAGIC {
        return Err(stream.not_a_ticket());
    }
    let ticket = stream.ticket()?;
    if !stream.cursor.is_empty() {
        return Err(stream.not_a_ticket());
    }
    ticket.into_credential()
}

/// The classes that a ticket is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Class {
    Ticket,
    Date,
    Principal,
    Key,
    Bytes,
    Flags,
}

impl Class {
    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"javax.security.auth.kerberos.KerberosTicket" => Self::Ticket,
            b"java.util.Date" => Self::Date,
            b"javax.security.auth.kerberos.KerberosPrincipal" => Self::Principal,
            b"javax.security.auth.kerberos.KeyImpl" => Self::Key,
            b"[B" => Self::Bytes,
            b"[Z" => Self::Flags,
            _ => return None,
        })
    }

    /// What a member of that name holds; `None` for names that a ticket does not have.
    fn of_member(name: &[u8]) -> Option<Member> {
        Some(match name {
            b"asn1Encoding" => Member::Encoding,
            b"authTime" => Member::AuthTime,
            b"client" => Member::Client,
            b"clientAddresses" => Member::Addresses,
            b"destroyed" => Member::Destroyed,
            b"endTime" => Member::EndTime,
            b"flags" => Member::Flags,
            b"proxy" => Member::Proxy,
            b"renewTill" => Member::RenewTill,
            b"server" => Member::Server,
            b"sessionKey" => Member::SessionKey,
            b"startTime" => Member::StartTime,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Member {
    Encoding,
    AuthTime,
    Client,
    Addresses,
    Destroyed,
    EndTime,
    Flags,
    Proxy,
    RenewTill,
    Server,
    SessionKey,
    StartTime,
}

/// What may be referred to.
#[derive(Clone)]
enum Handle {
    Class(Class, Vec<Member>),
    Value(Value),
    /// A type's name, or something that is still being read.
    Nothing,
}

#[derive(Clone)]
enum Value {
    Null,
    Bytes(Zeroizing<Vec<u8>>),
    Flags(TicketFlags),
    Seconds(KerberosTime),
    Principal(Principal),
    /// EncryptionKey, DER.
    Key(Zeroizing<Vec<u8>>),
}

struct Stream<'a> {
    cursor: Cursor<'a>,
    handles: Vec<Handle>,
}

impl Stream<'_> {
    const fn not_a_ticket(&self) -> JavaTicketError {
        JavaTicketError::NotATicket(self.cursor.offset())
    }

    fn must(&mut self, expected: u8) -> Read<()> {
        if self.cursor.u8("tag")? == expected { Ok(()) } else { Err(self.not_a_ticket()) }
    }

    /// Gives what follows a number.
    fn handle(&mut self, handle: Handle) -> Read<usize> {
        if self.handles.len() == MAX_HANDLES {
            return Err(self.not_a_ticket());
        }
        self.handles.push(handle);
        Ok(self.handles.len() - 1)
    }

    fn referred(&mut self) -> Read<Handle> {
        let number = self.cursor.u32("reference")?.checked_sub(BASE_HANDLE);
        let found = number.and_then(|number| self.handles.get(number as usize)).cloned();
        found.ok_or(self.not_a_ticket())
    }

    /// A class, described or known already, without a superclass and without notes of its loader's.
    fn class(&mut self) -> Read<(Class, Vec<Member>)> {
        match self.cursor.u8("class")? {
            TC_REFERENCE => match self.referred()? {
                Handle::Class(class, members) => Ok((class, members)),
                _ => Err(self.not_a_ticket()),
            },
            TC_CLASSDESC => {
                let class = Class::of(self.cursor.octets16("class name")?);
                let class = class.ok_or(self.not_a_ticket())?;
                self.cursor.take(8, "serialVersionUID")?;
                let handle = self.handle(Handle::Nothing)?;
                let flags = self.cursor.u8("class flags")?;
                let expected = match class {
                    Class::Ticket | Class::Bytes | Class::Flags => SC_SERIALIZABLE,
                    Class::Date | Class::Principal | Class::Key => {
                        SC_SERIALIZABLE | SC_WRITE_METHOD
                    }
                };
                let count = self.cursor.u16("members")?;
                let may_have = if class == Class::Ticket { MAX_MEMBERS } else { 0 };
                if flags != expected || usize::from(count) > may_have {
                    return Err(self.not_a_ticket());
                }
                let mut members = Vec::new();
                for _ in 0..count {
                    let member = self.member()?;
                    if members.contains(&member) {
                        return Err(self.not_a_ticket());
                    }
                    members.push(member);
                }
                self.must(TC_ENDBLOCKDATA)?;
                self.must(TC_NULL)?;
                self.handles[handle] = Handle::Class(class, members.clone());
                Ok((class, members))
            }
            _ => Err(self.not_a_ticket()),
        }
    }

    /// A member's kind, its name, and the name of its type, which is not looked at: what stands in
    /// its place is.
    fn member(&mut self) -> Read<Member> {
        let kind = self.cursor.u8("member")?;
        let member = Class::of_member(self.cursor.octets16("member name")?);
        let member = member.ok_or(self.not_a_ticket())?;
        match (kind, member) {
            (b'Z', Member::Destroyed) => return Ok(member),
            (b'L' | b'[', member) if member != Member::Destroyed => {}
            _ => return Err(self.not_a_ticket()),
        }
        match self.cursor.u8("type")? {
            TC_STRING => {
                self.cursor.octets16("type")?;
                self.handle(Handle::Nothing)?;
            }
            TC_REFERENCE => {
                self.referred()?;
            }
            _ => return Err(self.not_a_ticket()),
        }
        Ok(member)
    }

    fn ticket(&mut self) -> Read<JavaTicket> {
        self.must(TC_OBJECT)?;
        let (Class::Ticket, members) = self.class()? else { return Err(self.not_a_ticket()) };
        self.handle(Handle::Nothing)?;
        let mut ticket = JavaTicket::default();
        for member in members {
            self.member_of(&mut ticket, member)?;
        }
        Ok(ticket)
    }

    fn member_of(&mut self, ticket: &mut JavaTicket, member: Member) -> Read<()> {
        if member == Member::Destroyed {
            ticket.destroyed = self.cursor.u8("destroyed")? != 0;
            return Ok(());
        }
        if member == Member::Addresses {
            return match self.cursor.u8("addresses")? {
                TC_NULL => Ok(()),
                TC_ARRAY => Err(JavaTicketError::Addresses),
                _ => Err(self.not_a_ticket()),
            };
        }
        match (member, self.value()?) {
            (_, Value::Null) => {}
            (Member::Encoding, Value::Bytes(bytes)) => ticket.encoding = Some(bytes),
            (Member::AuthTime, Value::Seconds(time)) => ticket.times.authtime = time,
            (Member::StartTime, Value::Seconds(time)) => ticket.start = Some(time),
            (Member::EndTime, Value::Seconds(time)) => ticket.end = Some(time),
            (Member::RenewTill, Value::Seconds(time)) => ticket.times.renew_till = Some(time),
            (Member::Client, Value::Principal(client)) => ticket.client = Some(client),
            (Member::Server, Value::Principal(server)) => ticket.server = Some(server),
            (Member::Flags, Value::Flags(flags)) => ticket.flags = flags,
            (Member::SessionKey, Value::Key(key)) => ticket.key = Some(key),
            _ => return Err(self.not_a_ticket()),
        }
        Ok(())
    }

    /// Whatever a ticket's member may be, but no ticket.
    fn value(&mut self) -> Read<Value> {
        match self.cursor.u8("value")? {
            TC_NULL => Ok(Value::Null),
            TC_REFERENCE => match self.referred()? {
                Handle::Value(value) => Ok(value),
                _ => Err(self.not_a_ticket()),
            },
            TC_ARRAY => self.array(),
            TC_OBJECT => {
                let (class, _) = self.class()?;
                let handle = self.handle(Handle::Nothing)?;
                let value = match class {
                    Class::Date => self.date()?,
                    Class::Principal => self.principal()?,
                    Class::Key => Value::Key(self.bytes()?),
                    Class::Ticket | Class::Bytes | Class::Flags => return Err(self.not_a_ticket()),
                };
                self.must(TC_ENDBLOCKDATA)?;
                self.handles[handle] = Handle::Value(value.clone());
                Ok(value)
            }
            _ => Err(self.not_a_ticket()),
        }
    }

    /// An array of octets or of flags, behind its tag.
    fn array(&mut self) -> Read<Value> {
        let (class, _) = self.class()?;
        let handle = self.handle(Handle::Nothing)?;
        let octets = self.cursor.octets32("array")?;
        let value = match class {
            Class::Bytes => Value::Bytes(octets.to_vec().into()),
            Class::Flags if octets.len() <= 32 => {
                let bit = |(place, set): (usize, &u8)| u32::from(*set != 0) << (31 - place);
                Value::Flags(TicketFlags(octets.iter().enumerate().map(bit).sum()))
            }
            _ => return Err(self.not_a_ticket()),
        };
        self.handles[handle] = Handle::Value(value.clone());
        Ok(value)
    }

    fn bytes(&mut self) -> Read<Zeroizing<Vec<u8>>> {
        self.must(TC_ARRAY)?;
        match self.array()? {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(self.not_a_ticket()),
        }
    }

    /// Milliseconds since 1970.
    fn date(&mut self) -> Read<Value> {
        self.must(TC_BLOCKDATA)?;
        self.must(8)?;
        let mut milliseconds = [0; 8];
        milliseconds.copy_from_slice(self.cursor.take(8, "date")?);
        let seconds = i64::from_be_bytes(milliseconds).div_euclid(1000);
        Ok(Value::Seconds(KerberosTime::from_unix(seconds)))
    }

    /// PrincipalName and Realm, DER.
    fn principal(&mut self) -> Read<Value> {
        let (name, realm) = (self.bytes()?, self.bytes()?);
        let name: PrincipalName<'_> = der::decode(&name)?;
        let realm: KerberosString<'_> = der::decode(&realm)?;
        Ok(Value::Principal(name.in_realm(realm)))
    }
}

#[derive(Default)]
struct JavaTicket {
    encoding: Option<Zeroizing<Vec<u8>>>,
    client: Option<Principal>,
    server: Option<Principal>,
    key: Option<Zeroizing<Vec<u8>>>,
    start: Option<KerberosTime>,
    end: Option<KerberosTime>,
    times: TicketTimes,
    flags: TicketFlags,
    destroyed: bool,
}

impl JavaTicket {
    fn into_credential(self) -> Read<Credential> {
        let (false, Some(encoding), Some(client), Some(server), Some(key), Some(end)) =
            (self.destroyed, self.encoding, self.client, self.server, self.key, self.end)
        else {
            return Err(JavaTicketError::Incomplete);
        };
        der::decode::<Ticket<'_>>(&encoding)?;
        let key: EncryptionKey<'_> = der::decode(&key)?;
        let session_key = received_key(&key, false).map_err(JavaTicketError::Key)?;
        let starttime = self.start.unwrap_or(self.times.authtime);
        let times = TicketTimes { starttime, endtime: end, ..self.times };
        let ticket = encoding.to_vec();
        Ok(Credential { client, server, session_key, times, flags: self.flags, ticket })
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use base64ct::{Base64, Encoding};

    use super::*;
    use crate::asn1::EncryptedData;

    /// Written by OpenJDK 17; Temurin 25 writes the same octets. The ticket in it is MIT's example of
    /// one (`ktest.c`), the rest is in `sample` below.
    const SAMPLE: &str = include_str!("testdata/java-ticket.b64");
    /// The same with an address and a time until which it may be renewed.
    const WITH_ADDRESS: &str = include_str!("testdata/java-ticket-address.b64");

    fn octets(base64: &str) -> Vec<u8> {
        Base64::decode_vec(base64.trim()).unwrap()
    }

    #[test]
    fn a_ticket_of_the_jdk_is_read() {
        let ticket = read_java_ticket(&octets(SAMPLE)).unwrap();
        assert_eq!(ticket.client.to_string(), "ALICE_ADMIN@EXAMPLE.TEST");
        assert_eq!(ticket.server.to_string(), "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST");
        assert_eq!(ticket.session_key.as_bytes(), [7; 32]);
        assert_eq!(ticket.session_key.enctype().0, 18);
        let flags = TicketFlags::FORWARDABLE | TicketFlags::INITIAL | TicketFlags::PRE_AUTHENT;
        assert_eq!(ticket.flags, flags);
        assert_eq!(ticket.times.authtime.unix(), 1_767_600_000);
        assert_eq!(ticket.times.starttime.unix(), 1_767_600_000);
        assert_eq!(ticket.times.endtime.unix(), 1_767_636_000);
        assert_eq!(ticket.times.renew_till, None);
        assert_eq!(ticket.ticket[..2], [0x61, 0x5c]);
        let refused = read_java_ticket(&octets(WITH_ADDRESS)).unwrap_err();
        assert_eq!(refused, JavaTicketError::Addresses);
    }

    #[test]
    fn every_truncation_is_refused_and_so_is_whatever_stands_behind() {
        let sample = octets(SAMPLE);
        for length in 0..sample.len() {
            assert!(read_java_ticket(&sample[..length]).is_err(), "{length}");
        }
        let longer = [&sample[..], &[TC_NULL]].concat();
        assert!(read_java_ticket(&longer).is_err());
    }

    /// The sample with so many octets in all: the part of its ticket that nobody reads is longer.
    fn of_length(length: usize) -> Vec<u8> {
        let sample = octets(SAMPLE);
        let place = sample.windows(2).position(|part| part == [0x61, 0x5c]).unwrap();
        let (before, rest) = sample.split_at(place - 4);
        let ticket: Ticket<'_> = der::decode(&rest[4..4 + 2 + 0x5c]).unwrap();
        let behind = &rest[4 + 2 + 0x5c..];
        let with = |cipher: &[u8]| {
            let enc_part = EncryptedData { cipher, ..ticket.enc_part };
            der::encode(&Ticket { enc_part, ..ticket })
        };
        let room = length - before.len() - 4 - behind.len();
        // What the lengths take is the same for all long ones.
        let overhead = with(&alloc::vec![0; MAX_LENGTH / 2]).len() - MAX_LENGTH / 2;
        let encoding = with(&alloc::vec![0; room - overhead]);
        let announced = u32::try_from(encoding.len()).unwrap().to_be_bytes();
        [before, &announced, &encoding, behind].concat()
    }

    #[test]
    fn a_stream_is_read_to_its_largest_length_and_no_further() {
        let longest = of_length(MAX_LENGTH);
        assert_eq!(longest.len(), MAX_LENGTH);
        assert_eq!(read_java_ticket(&longest).unwrap().session_key.as_bytes(), [7; 32]);
        let refused = read_java_ticket(&of_length(MAX_LENGTH + 1)).unwrap_err();
        assert!(refused.to_string().contains("stream"), "{refused}");
    }

    #[test]
    fn a_class_has_no_more_members_than_it_may_have() {
        let sample = octets(SAMPLE);
        let name = b"KerberosTicket";
        let at = sample.windows(name.len()).position(|part| part == name).unwrap();
        // Behind the name, a number of eight octets and the flags.
        let at = at + name.len() + 8 + 1;
        for (count, is_read) in [(MAX_MEMBERS, true), (MAX_MEMBERS + 1, false)] {
            let mut changed = sample.clone();
            changed[at..at + 2].copy_from_slice(&u16::try_from(count).unwrap().to_be_bytes());
            let refused = read_java_ticket(&changed).unwrap_err();
            let here = JavaTicketError::NotATicket(at + 2);
            assert_eq!(refused != here, is_read, "{count}: {refused}");
        }
    }

    #[test]
    fn no_more_can_be_referred_to_than_may_be() {
        let mut stream = Stream { cursor: Cursor::new(&[]), handles: Vec::new() };
        for number in 0..MAX_HANDLES {
            assert_eq!(stream.handle(Handle::Nothing), Ok(number));
        }
        assert_eq!(stream.handle(Handle::Nothing), Err(JavaTicketError::NotATicket(0)));
    }

    /// An array of addresses is one where addresses stand, and nowhere else.
    #[test]
    fn another_array_is_no_address() {
        let sample = octets(SAMPLE);
        let at = sample.windows(2).position(|part| part == b"[B").unwrap();
        let at = at + sample[at..].windows(5).position(|part| part == b"\x75\x72\0\x02[").unwrap();
        let mut changed = sample;
        changed[at + 5] = b'L';
        let refused = read_java_ticket(&changed).unwrap_err();
        assert!(matches!(refused, JavaTicketError::NotATicket(_)), "{refused}");
    }

    #[test]
    fn no_octet_of_it_panics_whatever_it_is() {
        let sample = octets(SAMPLE);
        for place in 0..sample.len() {
            for octet in [0, 1, 0x70, 0x71, 0x72, 0x73, 0x75, 0x77, 0x78, 0x7f, 0x80, 0xff] {
                let mut changed = sample.clone();
                changed[place] = octet;
                let _ = read_java_ticket(&changed);
            }
        }
    }

    /// Gadgets are other classes; circles are references to what is being read.
    #[test]
    fn other_classes_and_circles_are_refused() {
        let sample = octets(SAMPLE);
        let place = |text: &[u8]| sample.windows(text.len()).position(|part| part == text).unwrap();
        for (name, other) in [
            (&b"java.util.Date"[..], &b"java.util.Bomb"[..]),
            (b"KerberosTicketf", b"KerberosTickerf"),
            (b"KeyImpl\x92", b"KeyBomb\x92"),
            (b"asn1Encoding", b"asn1Bomb_ing"),
            // A superclass where there is none, and a ticket inside of a ticket.
            (b"\x78\x70\x77\x08", b"\x78\x72\x77\x08"),
            (b"\x70\x70\x73\x71", b"\x73\x71\x73\x71"),
        ] {
            let mut changed = sample.clone();
            let at = place(name);
            changed[at..at + name.len()].copy_from_slice(other);
            let refused = read_java_ticket(&changed).map(drop);
            assert!(
                matches!(refused, Err(JavaTicketError::NotATicket(_))),
                "{name:?}: {refused:?}"
            );
        }
        // The first value is the ticket itself.
        let own = [&MAGIC[..], &[TC_REFERENCE], &BASE_HANDLE.to_be_bytes()].concat();
        assert!(read_java_ticket(&own).is_err());
    }
}
