//! The state behind a session's lock, and the tasks that are woken when it changes.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::atomic::Ordering;
use std::task::{Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_channel::oneshot;

use super::slept::Clocks;
use super::{Epoch, Link, NEWS, Turn};
use crate::call::pending::Ending;
use crate::limits::account::Held;
use crate::peer::{Goodbye, Platform};
use crate::session::{Effect, Session, is_oversized};
use crate::util::keyed_hash::Keyed;
use crate::util::lock::MutexGuard;
use crate::util::time::Moment;
use crate::wire::frame::CallId;

/// The receiver of a call's result.
pub(super) type Waiter = oneshot::Sender<Ending>;

pub(super) struct State<P: Platform> {
    pub(super) session: Session<Waiter>,
    /// The approximate memory that the session holds.
    held: Held,
    /// The number of bytes received or sent since that was counted.
    uncounted: usize,
    pub(super) epoch: Epoch,
    /// The tasks of the blocks that run here and had to wait for something.
    pub(super) tasks: HashMap<CallId, P::Task, Keyed>,
    pub(super) goodbye: Option<Goodbye>,
    /// The frame that ends the session at the other side. It is sent before the goodbye.
    pub(super) last_frame: Option<Bytes>,
    pub(super) kill: Option<P::Kill>,
    /// The number of connections that were made to resume the session, and which of them was the
    /// last to do so.
    pub(super) comers: u64,
    pub(super) last_comer: u64,
    /// How long the last connection had been idle when it was lost.
    pub(super) idle: Duration,
    /// A connection was dropped because what was sent on it was not acknowledged, and the dialling
    /// side was not notified.
    pub(super) was_stuck: bool,
    /// Calls that wait until everything is read that arrived while their thread was blocked.
    pub(super) held_up: Vec<Effect<Waiter>>,
    pub(super) writer: Option<Waker>,
    pub(super) ticker: Option<Waker>,
    pub(super) clocks: Clocks,
    /// Tasks that wait for something of the session.
    waiting: Vec<(Awaited, Waker)>,
}

/// The session's memory is counted again after this many bytes were received or sent.
const GRAIN: usize = 16 << 10;

/// What tasks wait for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    /// The connection is lost, or the session is over.
    Loss,
    /// Calls can be made in both directions, or the session is over.
    Connection,
    /// The session is over.
    End,
    /// The other side has answered a probe, or has lost its connection.
    Answer,
    /// The other side has answered whether the principal of the session may change, or has lost
    /// its connection.
    Agreement,
    /// The queue has space again.
    Room,
    /// The session is idle, or is over.
    Idleness,
}

impl Awaited {
    fn has_come(self, session: &Session<Waiter>) -> bool {
        match self {
            Self::Loss => !session.is_carried(),
            Self::Connection => !session.is_alive() || session.is_attached() && session.is_open(),
            Self::End => !session.is_alive(),
            Self::Answer => !session.is_asked(),
            Self::Agreement => !session.is_asked_to_change(),
            Self::Room => !session.is_backpressured(),
            Self::Idleness => !session.is_alive() || session.is_idle(),
        }
    }
}

impl<P: Platform> State<P> {
    pub(super) fn new(session: Session<Waiter>, held: Held, kill: P::Kill) -> Self {
        Self {
            session,
            held,
            uncounted: 0,
            epoch: Epoch::default(),
            tasks: HashMap::default(),
            goodbye: None,
            last_frame: None,
            kill: Some(kill),
            comers: 0,
            last_comer: 0,
            idle: Duration::ZERO,
            was_stuck: false,
            held_up: Vec::new(),
            writer: None,
            ticker: None,
            clocks: Clocks::default(),
            waiting: Vec::new(),
        }
    }

    /// Records received or queued bytes. The session's memory is counted periodically, and each
    /// time while a limit is reached.
    pub(super) fn passed(&mut self, bytes: usize) {
        self.uncounted += bytes;
        if self.uncounted >= GRAIN || self.session.is_at_limit() {
            self.count();
        }
    }

    /// Counts the session's memory, and checks whether a limit on held memory is reached, by this
    /// session or by others.
    #[cold]
    pub(super) fn count(&mut self) {
        self.uncounted = 0;
        self.held.set(self.session.held());
        self.session.set_full(self.held.account().full(0));
    }

    /// Frees capacity that the table of tasks no longer needs.
    pub(super) fn shrink(&mut self) {
        if is_oversized(self.tasks.capacity(), self.tasks.len()) {
            self.tasks.shrink_to_fit();
        }
    }

    /// Returns the wakers whose event has occurred. Few tasks ever wait: a dialler for the loss of
    /// the connection, and others when something is wrong or ends.
    fn awaited(&mut self) -> Vec<Waker> {
        let session = &self.session;
        if !self.waiting.iter().any(|(awaited, _)| awaited.has_come(session)) {
            return Vec::new();
        }
        self.waiting
            .extract_if(.., |(awaited, _)| awaited.has_come(session))
            .map(|(_, waker)| waker)
            .collect()
    }
}

impl<P: Platform> Link<P> {
    /// Changes the state. Then wakes the writer if there is output (unless this is its own
    /// [`Turn`]), the ticker if it is due earlier, and the tasks that waited for this change.
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut State<P>) -> T) -> T {
        let mut state = self.state.lock();
        let wake_before = state.session.wake();
        let result = change(&mut state);
        self.changed(state, wake_before);
        result
    }

    /// Releases the lock after a change, and wakes whom it concerns.
    #[cfg_attr(target_family = "wasm", inline(never))]
    fn changed(&self, mut state: MutexGuard<'_, State<P>>, wake_before: Option<Moment>) {
        let has_output = state.session.has_frame() || state.goodbye.is_some();
        if has_output {
            self.quiet.store(NEWS, Ordering::Relaxed);
        }
        let writer = if has_output && !Turn::is_of(self) { state.writer.take() } else { None };
        let wake = state.session.wake();
        let is_earlier = wake.is_none() || wake_before.is_some_and(|before| wake < Some(before));
        let ticker = if is_earlier { state.ticker.take() } else { None };
        let awaited = state.awaited();
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
        if let Some(ticker) = ticker {
            ticker.wake();
        }
        awaited.into_iter().for_each(Waker::wake);
    }

    /// Releases the lock after a frame was taken, and wakes the tasks that waited for that.
    pub(super) fn took_frame(mut state: MutexGuard<'_, State<P>>) {
        let awaited = state.awaited();
        drop(state);
        awaited.into_iter().for_each(Waker::wake);
    }

    /// Waits for an event. The event is checked under the lock, so that it is not missed.
    pub(super) async fn until(&self, awaited: Awaited) {
        poll_fn(|cx| {
            let mut state = self.state.lock();
            if awaited.has_come(&state.session) {
                return Poll::Ready(());
            }
            let is_known =
                |(other, waker): &(Awaited, Waker)| *other == awaited && waker.will_wake(cx.waker());
            if !state.waiting.iter().any(is_known) {
                state.waiting.push((awaited, cx.waker().clone()));
            }
            Poll::Pending
        })
        .await;
    }
}
