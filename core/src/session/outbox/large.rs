//! Frames that are sent in chunks. A few of them are on their way at once and take turns.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;

use super::{CHUNK, Outgoing, STREAMS, TAIL};
use crate::frame::{Chunk, Framed};

#[derive(Debug)]
pub(super) struct LargeFrames {
    /// How many bytes those may be together that are on their way at once.
    at_once: usize,
    /// Those of which something was not sent yet. The [first ones](Self::turns) take turns.
    frames: VecDeque<Large>,
    /// Chunks that say that a frame is abandoned. They go before everything else: the receiver must have a place for the
    /// next frame before it begins.
    abandoned: VecDeque<Framed>,
    next_stream: u32,
}

#[derive(Debug)]
struct Large {
    stream: u32,
    frame: Bytes,
    sent: usize,
}

impl Large {
    /// Which of its bytes go next.
    fn next_part(&self) -> Range<usize> {
        let left = self.frame.len() - self.sent;
        let len = if left <= CHUNK + TAIL { left } else { CHUNK };
        self.sent..self.sent + len
    }

    fn chunk(&self, bytes: Bytes) -> Framed {
        // A frame is never larger than a message may be, which a u32 holds.
        let total = u32::try_from(self.frame.len()).unwrap_or(u32::MAX);
        Framed::chunk(Chunk { stream: self.stream, total, bytes })
    }
}

/// A frame that was taken back: how many bytes of it were not sent, and how many say to the other side that it is gone.
#[derive(Debug)]
pub(super) struct Withdrawn {
    pub(super) unsent: usize,
    pub(super) last_word: usize,
}

impl LargeFrames {
    pub(super) fn new(at_once: usize) -> Self {
        Self { at_once, frames: VecDeque::new(), abandoned: VecDeque::new(), next_stream: 0 }
    }

    pub(super) fn push(&mut self, frame: Bytes) {
        let stream = self.next_stream;
        self.next_stream = self.next_stream.wrapping_add(1);
        self.frames.push_back(Large { stream, frame, sent: 0 });
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

    /// How many bytes the next chunk carries.
    pub(super) fn next_size(&self) -> Option<usize> {
        self.frames.front().map(|large| large.next_part().len())
    }

    /// How many of the first frames take turns: as many as the receiver has room for, and one in any case. Whose turn it
    /// is does not change which ones they are.
    fn turns(&self) -> usize {
        let mut together = 0_usize;
        let fitting = self.frames.iter().take(STREAMS).take_while(|large| {
            together = together.saturating_add(large.frame.len());
            together <= self.at_once
        });
        fitting.count().max(1)
    }

    pub(super) fn next_chunk(&mut self) -> Option<Outgoing> {
        let turns = self.turns();
        let mut large = self.frames.pop_front()?;
        let part = large.next_part();
        let (is_begin, end) = (part.start == 0, part.end);
        let frame = large.chunk(large.frame.slice(part));
        large.sent = end;
        if end < large.frame.len() {
            // Behind the others whose turn it is, before those that wait.
            self.frames.insert(turns - 1, large);
        }
        Some(Outgoing { frame, is_begin })
    }

    /// Takes back the frame that is meant. If the other side has a part of it, it is told.
    pub(super) fn withdraw(&mut self, is_it: impl Fn(&Bytes) -> bool) -> Option<Withdrawn> {
        let place = self.frames.iter().position(|large| is_it(&large.frame))?;
        let large = self.frames.remove(place)?;
        let unsent = large.frame.len() - large.sent;
        let mut last_word = 0;
        if large.sent > 0 {
            let frame = large.chunk(Bytes::new());
            last_word = frame.len();
            self.abandoned.push_back(frame);
        }
        Some(Withdrawn { unsent, last_word })
    }

    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.abandoned.clear();
    }
}
