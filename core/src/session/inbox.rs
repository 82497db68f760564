//! What one side of a session has received: the number of frames, and the large ones that are not
//! complete yet.

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::Violation;
use super::growing::Growing;
use super::outbox::{BYTES_PER_ACK, BYTES_PER_ACK_ALONE, CHUNK, CHUNKS_ALONE, LARGEST_AT_ONCE, STREAMS};
use crate::limits::account::Full;
use crate::util::time::Moment;
use crate::wire::frame::{Chunk, Frame, HEAD};

/// After this many frames, an acknowledgement is sent with the next other output. A peer that
/// makes a call for each result then sends both with one write.
const FRAMES_PER_ACK: u64 = 64;

/// After this many frames, an acknowledgement is sent in any case.
const MOST_FRAMES_PER_ACK: u64 = 256;

/// How many times as long the sender of a large message may stall as it would tolerate itself.
const STALLS: u32 = 4;

#[derive(Debug)]
pub(super) struct Inbox {
    limit: usize,
    received: u64,
    acknowledged: u64,
    bytes_since_ack: usize,
    /// The number of chunks that arrived without a small frame between them.
    chunks_since_small: u32,
    partial: FxHashMap<u32, Partial>,
    /// The memory of incomplete frames, in bytes.
    held: usize,
    /// The number of bytes that arrived in the checks that are counted below.
    progress: usize,
    /// The number of checks in which a frame was incomplete.
    checks: u32,
}

#[derive(Debug)]
struct Partial {
    total: usize,
    /// The number of bytes that arrived, whether they are kept or not.
    came: usize,
    bytes: Growing,
    begun: Moment,
    dropped: Option<Dropped>,
}

/// Why a large frame is not kept. Only its header is kept, so that its call can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dropped {
    /// The limit on held memory is reached.
    Full(Full),
    /// It arrived too slowly.
    Slow,
}

/// A large frame that is complete.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) frame: Bytes,
    /// Why only its header was kept, if so.
    pub(super) dropped: Option<Dropped>,
    /// When its first part arrived. Its time counts from then.
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
            held: 0,
            progress: 0,
            checks: 0,
        }
    }

    /// The number of numbered frames that have arrived.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// The number of bytes that have arrived of incomplete large frames.
    pub(super) fn arriving(&self) -> usize {
        self.partial.values().map(|partial| partial.bytes.len()).sum()
    }

    /// Their memory, in bytes.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Counts a numbered frame of this size in bytes.
    pub(super) fn count(&mut self, frame: &Frame, size: usize) {
        self.received += 1;
        self.bytes_since_ack += size;
        self.progress = self.progress.saturating_add(size);
        match frame {
            // The notice that a message is abandoned carries no part of it.
            Frame::Chunk(chunk) if chunk.bytes.is_empty() => {}
            Frame::Chunk(_) => self.chunks_since_small = self.chunks_since_small.saturating_add(1),
            _ => self.chunks_since_small = 0,
        }
    }

    /// Whether an acknowledgement should be sent with other output.
    pub(super) fn ack_is_due(&self) -> bool {
        self.received - self.acknowledged >= FRAMES_PER_ACK || self.ack_is_overdue()
    }

    /// Whether an acknowledgement should be sent now.
    pub(super) fn ack_is_overdue(&self) -> bool {
        let bytes = if self.chunks_since_small >= CHUNKS_ALONE { BYTES_PER_ACK_ALONE } else { BYTES_PER_ACK };
        self.received - self.acknowledged >= MOST_FRAMES_PER_ACK || self.bytes_since_ack >= bytes
    }

    /// Whether something was not acknowledged yet.
    pub(super) fn owes_word(&self) -> bool {
        self.received > self.acknowledged
    }

    /// Whether a whole chunk was not acknowledged yet.
    pub(super) fn owes_word_of_a_chunk(&self) -> bool {
        self.bytes_since_ack >= CHUNK
    }

    /// Returns the number for an acknowledgement.
    pub(super) fn acknowledge(&mut self) -> u64 {
        self.acknowledged = self.received;
        self.bytes_since_ack = 0;
        self.received
    }

    /// Adds a part, and returns the whole frame with the last one. If the session is full, no more
    /// of the frame is kept.
    pub(super) fn add(
        &mut self,
        now: Moment,
        chunk: Chunk,
        full: Option<Full>,
    ) -> Result<Option<Whole>, Violation> {
        let Chunk { stream, total, bytes } = chunk;
        let total = total as usize;
        if bytes.is_empty() {
            self.remove(stream);
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
        // The buffer grows with the bytes that arrive: the total is only an announcement.
        let partial = self.partial.entry(stream).or_insert_with(|| Partial {
            total,
            came: 0,
            bytes: Growing::new(if full.is_some() { HEAD } else { total }),
            begun: now,
            dropped: None,
        });
        if partial.total != total || partial.came + bytes.len() > total {
            return Err(Violation::ChunkSize);
        }
        if !is_new {
            self.held -= partial.bytes.held();
        }
        if let Some(full) = full {
            partial.drop_bytes(Dropped::Full(full));
        }
        partial.add(&bytes);
        self.held += partial.bytes.held();
        if partial.came < total {
            return Ok(None);
        }
        let whole = |Partial { bytes, begun, dropped, .. }: Partial| Whole {
            frame: bytes.into_bytes(),
            dropped,
            begun,
        };
        Ok(self.remove(stream).map(whole))
    }

    fn remove(&mut self, stream: u32) -> Option<Partial> {
        let partial = self.partial.remove(&stream)?;
        self.held -= partial.bytes.held();
        Some(partial)
    }

    /// A health check since whose predecessor something was heard. A sender drops a connection on
    /// which fewer than `least` bytes arrive over `stall` checks, and resumes on another one. If
    /// the sender has failed to do so several times over, incomplete frames are no longer kept.
    pub(super) fn check(&mut self, stall: u32, least: usize) {
        if self.partial.is_empty() {
            self.rest();
            return;
        }
        self.checks += 1;
        if self.checks < stall.saturating_mul(STALLS) {
            return;
        }
        if self.progress < least {
            self.partial.values_mut().for_each(|partial| partial.drop_bytes(Dropped::Slow));
            self.held = self.partial.values().map(|partial| partial.bytes.held()).sum();
        }
        self.rest();
    }

    /// The time until now does not count: nothing was read, or nothing was in flight.
    pub(super) fn rest(&mut self) {
        (self.checks, self.progress) = (0, 0);
    }

    pub(super) fn clear(&mut self) {
        self.partial.clear();
        self.held = 0;
    }
}

impl Partial {
    fn add(&mut self, bytes: &[u8]) {
        self.came += bytes.len();
        let kept = match self.dropped {
            Some(_) => &bytes[..bytes.len().min(HEAD - self.bytes.len())],
            None => bytes,
        };
        self.bytes.add(kept);
    }

    fn drop_bytes(&mut self, why: Dropped) {
        if self.dropped.is_none() {
            self.dropped = Some(why);
            let mut head = Growing::new(HEAD);
            head.add(self.bytes.head(HEAD));
            self.bytes = head;
        }
    }
}
