//! What a test is told by its environment, and what the kernel says of a process.

use std::fs;

/// A number from the environment, for longer or repeated series than a suite has time for.
///
/// # Panics
/// The variable is set to something else.
#[must_use]
pub fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// Memory of a process in bytes, by the kernel's name for it: `VmRSS` now, `VmHWM` at its most. `pid` may be `self`.
///
/// # Panics
/// There is no such process.
#[must_use]
pub fn memory(pid: &str, name: &str) -> u64 {
    counted(pid, name) << 10
}

/// Threads of a process.
///
/// # Panics
/// There is no such process.
#[must_use]
pub fn threads(pid: &str) -> u64 {
    counted(pid, "Threads")
}

fn counted(pid: &str, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.expect("the kernel counts it").trim().trim_end_matches(" kB").parse().expect("a number")
}
