//! Checks the first rule of the architecture: the core depends on no socket and no runtime, and
//! neither does what a page loads.

use crate::step::{Passed, cargo, output};
use crate::web_toolchain::{TARGET, Toolchain};

const CORE: &str = "distributed-scope-core";
const FACADE: &str = "distributed-scope";

/// What is built for the browser, and so must not warn there.
const FOR_PAGES: &[&str] =
    &[CORE, "distributed-scope-browser-peer", FACADE, "demo-seed", "demo-browser", "browser-tests"];

/// Crates that must not be in these trees. Names that end in `*` match all names with that prefix.
const FORBIDDEN: &[&str] = &["tokio", "tokio-*", "mio", "socket2", "actix", "actix-*", "async-std", "awc"];

/// Fails if a runtime or a socket crate is in the core's tree on any target, or in the facade's in
/// a browser.
pub(crate) fn depends_on_no_runtime() -> Result<Passed, String> {
    has_no_runtime(CORE, "all")?;
    has_no_runtime(FACADE, TARGET)?;
    Ok(Passed::Holds)
}

fn has_no_runtime(package: &str, target: &str) -> Result<(), String> {
    let of = ["tree", "--package", package, "--edges", "normal", "--target", target];
    let tree = output(cargo().args(of).args(["--prefix", "none", "--format", "{p}"]))?;
    let found = forbidden_in(&tree);
    let Some(first) = found.first().and_then(|package| package.split(' ').next()) else {
        return Ok(());
    };
    Err(format!("{package} depends on {}; see `cargo {} --invert {first}`", found.join(", "), of.join(" ")))
}

/// Checks what pages are made of, if there is a compiler for it here.
pub(crate) fn builds_for_wasm() -> Result<Passed, String> {
    let Some(toolchain) = Toolchain::present() else {
        return Ok(Passed::Skipped(format!("no rustc here builds for {TARGET}; `cargo xtask web` gets one")));
    };
    // Debian's rustc comes without clippy.
    let mut check = toolchain.cargo(if toolchain.has_clippy() { "clippy" } else { "check" })?;
    for package in FOR_PAGES {
        check.args(["--package", package]);
    }
    if toolchain.has_clippy() {
        check.args(["--", "-D", "warnings"]);
    }
    output(&mut check).map(|_| Passed::Holds)
}

fn forbidden_in(tree: &str) -> Vec<&str> {
    let mut found: Vec<_> = tree.lines().map(str::trim).filter(|line| is_forbidden(line)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn is_forbidden(package: &str) -> bool {
    let name = package.split(' ').next().unwrap_or_default();
    FORBIDDEN.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == *pattern,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_anywhere_in_the_tree_is_found_once() {
        let tree = "distributed-scope-core v0.1.0 (core)\nbytes v1.10.0\ntokio v1.48.0\nbytes v1.10.0 (*)\ntokio v1.48.0\nactix-rt v2.11.0\n";
        assert_eq!(forbidden_in(tree), ["actix-rt v2.11.0", "tokio v1.48.0"]);
    }

    #[test]
    fn a_crate_whose_name_only_resembles_a_runtime_is_allowed() {
        assert!(!is_forbidden("miow v0.6.0"));
        assert!(!is_forbidden("async-stream v0.3.0"));
        assert!(is_forbidden("mio v1.0.0"));
        assert!(is_forbidden("tokio-util v0.7.0"));
    }
}
