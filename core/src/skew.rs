//! How the blocks of two programs differ, found when their peers connect.

use std::fmt;

use rustc_hash::FxHashMap;

use crate::block::{Block, BlockId, Fingerprint};
use crate::frame::Catalogue;
use crate::registry::Registry;

/// How many blocks of the other side are kept; a program with more has the rest not compared.
const MOST: usize = 16 * Catalogue::MAX;

/// A block that both sides have, each in another version. Calls of it are refused.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Skew {
    /// This side's version.
    pub block: &'static Block,
    /// The other side's fingerprint.
    pub theirs: Fingerprint,
}

impl fmt::Display for Skew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} here, {} there", self.block, self.block.fingerprint(), self.theirs)
    }
}

/// What the other side tells of its blocks.
#[derive(Debug, Default)]
pub struct TheirBlocks {
    blocks: FxHashMap<BlockId, Fingerprint>,
    is_complete: bool,
}

/// What a comparison found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Difference {
    /// Blocks in different versions, ordered by path.
    pub skews: Vec<Skew>,
    /// Blocks that only this side has, ordered by path.
    pub only_ours: Vec<&'static Block>,
    /// Blocks that only the other side has, ordered by id.
    pub only_theirs: Vec<BlockId>,
}

impl TheirBlocks {
    /// Takes a part. With the last one the blocks are compared with ours; what comes after it is ignored.
    pub fn add(&mut self, part: Catalogue, ours: &Registry) -> Option<Difference> {
        if self.is_complete {
            return None;
        }
        self.blocks.extend(part.blocks);
        self.is_complete = part.is_last || self.blocks.len() >= MOST;
        if !self.is_complete {
            return None;
        }
        let mut theirs = std::mem::take(&mut self.blocks);
        let (mut skews, mut only_ours) = (Vec::new(), Vec::new());
        for block in ours.known() {
            match theirs.remove(&block.id) {
                None => only_ours.push(block),
                Some(theirs) if theirs != block.fingerprint() => skews.push(Skew { block, theirs }),
                Some(_) => {}
            }
        }
        let mut only_theirs: Vec<_> = theirs.into_keys().collect();
        only_theirs.sort_unstable();
        Some(Difference { skews, only_ours, only_theirs })
    }
}
