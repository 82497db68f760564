//! What the sender can run, told to a peer that has other blocks.

use bytes::{BufMut, Bytes, BytesMut};

use super::read::{flag, take, u64_le};
use super::{CATALOGUE, FrameError};
use crate::block::{BlockId, Fingerprint};

/// The blocks of the sender, or a part of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    /// Whether no further part follows.
    pub is_last: bool,
    /// At most [`Catalogue::MAX`] of them.
    pub blocks: Vec<(BlockId, Fingerprint)>,
}

impl Catalogue {
    /// How many blocks one frame tells of: as many as fit into one chunk.
    pub const MAX: usize = 4095;
    /// How many blocks all of them tell of. A program with more does not tell of the rest.
    pub const MOST: usize = 16 * Self::MAX;
    pub(super) const HEAD: usize = 4;
    const ENTRY: usize = 16;

    /// Blocks in frames of at most `limit` bytes. An empty list is sent, too.
    pub(crate) fn split(blocks: &[(BlockId, Fingerprint)], limit: usize) -> impl Iterator<Item = Self> {
        let blocks = &blocks[..blocks.len().min(Self::MOST)];
        let size = (limit.saturating_sub(Self::HEAD) / Self::ENTRY).clamp(1, Self::MAX);
        let last = blocks.len().saturating_sub(1) / size;
        (0..=last).map(move |part| {
            let blocks = &blocks[part * size..blocks.len().min((part + 1) * size)];
            Self { is_last: part == last, blocks: blocks.to_vec() }
        })
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.reserve(Self::HEAD + Self::ENTRY * self.blocks.len());
        out.put_u8(CATALOGUE);
        out.put_u8(u8::from(self.is_last));
        out.put_bytes(0, 2);
        for (block, fingerprint) in &self.blocks {
            out.put_u64_le(block.0);
            out.put_u64_le(fingerprint.0);
        }
    }

    pub(super) fn decode(bytes: &mut Bytes) -> Result<Self, FrameError> {
        let is_last = flag(bytes)?;
        if take(bytes, 2)? != [0, 0][..] || bytes.len() > Self::MAX * Self::ENTRY {
            return Err(FrameError::Field);
        }
        if !bytes.len().is_multiple_of(Self::ENTRY) {
            return Err(FrameError::Short);
        }
        let mut blocks = Vec::with_capacity(bytes.len() / Self::ENTRY);
        while !bytes.is_empty() {
            blocks.push((BlockId(u64_le(bytes)?), Fingerprint(u64_le(bytes)?)));
        }
        Ok(Self { is_last, blocks })
    }
}
