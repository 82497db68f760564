//! Reports hops to all browsers.

use std::sync::atomic::Ordering;
use std::time::Instant;

use distributed_scope::PeerId;
use tokio::sync::broadcast;

use super::Board;
use crate::board::{Event, HopId};

/// A call that is in progress. It has failed if it is dropped before its end is reported.
#[derive(Debug)]
pub struct Hop {
    id: HopId,
    begun: Instant,
    /// The channel for its end, until that has been sent.
    events: Option<broadcast::Sender<Event>>,
}

impl Board {
    /// Notifies all pages that a call starts.
    #[must_use]
    pub fn begin(&self, from: PeerId, to: PeerId, function: &str, what: &str) -> Hop {
        let hop = HopId(self.next_hop.fetch_add(1, Ordering::Relaxed));
        let (function, what) = (function.to_owned(), what.to_owned());
        self.tell(Event::Begun { hop, from, to, function, what });
        Hop { id: hop, begun: Instant::now(), events: Some(self.events.clone()) }
    }

    /// Sends an event to all pages.
    pub fn tell(&self, event: Event) {
        // There may be no receiver.
        let _ = self.events.send(event);
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
        self.events = None;
        self.id
    }

    fn tell(&mut self, microseconds: Option<u64>) {
        if let Some(events) = self.events.take() {
            // There may be no receiver.
            let _ = events.send(Event::Ended { hop: self.id, microseconds });
        }
    }
}

impl Drop for Hop {
    fn drop(&mut self) {
        self.tell(None);
    }
}
