//! `cargo xtask test`: every test there is.

use crate::{Step, fuzz};

pub(crate) fn steps() -> Vec<Step> {
    // The server's end of a session exists twice, as a response body and as an actor of actix-web-actors: what users see must not differ, so
    // the tests of sessions run with each. What the macros do does not depend on it, and is not tested again.
    vec![
        Step::cargo("unit, integration and documentation tests of all crates", &["test", "--workspace"]),
        Step::cargo(
            "certificates and tokens",
            &["test", "--package", "distributed-scope", "--features", "rustls,jwt", "--test", "secure"],
        ),
        Step::cargo(
            "sessions, on actix-web-actors",
            &["test", "--package", "distributed-scope", "--features", "actix-web-actors", "--test", "it"],
        ),
        Step::cargo(
            "unit tests of the Actix peer, on actix-web-actors",
            &["test", "--package", "distributed-scope-actor-peer", "--features", "actix-web-actors"],
        ),
        fuzz::smoke(),
    ]
}
