use crate::formats::{
    CredentialCache, Keytab, ManagedPasswords, read_java_ticket, read_kirbi, write_kirbi,
};

/// Cache, keytab and kirbi files, and tickets as Java writes them:
/// what is read can be written and read again, and means the same. Passwords that AD manages.
pub fn files(input: &[u8]) {
    if let Ok(cache) = CredentialCache::from_bytes(input) {
        let again = CredentialCache::from_bytes(&cache.to_bytes()).expect("our own file");
        assert_eq!(again, cache);
    }
    if let Ok(keytab) = Keytab::from_bytes(input) {
        let again =
            Keytab::from_bytes(&keytab.to_bytes().expect("what fitted")).expect("our own file");
        assert_eq!(again, keytab);
    }
    if let Ok(ticket) = read_java_ticket(input) {
        assert_eq!(ticket.ticket.first(), Some(&0x61), "a ticket");
    }
    if let Ok(passwords) = ManagedPasswords::from_bytes(input) {
        let octets = passwords.current.to_utf8().len();
        assert!(octets > 0 && octets <= 3 * input.len(), "a password out of nothing");
    }
    if let Ok(entries) = read_kirbi(input) {
        let written = write_kirbi(&entries).expect("tickets that were DER");
        assert_eq!(read_kirbi(&written).expect("our own file").len(), entries.len());
    }
}
