//! A session as the rest of the peer sees it, from whatever thread.
//!
//! The state machine stands behind one lock that is held for the time it takes to number a frame. A call made on the
//! session's own thread, and the reply to it, cross no thread and no mailbox.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Waker};

use actix_http::ws::{CloseCode, CloseReason};
use bytes::Bytes;
use distributed_scope_core::frame::CallId;
use distributed_scope_core::pending::{Carried, Carrier, Ending, Pending};
use distributed_scope_core::session::{Effect, Session, Violation};
use distributed_scope_core::{Moment, PeerId, Reject, RemoteError, Request};
use futures_channel::oneshot;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::task::AbortHandle;

use crate::clock;
use crate::peer::Shared;

/// Whoever awaits a call.
pub(super) type Waiter = oneshot::Sender<Ending>;

/// One session.
pub(crate) struct Link {
    shared: Arc<Shared>,
    remote: OnceLock<PeerId>,
    state: Mutex<State>,
}

struct State {
    session: Session<Waiter>,
    /// The blocks that run here and had to wait for something.
    tasks: FxHashMap<CallId, AbortHandle>,
    /// The last ping that was not answered yet; an older one needs no answer of its own.
    pong: Option<Bytes>,
    goodbye: Option<CloseReason>,
    /// Nothing comes in any more.
    is_gone: bool,
    writer: Option<Waker>,
}

/// What the writer has to do next.
pub(crate) enum Output {
    /// Send these frames (and the pong before them).
    Frames { pong: Option<Bytes> },
    /// Send what is left, then close the connection with this reason.
    Close(CloseReason),
    /// Wait, at most until this moment.
    Idle(Option<Moment>),
}

impl Link {
    pub(crate) fn dial(shared: Arc<Shared>) -> Arc<Self> {
        let session = Session::dial(shared.id(), shared.limits().clone());
        Self::new(shared, session)
    }

    pub(crate) fn accept(shared: Arc<Shared>) -> Arc<Self> {
        let session = Session::accept(shared.id(), shared.limits().clone());
        Self::new(shared, session)
    }

    fn new(shared: Arc<Shared>, session: Session<Waiter>) -> Arc<Self> {
        let tasks = FxHashMap::default();
        let state = State { session, tasks, pong: None, goodbye: None, is_gone: false, writer: None };
        Arc::new(Self { shared, remote: OnceLock::new(), state: Mutex::new(state) })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The peer at the other end, once it has introduced itself.
    pub(crate) fn remote(&self) -> Option<PeerId> {
        self.remote.get().copied()
    }

    pub(crate) fn set_remote(&self, peer: PeerId) {
        // The state machine takes one introduction only, so this is the first and only time.
        let _ = self.remote.set(peer);
    }

    /// Whether calls can be made.
    pub(crate) fn is_open(&self) -> bool {
        self.state.lock().session.is_open()
    }

    /// Whether the connection is over.
    pub(crate) fn is_gone(&self) -> bool {
        self.state.lock().is_gone
    }

    /// Sends a call. An error means that nothing was sent.
    pub(crate) fn call(self: &Arc<Self>, request: &mut Request) -> Result<Pending, RemoteError> {
        let (sender, receiver) = oneshot::channel();
        let call = self.with(|state| state.session.call(clock::now(), request, sender))?;
        Ok(Pending::Carried(Carried::new(Arc::clone(self) as Arc<dyn Carrier>, call, receiver)))
    }

    /// Takes a message from the other side.
    pub(crate) fn receive(&self, message: Bytes) -> Result<Option<Effect<Waiter>>, Violation> {
        self.with(|state| state.session.receive(clock::now(), message))
    }

    pub(crate) fn admit(&self) {
        self.with(|state| state.session.admit());
    }

    /// Turns the other side away and closes.
    pub(crate) fn reject(&self, reject: Reject) {
        let reason = CloseReason { code: CloseCode::Policy, description: Some(reject.to_string()) };
        self.with(|state| state.session.reject(reject));
        self.close(reason);
    }

    /// Sends how a block ended.
    pub(crate) fn reply(&self, call: CallId, ending: Ending) {
        self.with(|state| {
            state.tasks.remove(&call);
            state.session.reply(call, ending);
        });
    }

    /// Remembers the task of a block that had to wait, so that the call can be cancelled.
    pub(crate) fn keep_task(&self, call: CallId, task: AbortHandle) {
        self.with(|state| {
            if state.is_gone {
                task.abort();
            } else {
                state.tasks.insert(call, task);
            }
        });
    }

    pub(crate) fn pong(&self, payload: Bytes) {
        self.with(|state| state.pong = Some(payload));
    }

    /// Does what the state machine asks for on behalf of callers: completes their calls, drops their blocks.
    pub(crate) fn perform(&self, effect: Effect<Waiter>) {
        match effect {
            // A caller that is gone does not need its result.
            Effect::Complete(waiter, ending) => drop(waiter.send(ending)),
            Effect::Abort(call) => {
                if let Some(task) = self.with(|state| state.tasks.remove(&call)) {
                    task.abort();
                }
            }
            Effect::Decide(_) | Effect::Opened(_) | Effect::Rejected(_) | Effect::Run(..) => {
                debug_assert!(false, "effects of a frame belong to the session's actor");
            }
        }
    }

    /// Ends the calls whose deadline has passed.
    pub(crate) fn tick(&self) {
        for effect in self.with(|state| state.session.tick(clock::now())) {
            self.perform(effect);
        }
    }

    /// Closes the session: its open calls end now, and the connection closes when what is left has been sent.
    pub(crate) fn close(&self, reason: CloseReason) {
        let effects = self.with(|state| {
            state.goodbye.get_or_insert(reason);
            state.session.close()
        });
        effects.into_iter().for_each(|effect| self.perform(effect));
    }

    /// The connection is over, whether closed or lost.
    pub(crate) fn gone(&self) {
        self.with(|state| state.is_gone = true);
        self.close(CloseReason { code: CloseCode::Normal, description: None });
    }

    /// What the writer has to do; it is woken when that changes. The frames to send are added to `frames`.
    pub(crate) fn poll_output(&self, cx: &Context<'_>, frames: &mut VecDeque<Bytes>) -> Output {
        let mut state = self.state.lock();
        state.session.take_outgoing(frames);
        let pong = state.pong.take();
        if !frames.is_empty() || pong.is_some() {
            return Output::Frames { pong };
        }
        if let Some(reason) = state.goodbye.clone() {
            return Output::Close(reason);
        }
        if !state.writer.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            state.writer = Some(cx.waker().clone());
        }
        Output::Idle(state.session.wake())
    }

    /// Changes the state and wakes the writer if there is something to write or to wait for.
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock();
        let wake_before = state.session.wake();
        let result = change(&mut state);
        let has_work = state.session.has_outgoing() || state.pong.is_some() || state.goodbye.is_some();
        let waker = if has_work || state.session.wake() != wake_before { state.writer.take() } else { None };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        result
    }
}

impl Carrier for Link {
    fn cancel(&self, call: CallId) {
        self.with(|state| state.session.cancel(call));
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("local", &self.shared.id()).field("remote", &self.remote.get()).finish()
    }
}
