//! A frame as it is sent.

use bytes::{BufMut, Bytes, BytesMut};

use super::{CHUNK, Chunk};
use crate::wire::encoded::Encoded;

/// A frame as it is sent: one message, in one piece or in two. The bytes of a [`Chunk`] are a
/// share of the message that it is a part of; they are not copied behind a header of their own
/// before they come to a socket's buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Framed {
    head: Option<[u8; Chunk::HEAD]>,
    bytes: Encoded,
}

impl Framed {
    /// A part of a large message.
    #[must_use]
    pub fn chunk(Chunk { stream, total, bytes }: Chunk) -> Self {
        let mut head = [0; Chunk::HEAD];
        head[0] = CHUNK;
        head[4..8].copy_from_slice(&stream.to_le_bytes());
        head[8..].copy_from_slice(&total.to_le_bytes());
        Self { head: Some(head), bytes: bytes.into() }
    }

    /// How many bytes the message has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.head().len() + self.bytes.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What stands apart; often nothing.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        self.head.as_ref().map_or(&[], |head| head)
    }

    /// What stands behind it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The message in one piece, which is a copy if it was in two.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        let Some(head) = self.head else { return self.bytes.into_bytes() };
        let mut whole = BytesMut::with_capacity(self.len());
        whole.put_slice(&head);
        whole.put_slice(&self.bytes);
        whole.freeze()
    }

    /// How many bytes of a large message it carries, if it is a chunk.
    pub(crate) fn chunk_size(&self) -> Option<usize> {
        self.head.map(|_| self.bytes.len())
    }

    /// The same message with other bytes behind its header.
    pub(crate) fn with_bytes(&self, bytes: Vec<u8>) -> Self {
        Self { head: self.head, bytes: bytes.into() }
    }
}

impl<T: Into<Encoded>> From<T> for Framed {
    fn from(bytes: T) -> Self {
        Self { head: None, bytes: bytes.into() }
    }
}
