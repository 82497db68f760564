//! The virtual clock of a network.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use distributed_scope_core::Moment;
use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct Clock {
    origin: Instant,
    /// What was last read on the thread of the network, in microseconds. Other threads have no
    /// virtual clock.
    last: AtomicU64,
}

impl Clock {
    /// Called on the thread of the network.
    pub(crate) fn start() -> Self {
        Self { origin: Instant::now(), last: AtomicU64::new(0) }
    }

    /// The time since the start, as the thread of the network sees it.
    pub(crate) fn elapsed(&self) -> Duration {
        let elapsed = self.origin.elapsed();
        self.last.store(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        elapsed
    }

    /// The same for other threads: the last time that was read there.
    pub(crate) fn last(&self) -> Duration {
        Duration::from_micros(self.last.load(Ordering::Relaxed))
    }

    pub(crate) fn instant(&self, moment: Moment) -> Instant {
        // Further away than any test runs.
        let never = || self.origin + Duration::from_secs(60 * 60 * 24 * 365);
        self.origin.checked_add(moment.since_origin()).unwrap_or_else(never)
    }
}
