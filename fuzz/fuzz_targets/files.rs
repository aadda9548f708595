//! Cache and keytab files: what is read can be written and read again, and means the same.
#![no_main]

use krb_proto::formats::{CredentialCache, Keytab};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(cache) = CredentialCache::from_bytes(input) {
        let again = CredentialCache::from_bytes(&cache.to_bytes()).expect("our own file");
        assert_eq!(again, cache);
    }
    if let Ok(keytab) = Keytab::from_bytes(input) {
        let again = Keytab::from_bytes(&keytab.to_bytes()).expect("our own file");
        assert_eq!(again.entries.len(), keytab.entries.len());
    }
});
