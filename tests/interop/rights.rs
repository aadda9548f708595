//! Each right that delegation hangs on, taken away while the KDC runs: MIT's `kvno` and the JDK are
//! refused then, and served as long as it is there.

use krb_client::proto::KerberosTime;
use krb_client::proto::kdc::{Account, Realm, Trustee};

use crate::jdk::{Jdk, jdk};
use crate::mit::{here, kinit_with_keys, kvno};
use crate::world::{REALM, World};

/// A front end that may reach a service in users' names, by its own list or by the service's.
struct Way {
    front: &'static str,
    target: &'static str,
    target_account: &'static str,
}

const LISTED: Way =
    Way { front: "svc-mcp", target: "HTTP/web.example.test", target_account: "svc-web" };
const TRUSTEE: Way =
    Way { front: "svc-front", target: "cifs/files.example.test", target_account: "svc-files" };

/// What is taken away, and what MIT's kvno and the JDK say then.
struct Right {
    name: &'static str,
    take: fn(&mut Realm),
    mit: &'static str,
    jdk: &'static str,
}

const OPTION: &str = "KDC can't fulfill requested option";
/// The JDK does not even ask.
const FORWARDABLE: &str = "S4U2self ticket must be FORWARDABLE";
const REVOKED: &str = "Client's credentials have been revoked";

fn change(realm: &mut Realm, name: &str, change: impl FnOnce(&mut Account)) {
    change(realm.account_mut(name).unwrap());
}

/// Of the user and of the way in, whichever it is.
const COMMON: &[Right] = &[
    Right {
        name: "the user may be delegated",
        take: |realm| change(realm, "alice", |alice| alice.not_delegated = true),
        mit: OPTION,
        jdk: FORWARDABLE,
    },
    Right {
        name: "the user is not in Protected Users",
        take: |realm| change(realm, "alice", |alice| alice.protected_user = true),
        mit: OPTION,
        jdk: FORWARDABLE,
    },
    Right {
        name: "the user is enabled",
        take: |realm| change(realm, "alice", |alice| alice.disabled = true),
        mit: "KDC policy rejects request",
        jdk: "(12)",
    },
    Right {
        name: "the user has not expired",
        take: |realm| {
            change(realm, "alice", |alice| alice.expires = Some(KerberosTime::from_unix(1)));
        },
        mit: "Client's entry in database has expired",
        jdk: "(1)",
    },
    Right {
        name: "the user is not locked out",
        take: |realm| change(realm, "alice", |alice| alice.locked = true),
        mit: REVOKED,
        jdk: "(18)",
    },
    Right {
        name: "the user has a password that need not be changed",
        take: |realm| change(realm, "alice", |alice| alice.must_change_password = true),
        mit: "Password has expired",
        jdk: "(23)",
    },
    Right {
        name: "the user is there",
        take: |realm| drop(realm.remove("alice")),
        mit: "not found in Kerberos database",
        jdk: "(6)",
    },
];

const BY_THE_FRONT_ENDS_LIST: &[Right] = &[
    Right {
        name: "the front end may use any protocol",
        take: |realm| {
            change(realm, "svc-mcp", |mcp| mcp.trusted_to_auth_for_delegation = false);
        },
        mit: OPTION,
        jdk: FORWARDABLE,
    },
    Right {
        name: "the front end lists a service",
        take: |realm| change(realm, "svc-mcp", |mcp| mcp.allowed_to_delegate_to.clear()),
        mit: OPTION,
        jdk: "(13)",
    },
    Right {
        name: "the front end lists that service",
        take: |realm| {
            let another = vec!["postgres/db.example.test".into()];
            change(realm, "svc-mcp", |mcp| mcp.allowed_to_delegate_to = another);
        },
        mit: OPTION,
        jdk: "(13)",
    },
    Right {
        name: "the front end is enabled",
        take: |realm| change(realm, "svc-mcp", |mcp| mcp.disabled = true),
        mit: REVOKED,
        jdk: "(18)",
    },
    Right {
        name: "the service is there",
        take: |realm| drop(realm.remove("svc-web")),
        mit: "not found in Kerberos database",
        jdk: "(7)",
    },
];

const BY_THE_SERVICES_LIST: &[Right] = &[
    Right {
        name: "the service lists a front end",
        take: |realm| change(realm, "svc-files", |files| files.allowed_to_act.clear()),
        mit: OPTION,
        jdk: "(13)",
    },
    Right {
        name: "the service lists that front end",
        take: |realm| {
            let another = vec![Trustee::Account("svc-mcp".into())];
            change(realm, "svc-files", |files| files.allowed_to_act = another);
        },
        mit: OPTION,
        jdk: "(13)",
    },
];

async fn each_is_missed(way: &Way, rights: impl Iterator<Item = &'static Right>) {
    let mit = here();
    let world = World::new().await;
    let whole = world.kdc.realms().realm(REALM, |realm| realm.clone()).unwrap();
    let mut jdk = if jdk() { Some(jvm(&world, way).await) } else { None };
    // At last with nothing taken away.
    for right in rights.map(Some).chain([None]) {
        world.kdc.realms().realm(REALM, |realm| *realm = whole.clone());
        if mit {
            kinit_with_keys(&world, "front", way.front).await.ok();
        }
        if let Some(right) = right {
            world.kdc.realms().realm(REALM, right.take);
        }
        if mit {
            let asked = kvno(&world, "front", &["-I", "alice", "-P", way.target]).await;
            match right {
                Some(right) => asked.refused(right.mit),
                None => asked.ok(),
            };
        }
        if let Some(jdk) = &mut jdk {
            match (right, jdk.ask(Some("alice@EXAMPLE.TEST")).await) {
                (Some(right), Err(said)) => {
                    assert!(said.contains(right.jdk), "without {:?}: {said}", right.name);
                }
                (None, Ok(seen)) => assert_eq!(seen, "alice@EXAMPLE.TEST"),
                (None, Err(said)) => panic!("with every right: {said}"),
                (Some(right), Ok(_)) => panic!("the JDK is served without {:?}", right.name),
            }
        }
    }
}

/// The keys are read now: they are there whatever becomes of their accounts.
async fn jvm(world: &World, way: &Way) -> Jdk {
    let (front, target) = (world.keytab(way.front).await, world.keytab(way.target_account).await);
    let named = |name: &str| format!("{name}@{REALM}");
    let (front, target) = ((&*named(way.front), &*front), (&*named(way.target), &*target));
    Jdk::start(world, front, target).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_right_of_delegation_by_the_front_ends_list_is_missed() {
    each_is_missed(&LISTED, COMMON.iter().chain(BY_THE_FRONT_ENDS_LIST)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_right_of_delegation_by_the_services_list_is_missed() {
    each_is_missed(&TRUSTEE, COMMON.iter().chain(BY_THE_SERVICES_LIST)).await;
}
