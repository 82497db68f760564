//! Runs the tests behind widely used proxies.

use crate::packages::{self, Program};
use crate::step::{Passed, Step, cargo, run};

const PROGRAMS: [Program; 3] = [("nginx", "-v"), ("caddy", "version"), ("haproxy", "-v")];

/// Makes sure of the proxies.
pub(crate) fn get() -> Result<(), String> {
    packages::get(&PROGRAMS, &["nginx-light", "caddy", "haproxy"])
}

pub(crate) fn step() -> Step {
    Step::check("behind nginx, Caddy and HAProxy", test)
}

/// Is skipped where there are no proxies and none can be installed.
fn test() -> Result<Passed, String> {
    if let Err(reason) = get() {
        return Ok(Passed::Skipped(reason));
    }
    let test = ["test", "--package", "distributed-scope", "--features", "rustls", "--test", "proxies"];
    run(cargo().args(test).args(["--", "--include-ignored"]))?;
    Ok(Passed::Holds)
}
