//! `/readyz`: ready is who can serve somebody; what is missing is said where the metrics are, and
//! nowhere else.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};

use krb_tests::server::ALLOW_ALL;
use krb_tests::world::{IdpIs, Is, Setup, World};
use serde_json::{Value, json};

const A_WHILE: Duration = Duration::from_secs(40);

async fn is_ready(world: &World) -> bool {
    let (status, body) = world.probe("/readyz").await;
    assert_eq!(body, "", "a status and no more");
    let (side, detail) = world.side("/readyz").await;
    assert_eq!(side, status);
    let detail: Value = serde_json::from_str(&detail).unwrap();
    assert_eq!(detail["ready"], json!(status == 200), "{detail}");
    assert_eq!(detail["missing"].as_array().unwrap().is_empty(), status == 200, "{detail}");
    let (_, figures) = world.side("/metrics").await;
    let ready = format!("\nkrb_mcp_ready {}\n", u8::from(status == 200));
    assert!(figures.contains(&ready), "{figures}");
    status == 200
}

async fn detail(world: &World) -> String {
    world.side("/readyz").await.1
}

#[tokio::test(start_paused = true)]
async fn a_server_finds_out_by_itself_whether_it_is_ready() {
    let world = World::new().await;
    assert!(!is_ready(&world).await, "nothing is known yet");
    assert_eq!(world.probe("/healthz").await.0, 200, "alive all the same");
    let found = detail(&world).await;
    assert!(found.contains("no keys of") && found.contains("not logged in"), "{found}");
    world.find_out();
    world.time.pass(Duration::from_secs(1)).await;
    assert!(is_ready(&world).await, "{}", detail(&world).await);
    assert_eq!(world.get_as("erin", "/whoami").await.data()["status"], 200);
    world.ends();
    assert!(!is_ready(&world).await);
    assert!(detail(&world).await.contains("shutting down"));
}

#[tokio::test(start_paused = true)]
async fn whoever_starts_before_the_others_is_ready_once_they_are() {
    let world = World::new().await;
    world.kdcs.set_all(Is::Frozen);
    world.idp.set(IdpIs::Down);
    world.find_out();
    world.time.pass(A_WHILE).await;
    let found = detail(&world).await;
    assert!(found.contains("no keys of") && found.contains("no KDC of realm"), "{found}");
    world.idp.set(IdpIs::Up);
    world.time.pass(A_WHILE).await;
    assert!(!is_ready(&world).await, "a KDC is missing");
    world.kdcs.set_all(Is::Up);
    world.time.pass(A_WHILE).await;
    assert!(is_ready(&world).await, "{}", detail(&world).await);
}

#[tokio::test(start_paused = true)]
async fn kdcs_that_fall_silent_count_when_what_they_said_is_old() {
    let world = World::new().await;
    world.find_out();
    assert_eq!(world.get_as("erin", "/whoami").await.data()["status"], 200);
    world.kdcs.set_all(Is::Stopped);
    let _ = world.get_as("bob", "/whoami").await.error();
    assert!(is_ready(&world).await, "erin is served");
    world.time.pass(Duration::from_secs(16 * 60)).await;
    assert!(!is_ready(&world).await);
    world.kdcs.set_all(Is::Up);
    world.time.pass(A_WHILE).await;
    assert!(is_ready(&world).await, "found out though nobody called");
}

#[tokio::test(start_paused = true)]
async fn a_log_that_cannot_be_written_is_none_to_serve_by() {
    let world = World::new().await;
    world.find_out();
    assert_eq!(world.get_as("erin", "/whoami").await.data()["status"], 200);
    // A directory in its place.
    let aside = world.folder().join("aside");
    fs::rename(world.audit_file(), &aside).unwrap();
    fs::create_dir(world.audit_file()).unwrap();
    let _ = world.get_as("erin", "/whoami").await.error();
    assert!(!is_ready(&world).await);
    assert!(detail(&world).await.contains("audit.file"));
    fs::remove_dir(world.audit_file()).unwrap();
    assert_eq!(world.get_as("erin", "/whoami").await.data()["status"], 200);
    assert!(is_ready(&world).await);
}

/// It is one file all the while, as when a disk fails for a moment.
#[tokio::test(start_paused = true)]
async fn who_does_not_know_whose_access_was_ended_is_not_ready_until_it_does() {
    let change = |configuration: &mut Value| {
        configuration["state"] = json!({ "directory": "state" });
    };
    let world = World::with(Setup { change, ..Setup::default() }).await;
    world.find_out();
    world.time.pass(Duration::from_secs(1)).await;
    assert!(is_ready(&world).await, "{}", detail(&world).await);
    let later = SystemTime::now() + Duration::from_secs(60);
    for (name, nobody) in [("revocations", true), ("pins", false)] {
        let file = world.folder().join("state").join(name);
        let write = |bytes: &[u8]| {
            fs::write(&file, bytes).unwrap();
            let file = fs::OpenOptions::new().write(true).open(&file).unwrap();
            file.set_modified(later).unwrap();
        };
        let whole = fs::read(&file).unwrap();
        let mut spoilt = whole.clone();
        *spoilt.last_mut().unwrap() ^= 1;
        write(&spoilt);
        world.time.pass(Duration::from_secs(1)).await;
        assert_eq!(world.get_as("erin", "/whoami").await.error().0, "STATE_UNAVAILABLE", "{name}");
        assert_eq!(is_ready(&world).await, !nobody, "{name}");
        assert!(detail(&world).await.contains("state.directory: it cannot be read"), "{name}");
        write(&whole);
        world.time.pass(Duration::from_secs(1)).await;
        assert!(is_ready(&world).await, "{}", detail(&world).await);
        assert!(!detail(&world).await.contains("state.directory"), "{name}");
        assert_eq!(world.get_as("erin", "/whoami").await.data()["status"], 200, "{name}");
    }
}

/// Puts the server's files where Kubernetes does: behind links that lead through `..data`.
fn as_a_volume(folder: &Path) {
    fs::create_dir(folder.join("1")).unwrap();
    for name in ["mcp.keytab", "policy.cedar", "ca.pem"] {
        fs::rename(folder.join(name), folder.join("1").join(name)).unwrap();
        symlink(Path::new("..data").join(name), folder.join(name)).unwrap();
    }
    symlink("1", folder.join("..data")).unwrap();
}

/// A new generation of them, of which one is another.
fn swap(folder: &Path, (before, now): (&str, &str), name: &str, content: &[u8]) {
    fs::create_dir(folder.join(now)).unwrap();
    for entry in fs::read_dir(folder.join(before)).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.join(now).join(entry.file_name())).unwrap();
    }
    fs::write(folder.join(now).join(name), content).unwrap();
    symlink(now, folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_used_is_named_and_keeps_nobody_from_being_served() {
    let change = |configuration: &mut Value| {
        configuration["auth"]["negotiate"] = json!({ "certificateFile": "ca.pem" });
    };
    let world = World::with(Setup { before: as_a_volume, change, ..Setup::default() }).await;
    world.find_out();
    world.time.pass(Duration::from_secs(1)).await;
    let keytab = fs::read(world.folder().join("mcp.keytab")).unwrap();
    let ca = fs::read(world.folder().join("ca.pem")).unwrap();
    let deny = b"@id(\"all\") forbid (principal, action, resource);".as_slice();
    let cases = [
        ("policy.cedar", "policy.file", &deny[..20], ALLOW_ALL.as_bytes()),
        ("mcp.keytab", "kerberos.serviceAccount.keytab", &keytab[..10], &keytab),
        ("ca.pem", "network.caFile", &ca[..ca.len() / 2], &ca),
        ("ca.pem", "auth.negotiate.certificateFile", &ca[..ca.len() / 2], &ca),
    ];
    let mut generation = 1;
    let mut next = || {
        generation += 1;
        ((generation - 1).to_string(), generation.to_string())
    };
    for (name, setting, half, whole) in cases {
        let current = |is: u8| format!("krb_mcp_file_current{{setting=\"{setting}\"}} {is}\n");
        let (before, now) = next();
        swap(world.folder(), (&before, &now), name, half);
        world.time.pass(A_WHILE).await;
        let found = detail(&world).await;
        assert!(found.contains(&format!("\"{setting}: ")), "{name}: {found}");
        assert!(is_ready(&world).await, "{name}: what was read before is used");
        assert!(world.side("/metrics").await.1.contains(&current(0)), "{name}");
        assert_eq!(world.get_as("erin", "/whoami").await.data()["status"], 200, "{name}");

        let (before, now) = next();
        swap(world.folder(), (&before, &now), name, whole);
        world.time.pass(A_WHILE).await;
        let found = detail(&world).await;
        assert!(!found.contains(setting), "{name}: {found}");
        assert!(world.side("/metrics").await.1.contains(&current(1)), "{name}");
    }
    let (before, now) = next();
    swap(world.folder(), (&before, &now), "policy.cedar", deny);
    world.time.pass(Duration::from_secs(2)).await;
    assert_eq!(world.get_as("erin", "/whoami").await.error().0, "POLICY_DENIED");
}
