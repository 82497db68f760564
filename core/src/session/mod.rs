//! One session between two peers, as a state machine: frames and moments in, effects and frames
//! out.
//!
//! It has no socket, no clock and no task. The Actix peer, the browser peer, the simulator and the
//! fuzzer all drive this state machine. `W` is what the driver keeps for an open call, for
//! instance the sender of a channel.
//!
//! A session outlives its connection. While it is *attached* to one, frames are sent and received.
//! When the connection is lost, the session is detached: it waits for another connection until its
//! resume window has passed. [`handshake`](crate::wire::handshake) is how a connection finds its
//! session.
//!
//! | module | idea |
//! |---|---|
//! | here | what a session is, and connections that come and go |
//! | `frames` | frames out and in |
//! | `calling`, `serving`, `calls`, `timed` | the calls that we make, those that the other side makes, and the table of both, by their deadlines |
//! | `outbox`, `inbox` | numbered frames: sent, kept, cut into chunks; counted, put together |
//! | `growing` | a large message while it arrives |
//! | `change` | changing the principal of a session |
//! | `channels` | the channels whose ends were sent or received |
//! | `catalogue_progress` | how much of its catalogue the other side may send |
//! | `health`, `probe`, `life` | whether the connection is alive, and asking whether it is; how time passes, and the end |
//! | `violation` | how the other side, or a connection to it, fails a session |

mod calling;
mod calls;
mod catalogue_progress;
mod change;
mod channels;
mod frames;
mod growing;
mod health;
mod inbox;
mod life;
mod outbox;
mod parked;
mod probe;
mod serving;
mod timed;
mod violation;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use self::calls::Calls;
use self::catalogue_progress::CatalogueProgress;
use self::change::Change;
pub use self::channels::ChannelEvent;
use self::channels::Channels;
pub(crate) use self::channels::use_channels;
use self::health::Health;
use self::inbox::Inbox;
use self::outbox::{Gap, Outbox};
use self::parked::Parked;
use self::waiting::WaitingCalls;
use crate::call::pending::Ending;
use crate::error::{ErrorKind, RemoteError};
use crate::identity::peer_id::PeerId;
use crate::limits::Limits;
use crate::limits::account::Full;
use crate::util::log_limit::Doubling;
use crate::util::time::{Deadline, Moment};
use crate::util::token_bucket::TokenBucket;
use crate::wire::frame::{CallId, Catalogue, Introduction, Invoke, SessionEnd};

pub(crate) use self::outbox::AT_ONCE;
pub use self::outbox::{CHUNK, STREAMS};
pub use self::violation::{Dead, Lost, Violation};

/// The largest WebSocket message that the protocol has: a chunk with its header, or the
/// introduction.
pub const MAX_FRAME: usize = CHUNK + 1024;

/// How many bytes a session under backpressure reads per check in which the other side took
/// nothing. Without this allowance, two sides with full queues would deadlock. A side that only
/// pretends to be full is disconnected after sixteen checks.
const READ_WHEN_STALLED: usize = 4 * CHUNK;

/// The number of health checks within which the other side may confirm that it knows we are
/// leaving. There are sixteen checks per span of silence.
const CHECKS_UNTIL_KNOWN: u8 = 2;

/// A bare error is sent whatever the message limit is, so this size is always accepted.
const SMALLEST_LIMIT: usize = 1024;

/// Whether a table has so much excess capacity that some of it should be freed.
pub(crate) fn is_oversized(capacity: usize, needed: usize) -> bool {
    capacity > 64 && capacity / 4 > needed
}

/// One session, seen from one of its two ends.
#[derive(Debug)]
pub struct Session<W> {
    remote: PeerId,
    /// The limits of the peer, shared by all of its sessions.
    limits: Arc<Limits>,
    /// The largest message that both sides accept.
    message: usize,
    state: State,
    outbox: Outbox,
    inbox: Inbox,
    /// Something has to be sent, if only an acknowledgement.
    must_speak: bool,
    /// What has to be sent is a ping. Only valid if `must_speak` is set.
    must_ping: bool,
    /// The other side has asked for an acknowledgement.
    must_answer: bool,
    /// At the last check, something had arrived that was not acknowledged yet.
    owes_word: bool,
    calls: Calls<W>,
    /// Calls of ours that wait for space in the send queue.
    waiting: WaitingCalls,
    /// Limits the rate of the other side's calls.
    rate: TokenBucket,
    /// Calls of the other side that wait, because too much output to that side is pending.
    parked: Parked,
    health: Health,
    /// The number of bytes that may be read although the session is under backpressure.
    allowance: usize,
    /// Whether the other side is certain to know of this session.
    is_open: bool,
    /// The limit on held memory that is reached, if any.
    full: Option<Full>,
    /// This side takes no new calls.
    we_leave: bool,
    /// The other side was notified of that.
    said_we_leave: bool,
    /// The number of health checks for which we still wait until the other side knows that.
    checks_left: u8,
    /// The other side takes no new calls.
    they_leave: bool,
    /// The progress of the other side's catalogue.
    catalogue: CatalogueProgress,
    /// Limits how many of our refusals are logged.
    refusals: Doubling,
    /// This side has dialled the session.
    is_dialled: bool,
    /// Whether the other side supports a change of the session's principal.
    can_change: bool,
    /// Whether the other side knows channels.
    has_channels: bool,
    change: Change,
    channels: Channels,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A connection carries the welcome of the session, and nothing has arrived on it. It counts
    /// as a connection until this moment.
    Welcomed(Moment),
    Attached,
    /// Waits for a connection until this moment.
    Detached(Moment),
    Closed,
}

/// What the driver has to do.
#[derive(Debug)]
pub enum Effect<W> {
    /// Run a block and pass its outcome to [`Session::reply`].
    Run(Invoke, Deadline),
    /// Drop this block if it still runs; its caller no longer waits for it.
    Abort(CallId),
    /// Pass the outcome of a call to this waiter.
    Complete(W, Ending),
    /// The connection is dead although it is not closed: drop it.
    DropConnection(Dead),
    /// Tell the ends of channels in this process.
    Channel(ChannelEvent),
    /// The session is over: its resume window has passed.
    Expired,
    /// The other side is stopping and takes no new calls.
    TheyLeave,
    /// The other side sent its catalogue of blocks, or a part of it.
    Catalogue(Catalogue),
    /// The other side has ended the session, if this is the proof of that: close the session.
    /// Otherwise drop the connection.
    TheyEnd(SessionEnd),
}

impl<W> Session<W> {
    /// Returns a session that the other side opened for us with its welcome. It is attached to the
    /// connection that carried the welcome. The first frame is sent at once, so that the other
    /// side knows that the welcome has arrived.
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

    /// Returns a session that we open for the other side. The connection on which the other side
    /// introduced itself carries it. The session is neither [attached](Self::is_attached) nor
    /// [open](Self::is_open) until something arrives on that connection: the welcome may be lost,
    /// and the other side would then begin another session.
    #[must_use]
    pub fn accepted(limits: impl Into<Arc<Limits>>, them: &Introduction, now: Moment) -> Self {
        let limits = limits.into();
        let message = limits.max_message.min(them.message as usize);
        let theirs = Duration::from_millis(them.silence_ms.into());
        Self {
            remote: them.peer,
            message,
            state: State::Welcomed(now + limits.handshake_timeout),
            outbox: Outbox::new(limits.resend_buffer, limits.send_window, message),
            inbox: Inbox::new(limits.max_message),
            must_speak: false,
            must_ping: false,
            must_answer: false,
            owes_word: false,
            calls: Calls::default(),
            waiting: WaitingCalls::default(),
            rate: TokenBucket::new(limits.max_calls_per_second),
            parked: Parked::default(),
            health: Health::new(&limits, theirs, now),
            allowance: 0,
            is_open: false,
            full: None,
            we_leave: false,
            said_we_leave: false,
            checks_left: 0,
            they_leave: false,
            catalogue: CatalogueProgress::default(),
            refusals: Doubling::default(),
            is_dialled: false,
            can_change: them.has(Introduction::CHANGE),
            has_channels: them.has(Introduction::CHANNELS),
            change: Change::None,
            channels: Channels::new(),
            limits,
        }
    }

    /// Whether the session can still carry calls, now or after a reconnect.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.state != State::Closed
    }

    /// Whether the session has a connection now: it is attached to one, or will be when something
    /// arrives on it.
    #[must_use]
    pub fn is_carried(&self) -> bool {
        matches!(self.state, State::Attached | State::Welcomed(_))
    }

    /// Whether a connection carries the session now on which both sides have sent something.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.state == State::Attached
    }

    /// Whether the other side is certain to have the session, too. Calls can be made from then on.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// The number of our calls that wait for their results.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.open()
    }

    /// The number of our calls that are not queued.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.calls.open() - self.waiting.len()
    }

    /// The number of blocks that run here for the other side.
    #[must_use]
    pub fn running(&self) -> usize {
        self.calls.running()
    }

    /// Whether this call of the other side runs.
    #[must_use]
    pub fn is_running(&self, call: CallId) -> bool {
        self.calls.is_running(call)
    }

    /// The number of bytes that wait to be sent.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.outbox.queued()
    }

    /// The number of bytes that are kept to be sent again after a reconnect.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.outbox.kept()
    }

    /// The number of bytes that have arrived of incomplete large messages.
    #[must_use]
    pub fn arriving(&self) -> usize {
        self.inbox.arriving()
    }

    /// The memory that the session holds for the other side, in bytes: partially received
    /// messages, waiting calls that it made or that its blocks make, items of channels that were
    /// not taken, and output that was not sent or not acknowledged.
    #[must_use]
    pub fn held(&self) -> usize {
        let calls = self.parked.bytes() + self.waiting.held();
        self.inbox.held() + calls + self.outbox.held() + self.channels.held()
    }

    /// Sets the limit on held memory that is reached, if any. As long as one is, calls are
    /// refused, large messages are dropped on arrival, and results are not kept.
    pub fn set_full(&mut self, full: Option<Full>) {
        self.full = full;
    }

    /// Whether a limit on held memory was reached when that was last [set](Self::set_full).
    #[must_use]
    pub fn is_at_limit(&self) -> bool {
        self.full.is_some()
    }

    /// Whether so much output is pending that reading should be paused. Worth checking again after
    /// each frame that was sent or received, and after each [`tick`](Self::tick).
    ///
    /// Output that only waits for an acknowledgement does not count, because acknowledgements have
    /// to be read. If the other side takes nothing, a small allowance is read all the same: the
    /// other side may be under backpressure itself and wait for us.
    #[must_use]
    pub fn is_backpressured(&self) -> bool {
        self.is_full() && self.allowance == 0
    }

    fn is_full(&self) -> bool {
        self.is_attached() && self.owes_too_much() && self.outbox.has_next()
    }

    /// The number of numbered frames that have arrived. The other side receives it when either
    /// side reconnects.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.inbox.received()
    }

    /// The connection is lost. The session waits for another one. Calls that are bound to the
    /// connection end.
    pub fn detach(&mut self, now: Moment) -> Vec<Effect<W>> {
        if !self.is_carried() {
            return Vec::new();
        }
        self.state = State::Detached(now + self.limits.resume_window);
        let bound = self.calls.bound();
        let ended = bound.into_iter().filter_map(|call| self.give_up(call));
        let error = |ran| Err(RemoteError::new(ErrorKind::Disconnected, ran));
        ended.map(|(waiter, ran)| Effect::Complete(waiter, error(ran))).collect()
    }

    /// A new connection resumes the session; the other side has this many of our frames. This
    /// fails if the resume window has passed, even if no [`tick`](Self::tick) has noticed that
    /// yet.
    pub fn attach(&mut self, they_received: u64, now: Moment) -> Result<(), Lost> {
        if !self.can_attach(they_received, now) {
            return Err(Lost);
        }
        self.outbox.rewind(they_received).map_err(|gap| match gap {
            Gap::Overrun | Gap::NeverSent => Lost,
        })?;
        // A connection becomes the session's only when both sides have sent something on it.
        (self.must_speak, self.must_ping, self.must_answer) = (true, false, false);
        self.change = Change::None;
        self.begin(now);
        Ok(())
    }

    /// Whether a new connection could resume the session if the other side has this many of our
    /// frames.
    #[must_use]
    pub fn can_attach(&self, they_received: u64, now: Moment) -> bool {
        let is_over = match self.state {
            State::Attached | State::Welcomed(_) => false,
            State::Detached(until) => until <= now,
            State::Closed => true,
        };
        !is_over && self.outbox.can_rewind(they_received)
    }

    /// Both sides have sent something on the connection.
    fn begin(&mut self, now: Moment) {
        self.state = State::Attached;
        self.is_open = true;
        self.health.begin(now);
        self.inbox.rest();
        self.tell_that_we_leave();
        self.allowance = 0;
    }

    /// Whether something seems to be lost on the connection: the other side was asked, and has not
    /// answered.
    #[must_use]
    pub fn is_suspicious(&self) -> bool {
        self.is_attached() && self.health.is_suspicious()
    }

    /// For how long the connection has been idle in both directions.
    #[must_use]
    pub fn idle(&self) -> Duration {
        if self.is_attached() { self.health.idle() } else { Duration::ZERO }
    }

    /// Another peer claims the place of the other side. Probes the other side, which has to answer
    /// within a second.
    pub fn challenge(&mut self, now: Moment) {
        if self.is_attached() {
            (self.must_speak, self.must_ping) = (true, true);
            self.health.challenge(now);
        }
    }

    /// Whether the other side was probed, and nothing has arrived since then.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.is_attached() && self.health.is_asked()
    }

    /// The longest time until the connection is considered dead if nothing more arrives.
    #[must_use]
    pub fn dead_in(&self, now: Moment) -> Duration {
        match self.state {
            State::Attached => self.health.silent_in(now),
            State::Welcomed(until) => until.since(now),
            State::Detached(_) | State::Closed => Duration::ZERO,
        }
    }

    /// Whether nothing runs, no call is open, everything was sent, and no more calls will arrive
    /// if we leave.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let is_silent = match self.state {
            State::Attached => {
                let is_known = !self.we_leave || self.outbox.is_known_to_leave() || self.checks_left == 0;
                is_known && !self.outbox.has_next() && self.outbox.queued() == 0
            }
            // The notice that we leave takes one byte, which is less than anything else takes. No
            // connection exists that could carry it.
            State::Welcomed(_) | State::Detached(_) | State::Closed => {
                self.outbox.queued() <= usize::from(self.we_leave)
            }
        };
        is_silent && self.calls.theirs() == 0 && self.calls.open() == 0 && self.channels.running() == 0
    }
}
