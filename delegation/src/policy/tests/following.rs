//! A policy file that changes under a running server.

use std::path::Path;
use std::time::Duration;

use super::super::current::{Policies, PolicyFile};
use super::*;
use crate::testing::TestClock;

/// A file that is followed, in a folder of its own.
struct Followed {
    folder: std::path::PathBuf,
    clock: Arc<TestClock>,
    policies: Policies,
}

impl Drop for Followed {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Followed {
    fn new(name: &str) -> Self {
        let folder = format!("krb-policy-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("policy.cedar"), ALLOW).unwrap();
        let clock = Arc::new(TestClock::at(0));
        let file = PolicyFile { path: folder.join("policy.cedar"), text: ALLOW.into() };
        let policies =
            Policies::new(file.begin(&targets(), Words::default()).unwrap(), clock.clone())
                .unwrap();
        Self { folder, clock, policies }
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.join("policy.cedar")
    }

    /// Whether a call a second later is allowed, and whether the metric says that all is well.
    async fn later(&self) -> (bool, bool) {
        self.clock.pass(1);
        let policy = self.policies.current().await;
        let allowed = User::staff().asks(&policy, &read("//files/corp/a")).is_ok();
        (allowed, self.policies.is_current().get() == 1)
    }
}

const ALLOW: &str = "@id(\"a\") permit (principal, action, resource);";
const DENY: &str = "@id(\"a\") permit (principal, action, resource);
    @id(\"b\") forbid (principal, action, resource);";

fn replace(file: &Path, text: &str) {
    std::fs::write(file.with_extension("new"), text).unwrap();
    std::fs::rename(file.with_extension("new"), file).unwrap();
}

#[tokio::test]
async fn another_file_is_used_by_the_next_call_however_it_came() {
    let followed = Followed::new("used");
    let before = followed.policies.current().await.hash().clone();
    assert_eq!(followed.later().await, (true, true));
    std::fs::write(followed.file(), DENY).unwrap();
    assert_eq!(followed.later().await, (false, true));
    assert_ne!(*followed.policies.current().await.hash(), before);
    replace(&followed.file(), ALLOW);
    assert_eq!(followed.later().await, (true, true));
    assert_eq!(*followed.policies.current().await.hash(), before);
    // As volumes of secrets and configurations do it.
    std::fs::write(followed.folder.join("other"), DENY).unwrap();
    std::fs::remove_file(followed.file()).unwrap();
    std::os::unix::fs::symlink(followed.folder.join("other"), followed.file()).unwrap();
    assert_eq!(followed.later().await, (false, true));
}

#[tokio::test]
async fn what_is_of_no_use_leaves_the_policies_before_and_says_so() {
    let followed = Followed::new("broken");
    std::fs::write(followed.file(), DENY).unwrap();
    assert_eq!(followed.later().await, (false, true));
    let hash = followed.policies.current().await.hash().clone();
    for broken in [
        "permit (",
        "permit (principal, action, resource);",
        "@id(\"a\") permit (principal, action == Action::\"file:raed\", resource);",
        "@id(\"a\") permit (principal, action, resource == Target::\"gone\");",
        "\0",
    ] {
        std::fs::write(followed.file(), broken).unwrap();
        assert_eq!(followed.later().await, (false, false), "{broken}");
        // And it is not forgotten that it is.
        assert_eq!(followed.later().await, (false, false), "{broken}");
        assert_eq!(*followed.policies.current().await.hash(), hash);
    }
    std::fs::remove_file(followed.file()).unwrap();
    assert_eq!(followed.later().await, (false, false));
    // The same file again is as good as ever.
    std::fs::write(followed.file(), DENY).unwrap();
    assert_eq!(followed.later().await, (false, true));
    // An empty file is one: nothing is permitted.
    std::fs::write(followed.file(), "").unwrap();
    assert_eq!(followed.later().await, (false, true));
    std::fs::write(followed.file(), ALLOW).unwrap();
    assert_eq!(followed.later().await, (true, true));
}

// Paused time goes on when the file was read, however long that took.
#[tokio::test(start_paused = true)]
async fn a_file_that_is_still_being_written_is_waited_for() {
    let followed = Followed::new("half");
    std::fs::write(followed.file(), &DENY[..DENY.find('\n').unwrap()]).unwrap();
    std::fs::write(followed.file(), "").unwrap();
    followed.clock.pass(1);
    let (policy, ()) = tokio::join!(followed.policies.current(), async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        std::fs::write(followed.file(), DENY).unwrap();
    });
    // Neither half was taken.
    assert!(policy.is_of(ALLOW));
    assert_eq!(followed.later().await, (false, true));
}

#[tokio::test]
async fn who_gives_up_leaves_the_look_to_go_on() {
    let followed = Followed::new("given-up");
    std::fs::write(followed.file(), DENY).unwrap();
    followed.clock.pass(1);
    let short = Duration::from_millis(20);
    tokio::time::timeout(short, followed.policies.current()).await.map(drop).unwrap_err();
    for _ in 0..500 {
        if followed.policies.current().await.is_of(DENY) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it was never used");
}

#[tokio::test]
async fn what_anybody_may_have_changed_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let followed = Followed::new("exposed");
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    std::fs::write(followed.file(), DENY).unwrap();
    mode(&followed.file(), 0o646);
    assert_eq!(followed.later().await, (true, false));
    mode(&followed.file(), 0o644);
    assert_eq!(followed.later().await, (false, true));
    // Or replaced by whom a folder on the way is open to.
    mode(&followed.folder, 0o777);
    replace(&followed.file(), ALLOW);
    assert_eq!(followed.later().await, (false, false));
    assert!(followed.policies.trouble().await.unwrap().contains("in the place of"));
    mode(&followed.folder, 0o755);
    assert_eq!(followed.later().await, (true, true));
}
