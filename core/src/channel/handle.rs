//! Ends of channels without the type of their items, and how they are counted.

use std::sync::{Arc, Weak};

use super::blocks;
use super::error::End;
use super::line::{Boarded, Line, Port};
use super::pipe::Pipe;
use super::route::Route;
use super::source::Source;
use crate::wire::frame::{ChannelId, Direction, Ends, Entry};

/// A sender.
pub(crate) struct SenderHandle {
    pipe: Arc<Pipe>,
    /// Shared by the clones of one that has arrived in a message.
    arrival: Option<Arc<()>>,
}

impl SenderHandle {
    pub(crate) fn new(pipe: Arc<Pipe>) -> Self {
        pipe.add_sender();
        Self { pipe, arrival: None }
    }

    pub(crate) fn pipe(&self) -> &Arc<Pipe> {
        &self.pipe
    }

    /// It has arrived in a message.
    pub(super) fn arrived(mut self) -> Self {
        self.arrival = Some(Arc::new(()));
        self
    }

    /// Whether it is the last one of those that its block has got.
    fn is_last(&self) -> bool {
        self.arrival.as_ref().is_some_and(|arrival| Arc::strong_count(arrival) == 1)
            || self.pipe.has_one_sender()
    }
}

impl Clone for SenderHandle {
    fn clone(&self) -> Self {
        self.pipe.add_sender();
        Self { pipe: Arc::clone(&self.pipe), arrival: self.arrival.clone() }
    }
}

impl Drop for SenderHandle {
    fn drop(&mut self) {
        // The last sender of a block that fails says why, when the block has ended.
        if !(self.is_last() && blocks::keep(&self.pipe)) {
            self.pipe.remove_sender(|| End::Cancelled);
        }
    }
}

/// The receiver. It is shared while it is on its way to another peer.
pub(crate) struct ReceiverHandle(Arc<Pipe>);

impl ReceiverHandle {
    pub(crate) fn new(pipe: Arc<Pipe>) -> Self {
        pipe.add_receiver();
        Self(pipe)
    }

    pub(crate) fn pipe(&self) -> &Arc<Pipe> {
        &self.0
    }
}

impl Drop for ReceiverHandle {
    fn drop(&mut self) {
        self.0.remove_receiver();
    }
}

/// An end of a channel.
#[derive(Clone)]
pub(crate) enum Handle {
    Sender(SenderHandle),
    Receiver(Arc<ReceiverHandle>),
}

impl Handle {
    fn entry(&self) -> Entry {
        let (pipe, direction) = match self {
            Self::Sender(sender) => (sender.pipe(), Direction::Sender),
            Self::Receiver(receiver) => (receiver.pipe(), Direction::Receiver),
        };
        Entry { direction, is_latest: pipe.is_latest(), capacity: pipe.capacity() }
    }

    /// The port of this side when the end goes to the other side of a session.
    fn board(&self, line: &Arc<dyn Line>, channel: ChannelId) -> Port {
        let way = Arc::downgrade(line);
        match self {
            Self::Sender(sender) => Port::In(Source::new(sender.pipe(), way, channel)),
            Self::Receiver(receiver) => {
                let pipe = receiver.pipe();
                pipe.send_to(Route::new(way, channel, pipe.capacity(), line.largest()));
                Port::Out(Arc::clone(pipe))
            }
        }
    }

    /// The end that another side has sent, and the port of it.
    pub(crate) fn arrived(
        entry: Entry,
        line: Weak<dyn Line>,
        channel: ChannelId,
        largest: usize,
    ) -> (Self, Port) {
        match entry.direction {
            Direction::Sender => {
                let route = Route::new(line, channel, entry.capacity, largest).opened();
                let pipe = Pipe::to_peer(entry, route);
                (Self::Sender(SenderHandle::new(Arc::clone(&pipe)).arrived()), Port::Out(pipe))
            }
            Direction::Receiver => {
                let pipe = Pipe::local(entry.capacity, entry.is_latest);
                let receiver = ReceiverHandle::new(Arc::clone(&pipe));
                let source = Source::new(&pipe, line, channel);
                (Self::Receiver(Arc::new(receiver)), Port::In(source))
            }
        }
    }
}

/// The ends that a message carries. Most carry none.
#[derive(Clone, Default)]
pub struct Handles(Option<Box<[Handle]>>);

impl Handles {
    pub(crate) fn of(handles: Vec<Handle>) -> Self {
        Self((!handles.is_empty()).then(|| handles.into_boxed_slice()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn len(&self) -> usize {
        self.iter().len()
    }

    fn iter(&self) -> std::slice::Iter<'_, Handle> {
        self.0.as_deref().unwrap_or_default().iter()
    }

    pub(crate) fn take(&mut self) -> Vec<Handle> {
        self.0.take().map_or_else(Vec::new, <[Handle]>::into_vec)
    }

    /// The same ends, for a block of this peer itself.
    pub(crate) fn arrived_here(mut self) -> Self {
        let mark = |handle| match handle {
            Handle::Sender(sender) => Handle::Sender(sender.arrived()),
            receiver @ Handle::Receiver(_) => receiver,
        };
        Self::of(self.take().into_iter().map(mark).collect())
    }

    /// Whether there is a receiver among them.
    pub(crate) fn has_receiver(&self) -> bool {
        self.iter().any(|handle| matches!(handle, Handle::Receiver(_)))
    }

    /// Appends the table of a message.
    pub(crate) fn append_table(&self, out: &mut Vec<u8>) {
        if !self.is_empty() {
            Ends::append(out, self.iter().map(Handle::entry));
        }
    }

    /// Gives each of them a channel of a session.
    pub(crate) fn board(&self, line: &Arc<dyn Line>) -> Boarded {
        let first = line.number(self.len());
        let channels = (0..self.len() as u64).map(|index| ChannelId(first + 2 * index));
        let ports = self.iter().zip(channels).map(|(handle, channel)| handle.board(line, channel)).collect();
        Boarded { first, ports }
    }
}

impl std::fmt::Debug for Handles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Handles({})", self.len())
    }
}
