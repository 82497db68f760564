//! The connections that carry a session, one at a time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};
use std::time::Duration;

use super::state::{Awaited, State, Waiter};
use super::{Link, NEWS};
use crate::auth::Visitor;
use crate::peer::{Goodbye, Kill, Platform};
use crate::session::{Effect, Lost};
use crate::util::time::micros;
use crate::wire::frame::Framed;
use crate::wire::handshake::Ticket;

/// Which of a session's connections, counted from 0. Later actions of an earlier connection have
/// no effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Epoch(u64);

/// Whether a session can accept more from the other side.
pub(in crate::peer) enum Room {
    Free,
    /// Too much output to the other side is pending.
    None,
}

/// The largest amount that is taken from a session at once.
const FRAMES_AT_ONCE: usize = 32;
const BYTES_AT_ONCE: usize = 16 << 10;

/// What was taken from a session for one of its connections.
pub(in crate::peer) struct Taken {
    /// Blocks that can begin now.
    pub(in crate::peer) waiting: Option<Waiting>,
    /// The number of bytes that are worth writing at once now.
    pub(in crate::peer) at_once: usize,
}

/// A connection that was made to resume a session, and on which nothing has arrived.
pub(in crate::peer) struct Comer {
    number: u64,
    they_received: u64,
    /// The number of frames that its welcome acknowledges.
    pub(in crate::peer) we_received: u64,
}

/// The connection that carried a session before. It is ended when no lock is held.
struct Replaced<P: Platform> {
    epoch: Epoch,
    kill: Option<P::Kill>,
    writer: Option<Waker>,
}

impl<P: Platform> Replaced<P> {
    fn end(self) -> Epoch {
        if let Some(kill) = self.kill {
            kill.now();
        }
        if let Some(writer) = self.writer {
            writer.wake();
        }
        self.epoch
    }
}

/// The first of the blocks that had to wait until less output was pending.
pub(in crate::peer) struct Waiting(Effect<Waiter>);

impl<P: Platform> Link<P> {
    /// Whether calls can be made in both directions now: a connection carries the session, and the
    /// other side has it, too.
    pub fn is_connected(&self) -> bool {
        let state = self.state.lock();
        state.session.is_attached() && state.session.is_open()
    }

    /// Whether a connection carries the session now. A connection on which nothing has arrived
    /// counts until its handshake times out.
    pub fn is_attached(&self) -> bool {
        self.state.lock().session.is_carried()
    }

    /// Whether the other side has not answered the welcome of the session, and may still do so.
    pub(in crate::peer) fn is_unanswered(&self) -> bool {
        let state = self.state.lock();
        state.session.is_carried() && !state.session.is_attached()
    }

    /// What a new connection sends to resume this session, if that is possible.
    pub(in crate::peer) fn resume(&self) -> Option<Ticket> {
        let state = self.state.lock();
        let (session, token, peer) = (self.id, self.token, self.remote);
        state.session.is_alive().then(|| Ticket { session, token, received: state.session.received(), peer })
    }

    /// Attaches the session to another connection. The other side has `they_received` frames. A
    /// connection that carried the session until now is dropped.
    pub(in crate::peer) fn attach(&self, they_received: u64, kill: P::Kill) -> Result<Epoch, Lost> {
        let attached = self.with(|state| {
            state.session.attach(they_received, self.shared.now())?;
            Ok(self.replace_connection(state, kill))
        });
        attached.map(Replaced::end)
    }

    /// The other side made a connection to resume the session, of which it has `they_received`
    /// frames. Nothing changes before something arrives on that connection.
    pub(in crate::peer) fn expect(&self, they_received: u64) -> Result<Comer, Lost> {
        self.with(|state| {
            if !state.session.can_attach(they_received, self.shared.now()) {
                return Err(Lost);
            }
            state.comers += 1;
            let we_received = state.session.received();
            Ok(Comer { number: state.comers, they_received, we_received })
        })
    }

    /// Something has arrived on a connection that resumes the session. Attaches the session to it,
    /// and drops the connection that carried the session until now.
    ///
    /// Returns `None` if it is too late: a later connection has the session, or more frames have
    /// arrived on the earlier connection than this one has acknowledged.
    ///
    /// If large packets seem to get lost on the way to the other side, the other side cannot know
    /// that. It dials, so only it can make its packets small. So the first connection after that
    /// is dropped again, which signals the loss.
    pub(in crate::peer) fn take_over(
        self: &Arc<Self>,
        comer: Comer,
        visitor: Visitor,
        kill: P::Kill,
    ) -> Option<Epoch> {
        let Comer { number, they_received, we_received } = comer;
        let replaced = self.with(|state| {
            let is_next = number > state.last_comer && state.session.received() == we_received;
            if !is_next || state.session.attach(they_received, self.shared.now()).is_err() {
                return None;
            }
            state.last_comer = number;
            Some((self.replace_connection(state, kill), std::mem::take(&mut state.was_stuck)))
        })?;
        *self.visitor.write() = visitor;
        self.shared.changes().add();
        let (replaced, was_stuck) = replaced;
        let epoch = replaced.end();
        if was_stuck {
            self.drop_connection();
        }
        Some(epoch)
    }

    fn replace_connection(&self, state: &mut State<P>, kill: P::Kill) -> Replaced<P> {
        state.epoch = Epoch(state.epoch.0 + 1);
        self.quiet.store(NEWS, Ordering::Relaxed);
        Replaced { epoch: state.epoch, kill: state.kill.replace(kill), writer: state.writer.take() }
    }

    pub(in crate::peer) fn epoch(&self) -> Epoch {
        self.state.lock().epoch
    }

    /// This connection is lost: the session waits for another one.
    pub(in crate::peer) fn detach(self: &Arc<Self>, epoch: Epoch) {
        let detached = self.with(|state| {
            let is_current = state.epoch == epoch && state.session.is_carried();
            if is_current && state.session.is_suspicious() {
                // The other side may have noticed it first.
                self.suspect_path();
            }
            if is_current {
                state.idle = state.session.idle();
            }
            // A waker keeps its task's memory. It is dropped when no lock is held.
            is_current.then(|| (state.session.detach(self.shared.now()), state.writer.take()))
        });
        if let Some((effects, _)) = detached {
            self.log("connection lost; session waits to be resumed");
            self.shared.changes().add();
            effects.into_iter().for_each(|effect| self.perform(effect));
            self.perform_channel_events();
        }
    }

    /// Waits until the session has no connection.
    pub async fn until_detached(&self) {
        self.until(Awaited::Loss).await;
    }

    /// Another peer has proved that it may have the place of the other side. Probes the other
    /// side. Its connection is dropped if it does not answer soon.
    pub(in crate::peer) fn challenge(&self) {
        self.with(|state| state.session.challenge(self.shared.now()));
    }

    /// Waits for the answer to that probe, or for the end of the connection.
    pub(in crate::peer) async fn until_answered(&self) {
        self.until(Awaited::Answer).await;
    }

    /// Asks the other side whether the session may continue under another principal. Returns
    /// `None` if the other side is too old to support that.
    pub(in crate::peer) async fn ask_to_change(&self) -> Option<bool> {
        if !self.with(|state| state.session.ask_to_change()) {
            return None;
        }
        self.until(Awaited::Agreement).await;
        Some(self.with(|state| state.session.has_agreed()))
    }

    /// Whether the next connection may have another principal.
    pub(in crate::peer) fn may_change(&self) -> bool {
        self.state.lock().session.may_change(self.shared.now())
    }

    /// The number of seconds until its peer id is free if the other side is gone; at least 1.
    pub(in crate::peer) fn free_in(&self) -> u16 {
        let left = self.state.lock().session.dead_in(self.shared.now());
        u16::try_from(micros(left).div_ceil(1_000_000)).unwrap_or(u16::MAX).max(1)
    }

    /// The path may lose large packets and pass small ones. That looks like a dead path, and the
    /// side that makes the next connection then sends small packets.
    pub(in crate::peer) fn suspect_path(&self) {
        self.is_narrow.store(true, Ordering::Relaxed);
    }

    /// Whether its connections should send small packets, as long as the session lasts.
    pub fn is_narrow(&self) -> bool {
        self.is_narrow.load(Ordering::Relaxed)
    }

    /// How long its last connection had been idle when it was lost.
    pub(in crate::peer) fn idle_when_lost(&self) -> Duration {
        self.state.lock().idle
    }

    /// Waits until calls can be made in both directions, or the session is over.
    pub async fn until_connected(&self) {
        self.until(Awaited::Connection).await;
    }

    /// Waits until the other side has taken enough of the pending output.
    pub async fn until_room(self: Arc<Self>) {
        self.until(Awaited::Room).await;
    }

    /// Whether [`take_output`](Self::take_output) had returned all output for this connection, and
    /// would return nothing now. The connection's writer is woken when that changes. It takes no
    /// lock.
    pub(in crate::peer) fn is_quiet(&self, epoch: Epoch) -> bool {
        self.quiet.load(Ordering::Relaxed) == epoch.0 + 1
    }

    /// Passes the next output for one of the session's connections to `write`, in order. If that
    /// is all, the connection's writer is woken when there is more. Blocks that had to wait until
    /// less output was pending have to be [run](Self::run_waiting) then; they are left where they
    /// are if they `may_run` only later.
    ///
    /// An error is the goodbye that the connection ends with: the session is over or has moved to
    /// another connection. The error is returned when no output is left.
    pub(in crate::peer) fn take_output(
        self: &Arc<Self>,
        epoch: Epoch,
        cx: &Context<'_>,
        may_run: bool,
        mut write: impl FnMut(&Framed),
    ) -> Result<Taken, Goodbye> {
        let mut state = self.state.lock();
        if state.epoch != epoch {
            return Err(Goodbye::normal("the session continues on another connection"));
        }
        let (mut count, mut bytes, mut now) = (0, 0, None);
        while count < FRAMES_AT_ONCE && bytes < BYTES_AT_ONCE {
            let clock = || *now.get_or_insert_with(|| self.shared.now());
            let written = state.session.write_next(clock, |frame| {
                write(frame);
                frame.len()
            });
            let Some(len) = written else { break };
            count += 1;
            bytes += len;
        }
        let at_once = state.session.at_once();
        if count > 0 {
            let next = if may_run { state.session.next_run() } else { None };
            let is_all = may_run && next.is_none() && !state.session.has_frame();
            if is_all && state.goodbye.is_none() {
                self.has_nothing(&mut state, cx);
            }
            Self::took_frame(state);
            return Ok(Taken { waiting: next.map(Waiting), at_once });
        }
        if let Some(last) = state.last_frame.take() {
            write(&Framed::from(last));
            return Ok(Taken { waiting: None, at_once });
        }
        if let Some(goodbye) = state.goodbye.clone() {
            return Err(goodbye);
        }
        if !state.session.is_carried() {
            return Err(Goodbye::normal("the session waits for another connection"));
        }
        if !may_run {
            return Ok(Taken { waiting: None, at_once });
        }
        let next = state.session.next_run();
        if next.is_none() {
            self.has_nothing(&mut state, cx);
        }
        Ok(Taken { waiting: next.map(Waiting), at_once })
    }

    /// Runs blocks that had to wait for pending output, as long as little enough is pending, and
    /// until it is enough. Returns true if others may be left.
    pub(in crate::peer) fn run_waiting(
        self: &Arc<Self>,
        Waiting(first): Waiting,
        mut is_enough: impl FnMut() -> bool,
    ) -> bool {
        let mut next = Some(first);
        while let Some(effect) = next {
            self.perform(effect);
            if is_enough() {
                return true;
            }
            next = self.state.lock().session.next_run();
        }
        false
    }

    fn has_nothing(&self, state: &mut State<P>, cx: &Context<'_>) {
        self.quiet.store(state.epoch.0 + 1, Ordering::Relaxed);
        if !state.writer.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            state.writer = Some(cx.waker().clone());
        }
    }
}
