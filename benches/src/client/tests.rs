use std::path::Path;

use krb_client::OsRandom;
use krb_client::dev_kdc::{Bind, DevKdc};
use krb_client::files::write_keytab;
use krb_proto::kdc::{Account, Realm};
use tokio::runtime::Runtime;

use super::*;
use crate::load::{ENCTYPE, REALM};

const TARGET: &str = "HTTP/w.b.test";

/// A KDC with an account that may act in the names of users, and the account's keytab.
async fn kdc(keytab: &Path) -> DevKdc {
    let keyed = |account: Account| account.random_keys(&[ENCTYPE], &mut OsRandom).unwrap();
    let front = keyed(Account::service("svc-mcp").spn("HTTP/mcp.b.test")).set(|front| {
        front.trusted_to_auth_for_delegation = true;
        front.allowed_to_delegate_to = vec![TARGET.to_owned()];
    });
    let web = keyed(Account::service("svc-web").spn(TARGET));
    let mut realm = Realm::new(REALM, &mut OsRandom).with(front).with(web);
    for number in 0..USERS {
        realm = realm.with(keyed(Account::user(&format!("user-{number:04}"))));
    }
    let kdc = DevKdc::start(realm, Bind::loopback()).await.unwrap();
    write_keytab(keytab, &kdc.realms().keytab("svc-mcp").unwrap()).await.unwrap();
    kdc
}

#[test]
fn everything_is_asked_for_by_one_and_by_several() {
    let keytab = std::env::temp_dir().join(format!("krb-benches-{}.keytab", std::process::id()));
    let runtime = Runtime::new().unwrap();
    let kdc = runtime.block_on(kdc(&keytab));
    let (address, path) = (kdc.addresses().kdc.to_string(), keytab.display().to_string());
    for case in ["login", "s4u", "cold"] {
        for clients in ["1", "3"] {
            for run in [measure, alone] {
                // On a busy machine nothing may be done in a short time.
                let figure = ["0.05", "1", "20"].iter().find_map(|seconds| {
                    let of = [REALM, "svc-mcp", &path, "user-*", TARGET];
                    let setup = [&[case, clients, seconds, &address][..], &of].concat();
                    match run(&Setup::read(&setup).unwrap()) {
                        Err(error) if error.to_string() == NOTHING_DONE => None,
                        figure => Some(figure.unwrap()),
                    }
                });
                let figure = figure.unwrap_or_else(|| panic!("{case} {clients}: nothing was done"));
                assert!(figure.time > 0.0, "{case} {clients}: {figure}");
            }
        }
    }
    std::fs::remove_file(keytab).unwrap();
}
