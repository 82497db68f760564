//! `cargo xtask fuzz`: each fuzz target for a while, on the stable toolchain.
//!
//! libFuzzer needs the coverage that LLVM writes into a program, and cargo-fuzz only passes the
//! flags for it. These flags are stable, so only a C++ compiler has to be installed, which builds
//! libFuzzer itself. The address sanitizer is left out, because the workspace has no unsafe code.
//! A target looks for panics, aborts, and messages that take too much time or memory.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use crate::Step;
use crate::step::{self, Passed};

/// The targets, and the most memory that one of them may take, in MiB.
const TARGETS: [&str; 6] =
    ["codec_decode", "decode_frame", "frame_guard", "macro_input", "session_bytes", "session_calls"];
const MEMORY: u32 = 1024;
/// An input that takes longer is a failure. Usual ones take microseconds; a slow machine is no
/// reason to fail.
const PATIENCE: Duration = Duration::from_secs(60);

const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0 \
    -Ccodegen-units=1 --cfg=fuzzing";

/// What `cargo xtask test` does: long enough to see that each target still works, and finds what
/// was broken thoroughly.
pub(crate) fn smoke() -> Step {
    Step::check_for("fuzz targets, ten seconds each", run, Duration::from_secs(10))
}

pub(crate) fn steps(time: Duration) -> Vec<Step> {
    vec![Step::check_for("fuzz targets", run, time)]
}

fn run(time: Duration) -> Result<Passed, String> {
    if !cfg!(unix) {
        return Ok(Passed::Skipped("libFuzzer is only used on Unix here".to_owned()));
    }
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    if !starts(&compiler) {
        let compiler = compiler.display();
        return Ok(Passed::Skipped(format!(
            "libFuzzer is built with a C++ compiler, and `{compiler}` does not start: install g++ or clang, or set CXX"
        )));
    }
    let programs = build()?;
    let queue = Mutex::new(TARGETS.to_vec());
    let failures = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(TARGETS.len());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(target) = lock(&queue).pop() {
                    match fuzz(&programs, target, time) {
                        Ok(figures) => step::say(&format!("  {target}: {figures}")),
                        Err(how) => lock(&failures).push(how),
                    }
                }
            });
        }
    });
    let failures = lock(&failures).join("\n");
    if failures.is_empty() { Ok(Passed::Holds) } else { Err(failures) }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn starts(program: &OsString) -> bool {
    let quiet = |command: &mut Command| {
        command
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok()
    };
    quiet(&mut Command::new(program))
}

/// Builds the targets, and returns the paths of the programs.
fn build() -> Result<PathBuf, String> {
    // A target that is named keeps the flags from build scripts and macros, which run without
    // libFuzzer.
    let host = host()?;
    let directory = step::target_directory().join("fuzz");
    let status = step::cargo()
        .args(["build", "--release", "--quiet", "--manifest-path", "fuzz/Cargo.toml", "--target", &host])
        .arg("--target-dir")
        .arg(&directory)
        .env("RUSTFLAGS", COVERAGE)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !status.success() {
        return Err(format!("the fuzz targets do not build: cargo ended with {status}"));
    }
    Ok(directory.join(host).join("release"))
}

/// The name of the machine that this toolchain builds for.
fn host() -> Result<String, String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .arg("-vV")
        .output()
        .map_err(|error| format!("rustc cannot be started: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "`rustc -vV` does not say what its host is".to_owned())
}

/// Runs one target, and returns its statistics; or what it found, and how to run that again.
fn fuzz(programs: &Path, target: &str, time: Duration) -> Result<String, String> {
    let here = step::root().join("fuzz");
    let corpus = step::target_directory().join("fuzz/corpus").join(target);
    let artifacts = here.join("artifacts").join(target);
    for directory in [&corpus, &artifacts] {
        std::fs::create_dir_all(directory)
            .map_err(|error| format!("cannot make {}: {error}", directory.display()))?;
    }
    let program = programs.join(target);
    let mut command = Command::new(&program);
    // What is new goes to the first corpus, and the seeds stay as they are.
    command.arg(&corpus).arg(here.join("seeds").join(target));
    command.args([
        format!("-max_total_time={}", time.as_secs()),
        format!("-timeout={}", PATIENCE.as_secs()),
        format!("-rss_limit_mb={MEMORY}"),
        format!("-artifact_prefix={}/", artifacts.display()),
        "-print_final_stats=1".to_owned(),
    ]);
    let dictionary = here.join(format!("{target}.dict"));
    if dictionary.exists() {
        command.arg(format!("-dict={}", dictionary.display()));
    }
    let output = command
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{} cannot be started: {error}", program.display()))?;
    let log = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return Ok(figures(&log));
    }
    let end: Vec<_> = log.lines().rev().take(20).collect();
    let end: Vec<_> = end.into_iter().rev().collect();
    Err(format!(
        "{target} ended with {}:\n{}\nIts input is in {}; run it again with\n    {} <input>",
        output.status,
        end.join("\n"),
        artifacts.display(),
        program.display()
    ))
}

/// How many inputs were run, and how many edges of the program they reach.
fn figures(log: &str) -> String {
    let executed = log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let words = log.lines().rev().find_map(|line| line.split_once("cov: ")).map(|(_, rest)| rest);
    let edges = words.and_then(|rest| rest.split_whitespace().next());
    format!("{} inputs, {} edges reached", executed.map_or("?", str::trim), edges.unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_of_the_fuzz_crate_is_run() {
        let manifest = std::fs::read_to_string(step::root().join("fuzz/Cargo.toml")).unwrap();
        let mut names: Vec<_> =
            manifest.lines().filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")).collect();
        names.sort_unstable();
        assert_eq!(names, TARGETS.map(|target| format!("{target}.rs\"")));
    }

    #[test]
    fn the_figures_are_those_of_the_last_line_that_has_them() {
        let log = "#2\tINITED cov: 12 ft: 13\n#9\tNEW    cov: 345 ft: 400 corp: 2\nDone\n\
                   stat::number_of_executed_units: 678\nstat::peak_rss_mb: 30";
        assert_eq!(figures(log), "678 inputs, 345 edges reached");
        assert_eq!(figures("nothing"), "? inputs, ? edges reached");
    }
}
