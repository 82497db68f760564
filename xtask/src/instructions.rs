//! `cargo xtask instructions`: the cost of the hot path in instructions, compared with the figures
//! that were kept.
//!
//! valgrind counts them, so that a busy machine counts the same as an idle one.
//! rust-toolchain.toml pins the compiler. After an update of the compiler, keep new figures with
//! `cargo xtask instructions keep`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::step::{self, Passed, Step};

/// More than this share above the figure that was kept fails.
const GROWTH: f64 = 0.05;

const BENCH: [&str; 4] = ["bench", "--quiet", "--bench", "instructions"];

/// What is counted, and how often it is done: often enough that starting it is no part of the
/// difference, and not so often that valgrind, which is some fifty times slower, takes long.
const CASES: [(&str, u64); 15] = [
    ("encode four numbers", 2000),
    ("decode four numbers", 2000),
    ("encode 1 MiB of bytes", 10),
    ("decode 1 MiB of bytes", 10),
    ("encode 1 MiB of floats", 10),
    ("decode 1 MiB of floats", 10),
    ("encode a map of texts", 50),
    ("decode a map of texts", 50),
    ("look a block up among 100", 2000),
    ("look a block up among 10,000", 2000),
    ("a call through two sessions", 2000),
    ("a call to oneself", 1000),
    ("a hop over a socket", 1000),
    ("a nested hop over a socket", 500),
    ("64 hops in flight", 40),
];

pub(crate) fn check() -> Vec<Step> {
    vec![Step::check("instructions of the hot path, at most 5 % above those that were kept", || {
        compare(&kept()?)
    })]
}

pub(crate) fn keep() -> Vec<Step> {
    vec![Step::check("instructions of the hot path, to be kept", || {
        if let Some(reason) = missing() {
            return Err(reason);
        }
        let mut text = String::from(
            "# Instructions of one of each, counted by valgrind; kept by `cargo xtask instructions keep`.\n",
        );
        for (name, count) in count_all()? {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{count:>9}  {name}");
        }
        fs::write(file(), &text).map_err(|error| format!("cannot write {}: {error}", file().display()))?;
        step::say(&text);
        Ok(Passed::Holds)
    })]
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/instructions.txt")
}

fn kept() -> Result<Vec<(String, u64)>, String> {
    let text = fs::read_to_string(file()).map_err(|error| {
        format!("cannot read {}: {error}; make it with `cargo xtask instructions keep`", file().display())
    })?;
    Ok(parse(&text))
}

fn parse(text: &str) -> Vec<(String, u64)> {
    let line = |line: &str| {
        let (count, name) = line.trim().split_once("  ")?;
        Some((name.trim().to_owned(), count.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

fn missing() -> Option<String> {
    let found =
        Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match found {
        Ok(status) if status.success() => None,
        _ => Some("valgrind is not installed (Debian: apt-get install valgrind)".to_owned()),
    }
}

fn compare(kept: &[(String, u64)]) -> Result<Passed, String> {
    if let Some(reason) = missing() {
        return Ok(Passed::Skipped(reason));
    }
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return Ok(Passed::Skipped("the figures that were kept are those of x86-64 Linux".to_owned()));
    }
    let mut grown = Vec::new();
    for (name, now) in count_all()? {
        let Some((_, before)) = kept.iter().find(|(kept, _)| kept == name) else {
            return Err(format!("no figure was kept for `{name}`: run `cargo xtask instructions keep`"));
        };
        let growth = now as f64 / *before as f64 - 1.0;
        step::say(&format!("{now:>9}  {name} ({:+.1} %)", growth * 100.0));
        if growth > GROWTH {
            grown.push(format!("`{name}` takes {now} instructions where it took {before}"));
        }
    }
    if grown.is_empty() {
        return Ok(Passed::Holds);
    }
    Err(format!(
        "{}. Where that is worth it, keep the new figures with `cargo xtask instructions keep` and say why in the commit.",
        grown.join("; ")
    ))
}

fn count_all() -> Result<Vec<(&'static str, u64)>, String> {
    CASES.iter().map(|&(name, times)| Ok((name, one(name, times)?))).collect()
}

/// The cost of one operation: from the difference between `3 * times` and `times` operations,
/// without start and end.
fn one(name: &str, times: u64) -> Result<u64, String> {
    let (few, many) = (total(name, times)?, total(name, 3 * times)?);
    Ok(many.saturating_sub(few) / (2 * times))
}

fn total(name: &str, times: u64) -> Result<u64, String> {
    let valgrind =
        r#"target."cfg(all())".runner=["valgrind","--tool=callgrind","--callgrind-out-file=/dev/null"]"#;
    let output = step::cargo()
        .args(["--config", valgrind])
        .args(BENCH)
        .args(["--", name, &times.to_string()])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let total = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    match total {
        Some(total) if output.status.success() => Ok(total),
        _ => Err(format!("`{name}` cannot be counted; valgrind and cargo said:\n{said}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_as_they_are_written_and_remarks_are_not() {
        let figures = parse("# a remark  with spaces\n      123  a case of it\n 45678  another\n");
        assert_eq!(figures, [("a case of it".to_owned(), 123), ("another".to_owned(), 45_678)]);
    }
}
