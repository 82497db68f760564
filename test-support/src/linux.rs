//! The figures of a process that Linux shows under `/proc`. A process is named by its number, or
//! as `self`.

use std::fmt::Display;
use std::fs;
use std::io;
use std::path::Path;

/// What Linux shows to programs is in hundredths of a second, whatever it counts in itself.
const TICKS: f64 = 100.0;

/// The memory of a process, in KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// What is in memory.
    pub resident: u64,
    /// The most that was in memory since the process began.
    pub peak: u64,
}

impl Memory {
    /// The memory of a process.
    ///
    /// # Errors
    ///
    /// If there is no such process, or its figures are not known.
    pub fn of(process: impl Display) -> io::Result<Self> {
        let status = read(format!("/proc/{process}/status"))?;
        let figure = |name| field(&status, name).ok_or_else(|| unknown(name));
        Ok(Self { resident: figure("VmRSS:")?, peak: figure("VmHWM:")? })
    }
}

/// The time of a processor that a process has had, in seconds; hundredths are counted.
///
/// # Errors
///
/// If there is no such process.
pub fn processor_seconds(process: impl Display) -> io::Result<f64> {
    ticks(&read(format!("/proc/{process}/stat"))?).ok_or_else(|| unknown("time"))
}

/// The number of descriptors that a process has open.
///
/// # Errors
///
/// If there is no such process.
pub fn descriptors(process: impl Display) -> io::Result<u64> {
    Ok(fs::read_dir(format!("/proc/{process}/fd"))?.count() as u64)
}

/// The seconds in `/proc/N/stat`.
fn ticks(stat: &str) -> Option<f64> {
    // They are behind the name of the program, which may have any characters.
    let (_, rest) = stat.rsplit_once(") ")?;
    let both = rest.split(' ').skip(11).take(2).map(str::parse::<f64>);
    Some(both.sum::<Result<f64, _>>().ok()? / TICKS)
}

fn field(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    value.split_whitespace().next()?.parse().ok()
}

fn read(path: impl AsRef<Path>) -> io::Result<String> {
    let path = path.as_ref();
    fs::read_to_string(path)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display())))
}

fn unknown(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the system does not say `{name}` of a process"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_of_program_does_not_hide_its_time() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 1 0 5 0 0";
        assert_eq!(ticks(stat), Some(2.0));
        assert_eq!(ticks("7 no name"), None);
    }

    #[test]
    fn field_is_found_by_its_whole_name() {
        let status = "VmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\nnonvoluntary_ctxt_switches:\t3\nvoluntary_ctxt_switches:\t9\n";
        assert_eq!(field(status, "VmRSS:"), Some(1024));
        assert_eq!(field(status, "voluntary_ctxt_switches:"), Some(9));
        assert_eq!(field(status, "RssAnon:"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn own_figures_are_known() {
        let memory = Memory::of("self").unwrap();
        assert!(memory.resident > 0 && memory.peak >= memory.resident, "{memory:?}");
        assert!(descriptors("self").unwrap() > 0 && processor_seconds("self").is_ok());
        assert!(Memory::of("nobody").is_err());
    }
}
