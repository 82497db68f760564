//! Blocks that run on the blocking pool: `#[block(blocking)]`.
//!
//! What belongs to a block that runs there, it has in a [`Lease`], which is moved to the pool with
//! it: so the block counts as running, and its memory as held, until it ends there, whatever
//! becomes of its call.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker};

use futures_channel::oneshot;

use crate::call::here::{Context, Scoped};
use crate::channel::blocks::{self, Dropped};
use crate::channel::line::Outlet;
use crate::registry::{Body, BodyError, Outcome};
use crate::util::guard::{self, Panic};

/// A block's body that is no future. It is called on a thread that may be held.
pub struct Blocking(Option<Box<dyn FnOnce() -> Outcome + Send>>);

impl Blocking {
    pub(crate) fn new(body: impl FnOnce() -> Outcome + Send + 'static) -> Self {
        Self(Some(Box::new(body)))
    }

    /// How many bytes of memory it takes.
    pub(crate) fn size(&self) -> usize {
        self.0.as_deref().map_or(0, size_of_val)
    }

    fn call(mut self) -> Result<Outcome, Panic> {
        match self.0.take() {
            Some(body) => guard::run(body),
            None => Ok(Err(BodyError::NotBegun)),
        }
    }
}

impl Drop for Blocking {
    /// It has captures, which are the program's.
    fn drop(&mut self) {
        if let Some(body) = self.0.take() {
            guard::let_go(body);
        }
    }
}

impl fmt::Debug for Blocking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Blocking")
    }
}

/// What a block has as long as it runs on the blocking pool; it gives it back when it is dropped.
pub(crate) trait Lease: Send {
    /// Whether the block may begin. If it may, nothing ends it any more.
    fn may_begin(&self) -> bool;
}

/// A body that has `blocking` run on the pool of its peer when it is first polled. Dropping it
/// before the block begins is in time; later, only the outcome is dropped.
pub(crate) fn body(context: Arc<Context>, blocking: Blocking, lease: Box<dyn Lease>) -> Body {
    Box::pin(async move {
        let (sender, receiver) = oneshot::channel();
        let host = Arc::clone(&context.host);
        let span = tracing::Span::current();
        let work = Work { blocking, context, lease };
        host.run_blocking(Box::new(move || span.in_scope(|| work.run(sender))));
        // A pool that has ended drops it.
        let Ok((outcome, dropped)) = receiver.await else { return Err(BodyError::NotBegun) };
        blocks::keep_all(&dropped);
        outcome
    })
}

/// What is moved to the pool. The body is dropped first.
struct Work {
    blocking: Blocking,
    context: Arc<Context>,
    lease: Box<dyn Lease>,
}

impl Work {
    fn run(self, outcome: oneshot::Sender<(Outcome, Vec<Arc<dyn Outlet>>)>) {
        let Self { blocking, context, lease } = self;
        let is_dropped = outcome.is_canceled();
        let is_late = context.deadline.has_passed(context.host.now());
        let running = async move {
            if is_late {
                return Err(BodyError::TooLate);
            }
            if is_dropped || !lease.may_begin() {
                return Err(BodyError::NotBegun);
            }
            let ended = blocking.call().unwrap_or_else(|panic| Err(BodyError::Panicked(panic)));
            drop(lease);
            ended
        };
        let mut running = pin!(Scoped::new(context, running));
        let dropped = Dropped::begin();
        if let Poll::Ready(ended) = running.as_mut().poll(&mut task::Context::from_waker(Waker::noop())) {
            // The caller may have stopped waiting. An error that was raised is the program's.
            if let Err((unwanted, dropped)) = outcome.send((ended, dropped.into_pipes())) {
                blocks::keep_all(&dropped);
                guard::let_go(unwanted);
            }
        }
    }
}
