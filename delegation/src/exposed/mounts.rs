//! What is mounted where, and how (proc_pid_mountinfo(5)).

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

/// Some thousand mounts.
const MAX_LENGTH: u64 = 1 << 20;

/// Whether a file or a folder is from elsewhere, and mounted here so that nobody changes it, whatever its
/// mode says: engines on other systems show every file as anybody's, and the folder of a ConfigMap is. What
/// lies in its own place is anybody else's to change as its mode says, though this process cannot (as
/// systemd's `ProtectSystem=` has it).
pub(super) fn nobody_changes(path: &Path) -> bool {
    let mut mounts = Vec::new();
    let read = File::open("/proc/self/mountinfo")
        .and_then(|file| file.take(MAX_LENGTH).read_to_end(&mut mounts));
    read.is_ok() && path.canonicalize().is_ok_and(|path| says_so(&mounts, &path))
}

fn says_so(mounts: &[u8], path: &Path) -> bool {
    let mounts = mounts.split(|octet| *octet == b'\n').filter_map(mount);
    // The last one at a place is the one that is seen there.
    let on = mounts.filter(|(_, at, _)| path.starts_with(at));
    let seen = on.max_by_key(|(_, at, _)| at.components().count());
    seen.is_some_and(|(root, at, is_read_only)| {
        let is_in_its_place = at.strip_prefix("/").is_ok_and(|at| root.ends_with(at));
        is_read_only && root != Path::new("/") && !is_in_its_place
    })
}

/// What of its file system is mounted, where, and whether read-only.
fn mount(line: &[u8]) -> Option<(PathBuf, PathBuf, bool)> {
    let mut fields = line.split(|octet| *octet == b' ').skip(3);
    let (root, at, options) = (fields.next()?, fields.next()?, fields.next()?);
    let is_read_only = options.split(|octet| *octet == b',').any(|option| option == b"ro");
    Some((unescaped(root), unescaped(at), is_read_only))
}

/// Spaces, tabs, line ends and backslashes are written as `\` and three octal digits.
fn unescaped(field: &[u8]) -> PathBuf {
    let (mut octets, mut rest) = (Vec::with_capacity(field.len()), field);
    while let [first, behind @ ..] = rest {
        rest = behind;
        octets.push(*first);
        if let (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', behind @ ..]) =
            (*first, behind)
        {
            octets.pop();
            octets.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
            rest = behind;
        }
    }
    OsString::from_vec(octets).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &[u8] = b"\
1 0 0:30 / / rw,relatime - overlay overlay rw,lowerdir=a
2 1 0:31 / /proc rw,nosuid - proc proc rw
3 1 8:1 /var/lib/kubelet/pods/1/volumes/kubernetes.io~configmap/config /etc/krb-mcp ro,relatime - ext4 /dev/sda1 rw
4 1 0:32 / /run/secrets ro,relatime - tmpfs tmpfs rw
5 1 8:1 /data /data\\040of\\134it ro - ext4 /dev/sda1 rw
6 1 8:1 /below /etc/krb-mcp/open rw - ext4 /dev/sda1 rw
";
    const UNIT: &[u8] = b"\
1 0 8:1 / / ro,relatime - ext4 /dev/sda1 rw
2 1 8:1 /etc /etc ro,relatime - ext4 /dev/sda1 rw
3 1 8:2 / /srv ro,relatime - ext4 /dev/sda2 rw
4 1 0:20 /@rootfs/opt /opt ro,relatime - btrfs /dev/sda3 rw
5 1 0:20 /elsewhere /mnt ro,relatime - btrfs /dev/sda3 rw
6 5 0:20 /other /mnt rw,relatime - btrfs /dev/sda3 rw
";

    #[test]
    fn what_is_from_elsewhere_and_read_only_is_nobodys_to_change() {
        for (path, expected) in [
            ("/etc/krb-mcp", true),
            ("/etc/krb-mcp/..data/policy.cedar", true),
            ("/etc/krb-mcp/open/file", false),
            ("/etc/krb-mcp2", false),
            ("/data of\\it/file", true),
            ("/run/secrets/keytab", false),
            ("/bin", false),
        ] {
            assert_eq!(says_so(POD, Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn what_is_read_only_for_this_service_alone_is_judged_by_its_mode() {
        for path in ["/etc/krb-mcp/policy.cedar", "/usr", "/srv/policy", "/opt/file", "/mnt/file"] {
            assert!(!says_so(UNIT, Path::new(path)), "{path}");
        }
        assert!(!says_so(b"", Path::new("/etc")));
        assert!(!says_so(b"nothing of the kind\n1 2 3", Path::new("/etc")));
    }
}
