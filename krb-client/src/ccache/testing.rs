//! Entries for tests.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use krb_proto::formats::{CacheEntry, CredentialCache};
use krb_proto::iana::{EncType, NameType, TicketFlags};
use krb_proto::{Name, Principal};

pub(super) fn alice() -> Principal {
    Principal::new(Name::user("alice"), "R")
}

pub(super) fn ticket(host: &str, endtime: u32) -> CacheEntry {
    let name = match host {
        "krbtgt" => Name::krbtgt(b"R"),
        _ => Name::new(NameType::SRV_INST, ["HTTP", host]),
    };
    CacheEntry {
        client: alice(),
        server: Principal::new(name, "R"),
        enctype: EncType::AES256_CTS_HMAC_SHA1_96,
        key_bytes: vec![1; 32].into(),
        times: [100, 100, endtime, 0],
        is_skey: false,
        flags: TicketFlags::FORWARDABLE,
        addresses: Vec::new(),
        authdata: Vec::new(),
        ticket: format!("a ticket to {host}").into_bytes(),
        second_ticket: Vec::new(),
    }
}

pub(super) fn configuration(key: &str) -> CacheEntry {
    let name = Name::new(NameType::UNKNOWN, ["krb5_ccache_conf_data", key]);
    CacheEntry {
        server: Principal::new(name, "X-CACHECONF:"),
        enctype: EncType(0),
        key_bytes: Vec::new().into(),
        times: [0; 4],
        flags: TicketFlags::NONE,
        ticket: b"yes".to_vec(),
        ..ticket("none", 0)
    }
}

pub(super) fn cache(entries: &[CacheEntry]) -> CredentialCache {
    let mut cache = CredentialCache::new(alice());
    cache.entries = entries.to_vec();
    cache
}

/// Servers of the tickets in a cache, and names of its configuration entries.
pub(super) fn names(cache: &CredentialCache) -> Vec<String> {
    let name = |entry: &CacheEntry| {
        let last = entry.server.name.components.last().cloned().unwrap_or_default();
        String::from_utf8(last).unwrap()
    };
    cache.entries.iter().map(name).collect()
}

/// A folder of its own, gone at the end.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("krb-ccache-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
