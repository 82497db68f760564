//! What only the server has.

pub mod board;
pub mod docs;
mod index;

pub use index::{Index, SearchError, Writer};
