//! Functions that a page and a server share. `tests/native.rs` runs them between two Actix peers,
//! and `tests/in_a_browser` between a page and one.

pub mod blocks;
#[cfg(target_family = "wasm")]
pub mod page;
