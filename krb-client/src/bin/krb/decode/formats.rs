use krb_proto::KerberosTime;
use krb_proto::asn1::{EncryptionKey, KrbCred, SecretOctets};
use krb_proto::der;
use krb_proto::formats::{CacheEntry, CredentialCache, Keytab, read_kirbi};

use super::decoder::Decoder;
use super::tree::{Fields, Tree};

impl Decoder {
    /// A credential cache: its session keys open what was sent with its tickets.
    pub(super) fn ccache(&mut self, cache: &CredentialCache) -> Tree {
        let offset = cache.kdc_offset.map(|offset| offset.seconds);
        let entries: Vec<Tree> = cache.entries.iter().map(|entry| self.entry(entry)).collect();
        Fields::of("ccache")
            .show("default-principal", &cache.default_principal)
            .with_some("kdc-offset-seconds", offset)
            .with("entries", entries)
            .into()
    }

    fn entry(&mut self, entry: &CacheEntry) -> Tree {
        if entry.is_configuration() {
            let components = entry.server.name.components.iter().skip(1);
            return Fields::of("configuration")
                .with("name", Tree::list(components.map(|component| Tree::text(component))))
                .with("value", Tree::text(&entry.ticket))
                .into();
        }
        let key =
            EncryptionKey { keytype: entry.enctype, keyvalue: SecretOctets(&entry.key_bytes) };
        self.keys.learn(&key, format!("session key for {}", entry.server));
        let [authtime, starttime, endtime, renew_till] = entry.times;
        let time = |seconds: u32| (seconds != 0).then(|| KerberosTime::from_unix(seconds.into()));
        let ticket = self.ticket(&entry.ticket);
        let second = (!entry.second_ticket.is_empty()).then(|| self.ticket(&entry.second_ticket));
        Fields::of("credential")
            .show("client", &entry.client)
            .show("server", &entry.server)
            .show("session-key", entry.enctype)
            .show_some("authtime", time(authtime))
            .show_some("starttime", time(starttime))
            .show_some("endtime", time(endtime))
            .show_some("renew-till", time(renew_till))
            .with("is-skey", entry.is_skey)
            .show("flags", entry.flags)
            .with("ticket", ticket)
            .with_some("second-ticket", second)
            .into()
    }

    /// A KRB-CRED; a file of Windows' tools may have lengths in more octets than DER has.
    pub(super) fn cred_or_kirbi(&mut self, octets: &[u8]) -> Tree {
        if der::decode::<KrbCred<'_>>(octets).is_err()
            && let Ok(entries) = read_kirbi(octets)
        {
            let entries: Vec<Tree> = entries.iter().map(|entry| self.entry(entry)).collect();
            return Fields::of("kirbi").with("entries", entries).into();
        }
        self.krb_cred(octets)
    }

    /// A keytab, its keys left out.
    pub(super) fn keytab(&mut self, keytab: &Keytab) -> Tree {
        let entries = keytab.entries.iter().map(|entry| {
            Fields::default()
                .with("kvno", entry.kvno)
                .show("principal", &entry.principal)
                .show("name-type", entry.principal.name.name_type)
                .show("enctype", entry.enctype)
                .show("timestamp", entry.timestamp)
        });
        Fields::of("keytab").with("entries", Tree::list(entries)).into()
    }
}
