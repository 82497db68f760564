//! A remote sender of a channel.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use super::error::End;
use super::item::Item;
use super::line::{Inlet, Line};
use super::pipe::Pipe;
use crate::util::lock::Mutex;
use crate::wire::frame::{ChannelId, Credit, FIRST_BYTES, Leaving};

/// A sender at another peer. It counts what was taken of its items, and returns credit for them.
pub(crate) struct Source {
    pipe: Arc<Pipe>,
    line: Weak<dyn Line>,
    channel: ChannelId,
    owed: Mutex<Owed>,
    has_ended: AtomicBool,
}

/// Credit that was not returned yet.
struct Owed {
    items: u32,
    bytes: u32,
    /// The bytes that may be in flight; 0 until the first item was taken.
    window: u32,
}

impl Source {
    /// A sender that another message than the pipe's own brought. It is added to the pipe.
    pub(crate) fn new(pipe: &Arc<Pipe>, line: Weak<dyn Line>, channel: ChannelId) -> Arc<Self> {
        let owed = Mutex::new(Owed { items: 0, bytes: 0, window: 0 });
        let source =
            Arc::new(Self { pipe: Arc::clone(pipe), line, channel, owed, has_ended: AtomicBool::new(false) });
        pipe.add_source(&source);
        source
    }

    /// No more of its items are wanted.
    pub(super) fn stop(&self) {
        if !self.has_ended.swap(true, Ordering::Relaxed)
            && let Some(line) = self.line.upgrade()
        {
            line.leave(self.channel, Leaving::Gone);
        }
    }
}

impl Inlet for Source {
    fn arrived(&self, item: Item) {
        self.pipe.push_arrived(item);
    }

    fn capacity(&self) -> u32 {
        self.pipe.capacity()
    }

    fn ended(&self, end: End) {
        if self.has_ended.swap(true, Ordering::Relaxed) {
            return;
        }
        match end {
            End::Cancelled => self.pipe.remove_sender(|| End::Cancelled),
            end => self.pipe.end(end),
        }
    }

    fn consumed(&self, cost: usize) {
        let mut owed = self.owed.lock();
        if owed.window == 0 {
            let Some(line) = self.line.upgrade() else { return };
            owed.window = line.window().max(FIRST_BYTES);
            // The window is larger than what every channel begins with.
            owed.bytes = owed.window - FIRST_BYTES;
        }
        owed.items += 1;
        owed.bytes = owed.bytes.saturating_add(u32::try_from(cost).unwrap_or(u32::MAX));
        if owed.items >= self.pipe.capacity().div_ceil(2) || owed.bytes >= owed.window / 2 {
            let (items, bytes) = (std::mem::take(&mut owed.items), std::mem::take(&mut owed.bytes));
            drop(owed);
            if let Some(line) = self.line.upgrade() {
                line.credit(Credit { channel: self.channel, items, bytes });
            }
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if let Some(line) = self.line.upgrade() {
            line.drained(self.channel);
        }
    }
}
