//! What stands behind a session's lock, and who is woken when it changes.

use std::task::{Context, Waker};

use futures_channel::oneshot;
use parking_lot::MutexGuard;
use rustc_hash::FxHashMap;

use super::{Epoch, Link};
use crate::frame::CallId;
use crate::peer::{Goodbye, Platform};
use crate::pending::Ending;
use crate::session::Session;

/// Whoever awaits a call.
pub(super) type Waiter = oneshot::Sender<Ending>;

pub(super) struct State<P: Platform> {
    pub(super) session: Session<Waiter>,
    pub(super) epoch: Epoch,
    /// The blocks that run here and had to wait for something.
    pub(super) tasks: FxHashMap<CallId, P::Task>,
    pub(super) goodbye: Option<Goodbye>,
    pub(super) kill: Option<P::Kill>,
    pub(super) writer: Option<Waker>,
    pub(super) ticker: Option<Waker>,
    /// Those who wait until the connection is lost or the session is over.
    pub(super) for_loss: Waiting,
    /// Those who wait until there is room in the queue again.
    pub(super) for_room: Waiting,
    /// Those who wait until the session has nothing left to do, or is over.
    pub(super) for_idleness: Waiting,
}

/// Tasks that wait for something of a session. Each looks under the session's lock whether it has come, so that none of
/// them misses it.
#[derive(Default)]
pub(super) struct Waiting(Vec<Waker>);

impl Waiting {
    pub(super) fn add(&mut self, cx: &Context<'_>) {
        if !self.0.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.0.push(cx.waker().clone());
        }
    }

    fn take_if(&mut self, has_come: impl FnOnce() -> bool) -> Vec<Waker> {
        if self.0.is_empty() || !has_come() { Vec::new() } else { std::mem::take(&mut self.0) }
    }
}

impl<P: Platform> State<P> {
    pub(super) fn new(session: Session<Waiter>, kill: P::Kill) -> Self {
        Self {
            session,
            epoch: Epoch::default(),
            tasks: FxHashMap::default(),
            goodbye: None,
            kill: Some(kill),
            writer: None,
            ticker: None,
            for_loss: Waiting::default(),
            for_room: Waiting::default(),
            for_idleness: Waiting::default(),
        }
    }

    /// Those whose time has come.
    fn awaited(&mut self) -> impl Iterator<Item = Waker> + use<P> {
        let session = &self.session;
        let loss = self.for_loss.take_if(|| !session.is_attached());
        let room = self.for_room.take_if(|| !session.is_clogged());
        let idleness = self.for_idleness.take_if(|| is_done(session));
        loss.into_iter().chain(room).chain(idleness)
    }
}

/// Whether nothing is left to do before a session can be closed.
pub(super) fn is_done(session: &Session<Waiter>) -> bool {
    !session.is_alive() || session.is_idle()
}

impl<P: Platform> Link<P> {
    /// Changes the state, and wakes the writer if there is something to write, the ticker if it is due earlier, and those
    /// who waited for this.
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut State<P>) -> T) -> T {
        let mut state = self.state.lock();
        let wake_before = state.session.wake();
        let result = change(&mut state);
        let has_output = state.session.has_frame() || state.goodbye.is_some();
        let writer = if has_output { state.writer.take() } else { None };
        let wake = state.session.wake();
        let is_earlier = wake.is_none() || wake_before.is_some_and(|before| wake < Some(before));
        let ticker = if is_earlier { state.ticker.take() } else { None };
        let awaited = state.awaited();
        drop(state);
        writer.into_iter().chain(ticker).chain(awaited).for_each(Waker::wake);
        result
    }

    /// Lets go of the lock after a frame was taken, and wakes those who waited for that.
    pub(super) fn took_frame(mut state: MutexGuard<'_, State<P>>) {
        let awaited = state.awaited();
        drop(state);
        awaited.for_each(Waker::wake);
    }
}
