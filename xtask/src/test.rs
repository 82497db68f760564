//! `cargo xtask test`: every test there is.

use crate::Step;

pub(crate) fn steps() -> Vec<Step> {
    vec![
        Step::cargo("unit, integration and documentation tests of all crates", &["test", "--workspace"]),
        // The session actor exists twice, once on each of actix's WebSocket crates: what users see must not differ.
        Step::cargo(
            "the library with both WebSocket crates",
            &["test", "--package", "distributed-scope", "--features", "actix-web-actors"],
        ),
        Step::cargo(
            "the library on actix-web-actors alone",
            &[
                "test",
                "--package",
                "distributed-scope",
                "--package",
                "distributed-scope-actor-peer",
                "--no-default-features",
                "--features",
                "actix-web-actors",
            ],
        ),
    ]
}
