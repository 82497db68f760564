//! How much the other side may tell of its blocks: once, to an end, and no more of them than are
//! looked at.

use super::Violation;
use crate::wire::frame::Catalogue;

/// How far the other side's catalogue has come.
#[derive(Debug, Default)]
pub(super) struct Told {
    blocks: usize,
    is_over: bool,
}

impl Told {
    /// Another part of it.
    pub(super) fn add(&mut self, part: &Catalogue) -> Result<(), Violation> {
        self.blocks += part.blocks.len();
        let is_empty = part.blocks.is_empty() && !part.is_last;
        if self.is_over || is_empty || self.blocks > Catalogue::MOST {
            return Err(Violation::Catalogue);
        }
        self.is_over = part.is_last;
        Ok(())
    }
}
