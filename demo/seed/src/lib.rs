//! The two functions of the original's README, in Rust: for a program, and for a page.

#[cfg(target_family = "wasm")]
pub mod page;
pub mod seed;
