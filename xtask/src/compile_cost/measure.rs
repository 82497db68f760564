//! Builds the crates and measures them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::generate::Kind;
use super::touch;
use crate::step::cargo;

/// How often each is built; the median counts.
const RUNS: usize = 3;

/// What one crate costs.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) check: Time,
    pub(crate) release: Time,
    /// Of its source after all macros.
    pub(crate) lines: usize,
    /// The size of the stripped program, in bytes.
    pub(crate) binary: u64,
}

/// How long a build took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    pub(crate) elapsed: Duration,
    /// What its processes used; it says more than the clock while the machine does something else,
    /// too.
    pub(crate) cpu: Duration,
}

/// Builds everything once, so that afterwards only a crate's own work is measured.
pub(crate) fn build_all(crates: &Path) -> Result<(), String> {
    build(crates, &["check", "--workspace"])?;
    build(crates, &["build", "--release", "--workspace"])
}

pub(crate) fn figures(crates: &Path, kind: Kind, size: usize) -> Result<Figures, String> {
    let name = kind.crate_name(size);
    let main = crates.join(&name).join("src/main.rs");
    let check = median(crates, &main, &["check", "--package", &name])?;
    let release = median(crates, &main, &["build", "--release", "--package", &name])?;
    let binary = crates.join("target/release").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let binary =
        fs::metadata(&binary).map_err(|error| format!("{} has no size: {error}", binary.display()))?.len();
    Ok(Figures { check, release, lines: expanded_lines(crates, kind, &main)?, binary })
}

fn median(crates: &Path, main: &Path, arguments: &[&str]) -> Result<Time, String> {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        touch(main)?;
        let (started, cpu) = (Instant::now(), cpu_of_children());
        build(crates, arguments)?;
        times.push(Time { elapsed: started.elapsed(), cpu: cpu_of_children().saturating_sub(cpu) });
    }
    let middle = |time: fn(&Time) -> Duration| {
        let mut all: Vec<_> = times.iter().map(time).collect();
        all.sort_unstable();
        all[RUNS / 2]
    };
    Ok(Time { elapsed: middle(|time| time.elapsed), cpu: middle(|time| time.cpu) })
}

/// What the processes that this one has waited for used so far; nothing where the system does not
/// say.
fn cpu_of_children() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The fields behind the name of the program, which stands in parentheses; the unit is a
    // hundredth
    // of a second.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn build(crates: &Path, arguments: &[&str]) -> Result<(), String> {
    let mut command = cargo();
    command.current_dir(crates).args(arguments).arg("--quiet");
    // Else a crate that was only touched is hardly compiled again.
    command.env("CARGO_INCREMENTAL", "0").env("CARGO_TARGET_DIR", crates.join("target"));
    let status = command.stdin(Stdio::null()).status();
    let status = status.map_err(|error| format!("cargo cannot be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo {} ended with {status}", arguments.join(" "))) }
}

/// The number of lines of a crate after all macros.
///
/// rustc is called without cargo: the variable that lets a stable one print them would rebuild
/// what the crate depends on.
fn expanded_lines(crates: &Path, kind: Kind, main: &Path) -> Result<usize, String> {
    let dependencies = crates.join("target/debug/deps");
    let mut command = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    command.env("RUSTC_BOOTSTRAP", "1").current_dir(crates);
    command
        .args(["-Zunpretty=expanded", "--edition=2024", "--crate-type=bin", "-L"])
        .arg(&dependencies)
        .arg(main);
    for name in kind.externs() {
        let library = newest(&dependencies, name)?;
        command.arg("--extern").arg(format!("{name}={}", library.display()));
    }
    let output = command.output().map_err(|error| format!("rustc cannot be started: {error}"))?;
    if output.status.success() {
        Ok(output.stdout.iter().filter(|&&byte| byte == b'\n').count())
    } else {
        Err(format!("rustc cannot expand {}: {}", main.display(), String::from_utf8_lossy(&output.stderr)))
    }
}

fn newest(dependencies: &Path, name: &str) -> Result<PathBuf, String> {
    let files = fs::read_dir(dependencies).map_err(|error| format!("no dependencies: {error}"))?;
    let start = format!("lib{name}-");
    files
        .filter_map(|file| Some(file.ok()?.path()))
        .filter(|path| {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            file.starts_with(&start) && file.ends_with(".rmeta")
        })
        .max_by_key(|path| fs::metadata(path).and_then(|data| data.modified()).ok())
        .ok_or_else(|| format!("{name} was not built"))
}
