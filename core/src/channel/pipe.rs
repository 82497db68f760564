//! The queue between the senders of a channel and its receiver, and where either of them is.
//!
//! Each process that has an end of a channel has a pipe of it. The pipe of a sender whose receiver
//! is at another peer has a [`Route`] there. The pipe of a receiver knows the remote senders as
//! [sources](Source), which it gives credit as items are taken. The lock of a pipe is taken before
//! the lock of a session, never inside it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::error::{End, SendError};
use super::item::Item;
use super::line::Outlet;
use super::route::Route;
use super::source::Source;
use super::state::{After, Consumer, State, add_waker};
use crate::session;
use crate::util::lock::Mutex;
use crate::wire::frame::Entry;

/// One channel, as one process sees it.
pub(crate) struct Pipe {
    /// The number of items that wait here at most, and that may be on their way to here.
    capacity: u32,
    /// A new item replaces one that waits.
    is_latest: bool,
    state: Mutex<State>,
}

/// What the receiver gets next.
pub(crate) enum Next {
    Item(Item),
    End(End),
}

impl Pipe {
    /// A channel whose ends are both in this process. Each end has to be
    /// [added](Self::add_sender).
    pub(crate) fn local(capacity: u32, is_latest: bool) -> Arc<Self> {
        Self::new(capacity, is_latest, Consumer::Here)
    }

    /// A channel whose receiver is at another peer.
    pub(crate) fn to_peer(entry: Entry, route: Route) -> Arc<Self> {
        Self::new(entry.capacity, entry.is_latest, Consumer::There(route))
    }

    /// A channel that accepts nothing: a dummy.
    pub(crate) fn closed() -> Arc<Self> {
        let pipe = Self::new(1, false, Consumer::Gone);
        pipe.state.lock().end = Some(End::Cancelled);
        pipe
    }

    fn new(capacity: u32, is_latest: bool, consumer: Consumer) -> Arc<Self> {
        let state = State {
            items: VecDeque::new(),
            senders: 0,
            sources: Vec::new(),
            consumer,
            has_receiver: false,
            end: None,
            reader: None,
            waiting: Vec::new(),
            is_boarding: false,
        };
        session::use_channels();
        Arc::new(Self { capacity: capacity.max(1), is_latest, state: Mutex::new(state) })
    }

    pub(crate) fn capacity(&self) -> u32 {
        self.capacity
    }

    pub(crate) fn is_latest(&self) -> bool {
        self.is_latest
    }

    fn with<T>(&self, change: impl FnOnce(&mut State, &mut After) -> T) -> T {
        let mut after = After::default();
        let result = change(&mut self.state.lock(), &mut after);
        while let Some(item) = after.run() {
            after = After::default();
            let mut state = self.state.lock();
            state.is_boarding = false;
            state.items.push_front(item);
            state.ship(self, &mut after);
        }
        result
    }

    /// Adds an item, or returns it if there is no room. `Err` if no more items are accepted.
    pub(crate) fn push(&self, item: Item) -> Result<Option<Item>, SendError> {
        self.with(|state, after| state.push(self, item, after))
    }

    /// Adds the item. It is taken when it is added.
    pub(crate) fn poll_push(&self, cx: &Context<'_>, item: &mut Option<Item>) -> Poll<Result<(), SendError>> {
        let Some(pushed) = item.take() else { return Poll::Ready(Ok(())) };
        self.with(|state, after| match state.push(self, pushed, after) {
            Ok(None) => Poll::Ready(Ok(())),
            Ok(back) => {
                *item = back;
                add_waker(&mut state.waiting, cx);
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error)),
        })
    }

    /// Adds an item that a source has sent within its credit.
    pub(crate) fn push_arrived(&self, item: Item) {
        self.with(|state, after| {
            if state.end.is_some() || matches!(state.consumer, Consumer::Gone) {
                after.dropped.push_back(item);
                return;
            }
            if self.is_latest {
                after.dropped.append(&mut state.items);
            }
            state.items.push_back(item);
            state.ship(self, after);
            after.reader = state.reader.take();
        });
    }

    /// The next item for the receiver in this process. After the last one, the end.
    pub(crate) fn poll_next(&self, cx: &Context<'_>) -> Poll<Next> {
        let next = self.with(|state, after| {
            if let Some(item) = state.items.pop_front() {
                if self.has_room(state) {
                    after.waiting.append(&mut state.waiting);
                }
                return Poll::Ready(Next::Item(item));
            }
            if let Some(end) = &state.end {
                return Poll::Ready(Next::End(end.clone()));
            }
            if !state.reader.as_ref().is_some_and(|reader| reader.will_wake(cx.waker())) {
                after.old_reader = state.reader.replace(cx.waker().clone());
            }
            Poll::Pending
        });
        // Credit is given without the lock: the session that it is for may end with this.
        next.map(|next| match next {
            Next::Item(mut item) => {
                item.consumed();
                Next::Item(item)
            }
            end @ Next::End(_) => end,
        })
    }

    /// Waits until no more items are accepted.
    pub(crate) fn poll_closed(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if state.is_closed() {
            return Poll::Ready(());
        }
        add_waker(&mut state.waiting, cx);
        Poll::Pending
    }

    /// Whether no more items are accepted.
    pub(crate) fn is_closed(&self) -> bool {
        self.state.lock().is_closed()
    }

    pub(crate) fn add_sender(&self) {
        self.state.lock().senders += 1;
    }

    /// A remote sender. It counts as a sender, too.
    pub(crate) fn add_source(&self, source: &Arc<Source>) {
        self.with(|state, after| {
            state.senders += 1;
            state.sources.retain(|source| source.strong_count() > 0);
            state.sources.push(Arc::downgrade(source));
            if state.is_closed() {
                after.sources.push(Arc::downgrade(source));
            }
        });
    }

    /// A sender has left. If it was the last one and none has said the end, this is the end.
    pub(crate) fn remove_sender(&self, end: impl FnOnce() -> End) {
        self.with(|state, after| {
            state.senders = state.senders.saturating_sub(1);
            if state.senders == 0 {
                state.end(self, end, after);
            }
        });
    }

    /// Whether one sender is left, and none has said the end.
    pub(crate) fn has_one_sender(&self) -> bool {
        let state = self.state.lock();
        state.senders == 1 && state.end.is_none()
    }

    /// No more items are accepted. The first end counts.
    pub(crate) fn end(&self, end: End) {
        self.with(|state, after| state.end(self, || end, after));
    }

    /// The receiver exists in this process.
    pub(crate) fn add_receiver(&self) {
        self.state.lock().has_receiver = true;
    }

    /// The receiver was dropped. If it was moved to another peer before, that does not matter.
    pub(crate) fn remove_receiver(&self) {
        self.with(|state, after| {
            state.has_receiver = false;
            if matches!(state.consumer, Consumer::Here) {
                state.lose_consumer(after);
            }
        });
    }

    /// From now on items go to another peer. If they do already, returns the route.
    pub(crate) fn send_to(&self, route: Route) {
        self.with(|state, after| {
            if matches!(state.consumer, Consumer::Here) {
                state.consumer = Consumer::There(route);
                state.ship(self, after);
            }
        });
    }

    pub(super) fn has_room(&self, state: &State) -> bool {
        match &state.consumer {
            _ if self.is_latest => true,
            Consumer::There(route) if route.is_open => state.items.is_empty() && route.has_credit(),
            Consumer::Here | Consumer::There(_) => state.items.len() < self.capacity as usize,
            Consumer::Gone => true,
        }
    }
}

impl Outlet for Pipe {
    fn opened(&self) {
        self.with(|state, after| {
            if let Consumer::There(route) = &mut state.consumer {
                route.is_open = true;
            }
            state.ship(self, after);
        });
    }

    fn ready(&self) {
        self.with(|state, after| state.ship(self, after));
    }

    fn credit(&self, items: u32, bytes: u32) {
        self.with(|state, after| {
            if let Consumer::There(route) = &mut state.consumer {
                route.items = route.items.saturating_add(items.into());
                route.bytes = route.bytes.saturating_add(bytes.into());
            }
            state.ship(self, after);
        });
    }

    fn receiver_gone(&self) {
        self.with(State::lose_consumer_if_there);
    }

    fn route_lost(&self, end: End) {
        self.with(|state, after| {
            if matches!(state.consumer, Consumer::There(_)) {
                state.end.get_or_insert(end);
                state.lose_consumer(after);
            }
        });
    }

    fn route_not_used(&self) {
        self.with(|state, after| {
            if matches!(state.consumer, Consumer::There(_)) {
                state.consumer = Consumer::Here;
                if !state.has_receiver {
                    state.lose_consumer(after);
                }
            }
        });
    }

    fn sender_left(&self, end: Option<End>) {
        if let Some(end) = end {
            self.end(end);
        }
        self.remove_sender(|| End::Cancelled);
    }
}
