//! Senders that a block drops while it runs: only when it has ended is it known why.

use std::cell::RefCell;
use std::sync::Arc;

use super::error::End;
use super::line::Outlet;

thread_local! {
    static KEPT: RefCell<Option<Vec<Arc<dyn Outlet>>>> = const { RefCell::new(None) };
}

/// Keeps the last sender of a channel until the block that runs on this thread has been polled.
/// False if no block with ends of channels does.
pub(super) fn keep(pipe: impl FnOnce() -> Arc<dyn Outlet>) -> bool {
    // A thread that ends may drop senders after its own data.
    let kept = KEPT.try_with(|kept| match &mut *kept.borrow_mut() {
        Some(kept) => {
            kept.push(pipe());
            true
        }
        None => false,
    });
    kept.unwrap_or(false)
}

/// Keeps senders that a block has dropped on another thread until it has been polled here.
pub(crate) fn keep_all(pipes: &[Arc<dyn Outlet>]) {
    for pipe in pipes {
        if !keep(|| Arc::clone(pipe)) {
            pipe.sender_left(None);
        }
    }
}

/// Senders that were dropped while this existed.
pub(crate) struct Dropped {
    before: Option<Vec<Arc<dyn Outlet>>>,
    is_over: bool,
}

impl Dropped {
    /// A block is polled on this thread until [`end`](Self::end).
    pub(crate) fn begin() -> Self {
        Self { before: KEPT.replace(Some(Vec::new())), is_over: false }
    }

    fn take(&mut self) -> Vec<Arc<dyn Outlet>> {
        if std::mem::replace(&mut self.is_over, true) {
            return Vec::new();
        }
        KEPT.replace(self.before.take()).unwrap_or_default()
    }

    /// The senders that were dropped, for a block that was run on another thread.
    pub(crate) fn into_pipes(mut self) -> Vec<Arc<dyn Outlet>> {
        self.take()
    }

    /// The block was polled. `end` is how it ended, if it failed.
    pub(crate) fn end(mut self, end: impl Fn() -> Option<End>) {
        for pipe in self.take() {
            pipe.sender_left(end());
        }
    }
}

impl Drop for Dropped {
    fn drop(&mut self) {
        for pipe in self.take() {
            pipe.sender_left(None);
        }
    }
}
