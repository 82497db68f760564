//! The unit tests that run in a browser, by the test runner of wasm-bindgen.
//!
//! The runner is installed under `target/` when it is first needed. As a dependency of this
//! workspace it would be built in each build of the whole workspace.

use std::path::PathBuf;

use crate::step::{cargo, root, run, say, target_directory};
use crate::web_toolchain::Toolchain;

/// The packages that have such tests.
const PACKAGES: [&str; 1] = ["distributed-scope-browser-peer"];

/// The program, without what an operating system adds to its name.
const RUNNER: &str = "wasm-bindgen-test-runner";

/// Runs them.
pub(crate) fn test(toolchain: &Toolchain) -> Result<(), String> {
    let runner = runner()?;
    let mut cargo = toolchain.cargo("test")?;
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", &runner).arg("--lib");
    for package in PACKAGES {
        cargo.args(["--package", package]);
    }
    run(&mut cargo)
}

/// The runner of the version that Cargo.lock has: another one would not understand the tests.
fn runner() -> Result<PathBuf, String> {
    let lock = root().join("Cargo.lock");
    let lock = std::fs::read_to_string(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
    let version = version_in(&lock).ok_or("Cargo.lock has no wasm-bindgen")?;
    let folder = target_directory().join(format!("{RUNNER}-{version}"));
    let runner = folder.join("bin").join(format!("{RUNNER}{}", std::env::consts::EXE_SUFFIX));
    if !runner.exists() {
        say(&format!("cargo install {RUNNER} {version} under target/, which takes a minute or two"));
        let mut install = cargo();
        install.args(["install", "--quiet", "--debug", "wasm-bindgen-cli", "--bin", RUNNER]);
        install.args(["--version", &format!("={version}"), "--root"]).arg(&folder);
        run(install.arg("--target-dir").arg(folder.join("build")))?;
        // Ten times as large as the program, and of no more use.
        let _ = std::fs::remove_dir_all(folder.join("build"));
    }
    Ok(runner)
}

fn version_in(lock: &str) -> Option<&str> {
    let (_, rest) = lock.split_once("name = \"wasm-bindgen\"\nversion = \"")?;
    rest.split_once('"').map(|(version, _)| version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_wasm_bindgen_is_found_and_not_that_of_a_crate_whose_name_begins_like_it() {
        let lock = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.80\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"..\"\n";
        assert_eq!(version_in(lock), Some("0.2.130"));
        assert_eq!(version_in("[[package]]\nname = \"serde\"\n"), None);
    }
}
