use std::collections::VecDeque;

use krb_proto::asn1::{EncryptedData, EncryptionKey};
use krb_proto::crypto::Key;
use krb_proto::formats::Keytab;
use krb_proto::iana::{EncType, KeyUsage};
use zeroize::Zeroizing;

use crate::Failure;

/// A key, and how people call it.
#[derive(Clone)]
pub(super) struct Named {
    pub(super) key: Key,
    pub(super) name: String,
    /// Of a realm's ticket-granting service, by whose name it stands in the keytab.
    pub(super) is_krbtgt: bool,
}

/// What may open something: the keys that were given, and those that were found in what they opened.
#[derive(Default)]
pub(super) struct Keys {
    given: Vec<Named>,
    /// The newest first.
    learnt: VecDeque<Named>,
}

/// So many keys are remembered, and tried: a capture of a day has more sessions than messages that
/// any one of them opens.
const MAX_LEARNT: usize = 512;
const MAX_GIVEN: usize = 4096;
/// So many octets are decrypted in vain for one of what is sealed: thousands of keys are tried on a ticket,
/// and one on what fills a file.
const MAX_WORK: usize = 64 << 20;

impl Keys {
    /// The keys of a keytab, those of old enctypes too: what was sent is to be read, however weak.
    pub(super) fn add_keytab(&mut self, keytab: &Keytab) -> Result<(), Failure> {
        for entry in &keytab.entries {
            if let Ok(key) = entry.danger_key() {
                let name = format!("{} kvno {} ({})", entry.principal, entry.kvno, entry.enctype);
                let is_krbtgt = entry.principal.name.is_krbtgt();
                self.add(Named { key, name, is_krbtgt })?;
            }
        }
        Ok(())
    }

    /// A key by itself.
    pub(super) fn add_given(&mut self, key: Key) -> Result<(), Failure> {
        let name = format!("the given key of {}", key.enctype());
        self.add(Named { key, name, is_krbtgt: false })
    }

    fn add(&mut self, named: Named) -> Result<(), Failure> {
        if self.given.len() == MAX_GIVEN {
            return Err(format!("more than {MAX_GIVEN} keys: name those of one account").into());
        }
        self.given.push(named);
        Ok(())
    }

    /// A key that a message holds.
    pub(super) fn learn(
        &mut self,
        key: &EncryptionKey<'_>,
        name: impl Into<String>,
    ) -> Option<Key> {
        let key = match key.keytype {
            EncType::RC4_HMAC => Key::danger_new_rc4(key.keyvalue.0),
            _ => Key::new(key.keytype, key.keyvalue.0),
        };
        let key = key.ok()?;
        self.learn_key(key.clone(), name);
        Some(key)
    }

    pub(super) fn learn_key(&mut self, key: Key, name: impl Into<String>) {
        if self.all().any(|known| known.key == key) {
            return;
        }
        self.learnt.truncate(MAX_LEARNT - 1);
        self.learnt.push_front(Named { key, name: name.into(), is_krbtgt: false });
    }

    pub(super) fn given(&self) -> &[Named] {
        &self.given
    }

    fn all(&self) -> impl Iterator<Item = &Named> {
        self.learnt.iter().chain(&self.given)
    }

    /// The plaintext, and the key that it was sealed with; both are kept by nobody else.
    pub(super) fn open(
        &self,
        sealed: &EncryptedData<'_>,
        usages: &[KeyUsage],
    ) -> Option<(Named, Zeroizing<Vec<u8>>)> {
        self.open_with(sealed, usages, |key| Some(key.clone()))
    }

    /// As [`Self::open`], with what is made of each key.
    pub(super) fn open_with(
        &self,
        sealed: &EncryptedData<'_>,
        usages: &[KeyUsage],
        made: impl Fn(&Key) -> Option<Key>,
    ) -> Option<(Named, Zeroizing<Vec<u8>>)> {
        let fitting = self.all().filter(|named| named.key.enctype() == sealed.etype);
        for named in fitting.take(MAX_WORK / sealed.cipher.len().max(1)) {
            let Some(key) = made(&named.key) else { continue };
            for usage in usages {
                if let Ok(plaintext) = key.decrypt(*usage, sealed.cipher) {
                    let name = named.name.clone();
                    return Some((Named { key, name, is_krbtgt: named.is_krbtgt }, plaintext));
                }
            }
        }
        None
    }
}
