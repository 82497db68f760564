//! How the blocks of two programs differ, found when their peers connect.

use std::fmt;

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
    /// As told. In a list and not in a map by a hash that everybody can compute: the other side chooses the ids, and could choose them so
    /// that all of them collide.
    blocks: Vec<(BlockId, Fingerprint)>,
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
        // Stable, so that of a block that was told twice the first version counts.
        theirs.sort_by_key(|(id, _)| *id);
        theirs.dedup_by_key(|(id, _)| *id);
        let find = |id: BlockId| theirs.binary_search_by_key(&id, |(theirs, _)| *theirs).ok();
        let (mut skews, mut only_ours, mut is_ours) = (Vec::new(), Vec::new(), vec![false; theirs.len()]);
        for block in ours.known() {
            let Some(index) = find(block.id) else {
                only_ours.push(block);
                continue;
            };
            is_ours[index] = true;
            if theirs[index].1 != block.fingerprint() {
                skews.push(Skew { block, theirs: theirs[index].1 });
            }
        }
        let only_theirs =
            theirs.iter().zip(is_ours).filter(|(_, is_ours)| !is_ours).map(|((id, _), _)| *id).collect();
        Some(Difference { skews, only_ours, only_theirs })
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
        assert_eq!(parts, Some(MOST / Catalogue::MAX));
    }
}
