//! Behind nginx, Caddy and HAProxy, with the configurations that people write, and with those of
//! `docs/behind-a-proxy.md`.
//!
//! They are ignored where nobody has installed the proxies: `cargo xtask test` does, and runs
//! them.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

#[path = "../secure/authority.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod authority;
mod guide;
mod ids;
mod log;
mod nginx;
#[path = "../support/peers.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod peers;
mod proxy;
#[path = "../support/raw.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod raw;
