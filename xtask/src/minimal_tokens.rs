//! Checks that a program with HS256 tokens does not compile RSA and the NIST curves.

use crate::step::{Passed, cargo, output};

const FORBIDDEN: &[&str] = &["rsa", "p256", "p384", "jsonwebtoken"];

/// Fails if the facade with the feature `jwt-minimal` depends on one of these crates.
pub(crate) fn are_minimal() -> Result<Passed, String> {
    let of = ["tree", "--package", "distributed-scope", "--features", "jwt-minimal", "--edges", "normal"];
    let tree = output(cargo().args(of).args(["--prefix", "none", "--format", "{p}"]))?;
    let is_forbidden = |line: &&str| FORBIDDEN.contains(&line.split(' ').next().unwrap_or_default());
    match tree.lines().find(is_forbidden) {
        None => Ok(Passed::Holds),
        Some(found) => Err(format!("the feature `jwt-minimal` brings {found}; see `cargo {}`", of.join(" "))),
    }
}
