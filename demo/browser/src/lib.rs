//! The pages of the demos, and the functions that they share with the server.
//!
//! There is no API between the two: a function begins in the page, continues where the index or
//! the shared list is, and ends where its results are shown.

pub mod board;
pub mod kind;
pub mod search;
pub mod words;

#[cfg(feature = "server")]
pub mod server;

#[cfg(target_family = "wasm")]
pub mod page;
