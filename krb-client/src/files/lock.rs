use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::thread::sleep;
use std::time::Duration;

/// Nobody keeps a file locked for longer than it takes to write a ticket.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Locks a file as MIT's library and Heimdal do: the whole of it, for readers or for one writer, until
/// it is closed. `false` if somebody else kept it locked all the while.
///
/// Such locks belong to the open file, so they hold between the threads of this program as well.
pub(crate) fn lock(file: &File, exclusive: bool) -> Result<bool> {
    let (mut waited, mut pause) = (Duration::ZERO, Duration::from_millis(1));
    loop {
        if try_lock(file, exclusive)? {
            return Ok(true);
        }
        if waited >= PATIENCE {
            return Ok(false);
        }
        sleep(pause);
        waited += pause;
        pause = (2 * pause).min(Duration::from_millis(50));
    }
}

#[cfg(target_os = "linux")]
fn try_lock(file: &File, exclusive: bool) -> Result<bool> {
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;

    let kind = if exclusive { libc::F_WRLCK } else { libc::F_RDLCK };
    // All of it, however it grows: from the beginning, without a length.
    let lock = libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    match fcntl(file, FcntlArg::F_OFD_SETLK(&lock)).map_err(Error::from) {
        Ok(_) => Ok(true),
        Err(error) if is_taken(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(target_os = "linux")]
fn is_taken(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::PermissionDenied | ErrorKind::Interrupted
    )
}

#[cfg(not(target_os = "linux"))]
fn try_lock(file: &File, exclusive: bool) -> Result<bool> {
    use std::fs::TryLockError;

    match if exclusive { file.try_lock() } else { file.try_lock_shared() } {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Interrupted => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
