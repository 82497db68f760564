//! Something that happens once and that tasks can wait for.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};

use crate::util::lock::Mutex;

/// Not set at first.
#[derive(Debug, Default)]
pub struct Flag {
    is_set: AtomicBool,
    waiting: Mutex<Vec<Waker>>,
}

impl Flag {
    /// Whether it is set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }

    /// Sets it for good.
    pub fn set(&self) {
        self.is_set.store(true, Ordering::Release);
        std::mem::take(&mut *self.waiting.lock()).into_iter().for_each(Waker::wake);
    }

    /// Waits until it is set. Dropping the future gives up.
    pub async fn wait(&self) {
        poll_fn(|cx| {
            if self.is_set() {
                return Poll::Ready(());
            }
            let mut waiting = self.waiting.lock();
            // `set` takes the wakers after it sets the flag.
            if self.is_set() {
                return Poll::Ready(());
            }
            if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
                waiting.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }
}
