//! Who is let in by certificates and by tokens, over real sockets.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

mod authority;
mod minting;
mod published;
mod support;
mod tls;
mod tokens;
