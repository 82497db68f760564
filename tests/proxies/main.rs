//! Behind nginx, Caddy, HAProxy and Traefik, with the configurations that people write, and with
//! those of `docs/behind-a-proxy.md`.
//!
//! They are ignored if the proxies are not installed. `cargo xtask test` installs them, and runs
//! the tests.

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
