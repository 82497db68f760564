//! Blocks that continue without a caller. A peer that drains waits for them, and a peer that stops
//! ends them.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use rustc_hash::FxHashMap;

use crate::peer::{Platform, Shared, Task};
use crate::util::lock::Mutex;

/// The detached blocks of a peer that had to wait for something.
pub(in crate::peer) struct Detached<P: Platform>(Mutex<State<P::Task>>);

struct State<T> {
    next: u64,
    /// The tasks by number; an entry is `None` until its task is known.
    tasks: FxHashMap<u64, Option<T>>,
    /// The tasks that wait until no detached block is left.
    waiting: Vec<Waker>,
}

pin_project_lite::pin_project! {
    /// A running detached block. An `async` block would store it twice.
    struct Placed<F, P: Platform> {
        #[pin]
        block: F,
        place: Place<P>,
    }
}

impl<F: Future<Output = ()>, P: Platform> Future for Placed<F, P> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().block.poll(cx)
    }
}

/// The place of a detached block, until this is dropped.
pub(in crate::peer) struct Place<P: Platform> {
    shared: Arc<Shared<P>>,
    number: u64,
}

impl<P: Platform> Default for Detached<P> {
    fn default() -> Self {
        Self(Mutex::new(State { next: 0, tasks: FxHashMap::default(), waiting: Vec::new() }))
    }
}

impl<P: Platform> Detached<P> {
    /// Runs a block to completion, unless the peer is stopped before.
    pub(in crate::peer) fn spawn(shared: &Arc<Shared<P>>, block: impl Future<Output = ()> + 'static) {
        let place = Self::enter(shared);
        let number = place.number;
        let task = shared.platform().spawn_here(Placed { block, place });
        shared.detached().keep(number, task);
    }

    /// Registers a block that begins. Draining waits for it until its place is dropped.
    pub(in crate::peer) fn enter(shared: &Arc<Shared<P>>) -> Place<P> {
        let mut state = shared.detached().0.lock();
        let number = state.next;
        state.next += 1;
        state.tasks.insert(number, None);
        drop(state);
        Place { shared: Arc::clone(shared), number }
    }

    /// It may have ended already.
    fn keep(&self, number: u64, task: P::Task) {
        if let Some(place) = self.0.lock().tasks.get_mut(&number) {
            *place = Some(task);
        }
    }

    fn leave(&self, number: u64) {
        let mut state = self.0.lock();
        state.tasks.remove(&number);
        let waiting = if state.tasks.is_empty() { std::mem::take(&mut state.waiting) } else { Vec::new() };
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Ends all of them.
    pub(in crate::peer) fn abort(&self) {
        let tasks: Vec<_> = self.0.lock().tasks.values_mut().filter_map(Option::take).collect();
        tasks.iter().for_each(Task::abort);
    }

    /// Waits until no detached block is left.
    pub(in crate::peer) async fn until_none(&self) {
        poll_fn(|cx| {
            let mut state = self.0.lock();
            if state.tasks.is_empty() {
                return Poll::Ready(());
            }
            if !state.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
                state.waiting.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }
}

impl<P: Platform> Drop for Place<P> {
    fn drop(&mut self) {
        self.shared.detached().leave(self.number);
    }
}
