//! `cargo xtask test`: all tests.

use crate::{Step, fuzz, logs, proxies, web};

pub(crate) fn steps() -> Vec<Step> {
    // The server's end of a session exists twice, as a response body and as an actor of
    // actix-web-actors: what users see must not differ, so the tests of sessions run with each.
    // What the macros do does not depend on it, and is not tested again.
    let mut steps = vec![
        logs::begin(),
        Step::cargo("unit, integration and documentation tests of all crates", &["test", "--workspace"])
            .with(logs::WRITTEN),
        Step::cargo(
            "attackers, certificates and tokens",
            &[
                "test",
                "--package",
                "distributed-scope",
                "--features",
                "rustls,jwt",
                "--test",
                "hostile",
                "--test",
                "secure",
            ],
        )
        .with(logs::WRITTEN),
        logs::end(),
        Step::cargo(
            "sessions, attackers, certificates and tokens, on actix-web-actors",
            &[
                "test",
                "--package",
                "distributed-scope",
                "--features",
                "actix-web-actors,rustls,jwt",
                "--test",
                "it",
                "--test",
                "hostile",
                "--test",
                "secure",
            ],
        ),
        Step::cargo(
            "unit tests of the Actix peer, on actix-web-actors",
            &["test", "--package", "distributed-scope-actor-peer", "--features", "actix-web-actors"],
        ),
        Step::cargo(
            "tokens of HS256 and EdDSA alone",
            &["test", "--package", "distributed-scope-auth-jwt", "--no-default-features"],
        ),
        Step::cargo(
            "handshakes of a peer that cannot check keys, as most pages cannot",
            &["test", "--package", "distributed-scope-core", "--no-default-features", "--lib", "handshake"],
        ),
    ];
    steps.push(proxies::step());
    steps.extend(web::steps());
    steps.push(fuzz::smoke());
    steps
}
