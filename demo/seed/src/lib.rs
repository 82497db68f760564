//! The two functions of the original's README, in Rust: for a program, and for a page.

#[cfg(all(target_family = "wasm", feature = "page"))]
pub mod page;
pub mod seed;
