//! Attackers that impersonate another peer, try to be admitted, or try to run code without
//! permission. Each is a script with a name and speaks the protocol by hand, over bare sockets.
//! Each is refused with a code of its own, and honest peers notice nothing.
//!
//! `README.md` lists the scripts and their codes, and a test fails if they differ from what
//! happens.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

mod absent;
mod blocks;
mod channels;
mod crowds;
mod false_servers;
mod frames;
mod held;
mod honest;
mod identity;
#[path = "../support/log.rs"]
mod log;
#[path = "../support/minting.rs"]
#[allow(dead_code, reason = "some of it is for the honest tokens of `tests/secure`")]
mod minting;
mod origins;
mod panics;
#[path = "../support/raw.rs"]
mod raw;
#[path = "../support/raw_server.rs"]
mod raw_server;
mod scripts;
mod sessions;
mod slow;
#[path = "../support/peers.rs"]
#[allow(dead_code, reason = "some of it is for `tests/it`")]
mod support;
mod texts;
mod tokens;
mod turns;
mod wire;
