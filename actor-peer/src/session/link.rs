//! A session as the rest of the peer sees it, from whatever thread and whatever connection carries it.
//!
//! The state machine stands behind one lock that is held for the time it takes to number a frame. A call made on the
//! session's own thread, and the reply to it, cross no thread and no mailbox.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use actix::Addr;
use actix_http::ws::{CloseCode, CloseReason};
use bytes::Bytes;
use distributed_scope_core::frame::{CallId, Introduction, Resume, SessionId, Token};
use distributed_scope_core::pending::{Carried, Carrier, Ending, Pending};
use distributed_scope_core::session::{Effect, Lost, Session, Violation};
use distributed_scope_core::{Moment, PeerId, RemoteError, Request, Skew};
use futures_channel::oneshot;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::differences::Differences;
use super::kill::Kill;
use crate::actor::{Leave, PeerActor};
use crate::peer::Shared;
use crate::{clock, executor};

/// Whoever awaits a call.
type Waiter = oneshot::Sender<Ending>;

/// Which of a session's connections, counted from 0. What an earlier one still does has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epoch(u64);

/// One session.
pub(crate) struct Link {
    shared: Arc<Shared>,
    remote: PeerId,
    id: SessionId,
    token: Token,
    state: Mutex<State>,
    /// Told when the connection is lost, or the session is over.
    detached: Notify,
    /// Told when there is room in the queue again.
    room: Notify,
    /// Told when a session that is to end has nothing left to do.
    idle: Notify,
    /// How the other side's blocks differ from ours.
    differences: Differences,
}

struct State {
    session: Session<Waiter>,
    epoch: Epoch,
    /// The blocks that run here and had to wait for something.
    tasks: FxHashMap<CallId, AbortHandle>,
    goodbye: Option<CloseReason>,
    kill: Kill,
    writer: Option<Waker>,
    ticker: Option<Waker>,
    is_leaving: bool,
}

/// Whether a session can take more from the other side.
pub(super) enum Room {
    Free,
    /// Too much waits to be sent to it.
    None,
}

/// What a connection's writer gets from its session.
pub(super) enum Output {
    Frame(Bytes),
    /// The session is over, or goes on elsewhere.
    Close(CloseReason),
}

impl Link {
    /// A session with the peer that introduced itself, carried by a connection that `kill` ends.
    pub(crate) fn start(
        shared: &Arc<Shared>,
        them: &Introduction,
        (id, token): (SessionId, Token),
        kill: Kill,
    ) -> Arc<Self> {
        let mut session = Session::new(shared.limits().clone(), them, clock::now());
        if them.blocks != shared.introduction().blocks {
            // It sees this, too, and tells us.
            session.tell_blocks(&shared.registry().catalogue());
        }
        let state = State {
            session,
            epoch: Epoch(0),
            tasks: FxHashMap::default(),
            goodbye: None,
            kill,
            writer: None,
            ticker: None,
            is_leaving: false,
        };
        let link = Arc::new(Self {
            shared: Arc::clone(shared),
            remote: them.peer,
            id,
            token,
            state: Mutex::new(state),
            detached: Notify::new(),
            room: Notify::new(),
            idle: Notify::new(),
            differences: Differences::default(),
        });
        actix_rt::spawn(super::ticker::tick(Arc::clone(&link)));
        link
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The peer at the other end.
    pub(crate) fn remote(&self) -> PeerId {
        self.remote
    }

    pub(crate) fn id(&self) -> SessionId {
        self.id
    }

    /// What another connection shows, or has to show, to go on with this session.
    pub(crate) fn ticket(&self) -> (SessionId, Token) {
        (self.id, self.token)
    }

    /// What a new connection says to go on with this session, if that is possible.
    pub(super) fn resume(&self) -> Option<Resume> {
        let state = self.state.lock();
        let (session, token) = self.ticket();
        state.session.is_alive().then(|| Resume { session, token, received: state.session.received() })
    }

    /// The blocks that the other side has in another version.
    pub(crate) fn skews(&self) -> &[Skew] {
        self.differences.skews()
    }

    /// Whether calls can be made: they are carried now, or when the session has a connection again.
    pub(crate) fn is_alive(&self) -> bool {
        self.state.lock().session.is_alive()
    }

    pub(crate) fn is_attached(&self) -> bool {
        self.state.lock().session.is_attached()
    }

    /// Gives the session to another connection, which the other side told how many frames it has. A connection that
    /// carried it until now is dropped.
    pub(super) fn attach(&self, they_received: u64, kill: Kill) -> Result<Epoch, Lost> {
        let (attached, old) = self.with(|state| {
            state.epoch = Epoch(state.epoch.0 + 1);
            let old = std::mem::replace(&mut state.kill, kill);
            let attached = state.session.attach(they_received, clock::now());
            (attached.map(|()| state.epoch), (old, state.writer.take()))
        });
        old.0.now();
        if let Some(writer) = old.1 {
            writer.wake();
        }
        attached
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.state.lock().epoch
    }

    /// This connection is lost: the session waits for another one.
    pub(super) fn detach(&self, epoch: Epoch) {
        let is_detached = self.with(|state| {
            let is_current = state.epoch == epoch && state.session.is_attached();
            if is_current {
                state.session.detach(clock::now());
            }
            is_current
        });
        if is_detached {
            tracing::debug!(peer = %self.shared.id(), remote = %self.remote, "connection lost");
            self.detached.notify_one();
        }
    }

    /// Waits until the session has no connection.
    pub(super) async fn until_detached(&self) {
        while self.is_attached() {
            self.detached.notified().await;
        }
    }

    /// Sends a call. An error means that nothing was sent.
    pub(crate) fn call(self: &Arc<Self>, request: &mut Request) -> Result<Pending, RemoteError> {
        let (sender, receiver) = oneshot::channel();
        let call = self.with(|state| state.session.call(clock::now(), request, sender))?;
        Ok(Pending::Carried(Carried::new(Arc::clone(self) as Arc<dyn Carrier>, call, receiver)))
    }

    /// Takes a message that came in on one of its connections, and does what follows from it.
    pub(super) fn receive(self: &Arc<Self>, epoch: Epoch, message: Bytes) -> Result<Room, Violation> {
        let (effect, is_clogged) = self.with(|state| {
            let effect = match state.epoch == epoch {
                true => state.session.receive(clock::now(), message)?,
                false => None,
            };
            Ok::<_, Violation>((effect, state.session.is_clogged()))
        })?;
        if let Some(effect) = effect {
            self.perform(effect);
        }
        Ok(if is_clogged { Room::None } else { Room::Free })
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
            if state.session.is_running(call) {
                state.tasks.insert(call, task);
            } else {
                task.abort();
            }
        });
    }

    fn perform(self: &Arc<Self>, effect: Effect<Waiter>) {
        match effect {
            Effect::Run(invoke, deadline) => executor::run_for_session(self, invoke, deadline),
            // A caller that is gone does not need its result.
            Effect::Complete(waiter, ending) => drop(waiter.send(ending)),
            Effect::Abort(call) => {
                if let Some(task) = self.with(|state| state.tasks.remove(&call)) {
                    task.abort();
                }
            }
            Effect::DropConnection(dead) => {
                tracing::warn!(peer = %self.shared.id(), remote = %self.remote, %dead, "connection dropped");
                let (epoch, kill) = self.with(|state| (state.epoch, std::mem::take(&mut state.kill)));
                self.detach(epoch);
                kill.now();
            }
            Effect::Expired => {
                tracing::info!(peer = %self.shared.id(), remote = %self.remote, "session expired");
                self.leave();
            }
            Effect::TheyLeave => {
                tracing::info!(peer = %self.shared.id(), remote = %self.remote, "the other side is going away");
            }
            Effect::Catalogue(part) => self.differences.tell(&self.shared, self.remote, part),
        }
    }

    /// Lets time pass.
    fn tick(self: &Arc<Self>) {
        for effect in self.with(|state| state.session.tick(clock::now())) {
            self.perform(effect);
        }
    }

    /// When [`poll_tick`](Self::poll_tick) has to be called again; `None` when the session is over.
    pub(super) fn poll_tick(self: &Arc<Self>, cx: &Context<'_>) -> Option<Moment> {
        if self.state.lock().session.wake().is_some_and(|wake| wake <= clock::now()) {
            self.tick();
        }
        let mut state = self.state.lock();
        if !state.ticker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            state.ticker = Some(cx.waker().clone());
        }
        state.session.wake()
    }

    /// Ends the session: its open calls end now, and its connection closes.
    pub(crate) fn close(self: &Arc<Self>, reason: CloseReason) {
        let effects = self.with(|state| {
            state.goodbye.get_or_insert(reason);
            state.session.close()
        });
        effects.into_iter().for_each(|effect| self.perform(effect));
        self.idle.notify_one();
        self.detached.notify_one();
        self.leave();
    }

    /// The other side ended the session.
    pub(super) fn closed_by_them(self: &Arc<Self>, epoch: Epoch) {
        if self.epoch() == epoch {
            self.close(CloseReason { code: CloseCode::Normal, description: None });
        }
    }

    fn leave(self: &Arc<Self>) {
        let actor: &Addr<PeerActor> = self.shared.actor();
        actor.do_send(Leave { link: Arc::clone(self) });
    }

    /// Takes no new calls from the other side, and tells it so.
    pub(crate) fn go_away(&self) {
        self.with(|state| {
            state.is_leaving = true;
            state.session.go_away();
        });
    }

    /// Waits until nothing runs, nothing is waited for and everything was sent, or the session is over.
    pub(crate) async fn until_idle(&self) {
        loop {
            {
                let state = self.state.lock();
                if !state.session.is_alive() || state.session.is_idle() {
                    return;
                }
            }
            self.idle.notified().await;
        }
    }

    pub(super) fn is_clogged(&self) -> bool {
        self.state.lock().session.is_clogged()
    }

    /// Waits until the other side has taken enough of what waits to be sent to it.
    pub(super) async fn until_room(self: Arc<Self>) {
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            // Registered before the look, so that no notice is missed between the two.
            room.as_mut().enable();
            if !self.is_clogged() {
                return;
            }
            room.await;
        }
    }

    /// What one of its connections has to send next; the writer is woken when there is something.
    pub(super) fn poll_output(&self, epoch: Epoch, cx: &Context<'_>) -> Poll<Output> {
        let mut state = self.state.lock();
        if state.epoch != epoch {
            return Poll::Ready(Output::Close(CloseReason {
                code: CloseCode::Normal,
                description: Some("the session goes on elsewhere".to_owned()),
            }));
        }
        let was_clogged = state.session.is_clogged();
        if let Some(frame) = state.session.next_frame() {
            if was_clogged && !state.session.is_clogged() {
                self.room.notify_waiters();
            }
            if state.is_leaving && state.session.is_idle() {
                self.idle.notify_one();
            }
            return Poll::Ready(Output::Frame(frame));
        }
        if let Some(reason) = state.goodbye.clone() {
            return Poll::Ready(Output::Close(reason));
        }
        if !state.writer.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            state.writer = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Changes the state, and wakes the writer if there is something to write and the ticker if it is due earlier.
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock();
        let (wake_before, was_clogged) = (state.session.wake(), state.session.is_clogged());
        let result = change(&mut state);
        if was_clogged && !state.session.is_clogged() {
            self.room.notify_waiters();
        }
        let has_output = state.session.has_frame() || state.goodbye.is_some();
        let writer = if has_output { state.writer.take() } else { None };
        let wake = state.session.wake();
        let is_earlier = wake.is_none() || wake_before.is_some_and(|before| wake < Some(before));
        let ticker = if is_earlier { state.ticker.take() } else { None };
        if state.is_leaving && state.session.is_idle() {
            self.idle.notify_one();
        }
        drop(state);
        writer.into_iter().chain(ticker).for_each(Waker::wake);
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
        f.debug_struct("Link")
            .field("local", &self.shared.id())
            .field("remote", &self.remote)
            .finish_non_exhaustive()
    }
}
