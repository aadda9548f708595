use krb_proto::asn1::{EncryptedData, HostAddress, PrincipalName};
use krb_proto::crypto::Key;
use krb_proto::der::{self, Decode, KerberosString, List};
use krb_proto::iana::KeyUsage;

use super::keys::{Keys, Named};
use super::tree::{Fields, Tree};

/// Makes trees of messages. What it does for each kind of message stands in that kind's file.
#[derive(Default)]
pub(super) struct Decoder {
    pub(super) keys: Keys,
    /// How many things were not what they should be.
    pub(super) problems: usize,
    /// The key that strengthens the reply key of the message that is being read (RFC 6113).
    pub(super) strengthen: Option<Key>,
    depth: usize,
}

/// Messages lie in messages; nobody's are deeper than half of it.
const MAX_DEPTH: usize = 32;

impl Decoder {
    /// What a value of this type holds; what is wrong with it if it is none.
    pub(super) fn decoded<'a, T: Decode<'a>>(
        &mut self,
        kind: &'static str,
        octets: &'a [u8],
        read: impl FnOnce(&mut Self, T) -> Fields,
    ) -> Tree {
        match der::decode(octets) {
            Ok(value) => self.deeper(kind, octets, |decoder| read(decoder, value).into()),
            Err(error) => self.malformed(kind, octets, error),
        }
    }

    /// Goes one step down, if that is not too deep.
    pub(super) fn deeper(
        &mut self,
        kind: &'static str,
        octets: &[u8],
        read: impl FnOnce(&mut Self) -> Tree,
    ) -> Tree {
        if self.depth == MAX_DEPTH {
            return self.malformed(kind, octets, "it lies too deep in other messages");
        }
        self.depth += 1;
        let tree = read(self);
        self.depth -= 1;
        tree
    }

    /// What cannot be read may have keys and passwords anywhere in it, so nothing of it is shown.
    pub(super) fn malformed(
        &mut self,
        kind: &'static str,
        octets: &[u8],
        error: impl std::fmt::Display,
    ) -> Tree {
        self.problems += 1;
        Fields::of(kind).show("error", error).with("length", length(octets)).into()
    }

    /// What is sealed, opened if there is a key for it.
    pub(super) fn sealed(
        &mut self,
        sealed: &EncryptedData<'_>,
        usages: &[KeyUsage],
        read: impl FnOnce(&mut Self, &[u8], &Named) -> Tree,
    ) -> Fields {
        let opened = self.keys.open(sealed, usages).or_else(|| {
            let strengthen = self.strengthen.clone()?;
            self.keys.open_with(sealed, usages, |key| {
                krb_proto::preauth::fast::strengthened(key, &strengthen).ok()
            })
        });
        let fields = seal(sealed);
        match opened {
            Some((key, plaintext)) => {
                let inside = read(self, &plaintext, &key);
                fields.with("opened-with", key.name.as_str()).with("plaintext", inside)
            }
            None => fields,
        }
    }
}

/// EncryptedData from outside.
pub(super) fn seal(sealed: &EncryptedData<'_>) -> Fields {
    Fields::default()
        .show("etype", sealed.etype)
        .with_some("kvno", sealed.kvno.map(|kvno| kvno.get()))
        .with("cipher-octets", length(sealed.cipher))
}

pub(super) fn length(octets: &[u8]) -> i64 {
    i64::try_from(octets.len()).unwrap_or(i64::MAX)
}

pub(super) fn realm(realm: KerberosString<'_>) -> Tree {
    Tree::text(realm.0)
}

/// `cifs/files.example.com (NT-SRV-INST)`
pub(super) fn name(name: PrincipalName<'_>) -> Tree {
    let name = name.to_name();
    format!("{name} ({})", name.name_type).into()
}

pub(super) fn addresses(list: &List<'_, HostAddress<'_>>) -> Tree {
    Tree::list(list.iter().map(|address| self::address(&address)))
}

pub(crate) fn address(address: &HostAddress<'_>) -> String {
    match (address.addr_type, address.address) {
        (2, &[a, b, c, d]) => std::net::Ipv4Addr::new(a, b, c, d).to_string(),
        (24, octets) if octets.len() == 16 => {
            let octets: [u8; 16] = octets.try_into().unwrap_or_default();
            std::net::Ipv6Addr::from(octets).to_string()
        }
        // NetBIOS names, padded with spaces.
        (20, octets) => String::from_utf8_lossy(octets).trim_end().to_owned(),
        (kind, octets) => format!("type {kind} {}", super::tree::hex(octets)),
    }
}
