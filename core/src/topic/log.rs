//! The newest items of a topic, encoded.

use std::collections::VecDeque;
use std::task::{Context, Waker};

use crate::channel::item::Item;

/// The newest items. Each has a number, counted from the first one that was ever published.
pub(super) struct Log {
    keep: usize,
    items: VecDeque<Item>,
    /// The number of the first item that is kept.
    first: u64,
    /// Subscribers that have read everything.
    waiting: Vec<Waker>,
    is_over: bool,
}

/// What comes at a position.
pub(super) enum Read {
    Item(Item),
    /// This many items are no longer kept.
    Lagged(u64),
    /// Nothing yet. The reader is woken when there is something.
    Nothing,
    /// Nothing, and nothing will come.
    Over,
}

impl Log {
    pub(super) fn new(keep: usize) -> Self {
        Self { keep, items: VecDeque::new(), first: 0, waiting: Vec::new(), is_over: false }
    }

    pub(super) fn keep(&mut self, items: usize) {
        self.keep = items.max(1);
        self.trim();
    }

    /// The position after the newest item.
    pub(super) fn end(&self) -> u64 {
        self.first + self.items.len() as u64
    }

    /// Adds an item. Returns the subscribers to wake.
    pub(super) fn push(&mut self, item: Item) -> Vec<Waker> {
        self.items.push_back(item);
        self.trim();
        std::mem::take(&mut self.waiting)
    }

    /// Nothing more will come. Returns the subscribers to wake.
    pub(super) fn close(&mut self) -> Vec<Waker> {
        self.is_over = true;
        std::mem::take(&mut self.waiting)
    }

    fn trim(&mut self) {
        while self.items.len() > self.keep {
            self.items.pop_front();
            self.first += 1;
        }
    }

    pub(super) fn read(&mut self, position: u64, cx: &Context<'_>) -> Read {
        let Some(place) = position.checked_sub(self.first) else {
            return Read::Lagged(self.end() - position);
        };
        match usize::try_from(place).ok().and_then(|place| self.items.get(place)) {
            Some(item) => Read::Item(item.copy()),
            None if self.is_over => Read::Over,
            None => {
                self.waiting.push(cx.waker().clone());
                Read::Nothing
            }
        }
    }
}
