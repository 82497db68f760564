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
use crate::wire::frame::Framed;
use crate::wire::handshake::Ticket;

/// Which of a session's connections, counted from 0. What an earlier one still does has no effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Epoch(u64);

/// Whether a session can take more from the other side.
pub(in crate::peer) enum Room {
    Free,
    /// Too much waits to be sent to it.
    None,
}

/// So much is taken from a session at once.
const FRAMES_AT_ONCE: usize = 32;
const BYTES_AT_ONCE: usize = 16 << 10;

/// What was taken from a session for one of its connections.
pub(in crate::peer) struct Taken {
    /// Blocks that can begin now.
    pub(in crate::peer) waiting: Option<Waiting>,
    /// How many bytes are worth writing at once now.
    pub(in crate::peer) at_once: usize,
}

/// A connection that has come to go on with a session, and on which nothing was heard.
pub(in crate::peer) struct Comer {
    number: u64,
    they_received: u64,
    /// What its welcome says.
    pub(in crate::peer) we_received: u64,
}

/// The connection that carried a session before. It is ended when nothing is locked.
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

/// The first of the blocks that had to wait until less was to be sent.
pub(in crate::peer) struct Waiting(Effect<Waiter>);

impl<P: Platform> Link<P> {
    /// Whether calls can go both ways now: a connection carries it, and the other side has it,
    /// too.
    pub fn is_connected(&self) -> bool {
        let state = self.state.lock();
        state.session.is_attached() && state.session.is_open()
    }

    /// Whether a connection carries it now. One on which nothing was heard counts until its
    /// handshake is late.
    pub fn is_attached(&self) -> bool {
        self.state.lock().session.is_carried()
    }

    /// Whether the other side has not answered the welcome of the session, and may yet do so.
    pub(in crate::peer) fn is_unanswered(&self) -> bool {
        let state = self.state.lock();
        state.session.is_carried() && !state.session.is_attached()
    }

    /// What a new connection says to go on with this session, if that is possible.
    pub(in crate::peer) fn resume(&self) -> Option<Ticket> {
        let state = self.state.lock();
        let (session, token, peer) = (self.id, self.token, self.remote);
        state.session.is_alive().then(|| Ticket { session, token, received: state.session.received(), peer })
    }

    /// Gives the session to another connection, which the other side told how many frames it has.
    /// A connection that carried it until now is dropped.
    pub(in crate::peer) fn attach(&self, they_received: u64, kill: P::Kill) -> Result<Epoch, Lost> {
        let attached = self.with(|state| {
            state.session.attach(they_received, self.shared.now())?;
            Ok(self.replace_connection(state, kill))
        });
        attached.map(Replaced::end)
    }

    /// A connection of the other side has come to go on with the session, of which it has so many
    /// frames. Nothing changes before something is heard on it.
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

    /// Something was heard on a connection that has come: gives it the session, and drops the one
    /// that carried it until now.
    ///
    /// Nothing when it is too late: a later connection has the session, or more has arrived on the
    /// earlier one than this one was told.
    ///
    /// If large packets seem to get lost on the way to the other side, it cannot know that, and it
    /// is the one that can make small ones. So the first connection after that is dropped
    /// again, which tells it.
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
                // The other side may have found out first.
                self.suspect_path();
            }
            if is_current {
                state.idle = state.session.idle();
            }
            // A waker keeps its task's memory. It is dropped when nothing is locked.
            is_current.then(|| (state.session.detach(self.shared.now()), state.writer.take()))
        });
        if let Some((effects, _)) = detached {
            self.log("connection lost; session waiting");
            self.shared.changes().add();
            effects.into_iter().for_each(|effect| self.perform(effect));
        }
    }

    /// Waits until the session has no connection.
    pub async fn until_detached(&self) {
        self.until(Awaited::Loss).await;
    }

    /// Somebody else has proved that it may have the place of the other side: asks that whether it
    /// is there. Its connection is lost if it does not answer soon.
    pub(in crate::peer) fn challenge(&self) {
        self.with(|state| state.session.challenge(self.shared.now()));
    }

    /// Waits for the answer to that, or for the end of the connection.
    pub(in crate::peer) async fn until_answered(&self) {
        self.until(Awaited::Answer).await;
    }

    /// Asks the other side whether the session may go on as somebody else. Nothing, if it is too
    /// old to be asked.
    pub(in crate::peer) async fn ask_to_change(&self) -> Option<bool> {
        if !self.with(|state| state.session.ask_to_change()) {
            return None;
        }
        self.until(Awaited::Agreement).await;
        Some(self.with(|state| state.session.has_agreed()))
    }

    /// Whether the next connection may be somebody else's.
    pub(in crate::peer) fn may_change(&self) -> bool {
        self.state.lock().session.may_change(self.shared.now())
    }

    /// In how many seconds its peer id is free if the other side is gone; 1 at least.
    pub(in crate::peer) fn free_in(&self) -> u16 {
        let left = self.state.lock().session.dead_in(self.shared.now());
        u16::try_from(left.as_millis().div_ceil(1000)).unwrap_or(u16::MAX).max(1)
    }

    /// The path may lose large packets and let small ones through: that looks like one that is
    /// dead, and whoever makes the next connection has it send small ones.
    pub(in crate::peer) fn suspect_path(&self) {
        self.is_narrow.store(true, Ordering::Relaxed);
    }

    /// Whether its connections should send small packets, as long as the session lasts.
    pub fn is_narrow(&self) -> bool {
        self.is_narrow.load(Ordering::Relaxed)
    }

    /// For how long nothing had been said on its last connection when that was lost.
    pub(in crate::peer) fn idle_when_lost(&self) -> Duration {
        self.state.lock().idle
    }

    /// Waits until calls can go both ways, or the session is over.
    pub async fn until_connected(&self) {
        self.until(Awaited::Connection).await;
    }

    /// Waits until the other side has taken enough of what waits to be sent to it.
    pub async fn until_room(self: Arc<Self>) {
        self.until(Awaited::Room).await;
    }

    /// Whether [`take_output`](Self::take_output) had all that there is for this connection, and
    /// would have nothing now. Its writer is woken when that changes. It costs no lock.
    pub(in crate::peer) fn is_quiet(&self, epoch: Epoch) -> bool {
        self.quiet.load(Ordering::Relaxed) == epoch.0 + 1
    }

    /// Hands `write` what one of its connections has to send next, in the order in which it goes.
    /// If that is all, the connection's writer is woken when there is more. Blocks that had to
    /// wait until less is to be sent are to be [run](Self::run_waiting) then.
    ///
    /// An error is the goodbye that the connection ends with, if the session is over or goes on
    /// elsewhere; it comes when nothing is left to be sent.
    pub(in crate::peer) fn take_output(
        self: &Arc<Self>,
        epoch: Epoch,
        cx: &Context<'_>,
        mut write: impl FnMut(&Framed),
    ) -> Result<Taken, Goodbye> {
        let mut state = self.state.lock();
        if state.epoch != epoch {
            return Err(Goodbye::normal("the session goes on elsewhere"));
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
            let next = state.session.next_run();
            if next.is_none() && !state.session.has_frame() && state.goodbye.is_none() {
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
        self.has_nothing(&mut state, cx);
        Ok(Taken { waiting: None, at_once })
    }

    /// Runs blocks that had to wait until less is to be sent, as long as it is less.
    pub(in crate::peer) fn run_waiting(self: &Arc<Self>, Waiting(first): Waiting) {
        let mut next = Some(first);
        while let Some(effect) = next {
            self.perform(effect);
            next = self.state.lock().session.next_run();
        }
    }

    fn has_nothing(&self, state: &mut State<P>, cx: &Context<'_>) {
        self.quiet.store(state.epoch.0 + 1, Ordering::Relaxed);
        if !state.writer.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            state.writer = Some(cx.waker().clone());
        }
    }
}
