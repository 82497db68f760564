//! How much of its catalogue the other side may send: once, to an end, and with at most as many
//! blocks as are examined.

use super::Violation;
use crate::wire::frame::Catalogue;

/// The progress of the other side's catalogue.
#[derive(Debug, Default)]
pub(super) struct CatalogueProgress {
    blocks: usize,
    is_over: bool,
}

impl CatalogueProgress {
    /// Takes another part of it.
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
