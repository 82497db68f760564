//! A large message that arrives in parts, and ends up in one piece.
//!
//! Its size is only announced, so the memory grows with what has arrived. A buffer that grows by
//! itself copies everything each time: several MiB in one go, for which all others of the thread
//! wait. Here the parts are kept in segments until half of the message has arrived. Then the
//! buffer for all of it is allocated, and each further part moves a few of the segments there.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::util::bulk_copy::append;

/// The size of a segment.
const SEGMENT: usize = 64 << 10;

/// A message of at most this size has its buffer at once. Unused capacity costs no memory.
const AT_ONCE: usize = (1 << 20) + SEGMENT;

/// Of its segments, so many times as much is moved as has arrived. Three times is enough for the
/// segments of one half to be moved while the other half arrives.
const MOVED: usize = 3;

/// The bytes of a message, as far as they have arrived.
#[derive(Debug)]
pub(super) struct Growing {
    total: usize,
    /// The beginning, in the buffer for all of it.
    whole: BytesMut,
    /// What comes after that.
    segments: VecDeque<BytesMut>,
    /// The bytes that may be moved.
    credit: usize,
}

impl Growing {
    /// A message of this size, of which nothing has arrived.
    pub(super) fn new(total: usize) -> Self {
        let whole = if total <= AT_ONCE { BytesMut::with_capacity(total) } else { BytesMut::new() };
        Self { total, whole, segments: VecDeque::new(), credit: 0 }
    }

    /// The number of bytes that have arrived.
    pub(super) fn len(&self) -> usize {
        self.whole.len() + self.segments.iter().map(BytesMut::len).sum::<usize>()
    }

    /// Its memory, in bytes.
    pub(super) fn held(&self) -> usize {
        self.whole.capacity() + self.segments.iter().map(BytesMut::capacity).sum::<usize>()
    }

    /// Adds what has arrived. It is not larger than what is missing.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        if self.segments.is_empty() && self.whole.capacity() > 0 {
            append(&mut self.whole, bytes);
            return;
        }
        self.add_segment(bytes);
        if self.whole.capacity() == 0 {
            if self.len() < self.total / 2 {
                return;
            }
            self.whole.reserve(self.total);
        }
        self.credit += MOVED * bytes.len();
        while let Some(next) = self.segments.front()
            && next.len() <= self.credit
        {
            self.credit -= next.len();
            self.move_segment();
        }
    }

    fn add_segment(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.segments.back().is_none_or(|last| last.len() >= SEGMENT) {
                self.segments.push_back(BytesMut::with_capacity(SEGMENT));
            }
            let Some(last) = self.segments.back_mut() else { return };
            let (now, later) = bytes.split_at(bytes.len().min(SEGMENT - last.len()));
            append(last, now);
            bytes = later;
        }
    }

    fn move_segment(&mut self) {
        if let Some(segment) = self.segments.pop_front() {
            append(&mut self.whole, &segment);
        }
    }

    /// The first bytes, at most this many and at most a segment.
    pub(super) fn head(&self, len: usize) -> &[u8] {
        let first = if self.whole.is_empty() { self.segments.front() } else { Some(&self.whole) };
        first.map_or(&[], |first| &first[..len.min(first.len())])
    }

    /// All of it, in one piece.
    pub(super) fn into_bytes(mut self) -> Bytes {
        while !self.segments.is_empty() {
            self.move_segment();
        }
        self.whole.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes of parts: as they are sent, tiny, odd, and larger than a segment.
    const PARTS: [usize; 4] = [SEGMENT, 1 << 10, 60_001, 5 * SEGMENT + 3];

    fn message(len: usize) -> Vec<u8> {
        (0..len).map(|n| (n * 7 + n / 251) as u8).collect()
    }

    #[test]
    fn message_is_the_same_in_one_piece() {
        for len in [0, 1, AT_ONCE, AT_ONCE + 1, 3 << 20] {
            let message = message(len);
            for part in PARTS {
                let mut growing = Growing::new(len);
                message.chunks(part).for_each(|part| growing.add(part));
                assert_eq!(growing.len(), len);
                assert_eq!(growing.head(100), &message[..len.min(100)]);
                assert!(growing.into_bytes() == message, "{len} in parts of {part}");
            }
        }
    }

    /// Whatever its size, a part costs a few times its own size, and the end hardly anything.
    #[test]
    fn no_part_moves_much_of_a_large_message() {
        const TOTAL: usize = 16 << 20;
        for part in PARTS {
            let mut growing = Growing::new(TOTAL);
            let message = message(part);
            let mut missing = TOTAL;
            while missing > 0 {
                let (size, before) = (part.min(missing), growing.whole.len());
                growing.add(&message[..size]);
                missing -= size;
                let moved = growing.whole.len() - before;
                assert!(moved <= MOVED * size + SEGMENT, "{moved} of a part of {part}");
            }
            let left: usize = growing.segments.iter().map(BytesMut::len).sum();
            assert!(left <= 2 * (SEGMENT + part), "{left} are left to be moved");
        }
    }

    #[test]
    fn memory_grows_with_what_has_arrived() {
        let mut growing = Growing::new(16 << 20);
        assert_eq!(growing.held(), 0);
        let part = message(SEGMENT);
        for number in 1..=256 {
            growing.add(&part);
            assert!(growing.held() <= 3 * number * SEGMENT, "{} after {number} parts", growing.held());
        }
    }
}
