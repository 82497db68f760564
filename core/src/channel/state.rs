//! What is behind the lock of a pipe.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::task::{Context, Waker};

use super::error::{End, SendError};
use super::item::Item;
use super::line::Line;
use super::pipe::Pipe;
use super::route::Route;
use super::source::Source;
use crate::error::ErrorKind;

pub(super) struct State {
    pub(super) items: VecDeque<Item>,
    /// The senders of this process, and the sources.
    pub(super) senders: usize,
    pub(super) sources: Vec<Weak<Source>>,
    pub(super) consumer: Consumer,
    /// The receiver exists in this process, whether it is used here or was captured by a call.
    pub(super) has_receiver: bool,
    /// Set when no more items are accepted.
    pub(super) end: Option<End>,
    pub(super) reader: Option<Waker>,
    /// Tasks that wait for room, or for the end of the channel.
    pub(super) waiting: Vec<Waker>,
    /// The first item has ends that get channels at present, which takes other locks.
    pub(super) is_boarding: bool,
}

/// Who takes the items.
pub(super) enum Consumer {
    /// The receiver in this process.
    Here,
    /// A peer.
    There(Route),
    /// No more items are taken.
    Gone,
}

/// What follows from a change, when the lock is released.
#[derive(Default)]
pub(super) struct After {
    pub(super) reader: Option<Waker>,
    /// One that is not needed any more. It may own a task with an end of this channel.
    pub(super) old_reader: Option<Waker>,
    pub(super) waiting: Vec<Waker>,
    pub(super) dropped: VecDeque<Item>,
    pub(super) sources: Vec<Weak<Source>>,
    pub(super) boards: Option<(Item, Arc<dyn Line>)>,
    /// The session that items were sent on.
    pub(super) line: Option<Arc<dyn Line>>,
}

impl After {
    /// Returns the item that was to get channels for its ends, and has them.
    pub(super) fn run(self) -> Option<Item> {
        if let Some(reader) = self.reader {
            reader.wake();
        }
        self.waiting.into_iter().for_each(Waker::wake);
        self.sources.iter().filter_map(Weak::upgrade).for_each(|source| source.stop());
        self.boards.map(|(mut item, line)| {
            item.board(&line);
            item
        })
    }
}

impl State {
    pub(super) fn is_closed(&self) -> bool {
        self.end.is_some() || matches!(self.consumer, Consumer::Gone)
    }

    pub(super) fn push(
        &mut self,
        pipe: &Pipe,
        item: Item,
        after: &mut After,
    ) -> Result<Option<Item>, SendError> {
        if let Some(end) = &self.end {
            after.dropped.push_back(item);
            return Err(SendError::of_end(end));
        }
        if let Consumer::Gone = self.consumer {
            after.dropped.push_back(item);
            return Err(SendError::Closed);
        }
        if let Consumer::There(route) = &self.consumer {
            route.fits(&item)?;
        }
        if !pipe.has_room(self) {
            return Ok(Some(item));
        }
        if pipe.is_latest() {
            after.dropped.append(&mut self.items);
        }
        self.items.push_back(item);
        self.ship(pipe, after);
        after.reader = self.reader.take();
        Ok(None)
    }

    /// Sends items as far as the credit goes, and the end after the last one.
    pub(super) fn ship(&mut self, pipe: &Pipe, after: &mut After) {
        let Consumer::There(route) = &mut self.consumer else { return };
        if !route.is_open || self.is_boarding {
            return;
        }
        let Some(line) = route.line.upgrade() else { return };
        // If nothing else has the session any more, it ends when this is dropped, and then its
        // channels take this lock.
        after.line = Some(Arc::clone(&line));
        while route.has_credit()
            && let Some(item) = self.items.pop_front()
        {
            if item.must_board() {
                self.is_boarding = true;
                after.boards = Some((item, line));
                return;
            }
            if let Err(SendError::TooLarge { size, limit }) = route.fits(&item) {
                self.end.get_or_insert(End::failed(ErrorKind::TooLarge { size, limit }));
                after.dropped.push_back(item);
                after.dropped.append(&mut self.items);
                break;
            }
            let cost = i64::try_from(item.cost()).unwrap_or(i64::MAX);
            match line.item(route.channel, item) {
                Ok(rest) => {
                    after.dropped.push_back(rest);
                    route.items -= 1;
                    route.bytes = route.bytes.saturating_sub(cost);
                }
                // The pipe is notified when there is room.
                Err(item) => {
                    self.items.push_front(item);
                    break;
                }
            }
        }
        if self.items.is_empty()
            && let Some(end) = &self.end
        {
            line.leave(route.channel, end.leaving());
            self.consumer = Consumer::Gone;
        }
        if pipe.has_room(self) {
            after.waiting.append(&mut self.waiting);
        }
    }

    pub(super) fn end(&mut self, pipe: &Pipe, end: impl FnOnce() -> End, after: &mut After) {
        if self.end.is_some() {
            return;
        }
        self.end = Some(end());
        after.sources = std::mem::take(&mut self.sources);
        self.ship(pipe, after);
        after.reader = self.reader.take();
        after.waiting.append(&mut self.waiting);
    }

    pub(super) fn lose_consumer(&mut self, after: &mut After) {
        self.consumer = Consumer::Gone;
        after.dropped.append(&mut self.items);
        after.sources = std::mem::take(&mut self.sources);
        after.reader = self.reader.take();
        after.waiting.append(&mut self.waiting);
    }

    pub(super) fn lose_consumer_if_there(&mut self, after: &mut After) {
        if matches!(self.consumer, Consumer::There(_)) {
            self.lose_consumer(after);
        }
    }
}

pub(super) fn add_waker(waiting: &mut Vec<Waker>, cx: &Context<'_>) {
    if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
        waiting.push(cx.waker().clone());
    }
}
