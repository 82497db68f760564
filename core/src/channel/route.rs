//! The way of items to another peer.

use std::sync::Weak;

use super::error::SendError;
use super::item::Item;
use super::line::Line;
use crate::wire::frame::{ChannelId, FIRST_BYTES, ITEM_HEAD};

/// The way of items to another peer.
pub(crate) struct Route {
    pub(super) line: Weak<dyn Line>,
    pub(super) channel: ChannelId,
    /// The number of items and bytes that may be sent. The last item may exceed the bytes.
    pub(super) items: u64,
    pub(super) bytes: i64,
    /// The largest message that the other side accepts, in bytes.
    pub(super) largest: usize,
    /// The other side can know the channel.
    pub(super) is_open: bool,
}

impl Route {
    /// A route that [opens](Pipe::opened) when the message with the other end was sent.
    pub(crate) fn new(line: Weak<dyn Line>, channel: ChannelId, capacity: u32, largest: usize) -> Self {
        let (items, bytes) = (capacity.into(), FIRST_BYTES.into());
        Self { line, channel, items, bytes, largest, is_open: false }
    }

    /// The other side knows the channel.
    pub(crate) fn opened(self) -> Self {
        Self { is_open: true, ..self }
    }

    pub(super) fn fits(&self, item: &Item) -> Result<(), SendError> {
        let (size, limit) = (item.payload().len() + ITEM_HEAD, self.largest);
        if size > limit { Err(SendError::TooLarge { size, limit }) } else { Ok(()) }
    }

    pub(super) fn has_credit(&self) -> bool {
        self.is_open && self.items > 0 && self.bytes > 0
    }
}
