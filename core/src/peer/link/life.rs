//! The passing of time for a session, and its end.

use std::sync::Arc;
use std::task::Context;

use bytes::Bytes;

use super::state::{Awaited, Waiter};
use super::{FITS, Link};
use crate::peer::{Goodbye, Kill, Notice, Platform};
use crate::session::{Effect, Session};
use crate::util::shown::OneLine;
use crate::util::time::Moment;
use crate::wire::handshake;

/// One of the two sides has ended a session.
#[derive(Debug, thiserror::Error)]
#[error("the session was ended {}: {}", if *.is_ours { "by this peer" } else { "by the other side" }, OneLine(.reason))]
pub(super) struct Ended {
    pub(super) is_ours: bool,
    /// It may be empty.
    pub(super) reason: String,
}

impl Ended {
    /// The same effect. The error of an open call has the reason as its cause.
    fn explain(&self, effect: Effect<Waiter>) -> Effect<Waiter> {
        match effect {
            Effect::Complete(waiter, Err(error)) if !self.reason.is_empty() => {
                Effect::Complete(waiter, Err(error.caused_by(self)))
            }
            effect => effect,
        }
    }
}

impl<P: Platform> Link<P> {
    /// Whether calls can be made: they are sent now, or when the session has a connection again.
    pub fn is_alive(&self) -> bool {
        self.state.lock().session.is_alive()
    }

    /// Processes the passing of time.
    fn tick(self: &Arc<Self>) {
        let (now, wall) = (self.shared.now(), self.shared.platform().wall_clock());
        let effects = self.with(|state| {
            state.count();
            state.shrink();
            if state.clocks.have_slept(now, wall) {
                state.session.probe(now);
            }
            state.session.tick(now)
        });
        effects.into_iter().for_each(|effect| self.perform(effect));
        self.perform_channel_events();
    }

    /// The connection may have died unnoticed: the other side has 2 to 3 s to answer, or the
    /// session waits for another connection.
    pub fn probe(&self) {
        self.with(|state| state.session.probe(self.shared.now()));
    }

    /// When [`poll_tick`](Self::poll_tick) has to be called again; `None` when the session is
    /// over.
    pub(in crate::peer) fn poll_tick(self: &Arc<Self>, cx: &Context<'_>) -> Option<Moment> {
        if self.state.lock().session.wake().is_some_and(|wake| wake <= self.shared.now()) {
            self.tick();
        }
        let mut state = self.state.lock();
        if !state.ticker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            state.ticker = Some(cx.waker().clone());
        }
        state.session.wake()
    }

    /// Waits until the session is over.
    pub(in crate::peer) async fn until_over(&self) {
        self.until(Awaited::End).await;
    }

    /// Takes no new calls from the other side, and notifies it.
    pub(in crate::peer) fn go_away(&self) {
        self.with(|state| state.session.go_away());
        self.perform_channel_events();
    }

    /// Waits until nothing runs, no call is open and everything was sent, or the session is over.
    pub(in crate::peer) async fn until_idle(&self) {
        self.until(Awaited::Idleness).await;
    }

    /// Ends the session: its open calls end now, the other side is notified, and its connection
    /// closes.
    pub fn close(self: &Arc<Self>, goodbye: Goodbye) {
        let ended = Ended { is_ours: true, reason: goodbye.reason.clone() };
        self.end(goodbye, &ended, Session::close_orderly);
    }

    /// The same for a session that is lost: the other side no longer has it, or broke the
    /// protocol. Its channels end as disconnected.
    pub fn lose(self: &Arc<Self>, goodbye: Goodbye) {
        let ended = Ended { is_ours: true, reason: goodbye.reason.clone() };
        self.end(goodbye, &ended, Session::close);
    }

    /// Ends the session like [`close`](Self::close). The program may end before the task of the
    /// connection runs again, so the other side is notified from here.
    ///
    /// That is only possible while hardly anything sent is unacknowledged: a frame that the socket
    /// has accepted in part is not visible from here, and must not be interrupted.
    pub(in crate::peer) fn part(self: &Arc<Self>, goodbye: Goodbye) {
        {
            let state = self.state.lock();
            if state.session.is_attached()
                && state.session.kept() <= FITS
                && let Some(kill) = &state.kill
            {
                kill.say(self.last_frame(&goodbye.reason), &goodbye);
            }
        }
        self.close(goodbye);
    }

    /// The other side ended the session, and need not be notified.
    pub(super) fn closed_by_them(self: &Arc<Self>, reason: String) {
        let ended = Ended { is_ours: false, reason };
        self.end(Goodbye::normal(""), &ended, Session::close_orderly);
    }

    fn end(
        self: &Arc<Self>,
        goodbye: Goodbye,
        ended: &Ended,
        close: fn(&mut Session<Waiter>) -> Vec<Effect<Waiter>>,
    ) {
        let (was_alive, effects) = self.with(|state| {
            let was_alive = state.session.is_alive();
            // Only the connection that carries the session brings its last frame.
            if ended.is_ours && state.session.is_carried() {
                state.last_frame = Some(self.last_frame(&ended.reason));
            }
            state.goodbye.get_or_insert(goodbye);
            (was_alive, close(&mut state.session))
        });
        if was_alive {
            self.log_end(ended);
        }
        effects.into_iter().for_each(|effect| self.perform(ended.explain(effect)));
        self.leave();
    }

    /// The frame that proves to the other side that this side has ended the session.
    pub(in crate::peer) fn last_frame(&self, reason: &str) -> Bytes {
        handshake::end(self.id, &self.token, if self.is_sent_reasons { reason } else { "" })
    }

    pub(super) fn leave(self: &Arc<Self>) {
        self.shared.platform().tell(Notice::Left(Arc::clone(self)));
    }
}
