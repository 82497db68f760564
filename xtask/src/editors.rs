//! `cargo xtask editors`: asks rust-analyzer about code in a block. The requests are in
//! `xtask/editors`.

use std::process::{Command, Stdio};

use crate::step::{self, Passed, Step};

pub(crate) fn steps() -> Vec<Step> {
    vec![Step::check("what an editor can do inside a block", run)]
}

fn run() -> Result<Passed, String> {
    if !has_rust_analyzer() {
        // rustup knows of it, and puts it where the toolchain is.
        let added = Command::new("rustup").args(["component", "add", "rust-analyzer", "rust-src"]).status();
        if !added.is_ok_and(|status| status.success()) || !has_rust_analyzer() {
            let reason =
                "there is no rust-analyzer, and `rustup component add rust-analyzer rust-src` brings none";
            return Ok(Passed::Skipped(reason.to_owned()));
        }
    }
    let mut command = step::cargo();
    command
        .args(["run", "--quiet", "--package", "editors", "--"])
        .arg(step::root())
        .arg(step::target_directory());
    let status =
        command.stdin(Stdio::null()).status().map_err(|error| format!("cargo cannot be started: {error}"))?;
    if status.success() {
        Ok(Passed::Holds)
    } else {
        Err("not every question was answered as it should be".to_owned())
    }
}

fn has_rust_analyzer() -> bool {
    // rustup puts a program of that name there even if it has no rust-analyzer to run.
    let version =
        Command::new("rust-analyzer").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}
