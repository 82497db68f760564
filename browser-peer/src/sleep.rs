//! Waiting in a page.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use distributed_scope_core::Moment;
use gloo_timers::future::TimeoutFuture;

use crate::clock;

/// Ends at a moment, or soon after it; in a page that is hidden, up to a minute after it. The timer is taken back when it
/// is dropped.
pub(crate) struct Sleep {
    until: Moment,
    timer: TimeoutFuture,
}

impl Sleep {
    pub(crate) fn until(until: Moment) -> Self {
        Self { until, timer: timer(until) }
    }
}

fn timer(until: Moment) -> TimeoutFuture {
    let left: Duration = until.since(clock::now());
    // Rounded up, so that it is not early. What does not fit into a timer takes several of them.
    let millis = left.as_micros().div_ceil(1000);
    TimeoutFuture::new(u32::try_from(millis).unwrap_or(u32::MAX).min(i32::MAX.unsigned_abs()))
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(Pin::new(&mut self.timer).poll(cx));
            if self.until <= clock::now() {
                return Poll::Ready(());
            }
            self.timer = timer(self.until);
        }
    }
}
