//! `cargo xtask soak`: builds the soak in release and runs it. The arguments after the task's name
//! are passed to it.

use std::process::ExitCode;

use crate::step::{cargo, complain};

pub(crate) fn run(arguments: &[&str]) -> ExitCode {
    let status = cargo().args(["run", "--release", "--package", "soak", "--"]).args(arguments).status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        // It has printed the error itself.
        Ok(status) => ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)),
        Err(error) => {
            complain(&format!("error: cargo cannot be started: {error}"));
            ExitCode::FAILURE
        }
    }
}
