use alloc::string::String;
use alloc::vec::Vec;

use crate::Principal;
use crate::formats::krb5_conf::{Includes, Krb5Conf, expand_tokens};

/// What stands between the files of an input: ASCII's file separator.
const SEPARATOR: u8 = 0x1c;

/// The files of an input by their numbers, from `1`. All are in every directory.
struct Files<'a>(Vec<&'a [u8]>);

impl Includes for Files<'_> {
    fn file(&mut self, name: &str) -> Result<Vec<u8>, String> {
        let number: usize = name.rsplit('/').next().and_then(|n| n.parse().ok()).unwrap_or(0);
        Ok(self.0.get(number).copied().unwrap_or_default().to_vec())
    }

    fn directory(&mut self, _: &str) -> Result<Vec<String>, String> {
        Ok((1..self.0.len()).map(|number| alloc::format!("{number}")).collect())
    }
}

/// Configuration files that include each other: read or refused, and what is read can be asked for.
pub fn krb5_conf(input: &[u8]) {
    let mut files = Files(input.split(|&byte| byte == SEPARATOR).take(8).collect());
    let main = files.0.first().copied().unwrap_or_default();
    let Ok(conf) = Krb5Conf::parse("0", main, &mut files) else { return };
    let alice = Principal::parse("alice/admin@R", None).expect("a principal");
    for realm in conf.section_names(&["realms"]) {
        let _ = conf.realm(realm);
        let _ = conf.libdefaults(Some(realm));
        let _ = conf.local_name(&alice, realm);
        let _ = conf.pkinit(realm, "pkinit_anchors");
    }
    if let Ok(defaults) = conf.libdefaults(None) {
        for list in [&defaults.permitted_enctypes, &defaults.default_tkt_enctypes] {
            assert!(!list.enctypes.is_empty());
        }
        let name = defaults.default_ccache_name.unwrap_or_default();
        let _ = expand_tokens(&name, |_| Some(String::new())).map(|expanded| {
            assert!(expanded.len() <= name.len());
        });
    }
    for host in ["a.example", "example", "10.0.0.1"] {
        if let Some(realm) = conf.host_realm(host) {
            assert!(conf.section_names(&[]).contains(&"domain_realm"), "{realm}");
        }
    }
    for client in conf.section_names(&["capaths"]) {
        let _ = conf.capath(client, "R");
    }
    for host in conf.relation_names(&["domain_realm"]) {
        assert!(conf.value(&["domain_realm", host]).is_some());
    }
    let _ = conf.appdefault("a", Some("R"), "o");
}
