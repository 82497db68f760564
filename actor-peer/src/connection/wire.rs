//! WebSocket frames in buffers: unread input and pending output.
//!
//! The codec is that of actix-http. It checks the limit only when it has the *whole* frame, so
//! one frame of 1 GiB would use 1 GiB of memory, whatever the limit. A [`FrameGuard`] therefore
//! checks the header of each incomplete frame.

use actix_codec::{Decoder, Encoder};
use actix_http::ws::{Codec, Frame, Message, OpCode, Parser, ProtocolError};
use bytes::{BufMut, BytesMut};
use distributed_scope_core::frame::Framed;
use distributed_scope_core::internal::append;

use super::frame_guard::FrameGuard;

/// The capacity that an empty buffer may keep for the next message.
const KEPT_WHEN_IDLE: usize = 8 << 10;

/// The role of this end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Server,
    /// It masks its frames.
    Client,
}

/// One end of a WebSocket, without its socket.
pub(super) struct Wire {
    codec: Codec,
    end: End,
    limit: usize,
    unread: BytesMut,
    /// Much data was received or sent in this turn.
    is_busy: bool,
}

impl Wire {
    /// The server end, which accepts frames of at most `limit` bytes.
    pub(super) fn server(limit: usize) -> Self {
        Self {
            codec: Codec::new().max_size(limit),
            end: End::Server,
            limit,
            unread: BytesMut::new(),
            is_busy: false,
        }
    }

    /// The client end; this input was received together with the response to its request.
    pub(super) fn client(limit: usize, unread: BytesMut) -> Self {
        Self {
            codec: Codec::new().max_size(limit).client_mode(),
            end: End::Client,
            limit,
            unread,
            is_busy: false,
        }
    }

    /// The buffer to which received bytes are appended.
    pub(super) fn unread(&mut self) -> &mut BytesMut {
        &mut self.unread
    }

    /// Whether there is unread input.
    pub(super) fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// The next complete frame, if any. Otherwise more input is needed; capacity is reserved for
    /// it if it is large.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, ProtocolError> {
        if self.unread.is_empty() {
            return Ok(None);
        }
        self.is_busy |= self.unread.len() > KEPT_WHEN_IDLE;
        if let Some(frame) = self.codec.decode(&mut self.unread)? {
            return Ok(Some(frame));
        }
        let mut guard = FrameGuard::new(self.limit);
        if let Err(oversize) = guard.inspect(&self.unread) {
            tracing::debug!(%oversize, "reading of a WebSocket stopped");
            return Err(ProtocolError::Overflow);
        }
        self.unread.reserve(guard.missing());
        Ok(None)
    }

    /// Appends a frame, as a binary message.
    pub(super) fn put(&mut self, frame: &Framed, out: &mut BytesMut) {
        let is_masked = self.end == End::Client;
        if frame.head().is_empty() {
            Parser::write_message(out, frame.bytes(), OpCode::Binary, true, is_masked);
        } else {
            put_in_two(frame, is_masked.then(rand::random), out);
        }
        self.is_busy |= out.len() > KEPT_WHEN_IDLE;
    }

    /// Appends any message.
    pub(super) fn encode(&mut self, message: Message, out: &mut BytesMut) -> Result<(), ProtocolError> {
        self.codec.encode(message, out)?;
        self.is_busy |= out.len() > KEPT_WHEN_IDLE;
        Ok(())
    }

    /// Ends a turn. Large buffers are released in the first turn without much data; a keepalive
    /// is such a turn, too.
    pub(super) fn rest(&mut self, out: &mut BytesMut) {
        if std::mem::take(&mut self.is_busy) {
            return;
        }
        for buffer in [&mut self.unread, out] {
            if buffer.is_empty() && buffer.capacity() > KEPT_WHEN_IDLE {
                *buffer = BytesMut::new();
            }
        }
    }
}

/// Appends a binary message that is in two pieces. The library accepts only one piece, which
/// would require another copy of each large message.
fn put_in_two(frame: &Framed, mask: Option<[u8; 4]>, out: &mut BytesMut) {
    const FINAL_BINARY: u8 = 0x82;
    const MASKED: u8 = 0x80;
    let masked = if mask.is_some() { MASKED } else { 0 };
    out.reserve(14 + frame.len());
    out.put_u8(FINAL_BINARY);
    match frame.len() {
        len @ 0..=125 => out.put_u8(masked | len as u8),
        len @ 126..=0xFFFF => {
            out.put_u8(masked | 126);
            out.put_u16(len as u16);
        }
        len => {
            out.put_u8(masked | 127);
            out.put_u64(len as u64);
        }
    }
    out.put_slice(mask.as_ref().map_or(&[], |mask| mask));
    let payload = out.len();
    out.put_slice(frame.head());
    append(out, frame.bytes());
    if let Some(mask) = mask {
        apply_mask(&mut out[payload..], mask);
    }
}

/// Sixteen bytes at a time, which is a single instruction on most processors.
fn apply_mask(bytes: &mut [u8], mask: [u8; 4]) {
    let (wide, rest) = bytes.as_chunks_mut::<16>();
    for sixteen in wide {
        for four in sixteen.as_chunks_mut::<4>().0 {
            *four = (u32::from_ne_bytes(*four) ^ u32::from_ne_bytes(mask)).to_ne_bytes();
        }
    }
    rest.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use distributed_scope_core::frame::Chunk;

    use super::*;

    fn bytes(len: usize) -> Bytes {
        (0..len).map(|n| (n * 7) as u8).collect()
    }

    #[test]
    fn what_one_end_puts_the_other_reads_in_one_piece_and_in_two() {
        const LIMIT: usize = 1 << 20;
        let ends = || [Wire::server(LIMIT), Wire::client(LIMIT, BytesMut::new())];
        for len in [0, 1, 15, 16, 17, 113, 114, 125, 126, 0xFFF3, 0xFFF4, 0xFFFF, 0x10000, 0x10001] {
            let chunk = Framed::chunk(Chunk { stream: 3, total: 1 << 20, bytes: bytes(len) });
            for frame in [Framed::from(bytes(len)), chunk] {
                for (mut from, mut to) in ends().into_iter().zip(ends().into_iter().rev()) {
                    from.put(&frame, to.unread());
                    let Ok(Some(Frame::Binary(read))) = to.next() else {
                        panic!("no binary message of {len}")
                    };
                    assert_eq!(read, frame.clone().into_bytes(), "{len} from {:?}", from.end);
                    assert!(to.unread().is_empty());
                }
            }
        }
    }
}
