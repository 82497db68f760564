//! One session between two peers, as a state machine: frames and moments in, effects and frames
//! out.
//!
//! It knows no socket, no clock and no task. The Actix peer, the browser peer, the simulator and
//! the fuzzer all drive this one. `W` is whatever the driver keeps for a call that is open, for
//! instance the sender of a channel.
//!
//! A session outlives its connection. While it is *attached* to one, frames come and go; when the
//! connection is lost it waits, detached, for another one to go on with, until its window has
//! passed. [`handshake`](crate::wire::handshake) is how a connection finds its session.
//!
//! | module | idea |
//! |---|---|
//! | here | what a session is, and connections that come and go |
//! | `frames` | frames out and in |
//! | `calling`, `serving`, `calls`, `timed` | the calls that we make, those that the other side makes, and the table of both, by their deadlines |
//! | `outbox`, `inbox` | numbered frames: sent, kept, cut into chunks; counted, put together |
//! | `change` | going on as somebody else |
//! | `told` | how much the other side may tell of its blocks |
//! | `health`, `probe`, `life` | whether the connection is alive, and asking whether it is; how time passes, and the end |
//! | `violation` | how the other side, or a connection to it, fails a session |

mod calling;
mod calls;
mod change;
mod frames;
mod health;
mod inbox;
mod life;
mod outbox;
mod parked;
mod probe;
mod serving;
mod timed;
mod told;
mod violation;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use self::calls::Calls;
use self::change::Change;
use self::health::Health;
use self::inbox::Inbox;
use self::outbox::{Gap, Outbox};
use self::parked::Parked;
use self::told::Told;
use self::waiting::WaitingCalls;
use crate::call::pending::Ending;
use crate::error::{ErrorKind, RemoteError};
use crate::identity::peer_id::PeerId;
use crate::limits::Limits;
use crate::limits::account::Full;
use crate::util::log_limit::Doubling;
use crate::util::time::{Deadline, Moment};
use crate::util::token_bucket::TokenBucket;
use crate::wire::frame::{CallId, Catalogue, Introduction, Invoke, Mac};

pub(crate) use self::outbox::AT_ONCE;
pub use self::outbox::{CHUNK, STREAMS};
pub use self::violation::{Dead, Lost, Violation};

/// The largest WebSocket message that the protocol has: a chunk with its header, or the
/// introduction.
pub const MAX_FRAME: usize = CHUNK + 1024;

/// How much a clogged session reads per check in which the other side took nothing. If both sides
/// are clogged, neither would ever read otherwise; and there are sixteen checks before a side that
/// only pretends is cut off.
const READ_WHEN_STALLED: usize = 4 * CHUNK;

/// So many checks of health, of which there are sixteen per span of silence, the other side may
/// take to say that it knows that we leave.
const CHECKS_UNTIL_KNOWN: u8 = 2;

/// A bare error is sent whatever the limit on messages is, so that much is always taken.
const SMALLEST_LIMIT: usize = 1024;

/// Whether a table has so much more room than it needs that it should give some back.
pub(crate) fn is_oversized(capacity: usize, needed: usize) -> bool {
    capacity > 64 && capacity / 4 > needed
}

/// One session, seen from one of its two ends.
#[derive(Debug)]
pub struct Session<W> {
    remote: PeerId,
    /// Those of the peer, which all of its sessions share.
    limits: Arc<Limits>,
    /// The largest message that both sides take.
    message: usize,
    state: State,
    outbox: Outbox,
    inbox: Inbox,
    /// Something has to be said, if only how much has arrived.
    must_speak: bool,
    /// What has to be said is a ping. Only if something has to.
    must_ping: bool,
    /// The other side has asked how much has arrived.
    must_answer: bool,
    /// Something had arrived at the last check of which the other side was not told.
    owes_word: bool,
    calls: Calls<W>,
    /// Calls of ours that wait for room.
    waiting: WaitingCalls,
    /// How many calls the other side may make.
    rate: TokenBucket,
    /// Calls of theirs that have to wait, because too much waits to be sent to them already.
    parked: Parked,
    health: Health,
    /// How many bytes are read although the session is clogged.
    allowance: usize,
    /// Whether the other side certainly knows of this session.
    is_open: bool,
    /// The limit on held memory that is reached, if one is.
    full: Option<Full>,
    /// We take no new calls.
    we_leave: bool,
    /// The other side was told so.
    said_we_leave: bool,
    /// For so many checks of the connection's health we wait until the other side knows that.
    patience: u8,
    /// The other side takes no new calls.
    they_leave: bool,
    /// What they have told of their blocks.
    told: Told,
    /// What of our refusals is logged.
    refusals: Doubling,
    /// We have dialled it.
    is_dialled: bool,
    /// Whether the other side knows of sessions that go on as somebody else.
    can_change: bool,
    change: Change,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A connection carries the welcome of the session, and nothing was heard on it. It counts
    /// until this moment.
    Welcomed(Moment),
    Attached,
    /// Until when it waits for a connection.
    Detached(Moment),
    Closed,
}

/// What the driver has to do.
#[derive(Debug)]
pub enum Effect<W> {
    /// Run a block and hand its end to [`Session::reply`].
    Run(Invoke, Deadline),
    /// Drop this block if it still runs; nobody waits for it.
    Abort(CallId),
    /// Tell this waiter how its call ended.
    Complete(W, Ending),
    /// The connection is dead although it is not closed: drop it.
    DropConnection(Dead),
    /// The session is over: its window has passed.
    Expired,
    /// The other side is stopping and takes no new calls.
    TheyLeave,
    /// The other side told which blocks it has, or some of them.
    Catalogue(Catalogue),
    /// The other side has ended the session, if this is the proof that it did: close it. Otherwise
    /// drop the connection.
    TheyEnd(Mac),
}

impl<W> Session<W> {
    /// A session that the other side opened for us with its welcome, attached to the connection on
    /// which it did. The first frame follows at once, so that the other side knows that the
    /// welcome has come.
    #[must_use]
    pub fn dialled(limits: impl Into<Arc<Limits>>, them: &Introduction, now: Moment) -> Self {
        Self {
            state: State::Attached,
            is_open: true,
            must_speak: true,
            is_dialled: true,
            ..Self::accepted(limits, them, now)
        }
    }

    /// A session that we open for the other side. The connection on which it introduced itself
    /// carries it, and it is neither [attached](Self::is_attached) nor [open](Self::is_open)
    /// until something is heard on it: the welcome may be lost, and the other side would then
    /// begin another session.
    #[must_use]
    pub fn accepted(limits: impl Into<Arc<Limits>>, them: &Introduction, now: Moment) -> Self {
        let limits = limits.into();
        let message = limits.message.min(them.message as usize);
        let theirs = Duration::from_millis(them.silence_ms.into());
        Self {
            remote: them.peer,
            message,
            state: State::Welcomed(now + limits.handshake),
            outbox: Outbox::new(limits.resend, limits.window, message),
            inbox: Inbox::new(limits.message),
            must_speak: false,
            must_ping: false,
            must_answer: false,
            owes_word: false,
            calls: Calls::default(),
            waiting: WaitingCalls::default(),
            rate: TokenBucket::new(limits.calls_per_second),
            parked: Parked::default(),
            health: Health::new(&limits, theirs, now),
            allowance: 0,
            is_open: false,
            full: None,
            we_leave: false,
            said_we_leave: false,
            patience: 0,
            they_leave: false,
            told: Told::default(),
            refusals: Doubling::default(),
            is_dialled: false,
            can_change: them.has(Introduction::CHANGE),
            change: Change::None,
            limits,
        }
    }

    /// Whether the session can still carry calls, now or after a reconnect.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.state != State::Closed
    }

    /// Whether it has a connection now: it is attached to it, or would be if something were heard
    /// on it.
    #[must_use]
    pub fn is_carried(&self) -> bool {
        matches!(self.state, State::Attached | State::Welcomed(_))
    }

    /// Whether a connection carries it now on which both sides have spoken.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.state == State::Attached
    }

    /// Whether the other side certainly has the session, too. Calls can be made from then on.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// How many of our calls wait for their results.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.open()
    }

    /// How many of them do not wait for room.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.calls.open() - self.waiting.len()
    }

    /// How many blocks run here for the other side.
    #[must_use]
    pub fn running(&self) -> usize {
        self.calls.running()
    }

    /// Whether this call of the other side runs.
    #[must_use]
    pub fn is_running(&self, call: CallId) -> bool {
        self.calls.is_running(call)
    }

    /// How many bytes wait to be sent.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.outbox.queued()
    }

    /// How many bytes are kept to be sent again after a reconnect.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.outbox.kept()
    }

    /// How many bytes of large messages have arrived that are not complete.
    #[must_use]
    pub fn arriving(&self) -> usize {
        self.inbox.arriving()
    }

    /// How many bytes of memory it holds for the other side: what has arrived in part, calls that
    /// it made or that its blocks make and that wait, and what was not sent or not
    /// acknowledged.
    #[must_use]
    pub fn held(&self) -> usize {
        self.inbox.held() + self.parked.bytes() + self.outbox.held() + self.waiting.held()
    }

    /// Whether a limit on held memory is reached. Until it is not, calls are refused, large
    /// messages are dropped as they come, and results are not kept.
    pub fn set_full(&mut self, full: Option<Full>) {
        self.full = full;
    }

    /// Whether a limit on held memory was reached when that was last [said](Self::set_full).
    #[must_use]
    pub fn is_at_limit(&self) -> bool {
        self.full.is_some()
    }

    /// Whether so much waits to be sent that nothing more should be read until it is less. Worth
    /// asking again after each frame that was sent or received, and after each
    /// [`tick`](Self::tick).
    ///
    /// What waits only for the other side's acknowledgement does not count: that has to be read.
    /// And when the other side takes nothing, a little is read all the same, for it may be
    /// clogged itself and wait for us.
    #[must_use]
    pub fn is_clogged(&self) -> bool {
        self.is_full() && self.allowance == 0
    }

    fn is_full(&self) -> bool {
        self.is_attached() && self.owes_too_much() && self.outbox.has_next()
    }

    /// How many numbered frames have arrived: what the other side is told when it comes back, or
    /// when we do.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.inbox.received()
    }

    /// The connection is gone. The session waits for another one; the calls end that are not to
    /// wait with it.
    pub fn detach(&mut self, now: Moment) -> Vec<Effect<W>> {
        if !self.is_carried() {
            return Vec::new();
        }
        self.state = State::Detached(now + self.limits.resume);
        let bound = self.calls.bound();
        let ended = bound.into_iter().filter_map(|call| self.give_up(call));
        let error = |ran| Err(RemoteError::new(ErrorKind::Disconnected, ran));
        ended.map(|(waiter, ran)| Effect::Complete(waiter, error(ran))).collect()
    }

    /// A new connection goes on with the session; the other side has this many of our frames. It
    /// cannot when its window has passed, also if no [`tick`](Self::tick) has noticed that
    /// yet.
    pub fn attach(&mut self, they_received: u64, now: Moment) -> Result<(), Lost> {
        if !self.can_attach(they_received, now) {
            return Err(Lost);
        }
        self.outbox.rewind(they_received).map_err(|gap| match gap {
            Gap::Overrun | Gap::NeverSent => Lost,
        })?;
        // A connection is the session's only when both sides have spoken on it.
        (self.must_speak, self.must_ping, self.must_answer) = (true, false, false);
        self.change = Change::None;
        self.begin(now);
        Ok(())
    }

    /// Whether a new connection could go on with the session when the other side has this many of
    /// our frames.
    #[must_use]
    pub fn can_attach(&self, they_received: u64, now: Moment) -> bool {
        let is_over = match self.state {
            State::Attached | State::Welcomed(_) => false,
            State::Detached(until) => until <= now,
            State::Closed => true,
        };
        !is_over && self.outbox.can_rewind(they_received)
    }

    /// Both sides have spoken on the connection.
    fn begin(&mut self, now: Moment) {
        self.state = State::Attached;
        self.is_open = true;
        self.health.begin(now);
        self.inbox.rest();
        self.tell_that_we_leave();
        self.allowance = 0;
    }

    /// Whether its connection looks as if something got lost on it: the other side was asked, and
    /// has not answered.
    #[must_use]
    pub fn is_suspicious(&self) -> bool {
        self.is_attached() && self.health.is_suspicious()
    }

    /// For how long nothing was said on its connection in either direction.
    #[must_use]
    pub fn idle(&self) -> Duration {
        if self.is_attached() { self.health.idle() } else { Duration::ZERO }
    }

    /// Somebody else wants the place of the other side: asks that whether it is there, which it
    /// has to show within a second.
    pub fn challenge(&mut self, now: Moment) {
        if self.is_attached() {
            (self.must_speak, self.must_ping) = (true, true);
            self.health.challenge(now);
        }
    }

    /// Whether it was asked whether it is there, and nothing was heard since then.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.is_attached() && self.health.is_asked()
    }

    /// After how long at most its connection is taken for dead if nothing more is heard.
    #[must_use]
    pub fn dead_in(&self, now: Moment) -> Duration {
        match self.state {
            State::Attached => self.health.silent_in(now),
            State::Welcomed(until) => until.since(now),
            State::Detached(_) | State::Closed => Duration::ZERO,
        }
    }

    /// Whether nothing runs, nothing is waited for, everything was sent, and nothing more will
    /// come if we leave.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let is_silent = match self.state {
            State::Attached => {
                let is_known = !self.we_leave || self.outbox.is_known_to_leave() || self.patience == 0;
                is_known && !self.outbox.has_next() && self.outbox.queued() == 0
            }
            // That we leave is said in a byte, which is less than anything else takes. Nobody is
            // there to
            // hear it.
            State::Welcomed(_) | State::Detached(_) | State::Closed => {
                self.outbox.queued() <= usize::from(self.we_leave)
            }
        };
        is_silent && self.calls.theirs() == 0 && self.calls.open() == 0
    }
}
