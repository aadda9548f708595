//! What this program was told to ignore, as nohup does, and a shell of what runs in the background.

use nix::sys::signal::Signal;

/// As Linux shows it; of a system that does not, nothing is known to be ignored.
pub(crate) fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // A bit for each, from the first on.
    let ignored = line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|ignored| ignored >> (signal as i32 - 1) & 1 == 1)
}
