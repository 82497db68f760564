//! The kernel's figures of a process: its processor time, its sleeps, its memory.

use std::fs;
use std::io;

use rustix::process::{Pid, getpid};
use rustix::thread::{CpuSet, sched_setaffinity};

/// Keeps this process, with all threads that it will start, on one processor.
pub fn pin(cpu: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu);
    Ok(sched_setaffinity(None, &set)?)
}

pub fn own_id() -> u32 {
    getpid().as_raw_pid().unsigned_abs()
}

/// What the threads of a process have used since they began.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    /// On a processor, in seconds.
    pub seconds: f64,
    /// How often a thread went to sleep.
    pub sleeps: u64,
}

impl Used {
    pub fn by(process: u32) -> Self {
        let mut used = Self::default();
        let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { return used };
        for thread in threads.flatten() {
            // The first number is nanoseconds on a processor.
            let time = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
            used.seconds += first_number(&time).unwrap_or(0.0) / 1e9;
            let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
            used.sleeps += field(&status, "voluntary_ctxt_switches:");
        }
        used
    }

    pub fn since(self, earlier: Self) -> Self {
        Self {
            seconds: (self.seconds - earlier.seconds).max(0.0),
            sleeps: self.sleeps.saturating_sub(earlier.sleeps),
        }
    }
}

/// In a second: what Linux shows to programs is in hundredths, whatever it counts in itself.
const TICKS: f64 = 100.0;

/// Seconds of processor time that all programs of the machine have used.
pub fn machine_busy() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks: Vec<f64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|number| number.parse().ok())
        .collect();
    // User, nice, system, then (after idle and waiting) both kinds of interrupts.
    let busy: f64 = [0, 1, 2, 5, 6].iter().filter_map(|&place| ticks.get(place)).sum();
    busy / TICKS
}

/// Memory of a process in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    pub resident: u64,
    /// The part of it that is not backed by a file.
    pub anonymous: u64,
}

impl Memory {
    pub fn of(process: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        Self { resident: field(&status, "VmRSS:"), anonymous: field(&status, "RssAnon:") }
    }
}

/// Whether there is such a process.
pub fn exists(process: u32) -> bool {
    i32::try_from(process)
        .ok()
        .and_then(Pid::from_raw)
        .is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
}

fn first_number(text: &str) -> Option<f64> {
    text.split_whitespace().next()?.parse().ok()
}

fn field(status: &str, name: &str) -> u64 {
    let value = status.lines().find_map(|line| line.strip_prefix(name));
    value.and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
