use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::*;

/// A volume as Kubernetes makes it: `secret` leads through `..data` to a folder of its own time.
struct Volume(PathBuf);

impl Volume {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("krb-followed-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        symlink(Path::new("..data").join("secret"), path.join("secret")).unwrap();
        Self(path)
    }

    /// A new folder, to which the link is swapped at once.
    fn swap(&self, generation: &str, content: &str) {
        let folder = self.0.join(generation);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("secret"), content).unwrap();
        symlink(generation, self.0.join("..data_tmp")).unwrap();
        fs::rename(self.0.join("..data_tmp"), self.0.join("..data")).unwrap();
    }

    fn follow(&self) -> Followed<String> {
        let place = Place::File(self.0.join("secret"));
        let make = |text: &str| match text.strip_prefix("good ") {
            Some(rest) => Ok(rest.to_owned()),
            None => Err("it is not good".into()),
        };
        Followed::open("a.setting".into(), place, make).unwrap()
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn later() {
    sleep(Duration::from_millis(1100)).await;
}

/// What a login is shown, of which half would be another secret: it never gets as far as that.
#[tokio::test(start_paused = true)]
async fn of_two_files_that_do_not_fit_neither_is_used() {
    let volume = Volume::new("pair");
    let write = |name: &str, text: &str| fs::write(volume.0.join(name), text).unwrap();
    write("chain", "of one");
    write("key", "of one");
    let place = Place::Pair(volume.0.join("chain"), volume.0.join("key"), 100);
    let make = |text: &str| match text.split_once(PAIR) {
        Some((chain, key)) if chain == key => Ok(key.to_owned()),
        _ => Err("they do not fit".into()),
    };
    let followed = Followed::open("a.setting".into(), place, make).unwrap();
    write("chain", "of two");
    later().await;
    assert_eq!(*followed.current().await.0, "of one");
    let trouble = followed.trouble().await.1.unwrap();
    assert!(
        trouble.contains("chain and ") && trouble.contains("key: they do not fit"),
        "{trouble}"
    );
    write("key", "of two");
    later().await;
    assert_eq!(*followed.current().await.0, "of two");
    assert_eq!(followed.trouble().await.1, None);
    fs::remove_file(volume.0.join("key")).unwrap();
    later().await;
    assert_eq!(*followed.current().await.0, "of two");
    assert!(followed.trouble().await.1.unwrap().contains("key: "));
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_swapped_is_followed_and_what_is_of_no_use_says_so() {
    let volume = Volume::new("swapped");
    volume.swap("1", "good one");
    let followed = volume.follow();
    volume.swap("2", "good two");
    assert_eq!(*followed.current().await.0, "one", "not looked at yet");
    later().await;
    assert_eq!(*followed.current().await.0, "two");
    volume.swap("3", "half");
    later().await;
    assert_eq!(*followed.current().await.0, "two");
    let trouble = followed.trouble().await;
    assert_eq!(trouble.0, "a.setting");
    assert!(trouble.1.unwrap().ends_with("secret: it is not good"));
    fs::remove_file(volume.0.join("..data")).unwrap();
    later().await;
    assert!(followed.trouble().await.1.unwrap().contains("secret: "));
    assert_eq!(*followed.current().await.0, "two");
    // Back to what is used is no change, and good again.
    volume.swap("4", "good two");
    later().await;
    assert_eq!(followed.trouble().await.1, None);
    assert_eq!(followed.current().await.1, 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_was_refused_is_told_whether_there_is_another_one_without_waiting() {
    let volume = Volume::new("refused");
    volume.swap("1", "good one");
    let followed = volume.follow();
    let (_, used) = followed.current().await;
    assert!(!followed.is_newer_than(used).await);
    volume.swap("2", "good two");
    assert!(followed.is_newer_than(used).await);
    assert_eq!(*followed.current().await.0, "two");
    assert!(followed.is_newer_than(used).await, "also if somebody else looked");
}

#[tokio::test(start_paused = true)]
async fn what_is_still_written_is_not_used() {
    let volume = Volume::new("written");
    volume.swap("1", "good one");
    let followed = volume.follow();
    later().await;
    volume.swap("2", "good tw");
    let look = followed.current();
    let write = async {
        sleep(Duration::from_millis(50)).await;
        volume.swap("3", "good two");
    };
    let ((value, _), ()) = tokio::join!(look, write);
    assert_eq!(*value, "one");
    later().await;
    assert_eq!(*followed.current().await.0, "two");
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_stood_in_a_file_is_never_taken_from_elsewhere() {
    let volume = Volume::new("file");
    volume.swap("1", "one\n");
    let place = Place::SecretFile(volume.0.join("secret"));
    let make = |text: &str| Ok(text.to_owned());
    let followed = Followed::open("a.setting".into(), place, make).unwrap();
    assert_eq!(*followed.current().await.0, "one");
    fs::remove_file(volume.0.join("..data")).unwrap();
    later().await;
    assert_eq!(*followed.current().await.0, "one");
    assert!(followed.trouble().await.1.unwrap().contains("secret: "));
}

#[tokio::test(start_paused = true)]
async fn what_anybody_may_have_changed_is_not_used() {
    let volume = Volume::new("exposed");
    volume.swap("1", "good one");
    let followed = volume.follow();
    let mode = |generation: &str, mode| {
        let file = volume.0.join(generation).join("secret");
        fs::set_permissions(file, Permissions::from_mode(mode)).unwrap();
    };
    volume.swap("2", "good two");
    mode("2", 0o666);
    later().await;
    assert_eq!(*followed.current().await.0, "one");
    let trouble = followed.trouble().await.1.unwrap();
    assert!(trouble.contains("may be changed by anybody"), "{trouble}");
    mode("2", 0o600);
    later().await;
    assert_eq!(*followed.current().await.0, "two");
    assert_eq!(followed.trouble().await.1, None);
    // What is used already is said, too; and that anybody may read it keeps it from nothing.
    mode("2", 0o606);
    later().await;
    assert!(followed.trouble().await.1.is_some());
    mode("2", 0o604);
    later().await;
    assert_eq!(followed.trouble().await.1, None);
}
