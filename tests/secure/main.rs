//! Authentication by certificates and by tokens, over real sockets.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

mod authority;
#[path = "../support/log.rs"]
mod log;
#[path = "../support/minting.rs"]
mod minting;
mod published;
mod support;
mod tls;
mod tokens;
