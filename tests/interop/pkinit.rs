//! MIT's `kinit` with a certificate in the place of a password.

use std::sync::Arc;

use krb_client::proto::kdc::Realm;
use krb_client::proto::pkinit::{KdcPkinit, SoftwareSigner, TrustAnchors};

use crate::mit::here;
use crate::world::{Ended, REALM, World, installed};

const PLUGIN: &str = "/usr/lib/x86_64-linux-gnu/krb5/plugins/preauth/pkinit.so";
const OPENSSL: &str = "/usr/bin/openssl";

async fn kinit(world: &World, user: &str, identity: &str) -> Ended {
    let file = |name: String| world.file(&name).display().to_string();
    let (certificate, key) = (file(format!("{identity}.pem")), file(format!("{identity}.key")));
    let identity = format!("X509_user_identity=FILE:{certificate},{key}");
    let kinit = world.program("/usr/bin/kinit", user).args(["-X", &identity, user]);
    kinit.env("KRB5_TRACE", world.file("trace")).run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_logs_in_whom_it_names_and_nobody_else() {
    if !here() || !installed(PLUGIN, "krb5-pkinit") || !installed(OPENSSL, "openssl") {
        return;
    }
    let world = World::new().await;
    let make = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/programs/certificates");
    world.program(make, "none").args([world.file("")]).run().await.ok();
    let read = |name: &str| std::fs::read(world.file(name)).unwrap();
    let signer = SoftwareSigner::from_pkcs8(vec![read("kdc.der")], &read("kdc.pkcs8")).unwrap();
    let pkinit =
        KdcPkinit::new(Arc::new(signer), TrustAnchors::from_der([read("ca.der")]).unwrap());
    let conf = std::fs::read_to_string(world.file("krb5.conf")).unwrap();
    let anchors = format!("pkinit_anchors = FILE:{}", world.file("ca.pem").display());
    let conf = conf.replace("[libdefaults]", &format!("[libdefaults]\n\t{anchors}"));
    std::fs::write(world.file("krb5.conf"), conf).unwrap();

    // Which asks for a password, since there is nothing else here yet.
    kinit(&world, "alice", "alice").await.refused("Cannot read password");
    world.kdc.realms().realm(REALM, |realm: &mut Realm| {
        realm.pkinit = Some(pkinit);
        // A password would not do any more.
        realm.account_mut("alice").unwrap().smartcard_required = true;
    });
    kinit(&world, "alice", "alice").await.ok();
    let traced = std::fs::read_to_string(world.file("trace")).unwrap();
    assert!(traced.contains("PKINIT client used KDF"), "{traced}");
    kinit(&world, "bob", "alice").await.refused("Client name mismatch");
    kinit(&world, "alice", "strange-alice").await.refused("Cannot read password");
}
