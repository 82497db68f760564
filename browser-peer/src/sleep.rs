//! Timers of a page.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use distributed_scope_core::Moment;
use gloo_timers::future::TimeoutFuture;

use crate::clock;
use crate::wake_up::WakeUp;

/// Completes at a moment or soon after it; in a hidden page, up to a minute after it. Dropping it
/// clears the timer.
pub(crate) struct Sleep {
    until: Moment,
    /// `None` for a moment that has passed: in a hidden page, even a timer of zero length may
    /// take a minute.
    timer: Option<TimeoutFuture>,
    wake_up: Option<WakeUp>,
}

impl Sleep {
    pub(crate) fn until(until: Moment) -> Self {
        Self { until, timer: timer(until), wake_up: None }
    }

    /// Completes earlier when the browser is online again, or when the page becomes visible
    /// again.
    pub(crate) fn or_until_awake(self) -> Self {
        Self { wake_up: Some(WakeUp::listen()), ..self }
    }
}

fn timer(until: Moment) -> Option<TimeoutFuture> {
    let left: Duration = until.since(clock::now());
    if left.is_zero() {
        return None;
    }
    // Rounded up, so that it is not early. A delay that exceeds the maximum of a timer takes
    // several.
    let millis = left.as_secs().saturating_mul(1000) + u64::from(left.subsec_nanos().div_ceil(1_000_000));
    Some(TimeoutFuture::new(u32::try_from(millis).unwrap_or(u32::MAX).min(i32::MAX.unsigned_abs())))
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(wake_up) = &mut self.wake_up
            && wake_up.poll(cx).is_ready()
        {
            return Poll::Ready(());
        }
        while let Some(timer) = &mut self.timer {
            ready!(Pin::new(timer).poll(cx));
            self.timer = self::timer(self.until);
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::{Either, select};
    use wasm_bindgen_test::wasm_bindgen_test;
    use web_sys::Event;

    use super::*;

    #[wasm_bindgen_test]
    async fn it_does_not_end_before_its_moment() {
        for micros in [1, 900, 1_500, 20_300] {
            let until = clock::now() + Duration::from_micros(micros);
            Sleep::until(until).await;
            assert!(clock::now() >= until);
        }
    }

    #[wasm_bindgen_test]
    async fn what_does_not_fit_into_a_timer_does_not_end_at_once() {
        let for_months = Sleep::until(clock::now() + Duration::from_secs(100 * 24 * 60 * 60));
        let short = Sleep::until(clock::now() + Duration::from_millis(20));
        assert!(matches!(select(for_months, short).await, Either::Right(_)));
    }

    #[wasm_bindgen_test]
    async fn it_ends_early_when_the_browser_is_online_again() {
        let mut sleep = Sleep::until(clock::now() + Duration::from_secs(1_000_000)).or_until_awake();
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(Pin::new(&mut sleep).poll(&mut cx).is_pending());
        web_sys::window().unwrap().dispatch_event(&Event::new("online").unwrap()).unwrap();
        sleep.await;
    }
}
