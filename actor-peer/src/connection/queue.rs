//! The busy connections of a thread take turns.
//!
//! An event loop polls every task that is ready, up to 61 of them, before it looks at its sockets
//! again. Connections with input left are always ready. If they woke themselves, a message on
//! another connection of the thread would be noticed after 61 turns: 30 ms, and longer if messages
//! take long. So a connection that has [used its share](super::turn) queues here. One connection
//! continues each time that the thread has looked at its sockets, and has run what was ready.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Waker};

thread_local! {
    static QUEUE: Queue = const { Queue { waiting: RefCell::new(VecDeque::new()), is_served: Cell::new(false) } };
}

struct Queue {
    waiting: RefCell<VecDeque<Rc<Entry>>>,
    /// Whether a task of this thread calls them.
    is_served: Cell<bool>,
}

#[derive(Default)]
struct Entry {
    is_called: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Entry {
    fn call(&self) {
        self.is_called.set(true);
        let waker = self.waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The place of a connection in the queue of its thread.
pub(super) struct Place(Rc<Entry>);

impl Place {
    /// The last place.
    pub(super) fn take() -> Self {
        let entry = Rc::<Entry>::default();
        QUEUE.with(|queue| {
            queue.waiting.borrow_mut().push_back(Rc::clone(&entry));
            if !queue.is_served.replace(true) {
                actix_rt::spawn(serve(Serving));
            }
        });
        Self(entry)
    }

    /// Whether it is the connection's turn. If not, its task is woken when it is.
    pub(super) fn is_called(&self, cx: &Context<'_>) -> bool {
        let is_called = self.0.is_called.get();
        let mut waker = self.0.waker.borrow_mut();
        if !is_called && !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        is_called
    }
}

impl Drop for Place {
    /// It may still be in the queue, which must not keep the connection's task.
    fn drop(&mut self) {
        self.0.is_called.set(true);
        self.0.waker.take();
    }
}

/// While this exists, a task of this thread calls the connections in the queue.
struct Serving;

impl Drop for Serving {
    /// The event loop of the thread may end earlier than its connections, and another one begin.
    fn drop(&mut self) {
        // A thread that ends has no queue any more, and nothing that waits in one.
        let _ = QUEUE.try_with(|queue| {
            queue.is_served.set(false);
            let left = queue.waiting.take();
            left.iter().for_each(|entry| entry.call());
        });
    }
}

async fn serve(serving: Serving) {
    loop {
        // Continues when nothing else is ready and the event loop has looked at its sockets.
        tokio::task::yield_now().await;
        let Some(next) = next() else { break };
        next.call();
    }
    drop(serving);
}

/// The next one that still waits.
fn next() -> Option<Rc<Entry>> {
    QUEUE.with(|queue| {
        let mut waiting = queue.waiting.borrow_mut();
        while let Some(next) = waiting.pop_front() {
            if !next.is_called.get() {
                return Some(next);
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use super::*;

    async fn called(place: Place) {
        poll_fn(|cx| if place.is_called(cx) { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// However many connections are busy, only one of them continues before the sockets are looked
    /// at again.
    #[actix_rt::test]
    async fn one_is_called_per_look_at_the_sockets() {
        let log = Rc::new(RefCell::new(Vec::new()));
        let busy: Vec<_> = (0..3)
            .map(|number| {
                let log = Rc::clone(&log);
                actix_rt::spawn(async move {
                    for _ in 0..2 {
                        called(Place::take()).await;
                        log.borrow_mut().push(number);
                    }
                })
            })
            .collect();
        let mut most = 0;
        while busy.iter().any(|task| !task.is_finished()) {
            let before = log.borrow().len();
            // Ready after the sockets were looked at.
            tokio::task::yield_now().await;
            most = most.max(log.borrow().len() - before);
        }
        assert_eq!(*log.borrow(), [0, 1, 2, 0, 1, 2]);
        assert_eq!(most, 1);
    }

    #[actix_rt::test]
    async fn place_that_is_given_up_is_passed_over() {
        let (first, second) = (Place::take(), Place::take());
        let entry = Rc::clone(&first.0);
        assert!(!first.is_called(&Context::from_waker(Waker::noop())));
        drop(first);
        assert!(entry.waker.borrow().is_none(), "the queue keeps no task");
        called(second).await;
        assert!(!QUEUE.with(|queue| queue.waiting.borrow().iter().any(|left| Rc::ptr_eq(left, &entry))));
    }

    #[test]
    fn later_event_loop_of_a_thread_serves_its_queue() {
        let left = actix_rt::System::new().block_on(async { Place::take() });
        assert!(left.is_called(&Context::from_waker(Waker::noop())), "the loop has ended");
        actix_rt::System::new().block_on(async { called(Place::take()).await });
    }
}
