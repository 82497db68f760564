//! Reports hops to all browsers.

use std::sync::atomic::Ordering;
use std::time::Instant;

use distributed_scope::{PeerId, Topic};

use super::Board;
use crate::board::{Change, Event, HopId, View};

/// A call that is in progress. It has failed if it is dropped before its end is reported.
#[derive(Debug)]
pub struct Hop {
    id: HopId,
    begun: Instant,
    /// The topic for its end, until that was published.
    topic: Option<Topic<Change, View>>,
}

impl Board {
    /// Notifies all pages that a call starts.
    #[must_use]
    pub fn begin(&self, from: PeerId, to: PeerId, function: &str, what: &str) -> Hop {
        let hop = HopId(self.next_hop.fetch_add(1, Ordering::Relaxed));
        let (function, what) = (function.to_owned(), what.to_owned());
        self.tell(Event::Begun { hop, from, to, function, what });
        Hop { id: hop, begun: Instant::now(), topic: Some(self.topic.clone()) }
    }

    /// Sends an event to all pages.
    pub fn tell(&self, event: Event) {
        publish(&self.topic, event);
    }
}

impl Hop {
    /// It has ended now.
    pub fn ended(mut self) {
        let microseconds = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.tell(Some(microseconds));
    }

    /// Leaves reporting its end to its caller.
    #[must_use]
    pub fn goes_on(mut self) -> HopId {
        self.topic = None;
        self.id
    }

    fn tell(&mut self, microseconds: Option<u64>) {
        if let Some(topic) = self.topic.take() {
            publish(&topic, Event::Ended { hop: self.id, microseconds });
        }
    }
}

fn publish(topic: &Topic<Change, View>, event: Event) {
    // An event can always be encoded, and is only for the drawing.
    let _ = topic.publish(Change::Hop(event));
}

impl Drop for Hop {
    fn drop(&mut self) {
        self.tell(None);
    }
}
