//! What a process takes of the machine.

use std::path::PathBuf;

/// A process's memory as Linux counts it, in megabytes.
pub struct Memory {
    process: PathBuf,
}

impl Memory {
    /// Of the process of that id.
    #[must_use]
    pub fn of(pid: u32) -> Self {
        Self { process: format!("/proc/{pid}").into() }
    }

    /// Begins to watch for the peak anew; returns what is resident now.
    ///
    /// # Panics
    /// If this is no Linux, or not our process.
    #[must_use]
    pub fn peak_from_now(&self) -> usize {
        std::fs::write(self.process.join("clear_refs"), "5").expect("clear_refs");
        self.megabytes("VmRSS:")
    }

    /// The most that was resident since.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.megabytes("VmHWM:")
    }

    fn megabytes(&self, field: &str) -> usize {
        let status = std::fs::read_to_string(self.process.join("status")).expect("status");
        let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("the field");
        let kilobytes: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kilobytes / 1000
    }
}
