use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

use zeroize::Zeroizing;

/// Reads a file of at most `limit` bytes, which may be secret: no copy is left behind that is not
/// zeroized.
///
/// # Errors
/// If the file cannot be read or is too long.
pub(super) fn read_bytes(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>> {
    read_open(&mut File::open(path)?, limit)
}

/// [`read_bytes`] of a file that is open, from where it stands.
pub(super) fn read_open(file: &mut File, limit: u64) -> Result<Zeroizing<Vec<u8>>> {
    let length = file.metadata()?.len();
    let longest = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1);
    // One byte more, to see its end; what is longer than the limit is not read to its end.
    let room = usize::try_from(length).unwrap_or(usize::MAX).saturating_add(1).min(longest);
    let mut bytes = Zeroizing::new(vec![0; room]);
    let mut filled = 0;
    loop {
        if filled == bytes.len() {
            if filled == longest {
                let text = format!("it is longer than {limit} bytes");
                return Err(Error::new(ErrorKind::InvalidData, text));
            }
            // A pipe or a device, or it has grown. A vector that grows would leave its old place
            // as it was.
            let mut larger = Zeroizing::new(vec![0; (2 * filled).max(4096).min(longest)]);
            larger[..filled].copy_from_slice(&bytes);
            bytes = larger;
        }
        match file.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_up_to_the_limit() {
        let path = std::env::temp_dir().join(format!("krb-client-bytes-{}", std::process::id()));
        for length in [0, 1, 4095, 4096, 4097, 10_000] {
            let content: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            std::fs::write(&path, &content).unwrap();
            assert_eq!(*read_bytes(&path, length as u64).unwrap(), content);
            assert_eq!(*read_bytes(&path, 1 << 20).unwrap(), content);
            if length > 0 {
                let refused = read_bytes(&path, length as u64 - 1).unwrap_err();
                assert!(refused.to_string().contains("longer than"), "{refused}");
            }
        }
        std::fs::remove_file(&path).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_says_nothing_of_its_length_is_read_too() {
        let status = read_bytes("/proc/self/status".as_ref(), 1 << 20).unwrap();
        assert!(status.starts_with(b"Name:"), "a file of length 0 with something in it");
        assert!(read_bytes("/dev/zero".as_ref(), 100_000).is_err());
    }
}
