//! `cargo xtask lint`: checks of the code that need no test run.

use crate::{Step, core_is_portable, minimal_tokens, words};

pub(crate) fn steps() -> Vec<Step> {
    vec![
        Step::cargo("Cargo.lock matches the manifests", &["tree", "--workspace", "--locked", "--depth", "0"]),
        Step::check("prose in plain words, before column 100", words::are_plain),
        Step::cargo("formatting", &["fmt", "--all", "--check"]),
        Step::cargo(
            "clippy, every target and feature, no warnings",
            &["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"],
        ),
        Step::cargo("documentation, no warnings", &["doc", "--workspace", "--no-deps", "--all-features"])
            .with(&[("RUSTDOCFLAGS", "-Dwarnings")]),
        Step::check(
            "no runtime and no socket in the core, nor in what a page loads",
            core_is_portable::depends_on_no_runtime,
        ),
        Step::check("no large arithmetic behind `jwt-minimal`", minimal_tokens::are_minimal),
        Step::check("what a page loads builds for wasm32, no warnings", core_is_portable::builds_for_wasm),
    ]
}
