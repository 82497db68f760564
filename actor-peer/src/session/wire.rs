//! WebSocket frames in buffers: what was received and not read, and what is to be sent.
//!
//! The codec is that of actix-http. It compares a frame with its limit when it has the *whole* frame, so that one frame of 1 GiB
//! would cost 1 GiB of memory, whatever the limit; so a [`FrameGuard`] looks at the header of each that is not complete.

use actix_codec::{Decoder, Encoder};
use actix_http::ws::{Codec, Frame, Message, ProtocolError};
use bytes::{BufMut, BytesMut};
use distributed_scope_core::frame::Framed;
use distributed_scope_core::peer::Outgoing;

use super::frame_guard::FrameGuard;
use super::reader::close_reason;

/// What a buffer may keep for the next message when there is nothing in it.
const KEPT_WHEN_IDLE: usize = 8 << 10;

/// Which end it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Server,
    /// It masks what it sends.
    Client,
}

/// One end of a WebSocket, without its socket.
pub(super) struct Wire {
    codec: Codec,
    end: End,
    limit: usize,
    unread: BytesMut,
    /// Much came or went in this turn.
    is_busy: bool,
}

impl Wire {
    /// The server's end, which takes frames of at most `limit` bytes.
    #[cfg(any(not(feature = "actix-web-actors"), test))]
    pub(super) fn server(limit: usize) -> Self {
        Self {
            codec: Codec::new().max_size(limit),
            end: End::Server,
            limit,
            unread: BytesMut::new(),
            is_busy: false,
        }
    }

    /// The client's end, where this much was received with the answer to its request.
    pub(super) fn client(limit: usize, unread: BytesMut) -> Self {
        Self {
            codec: Codec::new().max_size(limit).client_mode(),
            end: End::Client,
            limit,
            unread,
            is_busy: false,
        }
    }

    /// Where received bytes are added.
    pub(super) fn unread(&mut self) -> &mut BytesMut {
        &mut self.unread
    }

    /// The next frame that is complete. If there is none, more has to be received, for which there is room if it is large.
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
            tracing::debug!(%oversize, "nothing more of this WebSocket is read");
            return Err(ProtocolError::Overflow);
        }
        self.unread.reserve(guard.missing());
        Ok(None)
    }

    /// Appends one thing to what is to be sent.
    pub(super) fn write(&mut self, outgoing: Outgoing, out: &mut BytesMut) -> Result<(), ProtocolError> {
        let message = match outgoing {
            Outgoing::Frame(frame) if self.end == End::Server && !frame.head().is_empty() => {
                put_unmasked(&frame, out);
                self.is_busy = true;
                return Ok(());
            }
            Outgoing::Frame(frame) => Message::Binary(frame.into_bytes()),
            Outgoing::Pong(payload) => Message::Pong(payload),
            Outgoing::Close(goodbye) => Message::Close(Some(close_reason(goodbye))),
        };
        self.encode(message, out)
    }

    /// The same for any message.
    pub(super) fn encode(&mut self, message: Message, out: &mut BytesMut) -> Result<(), ProtocolError> {
        self.codec.encode(message, out)?;
        self.is_busy |= out.len() > KEPT_WHEN_IDLE;
        Ok(())
    }

    /// Ends a turn. Large buffers are given back in the first turn without much in it, which a keepalive is, too.
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

/// Appends a binary message that is in two pieces. The codec takes it in one, which would be a copy of each large message more.
fn put_unmasked(frame: &Framed, out: &mut BytesMut) {
    const FINAL_BINARY: u8 = 0x82;
    out.reserve(10 + frame.len());
    out.put_u8(FINAL_BINARY);
    match frame.len() {
        len @ 0..=125 => out.put_u8(len as u8),
        len @ 126..=0xFFFF => {
            out.put_u8(126);
            out.put_u16(len as u16);
        }
        len => {
            out.put_u8(127);
            out.put_u64(len as u64);
        }
    }
    out.put_slice(frame.head());
    out.put_slice(frame.bytes());
}
