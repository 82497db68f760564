//! Tracks the headers of WebSocket frames in a stream of bytes, so that an oversized frame is
//! rejected before its payload is buffered.
//!
//! It has no dependencies on other modules, so the fuzzer can use it, too.

/// Two bytes, eight of the length, four of the mask.
const LONGEST_HEADER: usize = 14;

/// A frame that exceeds the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame of {announced} bytes exceeds the limit of {limit}")]
pub(crate) struct Oversize {
    pub(crate) announced: u64,
    pub(crate) limit: u64,
}

/// Tracks one direction of a WebSocket connection, from its first frame.
///
/// It only bounds memory. A control frame of more than 125 bytes is another error with another
/// close code: the codec detects it, in a frame within the limit.
#[derive(Clone, Debug)]
pub(crate) struct FrameGuard {
    limit: u64,
    /// The header that is being read, and its length so far.
    header: [u8; LONGEST_HEADER],
    filled: usize,
    /// The rest of the payload that is being skipped.
    payload: u64,
    broken: Option<Oversize>,
}

impl FrameGuard {
    /// A guard against frames with a payload of more than `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        // No platform has a `usize` of more than 64 bits.
        let limit = limit as u64;
        Self { limit, header: [0; LONGEST_HEADER], filled: 0, payload: 0, broken: None }
    }

    /// Processes the next bytes of the connection, split at any position.
    ///
    /// Payloads are skipped. After the first error, every call returns the same error.
    pub(crate) fn inspect(&mut self, mut bytes: &[u8]) -> Result<(), Oversize> {
        if let Some(oversize) = self.broken {
            return Err(oversize);
        }
        loop {
            let skipped = usize::try_from(self.payload).unwrap_or(usize::MAX).min(bytes.len());
            self.payload -= skipped as u64;
            let Some((byte, rest)) = bytes[skipped..].split_first() else {
                return Ok(());
            };
            bytes = rest;
            self.header[self.filled] = *byte;
            self.filled += 1;
            self.check()?;
        }
    }

    /// The number of missing payload bytes of the current frame, according to its header.
    pub(crate) fn missing(&self) -> usize {
        // It is at most the limit, which was a `usize`.
        usize::try_from(self.payload).unwrap_or(usize::MAX)
    }

    /// Checks the header after one more byte of it.
    fn check(&mut self) -> Result<(), Oversize> {
        let header = &self.header[..self.filled];
        let [_, second, rest @ ..] = header else {
            return Ok(());
        };
        let (announced, length_bytes) = match second & 0x7F {
            126 => (big_endian(rest, 2), 2),
            127 => (big_endian(rest, 8), 8),
            short => (Some(u64::from(short)), 0),
        };
        let Some(announced) = announced else {
            return Ok(());
        };
        if announced > self.limit {
            let oversize = Oversize { announced, limit: self.limit };
            self.broken = Some(oversize);
            return Err(oversize);
        }
        let mask_bytes = if second & 0x80 == 0 { 0 } else { 4 };
        if self.filled == 2 + length_bytes + mask_bytes {
            self.filled = 0;
            self.payload = announced;
        }
        Ok(())
    }
}

/// The number in the first `count` of these bytes, if they are complete.
fn big_endian(bytes: &[u8], count: usize) -> Option<u64> {
    let bytes = bytes.get(..count)?;
    Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
#[path = "frame_guard_tests.rs"]
mod tests;
