//! A session, as the channels that it carries see it.

use std::sync::{Arc, Weak};

use super::error::End;
use super::item::Item;
use crate::wire::frame::{ChannelId, Credit, Ends, Leaving};

/// Sends the frames of channels. Most methods are called with the lock of a pipe.
pub(crate) trait Line: Send + Sync {
    /// Sends an item, and returns what is left of it. If too much output waits, the error is the
    /// item, and [`Outlet::ready`] is called when there is room.
    fn item(&self, channel: ChannelId, item: Item) -> Result<Item, Item>;

    /// Lets the other side send more items.
    fn credit(&self, credit: Credit);

    /// This side is finished with a channel.
    fn leave(&self, channel: ChannelId, how: Leaving);

    /// All items of a channel that the other side has ended were taken or dropped.
    fn drained(&self, channel: ChannelId);

    /// Numbers for this many channels of this side. The first one; each further one is larger by
    /// 2.
    fn number(&self, count: usize) -> u64;

    /// The bytes that may be in flight on one channel to this side.
    fn window(&self) -> u32;

    /// The largest message that the other side accepts, in bytes.
    fn largest(&self) -> usize;
}

/// The pipe of a channel whose receiver is at another peer, as its session sees it.
///
/// Sessions, events and messages know pipes and sources by traits alone: a program that makes no
/// channel then does not contain them. That counts in a page.
pub(crate) trait Outlet: Send + Sync {
    /// The other side can know the channel now, so that items can be sent.
    fn opened(&self);

    /// The session has room for items again.
    fn ready(&self);

    /// The remote receiver accepts more.
    fn credit(&self, items: u32, bytes: u32);

    /// The remote receiver takes no more items.
    fn receiver_gone(&self);

    /// The way to the remote receiver is lost.
    fn route_lost(&self, end: End);

    /// The message that was to carry the receiver to another peer was not sent.
    fn route_not_used(&self);

    /// A block that has ended has dropped its last sender. `end` is how, if it failed.
    fn sender_left(&self, end: Option<End>);
}

/// A sender at another peer, as its session sees it.
pub(crate) trait Inlet: Send + Sync {
    /// It has sent an item.
    fn arrived(&self, item: Item);

    /// An item that needed this much of the credit was taken.
    fn consumed(&self, cost: usize);

    /// It sends no more.
    fn ended(&self, end: End);

    /// The number of items that may be on their way.
    fn capacity(&self) -> u32;
}

/// One end of a channel whose other end is at the other side of a session.
pub(crate) enum Port {
    /// The other side receives.
    Out(Arc<dyn Outlet>),
    /// The other side sends.
    In(Arc<dyn Inlet>),
}

impl Port {
    /// The session is over.
    pub(crate) fn lost(self, end: End) {
        match self {
            Self::Out(pipe) => pipe.route_lost(end),
            Self::In(source) => source.ended(end),
        }
    }

    /// The message that was to carry the other end was not sent.
    pub(crate) fn unused(self) {
        match self {
            Self::Out(pipe) => pipe.route_not_used(),
            Self::In(source) => source.ended(End::Cancelled),
        }
    }
}

/// The channels of the ends that a message carries: their ports at this side, in order.
pub(crate) struct Boarded {
    pub(crate) first: u64,
    pub(crate) ports: Vec<Port>,
}

impl Boarded {
    /// The message is not sent.
    pub(crate) fn unused(self) {
        self.ports.into_iter().for_each(Port::unused);
    }

    /// What the header of the message needs of them.
    pub(crate) fn ends(&self) -> Box<Ends> {
        Box::new(Ends { first: self.first, entries: Vec::new() })
    }
}

/// Nothing, where a `Weak<dyn Line>` is needed and there is no session.
pub(crate) enum NoLine {}

impl NoLine {
    pub(crate) fn weak() -> Weak<dyn Line> {
        Weak::<Self>::new()
    }
}

impl Line for NoLine {
    fn item(&self, _: ChannelId, _: Item) -> Result<Item, Item> {
        match *self {}
    }

    fn credit(&self, _: Credit) {}

    fn leave(&self, _: ChannelId, _: Leaving) {}

    fn drained(&self, _: ChannelId) {}

    fn number(&self, _: usize) -> u64 {
        match *self {}
    }

    fn window(&self) -> u32 {
        match *self {}
    }

    fn largest(&self) -> usize {
        match *self {}
    }
}
