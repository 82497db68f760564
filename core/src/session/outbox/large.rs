//! Frames that are sent in chunks. A few of them are on their way at once and take turns.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;

use super::{CHUNK, Outgoing, STREAMS, TAIL};
use crate::wire::frame::{Chunk, Framed};

#[derive(Debug)]
pub(super) struct LargeFrames {
    /// How many bytes those may be together that are on their way at once.
    at_once: usize,
    /// Those of which something was not sent yet. The [first ones](Self::turns) take turns.
    frames: VecDeque<Large>,
    /// Chunks that say that a frame is abandoned. They go before everything else: the receiver
    /// must have a place for the next frame before it begins.
    abandoned: VecDeque<Framed>,
    next_stream: u32,
    /// How many bytes were sent of messages of which not everything has arrived.
    pinned: usize,
    /// The messages that were sent to their end, or given up: the number of the last chunk, and
    /// how many bytes were sent.
    ending: VecDeque<(u64, usize)>,
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

/// A frame that was taken back: how many bytes of it were not sent, and how many say to the other
/// side that it is gone.
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

    /// How many of the first frames take turns: as many as the receiver has room for, and one in
    /// any case. Whose turn it is does not change which ones they are.
    fn turns(&self) -> usize {
        let mut together = 0_usize;
        let fitting = self.frames.iter().take(STREAMS).take_while(|large| {
            together = together.saturating_add(large.frame.len());
            together <= self.at_once
        });
        fitting.count().max(1)
    }

    /// How many bytes of memory are kept although they were sent: a chunk is a share of its
    /// message, which is there until its last chunk has arrived.
    pub(super) fn pinned(&self) -> usize {
        self.pinned
    }

    /// All frames before this number have arrived.
    pub(super) fn acknowledge(&mut self, received: u64) {
        while let Some(&(number, size)) = self.ending.front()
            && number < received
        {
            self.ending.pop_front();
            self.pinned -= size;
        }
    }

    /// The next chunk, which is sent with this number.
    pub(super) fn next_chunk(&mut self, number: u64) -> Option<Outgoing> {
        let turns = self.turns();
        let mut large = self.frames.pop_front()?;
        let part = large.next_part();
        let (is_begin, end) = (part.start == 0, part.end);
        let frame = large.chunk(large.frame.slice(part));
        self.pinned += end - large.sent;
        large.sent = end;
        if end < large.frame.len() {
            // Behind the others whose turn it is, before those that wait.
            self.frames.insert(turns - 1, large);
        } else {
            self.ending.push_back((number, end));
        }
        Some(Outgoing { frame, is_begin })
    }

    /// Takes back the frame that is meant. If the other side has a part of it, it is told. The
    /// next frame is sent with this number.
    pub(super) fn withdraw(&mut self, number: u64, is_it: impl Fn(&Bytes) -> bool) -> Option<Withdrawn> {
        let place = self.frames.iter().position(|large| is_it(&large.frame))?;
        let large = self.frames.remove(place)?;
        let unsent = large.frame.len() - large.sent;
        let mut last_word = 0;
        if large.sent > 0 {
            let frame = large.chunk(Bytes::new());
            last_word = frame.len();
            self.abandoned.push_back(frame);
        }
        self.ending.push_back((number, large.sent));
        Some(Withdrawn { unsent, last_word })
    }

    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.abandoned.clear();
        self.ending.clear();
        self.pinned = 0;
    }
}
