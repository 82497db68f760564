//! The output of one connection: its own frames, and those of the session that it carries.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;

use crate::peer::link::{Taken, Waiting};
use crate::peer::{Epoch, Goodbye, Link, Platform};
use crate::session::AT_ONCE;
use crate::wire::frame::Framed;

/// The output queue of a connection. The connection fills it and a writer empties it, both on one
/// thread.
pub struct Out<P: Platform>(RefCell<State<P>>);

struct State<P: Platform> {
    /// The frames of the handshake, and those that were taken from the session.
    frames: VecDeque<Framed>,
    /// The last ping that was not answered yet; an older ping needs no separate answer.
    pong: Option<Bytes>,
    carried: Option<(Arc<Link<P>>, Epoch)>,
    goodbye: Option<Goodbye>,
    writer: Option<Waker>,
    at_once: usize,
    /// Whether blocks wait for [`run_more`](Out::run_more).
    has_waiting: bool,
}

/// So many blocks that had to wait for pending output run in one go, and no more after this time.
const RUNS_AT_ONCE: u32 = 32;
const RUNS_FOR: Duration = Duration::from_micros(500);

/// The next item to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing<F = Framed> {
    /// A binary message, or the note that frames were written already.
    Frame(F),
    /// The answer to a WebSocket ping.
    Pong(Bytes),
    /// The close frame: the last one.
    Close(Goodbye),
}

/// Frames that were written already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// The number of bytes that are worth sending at once now.
    pub at_once: usize,
}

impl<P: Platform> Default for Out<P> {
    fn default() -> Self {
        let (frames, pong, carried, goodbye, writer) = (VecDeque::new(), None, None, None, None);
        let at_once = AT_ONCE;
        Self(RefCell::new(State { frames, pong, carried, goodbye, writer, at_once, has_waiting: false }))
    }
}

impl<P: Platform> Out<P> {
    pub(in crate::peer) fn push(&self, frame: Bytes) {
        self.change(|state| state.frames.push_back(frame.into()));
    }

    /// Answers a WebSocket ping with this payload.
    pub fn pong(&self, payload: Bytes) {
        self.change(|state| state.pong = Some(payload));
    }

    pub(in crate::peer) fn carry(&self, link: Arc<Link<P>>, epoch: Epoch) {
        self.change(|state| state.carried = Some((link, epoch)));
    }

    pub(in crate::peer) fn goodbye(&self, goodbye: Goodbye) {
        self.change(|state| {
            state.goodbye.get_or_insert(goodbye);
        });
    }

    /// Wakes the writer, after another task has read.
    pub fn wake(&self) {
        self.change(|_| {});
    }

    fn change(&self, change: impl FnOnce(&mut State<P>)) {
        let mut state = self.0.borrow_mut();
        change(&mut state);
        if let Some(writer) = state.writer.take() {
            writer.wake();
        }
    }

    /// The next item to send, in order; the writer is woken when there is one.
    pub fn poll(&self, cx: &Context<'_>) -> Poll<Outgoing> {
        // Blocks that begin now follow from the frames that were taken. So these frames are
        // returned after the blocks have run.
        let waiting = self.0.borrow_mut().take(cx, |frames, frame| frames.push_back(frame.clone()));
        if let Some((link, waiting)) = waiting {
            link.run_waiting(waiting, || false);
        }
        let state = &mut *self.0.borrow_mut();
        match state.frames.pop_front() {
            Some(frame) => Poll::Ready(Outgoing::Frame(frame)),
            None => state.other(),
        }
    }

    /// The same with frames that are passed to `write` without a copy, several at once. No other
    /// owner needs a share of them.
    ///
    /// Blocks that had to wait for pending output are run, but only some: if others are
    /// [left](Self::has_waiting), other tasks should run before [`run_more`](Self::run_more).
    pub fn poll_write(&self, cx: &Context<'_>, mut write: impl FnMut(&Framed)) -> Poll<Outgoing<Written>> {
        let mut state = self.0.borrow_mut();
        let (mut is_written, mut waiting) = (true, None);
        match state.frames.pop_front() {
            Some(frame) => write(&frame),
            None => {
                // The frames of the handshake have been sent, and no others come here.
                if state.frames.capacity() > 0 {
                    state.frames = VecDeque::new();
                }
                is_written = false;
                waiting = state.take(cx, |_, frame| {
                    is_written = true;
                    write(frame);
                });
            }
        }
        if !is_written && waiting.is_none() {
            return state.other();
        }
        let written = Written { at_once: state.at_once };
        // Blocks may run any code, so nothing is borrowed while they run.
        drop(state);
        if let Some((link, waiting)) = waiting {
            self.run_some(&link, waiting);
        }
        // If nothing was written, the writer continues with what the blocks have to say.
        Poll::Ready(Outgoing::Frame(written))
    }

    fn run_some(&self, link: &Arc<Link<P>>, waiting: Waiting) {
        let (began, mut runs) = (link.shared().now(), 0);
        let has_waiting = link.run_waiting(waiting, || {
            runs += 1;
            runs == RUNS_AT_ONCE || link.shared().now().since(began) >= RUNS_FOR
        });
        self.0.borrow_mut().has_waiting = has_waiting;
    }

    /// Whether blocks are left that may run now.
    pub fn has_waiting(&self) -> bool {
        self.0.borrow().has_waiting
    }

    /// Other tasks have run: the next [`poll_write`](Self::poll_write) runs more of them.
    pub fn run_more(&self) {
        self.0.borrow_mut().has_waiting = false;
    }
}

impl<P: Platform> State<P> {
    /// The pending output other than frames.
    fn other<F>(&mut self) -> Poll<Outgoing<F>> {
        if let Some(payload) = self.pong.take() {
            return Poll::Ready(Outgoing::Pong(payload));
        }
        match &self.goodbye {
            Some(goodbye) => Poll::Ready(Outgoing::Close(goodbye.clone())),
            None => Poll::Pending,
        }
    }

    /// Takes the session's output, if nothing else is pending. Blocks that had to wait for pending
    /// output may run then.
    fn take(
        &mut self,
        cx: &Context<'_>,
        mut write: impl FnMut(&mut VecDeque<Framed>, &Framed),
    ) -> Option<(Arc<Link<P>>, Waiting)> {
        if !self.frames.is_empty() || self.pong.is_some() {
            return None;
        }
        let was_known = self.remember(cx);
        let (link, epoch) = self.carried.as_ref()?;
        if was_known && link.is_quiet(*epoch) {
            return None;
        }
        let (frames, may_run) = (&mut self.frames, !self.has_waiting);
        match link.take_output(*epoch, cx, may_run, |frame| write(frames, frame)) {
            Ok(Taken { waiting, at_once }) => {
                self.at_once = at_once;
                Some((Arc::clone(link), waiting?))
            }
            Err(goodbye) => {
                self.carried = None;
                self.goodbye.get_or_insert(goodbye);
                None
            }
        }
    }

    /// Stores the waker. Returns true if it was stored before.
    fn remember(&mut self, cx: &Context<'_>) -> bool {
        let is_known = self.writer.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        if !is_known {
            self.writer = Some(cx.waker().clone());
        }
        is_known
    }
}

impl<P: Platform> fmt::Debug for Out<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Out")
    }
}
