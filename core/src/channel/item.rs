//! An encoded item of a channel.

use std::sync::Arc;

use bytes::Bytes;

use super::handle::Handles;
use super::line::{Boarded, Inlet, Line};
use crate::wire::codec::Codec;
use crate::wire::encoded::Encoded;
use crate::wire::frame::{Chunk, Ends, ITEM_COST, ITEM_HEAD};

/// An item that waits to be sent or to be taken.
pub(crate) struct Item {
    codec: Codec,
    /// The payload behind `head` bytes, and before a table of `tail` bytes.
    frame: Encoded,
    head: usize,
    tail: usize,
    handles: Handles,
    /// The channels of its ends on the session that it is about to be sent on.
    boarded: Option<Boarded>,
    /// The remote sender, until the item was taken.
    from: Option<Arc<dyn Inlet>>,
}

impl Item {
    /// An item that was encoded here behind [`ITEM_HEAD`] bytes.
    pub(crate) fn made(codec: Codec, frame: Vec<u8>, handles: Handles) -> Self {
        let tail = Ends::size(handles.len());
        Self { codec, frame: frame.into(), head: ITEM_HEAD, tail, handles, boarded: None, from: None }
    }

    /// An item that a remote sender has sent. A small one no longer shares the buffer that was
    /// read from the socket.
    pub(crate) fn arrived(codec: Codec, payload: Bytes, handles: Handles, from: Arc<dyn Inlet>) -> Self {
        let frame = match payload.len() <= Chunk::SIZE {
            true => Encoded::Own(payload.to_vec()),
            false => Encoded::Shared(payload),
        };
        Self { codec, frame, head: 0, tail: 0, handles, boarded: None, from: Some(from) }
    }

    /// The same item for another channel. It has no ends of channels.
    pub(crate) fn copy(&self) -> Self {
        let (codec, frame, head) = (self.codec, self.frame.clone(), self.head);
        Self { codec, frame, head, tail: 0, handles: Handles::default(), boarded: None, from: None }
    }

    /// Passes an item that has arrived to its channel.
    pub(crate) fn deliver(self) {
        if let Some(source) = self.from.clone() {
            source.arrived(self);
        }
    }

    /// The number of bytes that it needs of the credit.
    pub(crate) fn cost(&self) -> usize {
        self.payload().len() + ITEM_COST
    }

    /// It was taken, or sent on: its sender may send more.
    pub(crate) fn consumed(&mut self) {
        if let Some(from) = self.from.take() {
            from.consumed(self.cost());
        }
    }

    pub(crate) fn codec(&self) -> Codec {
        self.codec
    }

    pub(crate) fn payload(&self) -> &[u8] {
        self.frame.get(self.head..self.frame.len() - self.tail).unwrap_or_default()
    }

    pub(crate) fn take_handles(&mut self) -> Handles {
        std::mem::take(&mut self.handles)
    }

    /// Whether its ends need channels before it can be sent.
    pub(crate) fn must_board(&self) -> bool {
        !self.handles.is_empty() && self.boarded.is_none()
    }

    /// Gives its ends channels.
    pub(crate) fn board(&mut self, line: &Arc<dyn Line>) {
        self.boarded = self.handles.board(line);
    }

    pub(crate) fn take_boarded(&mut self) -> Option<Boarded> {
        self.boarded.take()
    }

    /// The payload behind [`ITEM_HEAD`] bytes, and the table of its ends.
    pub(crate) fn take_frame(&mut self) -> Encoded {
        if self.head == ITEM_HEAD {
            return std::mem::take(&mut self.frame);
        }
        let mut frame = [&[0; ITEM_HEAD], self.payload()].concat();
        self.handles.append_table(&mut frame);
        frame.into()
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        self.consumed();
    }
}
