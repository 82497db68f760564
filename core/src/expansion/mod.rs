//! What the code calls that `#[distributed]` generates. Not for people: it changes with the
//! macros.

pub(crate) mod slot;
pub mod travels;
