//! A session as the channels that it carries see it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use super::Link;
use crate::channel::handle::Handles;
use crate::channel::item::Item;
use crate::channel::line::{Boarded, Line};
use crate::peer::Platform;
use crate::wire::frame::{ChannelId, Credit, Leaving};

impl<P: Platform> Link<P> {
    /// Gives ends that a message carries channels of this session. Called without the lock.
    pub(super) fn board(self: &Arc<Self>, handles: &Handles) -> Option<Boarded> {
        if handles.is_empty() {
            return None;
        }
        let line: Arc<dyn Line> = Arc::clone(self) as _;
        handles.board(&line)
    }

    /// Performs the events of channels that wait.
    pub(super) fn perform_channel_events(&self) {
        while let Some(event) = self.with(|state| state.session.next_channel_event()) {
            event.perform();
        }
    }

    pub(super) fn weak_line(self: &Arc<Self>) -> Weak<dyn Line> {
        let line: Weak<Self> = Arc::downgrade(self);
        line
    }
}

impl<P: Platform> Line for Link<P> {
    fn item(&self, channel: ChannelId, item: Item) -> Result<Item, Item> {
        let size = item.cost();
        self.with(|state| {
            state.passed(size);
            state.session.send_item(channel, item)
        })
    }

    fn credit(&self, credit: Credit) {
        self.with(|state| state.session.send_credit(credit));
    }

    fn leave(&self, channel: ChannelId, how: Leaving) {
        let port = self.with(|state| state.session.leave_channel(channel, how));
        drop(port);
    }

    fn drained(&self, channel: ChannelId) {
        self.with(|state| state.session.channel_drained(channel));
    }

    fn number(&self, count: usize) -> u64 {
        self.next_channel.fetch_add(2 * count as u64, Ordering::Relaxed)
    }

    fn window(&self) -> u32 {
        self.shared.limits().channel_window
    }

    fn largest(&self) -> usize {
        self.state.lock().session.largest()
    }
}
