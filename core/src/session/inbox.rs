//! What one side of a session has received: how many frames, and the large ones that are not complete yet.

use bytes::{Bytes, BytesMut};
use rustc_hash::FxHashMap;

use super::Violation;
use super::outbox::{BYTES_PER_ACK, BYTES_PER_ACK_ALONE, CHUNK, CHUNKS_ALONE, LARGEST_AT_ONCE, STREAMS};
use crate::copy::append;
use crate::frame::{Chunk, Frame};
use crate::time::Moment;

/// After so many frames the sender is told that they arrived, as soon as anything else goes to it. What makes a call for each result so
/// says both with one write.
const FRAMES_PER_ACK: u64 = 64;

/// After so many frames it is told in any case.
const MOST_FRAMES_PER_ACK: u64 = 256;

/// So much is reserved for a large frame when its first chunk comes, if it says that it is so large. What is never filled costs no memory, and
/// what is larger grows as it comes.
const RESERVED: usize = (1 << 20) + CHUNK;

#[derive(Debug)]
pub(super) struct Inbox {
    limit: usize,
    received: u64,
    acknowledged: u64,
    bytes_since_ack: usize,
    /// How many chunks came without a small frame between them.
    chunks_since_small: u32,
    partial: FxHashMap<u32, Partial>,
}

#[derive(Debug)]
struct Partial {
    total: usize,
    bytes: BytesMut,
    begun: Moment,
}

/// A large frame that is complete.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) frame: Bytes,
    /// When its first part came, from which its time counts.
    pub(super) begun: Moment,
}

impl Inbox {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            received: 0,
            acknowledged: 0,
            bytes_since_ack: 0,
            chunks_since_small: 0,
            partial: FxHashMap::default(),
        }
    }

    /// How many numbered frames have arrived.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// How many bytes of large frames have arrived that are not complete.
    pub(super) fn arriving(&self) -> usize {
        self.partial.values().map(|partial| partial.bytes.len()).sum()
    }

    /// Counts a numbered frame, which had so many bytes.
    pub(super) fn count(&mut self, frame: &Frame, size: usize) {
        self.received += 1;
        self.bytes_since_ack += size;
        match frame {
            // Nothing of a message goes with the word that it is abandoned.
            Frame::Chunk(chunk) if chunk.bytes.is_empty() => {}
            Frame::Chunk(_) => self.chunks_since_small = self.chunks_since_small.saturating_add(1),
            _ => self.chunks_since_small = 0,
        }
    }

    /// Whether the sender should be told how many have arrived, if anything else is said.
    pub(super) fn ack_is_due(&self) -> bool {
        self.received - self.acknowledged >= FRAMES_PER_ACK || self.ack_is_overdue()
    }

    /// Whether it should be told now.
    pub(super) fn ack_is_overdue(&self) -> bool {
        let bytes = if self.chunks_since_small >= CHUNKS_ALONE { BYTES_PER_ACK_ALONE } else { BYTES_PER_ACK };
        self.received - self.acknowledged >= MOST_FRAMES_PER_ACK || self.bytes_since_ack >= bytes
    }

    /// Whether the sender was not told of a whole chunk yet.
    pub(super) fn owes_word_of_a_chunk(&self) -> bool {
        self.bytes_since_ack >= CHUNK
    }

    /// The number to tell the sender.
    pub(super) fn acknowledge(&mut self) -> u64 {
        self.acknowledged = self.received;
        self.bytes_since_ack = 0;
        self.received
    }

    /// Adds a part; gives the whole frame with the last one.
    pub(super) fn add(&mut self, now: Moment, chunk: Chunk) -> Result<Option<Whole>, Violation> {
        let Chunk { stream, total, bytes } = chunk;
        let total = total as usize;
        if bytes.is_empty() {
            self.partial.remove(&stream);
            return Ok(None);
        }
        if total > self.limit {
            return Err(Violation::TooLarge { size: total, limit: self.limit });
        }
        let is_new = !self.partial.contains_key(&stream);
        if is_new && self.partial.len() >= STREAMS {
            return Err(Violation::TooManyStreams);
        }
        let others: usize = self.partial.values().map(|partial| partial.total).sum();
        if is_new && others > 0 && others + total > self.limit.saturating_mul(LARGEST_AT_ONCE) {
            return Err(Violation::TooMuchAtOnce);
        }
        // The room grows with what really arrives: a total is only an announcement.
        let partial = self.partial.entry(stream).or_insert_with(|| Partial {
            total,
            bytes: BytesMut::new(),
            begun: now,
        });
        if partial.total != total || partial.bytes.len() + bytes.len() > total {
            return Err(Violation::ChunkSize);
        }
        if is_new {
            partial.bytes.reserve(total.min(RESERVED));
        }
        append(&mut partial.bytes, &bytes);
        if partial.bytes.len() < total {
            return Ok(None);
        }
        let partial = self.partial.remove(&stream);
        Ok(partial.map(|Partial { bytes, begun, .. }| Whole { frame: bytes.freeze(), begun }))
    }

    pub(super) fn clear(&mut self) {
        self.partial.clear();
    }
}
