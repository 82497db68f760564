//! The clock of this process: the only place where the moments of the core meet real time.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use distributed_scope_core::Moment;

fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(Instant::now)
}

pub(crate) fn now() -> Moment {
    Moment::after_origin(origin().elapsed())
}

pub(crate) fn instant(moment: Moment) -> Instant {
    origin() + moment.since_origin()
}

/// The wall-clock time. Most systems stop the monotonic clock while the machine sleeps.
pub(crate) fn wall() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}
