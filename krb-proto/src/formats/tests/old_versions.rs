//! Caches of versions 1 and 2 and keytabs of version 1 are in the byte order of whoever wrote them.
//! What writes them here is itself checked against MIT's bytes.

use super::*;

struct Old {
    file: Vec<u8>,
    version: u8,
    little_endian: bool,
}

impl Old {
    fn new(version: u8, little_endian: bool) -> Self {
        Self { file: Vec::from([5, version]), version, little_endian }
    }

    fn number<const N: usize>(&mut self, mut bytes: [u8; N]) {
        if self.little_endian {
            bytes.reverse();
        }
        self.file.extend_from_slice(&bytes);
    }

    fn u16(&mut self, number: u16) {
        self.number(number.to_be_bytes());
    }

    fn u32(&mut self, number: u32) {
        self.number(number.to_be_bytes());
    }

    fn octets(&mut self, octets: &[u8]) {
        self.u32(octets.len() as u32);
        self.file.extend_from_slice(octets);
    }

    fn principal(&mut self, principal: &Principal) {
        let components = &principal.name.components;
        if self.version == 1 {
            self.u32(components.len() as u32 + 1);
        } else {
            self.number(principal.name.name_type.0.to_be_bytes());
            self.u32(components.len() as u32);
        }
        self.octets(&principal.realm);
        components.iter().for_each(|component| self.octets(component));
    }

    fn typed<'l>(&mut self, list: impl ExactSizeIterator<Item = (u16, &'l Vec<u8>)>) {
        self.u32(list.len() as u32);
        for (number, octets) in list {
            self.u16(number);
            self.octets(octets);
        }
    }

    fn cache(mut self, cache: &CredentialCache) -> Vec<u8> {
        self.principal(&cache.default_principal);
        for entry in &cache.entries {
            self.principal(&entry.client);
            self.principal(&entry.server);
            self.u16(entry.enctype.0 as u16);
            self.octets(&entry.key_bytes);
            entry.times.iter().for_each(|time| self.u32(*time));
            self.file.push(entry.is_skey.into());
            self.u32(entry.flags.0);
            self.typed(entry.addresses.iter().map(|(kind, octets)| (*kind, octets)));
            self.typed(entry.authdata.iter().map(|(kind, octets)| (*kind as u16, octets)));
            self.octets(&entry.ticket);
            self.octets(&entry.second_ticket);
        }
        self.file
    }

    /// MIT's "keytab file format", version 1: the realm is counted as a component, there is no
    /// type of name.
    fn keytab(mut self, keytab: &Keytab) -> Vec<u8> {
        for entry in &keytab.entries {
            let mut part = Self::new(1, self.little_endian);
            let components = &entry.principal.name.components;
            part.u16(components.len() as u16 + 1);
            for octets in [&entry.principal.realm].into_iter().chain(components) {
                part.u16(octets.len() as u16);
                part.file.extend_from_slice(octets);
            }
            part.u32(entry.timestamp.unix() as u32);
            part.file.push(entry.kvno as u8);
            part.u16(entry.enctype.0 as u16);
            part.u16(entry.key_bytes.len() as u16);
            part.file.extend_from_slice(&entry.key_bytes);
            self.octets(&part.file[2..]);
        }
        self.file
    }
}

#[test]
fn caches_are_read_in_both_byte_orders() {
    for version in [1, 2] {
        let mits = t_marshal(version);
        let cache = CredentialCache::from_bytes(&mits).unwrap();
        assert_eq!(Old::new(version, true).cache(&cache), mits, "version {version}");
        let big_endian = Old::new(version, false).cache(&cache);
        assert_ne!(big_endian, mits);
        assert_eq!(CredentialCache::from_bytes(&big_endian).unwrap(), cache, "version {version}");
    }
}

#[test]
fn keytabs_of_version_1_are_read_in_both_byte_orders() {
    let mut expected = Keytab::from_bytes(&bytes(KEYTAB)).unwrap();
    expected.entries.push(expected.entries[0].clone());
    for entry in &mut expected.entries {
        entry.principal.name.name_type = NameType::UNKNOWN;
        entry.kvno = 3; // 8 bits
    }
    for little_endian in [false, true] {
        let file = Old::new(1, little_endian).keytab(&expected);
        assert_eq!(Keytab::from_bytes(&file).unwrap(), expected, "{little_endian}");
        for end in 0..file.len() {
            // Between two entries a cut cannot be seen.
            if let Ok(keytab) = Keytab::from_bytes(&file[..end]) {
                assert!(keytab.entries.len() < expected.entries.len(), "cut at {end}");
            }
        }
    }
}
