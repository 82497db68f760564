//! Parts of large messages.

use bytes::{Buf, Bytes};

use super::{CHUNK, FrameError, read::take};

/// A part of an invoke or a reply that is too large to be sent at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Which of the sender's large frames it belongs to.
    pub stream: u32,
    /// The size of the whole frame in bytes. A chunk without bytes says that the frame is
    /// abandoned.
    pub total: u32,
    /// The next bytes of it.
    pub bytes: Bytes,
}

impl Chunk {
    /// The size of the parts of a large message. A message up to this size travels whole.
    pub const SIZE: usize = 64 << 10;

    /// The size of the header before the bytes.
    pub(super) const HEAD: usize = 12;

    pub(super) fn decode(mut bytes: Bytes) -> Result<Self, FrameError> {
        let mut head = take(&mut bytes, Self::HEAD)?;
        if head.split_to(4) != [CHUNK, 0, 0, 0][..] {
            return Err(FrameError::Field);
        }
        let (stream, total) = (head.get_u32_le(), head.get_u32_le());
        Ok(Self { stream, total, bytes })
    }
}
