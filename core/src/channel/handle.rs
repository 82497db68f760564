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
        if !(self.is_last() && blocks::keep(|| Arc::clone(&self.pipe) as _)) {
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
                Port::Out(Arc::clone(pipe) as _)
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
#[derive(Default)]
pub struct Handles(Option<Box<dyn Carried>>);

/// The ends of a message that has some. Only code that makes or reads an end names [`Set`].
trait Carried: Send + Sync {
    /// The places of the ends. That of an end that was taken is empty.
    fn places(&mut self) -> &mut Vec<Option<Handle>>;

    fn len(&self) -> usize;

    fn copied(&self) -> Box<dyn Carried>;

    /// They have arrived in a message.
    fn arrived(&mut self);

    fn has_receiver(&self) -> bool;

    fn append_table(&self, out: &mut Vec<u8>);

    fn board(&self, line: &Arc<dyn Line>) -> Boarded;
}

#[derive(Clone, Default)]
struct Set(Vec<Option<Handle>>);

impl Set {
    fn ends(&self) -> impl Iterator<Item = &Handle> {
        self.0.iter().flatten()
    }
}

impl Carried for Set {
    fn places(&mut self) -> &mut Vec<Option<Handle>> {
        &mut self.0
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn copied(&self) -> Box<dyn Carried> {
        Box::new(self.clone())
    }

    fn arrived(&mut self) {
        for handle in self.0.iter_mut().flatten() {
            if let Handle::Sender(sender) = handle {
                sender.arrival = Some(Arc::new(()));
            }
        }
    }

    fn has_receiver(&self) -> bool {
        self.ends().any(|handle| matches!(handle, Handle::Receiver(_)))
    }

    fn append_table(&self, out: &mut Vec<u8>) {
        let entries: Vec<_> = self.ends().map(Handle::entry).collect();
        Ends::append(out, entries.into_iter());
    }

    fn board(&self, line: &Arc<dyn Line>) -> Boarded {
        let first = line.number(self.len());
        let channels = (0..).map(|index| ChannelId(first + 2 * index));
        let ports = self.ends().zip(channels).map(|(handle, channel)| handle.board(line, channel)).collect();
        Boarded { first, ports }
    }
}

impl Handles {
    pub(crate) fn of(handles: Vec<Handle>) -> Self {
        let mut all = Self::default();
        for handle in handles {
            all.push(handle);
        }
        all
    }

    /// Adds an end. Returns its number.
    pub(super) fn push(&mut self, handle: Handle) -> usize {
        let places = self.0.get_or_insert_with(|| Box::<Set>::default()).places();
        places.push(Some(handle));
        places.len() - 1
    }

    /// The place of the end with this number.
    pub(super) fn place(&mut self, number: usize) -> Option<&mut Option<Handle>> {
        self.0.as_mut()?.places().get_mut(number)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |ends| ends.len())
    }

    /// The same ends, for a block of this peer itself.
    pub(crate) fn arrived_here(mut self) -> Self {
        if let Some(ends) = &mut self.0 {
            ends.arrived();
        }
        self
    }

    /// Whether there is a receiver among them.
    pub(crate) fn has_receiver(&self) -> bool {
        self.0.as_ref().is_some_and(|ends| ends.has_receiver())
    }

    /// Appends the table of a message.
    pub(crate) fn append_table(&self, out: &mut Vec<u8>) {
        if let Some(ends) = &self.0 {
            ends.append_table(out);
        }
    }

    /// Gives each of them a channel of a session.
    pub(crate) fn board(&self, line: &Arc<dyn Line>) -> Option<Boarded> {
        self.0.as_ref().map(|ends| ends.board(line))
    }
}

impl Clone for Handles {
    fn clone(&self) -> Self {
        Self(self.0.as_ref().map(|ends| ends.copied()))
    }
}

impl std::fmt::Debug for Handles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Handles({})", self.len())
    }
}
