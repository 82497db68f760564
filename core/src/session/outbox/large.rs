//! Frames that are sent in chunks. A few of them are in flight at once and take turns.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;

use super::{CHUNK, Outgoing, Progress, STREAMS, TAIL};
use crate::wire::frame::{Chunk, Framed, Item, opens};

#[derive(Debug)]
pub(super) struct LargeFrames {
    /// The largest total size of the frames that are in flight at once, in bytes.
    at_once: usize,
    /// Frames with an unsent part. The [first ones](Self::turns) take turns.
    frames: VecDeque<Large>,
    /// Chunks that say that a frame is abandoned. They are sent before everything else: the
    /// receiver must have a free slot before the next frame begins.
    abandoned: VecDeque<Framed>,
    next_stream: u32,
    /// The number of bytes that were sent of messages whose last chunk is not sent or still kept.
    pinned: usize,
    /// The messages that were sent to their end, or withdrawn, in the order of their last chunks:
    /// the number of that chunk, and the number of bytes sent.
    ending: VecDeque<(u64, usize)>,
}

#[derive(Debug)]
struct Large {
    stream: u32,
    frame: Bytes,
    sent: usize,
    /// The number of its last chunk that was sent; 0 before the first one.
    last_chunk: u64,
}

impl Large {
    /// The range of its bytes that is sent next.
    fn next_part(&self) -> Range<usize> {
        let left = self.frame.len() - self.sent;
        let len = if left <= CHUNK + TAIL { left } else { CHUNK };
        self.sent..self.sent + len
    }

    fn chunk(&self, bytes: Bytes) -> Framed {
        // A frame is never larger than the message limit, which fits into a u32.
        let total = u32::try_from(self.frame.len()).unwrap_or(u32::MAX);
        Framed::chunk(Chunk { stream: self.stream, total, bytes })
    }
}

/// A withdrawn frame: the number of bytes that were not sent, and the size of the chunk that tells
/// the other side of the withdrawal.
#[derive(Debug)]
pub(super) struct Withdrawn {
    pub(super) unsent: usize,
    pub(super) last_word: usize,
}

impl LargeFrames {
    pub(super) fn new(at_once: usize) -> Self {
        Self {
            at_once,
            frames: VecDeque::new(),
            abandoned: VecDeque::new(),
            next_stream: 0,
            pinned: 0,
            ending: VecDeque::new(),
        }
    }

    pub(super) fn push(&mut self, frame: Bytes) {
        let stream = self.next_stream;
        self.next_stream = self.next_stream.wrapping_add(1);
        self.frames.push_back(Large { stream, frame, sent: 0, last_chunk: 0 });
    }

    pub(super) fn frames(&self) -> impl Iterator<Item = &Bytes> {
        self.frames.iter().map(|large| &large.frame)
    }

    pub(super) fn has_abandoned(&self) -> bool {
        !self.abandoned.is_empty()
    }

    pub(super) fn next_abandoned(&mut self) -> Option<Framed> {
        self.abandoned.pop_front()
    }

    /// The number of bytes that the next chunk carries.
    pub(super) fn next_size(&self) -> Option<usize> {
        self.frames.front().map(|large| large.next_part().len())
    }

    /// The number of first frames that take turns: as many as the receiver accepts, and at least
    /// one. The frame whose turn it is does not change this number.
    fn turns(&self) -> usize {
        let mut together = 0_usize;
        let fitting = self.frames.iter().take(STREAMS).take_while(|large| {
            together = together.saturating_add(large.frame.len());
            together <= self.at_once
        });
        fitting.count().max(1)
    }

    /// The bytes of memory that are kept although they were sent. A chunk shares the buffer of its
    /// message, which is freed with the last chunk.
    pub(super) fn pinned(&self) -> usize {
        self.pinned
    }

    /// No frame before this number is kept any longer: all have arrived, or were discarded.
    pub(super) fn release(&mut self, first_kept: u64) {
        while let Some(&(number, size)) = self.ending.front()
            && number < first_kept
        {
            self.ending.pop_front();
            self.pinned -= size;
        }
    }

    /// Returns the next chunk, which is sent with this number. If it is the last one of its
    /// message, notes that in `progress`.
    pub(super) fn next_chunk(&mut self, number: u64, progress: &mut Progress) -> Option<Outgoing> {
        let turns = self.turns();
        let mut large = self.frames.pop_front()?;
        let part = large.next_part();
        let (is_begin, end) = (part.start == 0, part.end);
        let frame = large.chunk(large.frame.slice(part));
        self.pinned += end - large.sent;
        (large.sent, large.last_chunk) = (end, number);
        if end < large.frame.len() {
            // It goes behind the other frames that take turns, and before those that wait.
            self.frames.insert(turns - 1, large);
        } else {
            progress.opened.extend(opens(&large.frame).into_iter().flatten());
            progress.items.extend(Item::channel_of(&large.frame));
            self.ends(&large);
        }
        Some(Outgoing { frame, is_begin })
    }

    /// Withdraws this frame. If the other side has a part of it, the other side is notified.
    pub(super) fn withdraw(&mut self, is_it: impl Fn(&Bytes) -> bool) -> Option<Withdrawn> {
        let place = self.frames.iter().position(|large| is_it(&large.frame))?;
        let large = self.frames.remove(place)?;
        let unsent = large.frame.len() - large.sent;
        let mut last_word = 0;
        if large.sent > 0 {
            self.ends(&large);
            let frame = large.chunk(Bytes::new());
            last_word = frame.len();
            self.abandoned.push_back(frame);
        }
        Some(Withdrawn { unsent, last_word })
    }

    /// No more of this frame is sent. One that was withdrawn may have ended before others did.
    fn ends(&mut self, large: &Large) {
        let place = self.ending.partition_point(|(number, _)| *number < large.last_chunk);
        self.ending.insert(place, (large.last_chunk, large.sent));
    }

    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.abandoned.clear();
        self.ending.clear();
        self.pinned = 0;
    }
}
