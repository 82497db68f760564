//! How the blocks of two programs differ, found when their peers connect.

use std::fmt;

use crate::block::{Block, BlockId, Fingerprint};
use crate::registry::{self, Registry};
use crate::util::sorted;
use crate::wire::frame::Catalogue;

/// A block that the other side has in another version, or not at all. The other side refuses calls
/// of it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Skew {
    /// This side's version.
    pub block: &'static Block,
    /// The other side's fingerprint; `None` if it does not have the block.
    pub theirs: Option<Fingerprint>,
}

impl fmt::Display for Skew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} here, ", self.block, self.block.fingerprint())?;
        match self.theirs {
            Some(theirs) => write!(f, "{theirs} there"),
            None => f.write_str("missing there"),
        }
    }
}

/// The other side's catalogue of blocks.
#[derive(Debug, Default)]
pub struct TheirBlocks {
    /// In the order of arrival. It is a list and not a map with a predictable hash: the other side
    /// chooses the ids, and could choose them so that all of them collide.
    blocks: Vec<(BlockId, Fingerprint)>,
    is_complete: bool,
}

/// The result of a comparison.
#[derive(Debug)]
#[non_exhaustive]
pub struct Difference {
    /// Identifies the other side's program: programs with the same blocks have the same value.
    pub program: u64,
    /// Blocks that the other side has in another version or not at all, ordered by path.
    pub skews: Vec<Skew>,
    /// Blocks that only the other side has, ordered by id.
    pub only_theirs: Vec<BlockId>,
}

impl TheirBlocks {
    /// Takes a part. With the last part, the blocks are compared with ours. Later parts are
    /// ignored.
    pub fn add(&mut self, part: Catalogue, ours: &Registry) -> Option<Difference> {
        if self.is_complete {
            return None;
        }
        self.blocks.extend(part.blocks);
        self.is_complete = part.is_last || self.blocks.len() >= Catalogue::MOST;
        if !self.is_complete {
            return None;
        }
        let mut theirs = std::mem::take(&mut self.blocks);
        // The sort is stable: if a block is listed twice, the first version counts.
        sorted::by_key(&mut theirs, |(id, _)| *id);
        theirs.dedup_by_key(|(id, _)| *id);
        let find = |id: BlockId| theirs.binary_search_by_key(&id, |(theirs, _)| *theirs).ok();
        let (mut skews, mut is_ours) = (Vec::new(), vec![false; theirs.len()]);
        for block in ours.known() {
            let index = find(block.id);
            if let Some(index) = index {
                is_ours[index] = true;
            }
            let theirs = index.map(|index| theirs[index].1);
            if theirs != Some(block.fingerprint()) {
                skews.push(Skew { block, theirs });
            }
        }
        let only_theirs =
            theirs.iter().zip(is_ours).filter(|(_, is_ours)| !is_ours).map(|((id, _), _)| *id).collect();
        let program = registry::digest(theirs.iter().copied());
        Some(Difference { program, skews, only_theirs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> BlockId {
        BlockId(number)
    }

    #[test]
    fn blocks_that_only_the_other_side_has_are_found_in_all_parts_and_once() {
        let ours = Registry::of_process().unwrap();
        let mut theirs = TheirBlocks::default();
        let part = |is_last, ids: [u64; 2]| Catalogue {
            is_last,
            blocks: ids.map(|number| (id(number), Fingerprint(number))).to_vec(),
        };
        assert!(theirs.add(part(false, [3, 1]), ours).is_none());
        let difference = theirs.add(part(true, [1, 2]), ours).unwrap();
        assert_eq!(difference.only_theirs, [id(1), id(2), id(3)]);
        assert!(difference.skews.is_empty());
        assert!(theirs.add(part(true, [4, 5]), ours).is_none(), "what comes after the last part is ignored");
    }

    #[test]
    fn who_tells_of_one_block_without_end_is_not_listened_to_for_ever() {
        let ours = Registry::of_process().unwrap();
        let mut theirs = TheirBlocks::default();
        let part = || Catalogue { is_last: false, blocks: vec![(id(1), Fingerprint(1)); Catalogue::MAX] };
        let parts = (1..100).find(|_| theirs.add(part(), ours).is_some());
        assert_eq!(parts, Some(Catalogue::MOST / Catalogue::MAX));
    }
}
