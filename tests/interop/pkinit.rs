//! MIT's `kinit` with a certificate in the place of a password.

use std::sync::Arc;

use krb_client::proto::kdc::Realm;
use krb_client::proto::pkinit::{KdcPkinit, SoftwareSigner, TrustAnchors};
use krb_tests::lab::program;

use crate::mit::here;
use crate::world::{Ended, REALM, World, installed};

const PLUGIN: &str = "/usr/lib/x86_64-linux-gnu/krb5/plugins/preauth/pkinit.so";
const OPENSSL: &str = "/usr/bin/openssl";

/// What names a certificate, for MIT's `kinit` and for ours.
fn identity(world: &World, name: &str) -> String {
    let file = |name: String| world.file(&name).display().to_string();
    let (certificate, key) = (file(format!("{name}.pem")), file(format!("{name}.key")));
    format!("X509_user_identity=FILE:{certificate},{key}")
}

async fn kinit(world: &World, user: &str, name: &str) -> Ended {
    let identity = identity(world, name);
    let kinit = world.program("/usr/bin/kinit", user).args(["-X", &identity, user]);
    kinit.env("KRB5_TRACE", world.file("trace")).run().await
}

/// A realm with certificates, whose CA its krb5.conf names; the KDC has none yet.
async fn world() -> World {
    let world = World::new().await;
    let make = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/programs/certificates");
    world.program(make, "none").args([world.file("")]).run().await.ok();
    let anchors = format!("FILE:{}", world.file("ca.pem").display());
    configure(&world, "pkinit_anchors", &anchors);
    world
}

/// One more line for all realms.
fn configure(world: &World, relation: &str, value: &str) {
    let conf = std::fs::read_to_string(world.file("krb5.conf")).unwrap();
    let conf = conf.replace("[libdefaults]", &format!("[libdefaults]\n\t{relation} = {value}"));
    std::fs::write(world.file("krb5.conf"), conf).unwrap();
}

/// With that certificate, and none who has just a password gets in.
fn certify(world: &World, kdc: &str) {
    let read = |name: String| std::fs::read(world.file(&name)).unwrap();
    let (certificate, key) = (read(format!("{kdc}.der")), read(format!("{kdc}.pkcs8")));
    let signer = SoftwareSigner::from_pkcs8(vec![certificate], &key).unwrap();
    let anchors = TrustAnchors::from_der([read("ca.der".to_owned())]).unwrap();
    world.kdc.realms().realm(REALM, |realm: &mut Realm| {
        realm.pkinit = Some(KdcPkinit::new(Arc::new(signer), anchors));
        realm.account_mut("alice").unwrap().smartcard_required = true;
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_logs_in_whom_it_names_and_nobody_else() {
    if !here() || !installed(PLUGIN, "krb5-pkinit") || !installed(OPENSSL, "openssl") {
        return;
    }
    let world = world().await;
    // Which asks for a password, since there is nothing else here yet.
    kinit(&world, "alice", "alice").await.refused("Cannot read password");
    certify(&world, "kdc");
    kinit(&world, "alice", "alice").await.ok();
    let traced = std::fs::read_to_string(world.file("trace")).unwrap();
    assert!(traced.contains("PKINIT client used KDF"), "{traced}");
    kinit(&world, "bob", "alice").await.refused("Client name mismatch");
    // Nobody, whose ticket armors bob's login.
    let nobody = world.program("/usr/bin/kinit", "nobody").args(["-n", &format!("@{REALM}")]);
    nobody.run().await.ok();
    let armor = format!("FILE:{}", world.file("nobody").display());
    let bob = |password| {
        world.program("/usr/bin/kinit", "bob").args(["-T", &armor, "bob"]).typing(&[password]).run()
    };
    bob("bob's password").await.ok();
    bob("alice's password").await.refused("Password incorrect");
    // And the login of who has a token.
    world.kdc.realms().realm(REALM, |realm: &mut Realm| {
        let bob = realm.remove("bob").unwrap().one_time_password("755224");
        realm.insert(bob);
    });
    bob("755224").await.ok();
    bob("755225").await.refused("Preauthentication failed");
    bob("bob's password").await.refused("Preauthentication failed");
    kinit(&world, "alice", "strange-alice").await.refused("Cannot read password");
}

/// A KDC whose certificate names its host and no realm is believed by those whose configuration names that
/// host, and by nobody else: MIT's and ours.
#[tokio::test(flavor = "multi_thread")]
async fn a_kdc_is_known_by_its_host_where_the_configuration_names_that() {
    if !here() || !installed(PLUGIN, "krb5-pkinit") || !installed(OPENSSL, "openssl") {
        return;
    }
    let world = world().await;
    certify(&world, "kdc-of-host");
    let alice = identity(&world, "alice");
    let ours = async || {
        world.program(program("krb"), "ours").args(["kinit", "-X", &alice, "alice"]).run().await
    };
    for host in [None, Some("other.example.test")] {
        if let Some(host) = host {
            configure(&world, "pkinit_kdc_hostname", host);
        }
        ours().await.refused("pkinit_kdc_hostname");
        kinit(&world, "alice", "alice").await.refused("");
    }
    configure(&world, "pkinit_kdc_hostname", "KDC.example.test");
    ours().await.ok();
    kinit(&world, "alice", "alice").await.ok();
}
