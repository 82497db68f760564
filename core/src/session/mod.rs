//! One session between two peers, as a state machine: frames and moments in, effects and frames out.
//!
//! It knows no socket, no clock and no task. The Actix peer, the browser peer, the simulator and the fuzzer all drive
//! this one. `W` is whatever the driver keeps for a call that is open, for instance the sender of a channel.
//!
//! A session outlives its connection. While it is *attached* to one, frames come and go; when the connection is lost it
//! waits, detached, for another one to go on with, until its window has passed. [`handshake`](crate::handshake) is how a
//! connection finds its session.

mod calls;
mod health;
mod inbox;
mod outbox;

use std::time::Duration;

use bytes::Bytes;
use rustc_hash::FxHashSet;

use self::calls::{Calls, OpenCall};
use self::health::Health;
use self::inbox::Inbox;
use self::outbox::{Gap, Outbox};
use crate::block::{BlockId, Fingerprint};
use crate::codec::Codec;
use crate::error::{ErrorKind, Ran, Refusal, RemoteError};
use crate::frame::{self, CallId, Catalogue, Frame, FrameError, HEAD, Introduction, Invoke, Reply};
use crate::limits::Limits;
use crate::pending::{Ending, Payload};
use crate::request::Request;
use crate::time::{Deadline, Moment};

pub use self::outbox::{CHUNK, STREAMS};

/// The largest WebSocket message that the protocol has: a chunk with its header, or the introduction.
pub const MAX_FRAME: usize = CHUNK + 1024;

/// How much a clogged session reads per check in which the other side took nothing. If both sides are clogged, neither
/// would ever read otherwise; and there are sixteen checks before a side that only pretends is cut off. A result that is
/// queued meanwhile counts as if it had been read, and a call as a chunk at least: small calls with large results
/// would add to the queue without end otherwise.
const READ_WHEN_STALLED: usize = 4 * CHUNK;

/// A bare error is sent whatever the limit on messages is, so that much is always taken.
const SMALLEST_LIMIT: usize = 1024;

/// One session, seen from one of its two ends.
#[derive(Debug)]
pub struct Session<W> {
    limits: Limits,
    /// The largest message that both sides take.
    message: usize,
    state: State,
    outbox: Outbox,
    inbox: Inbox,
    /// The other side has to be told how much has arrived.
    ack_is_due: bool,
    calls: Calls<W>,
    health: Health,
    /// How many bytes are read although the session is clogged.
    allowance: usize,
    /// We take no new calls.
    we_leave: bool,
    /// The other side takes no new calls.
    they_leave: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
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
}

/// Why a connection is taken for dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Dead {
    /// Nothing came in for [`Limits::silence`].
    #[error("nothing was heard from the other side")]
    Silent,
    /// The other side took nothing for [`Limits::write_stall`] while something waited to be sent.
    #[error("the other side stopped reading")]
    Stalled,
}

/// The other side broke the protocol. The session cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// It sent bytes that are no frame.
    #[error("it sent a message that is no frame: {0}")]
    Frame(#[from] FrameError),
    /// It sent a frame that has no place here.
    #[error("it sent a {0} frame out of place")]
    Unexpected(&'static str),
    /// It made a call with the number of another one that runs.
    #[error("it made call {0} twice")]
    CallTwice(u64),
    /// It answered a call that was never made.
    #[error("it answered call {0}, which was never made")]
    NoSuchCall(u64),
    /// It says that it received what was never sent.
    #[error("it acknowledged what was never sent")]
    NeverSent,
    /// It sent more than [`Limits::message`].
    #[error("it sent a message of {size} bytes where the limit is {limit}")]
    TooLarge {
        /// The size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// It began more large messages at once than it may.
    #[error("it began more than {STREAMS} large messages at once")]
    TooManyStreams,
    /// The parts of a large message do not fit together.
    #[error("it sent parts of a message that do not fit together")]
    ChunkSize,
}

/// A session that cannot go on, because what the other side lacks is no longer kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what the other side lacks is no longer kept")]
pub struct Lost;

impl<W> Session<W> {
    /// A session with a peer that introduced itself like this, attached to the connection on which it did.
    #[must_use]
    pub fn new(limits: Limits, them: &Introduction, now: Moment) -> Self {
        let message = limits.message.min(them.message as usize);
        let theirs = Duration::from_millis(them.silence_ms.into());
        Self {
            message,
            state: State::Attached,
            outbox: Outbox::new(limits.resend, limits.window),
            inbox: Inbox::new(limits.message),
            ack_is_due: false,
            calls: Calls::default(),
            health: Health::new(limits.silence, theirs, limits.write_stall, now),
            allowance: 0,
            we_leave: false,
            they_leave: false,
            limits,
        }
    }

    /// Whether the session can still carry calls, now or after a reconnect.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.state != State::Closed
    }

    /// Whether a connection carries it now.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.state == State::Attached
    }

    /// How many of our calls wait for their results.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.open()
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

    /// Whether so much waits to be sent that nothing more should be read until it is less. Worth asking again after each
    /// frame that was sent or received, and after each [`tick`](Self::tick).
    ///
    /// What waits only for the other side's acknowledgement does not count: that has to be read. And when the other side
    /// takes nothing, a little is read all the same, for it may be clogged itself and wait for us.
    #[must_use]
    pub fn is_clogged(&self) -> bool {
        self.is_full() && self.allowance == 0
    }

    /// So much less is read while the session is clogged.
    fn spend(&mut self, bytes: usize) {
        self.allowance = self.allowance.saturating_sub(bytes);
    }

    fn is_full(&self) -> bool {
        self.is_attached() && self.outbox.queued() > self.limits.queue && self.outbox.has_next()
    }

    /// How many numbered frames have arrived: what the other side is told when it comes back, or when we do.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.inbox.received()
    }

    /// The connection is gone. The session waits for another one.
    pub fn detach(&mut self, now: Moment) {
        if self.state == State::Attached {
            self.state = State::Detached(now + self.limits.resume);
        }
    }

    /// A new connection goes on with the session; the other side has this many of our frames.
    pub fn attach(&mut self, they_received: u64, now: Moment) -> Result<(), Lost> {
        match self.outbox.rewind(they_received) {
            Ok(()) if self.is_alive() => {
                self.state = State::Attached;
                self.health.begin(now);
                self.tell_that_we_leave();
                self.allowance = 0;
                Ok(())
            }
            Ok(()) | Err(Gap::Overrun | Gap::NeverSent) => Err(Lost),
        }
    }

    /// Whether [`next_frame`](Self::next_frame) has one.
    #[must_use]
    pub fn has_frame(&self) -> bool {
        self.is_attached() && (self.ack_is_due || self.outbox.has_next())
    }

    /// The next frame to send.
    pub fn next_frame(&mut self) -> Option<Bytes> {
        if !self.is_attached() {
            return None;
        }
        let frame = if self.ack_is_due {
            self.ack_is_due = false;
            Frame::Ack(self.inbox.acknowledge()).encode()
        } else {
            let frame = self.outbox.next()?;
            self.health.took();
            frame
        };
        self.health.sent();
        Some(frame)
    }

    /// Takes one message from the other side.
    pub fn receive(&mut self, now: Moment, message: Bytes) -> Result<Option<Effect<W>>, Violation> {
        self.receive_at(|| now, message)
    }

    /// The same for a driver whose clock is worth a thought: only a request to run a block needs the time.
    pub fn receive_at(
        &mut self,
        now: impl FnOnce() -> Moment,
        message: Bytes,
    ) -> Result<Option<Effect<W>>, Violation> {
        // What was on its way on a connection that is no longer ours is sent again on the next one.
        if !self.is_attached() {
            return Ok(None);
        }
        self.health.heard();
        let size = message.len();
        let limit = self.limits.message.clamp(SMALLEST_LIMIT, MAX_FRAME);
        if size > limit {
            return Err(Violation::TooLarge { size, limit });
        }
        self.spend(size);
        let frame = Frame::decode(message)?;
        if let Frame::Ack(received) = frame {
            let kept = self.outbox.kept();
            self.outbox.acknowledge(received).map_err(|_| Violation::NeverSent)?;
            if self.outbox.kept() < kept {
                self.health.took();
            }
            return Ok(None);
        }
        self.ack_is_due |= self.inbox.count(size);
        match frame {
            Frame::Chunk(chunk) => match self.inbox.add(chunk)? {
                Some(whole) => self.received_whole(now, Frame::decode(whole)?),
                None => Ok(None),
            },
            frame => self.received_whole(now, frame),
        }
    }

    fn received_whole(
        &mut self,
        now: impl FnOnce() -> Moment,
        frame: Frame,
    ) -> Result<Option<Effect<W>>, Violation> {
        match frame {
            Frame::Invoke(invoke) => self.invoked(now(), invoke),
            Frame::Reply(reply) => self.replied(reply),
            Frame::Cancel(call) => Ok(self.calls.stop(call).then_some(Effect::Abort(call))),
            Frame::GoAway => {
                self.they_leave = true;
                Ok(Some(Effect::TheyLeave))
            }
            Frame::Catalogue(catalogue) => Ok(Some(Effect::Catalogue(catalogue))),
            Frame::Hello(_) => Err(Violation::Unexpected("hello")),
            Frame::Welcome(_) => Err(Violation::Unexpected("welcome")),
            Frame::Reject(_) => Err(Violation::Unexpected("reject")),
            Frame::Chunk(_) => Err(Violation::Unexpected("nested chunk")),
            Frame::Ack(_) => Err(Violation::Unexpected("nested ack")),
        }
    }

    /// Tells the other side which blocks we have.
    pub fn tell_blocks(&mut self, blocks: &[(BlockId, Fingerprint)]) {
        Catalogue::split(blocks, self.message)
            .for_each(|part| self.outbox.push(Frame::Catalogue(part).encode()));
    }

    /// Sends a call and returns its number; while the session is detached, as soon as it is attached again. The header
    /// is written into the request's own bytes if nobody else has a share of them, and the request keeps a share of
    /// what is sent.
    ///
    /// An error means that nothing was sent.
    pub fn call(&mut self, now: Moment, request: &mut Request, waiter: W) -> Result<CallId, RemoteError> {
        if let Some(error) = self.objection_to_call(now, request) {
            return Err(error);
        }
        let call = self.calls.begin(waiter, request.deadline);
        let invoke = Invoke {
            call,
            block: request.block.id,
            fingerprint: request.block.fingerprint(),
            deadline_ms: request.deadline.remaining(now).map(whole_millis),
            hop: request.hop,
            codec: request.codec.number(),
            is_detached: request.is_detached,
            captures: Bytes::new(),
        };
        request.frame = invoke.seal(std::mem::take(&mut request.frame));
        self.outbox.push(request.frame.clone());
        Ok(call)
    }

    fn objection_to_call(&self, now: Moment, request: &Request) -> Option<RemoteError> {
        if !self.is_alive() {
            return Some(RemoteError::new(ErrorKind::Disconnected, Ran::Never));
        }
        let size = request.frame.len();
        if size > self.message {
            return Some(RemoteError::new(ErrorKind::TooLarge { size, limit: self.message }, Ran::Never));
        }
        if request.deadline.has_passed(now) {
            return Some(RemoteError::new(ErrorKind::DeadlineExceeded, Ran::Never));
        }
        let queued = self.outbox.queued();
        let refusal = if self.they_leave {
            Refusal::GoingAway
        } else if self.calls.open() >= self.limits.calls_out {
            Refusal::Overloaded(self.limits.calls_out)
        } else if queued > 0 && queued + size > self.limits.queue.max(size) {
            Refusal::QueueFull(self.limits.queue)
        } else {
            return None;
        };
        Some(RemoteError::refused(refusal))
    }

    /// The caller does not wait any longer: the block is stopped, and a reply that is on its way is ignored.
    pub fn cancel(&mut self, call: CallId) -> Option<W> {
        self.give_up(call).map(|(waiter, _)| waiter)
    }

    /// Ends a call of ours. What was not sent of it is not sent any more: only so is it sure that it never runs.
    fn give_up(&mut self, call: CallId) -> Option<(W, Ran)> {
        let open = self.calls.end(call)?;
        if self.outbox.withdraw(call) {
            return Some((open.waiter, Ran::Never));
        }
        if self.is_alive() {
            self.outbox.push(Frame::Cancel(call).encode());
        }
        Some((open.waiter, Ran::Maybe))
    }

    fn invoked(&mut self, now: Moment, invoke: Invoke) -> Result<Option<Effect<W>>, Violation> {
        let deadline = match invoke.deadline_ms {
            Some(ms) => Deadline::at(now + Duration::from_millis(ms.into())),
            None => Deadline::never(),
        };
        let running = self.calls.running();
        self.calls.start(invoke.call, deadline)?;
        self.spend(CHUNK);
        let objection = if self.we_leave {
            Some(RemoteError::refused(Refusal::GoingAway))
        } else if invoke.hop >= self.limits.hops {
            Some(RemoteError::refused(Refusal::TooManyHops(self.limits.hops)))
        } else if running >= self.limits.calls_in {
            Some(RemoteError::refused(Refusal::Overloaded(self.limits.calls_in)))
        } else if let Err(number) = frame::codec(invoke.codec) {
            Some(RemoteError::refused(Refusal::UnknownCodec(number)))
        } else if deadline.has_passed(now) {
            Some(RemoteError::new(ErrorKind::DeadlineExceeded, Ran::Never))
        } else {
            None
        };
        if let Some(error) = objection {
            self.reply(invoke.call, Err(error));
            return Ok(None);
        }
        Ok(Some(Effect::Run(invoke, deadline)))
    }

    /// Sends how a block ended; a value stands behind [`HEAD`] bytes of room. Does nothing when the call was
    /// cancelled meanwhile.
    pub fn reply(&mut self, call: CallId, ending: Ending) {
        if !self.calls.stop(call) {
            return;
        }
        let ending = ending.and_then(|payload| match payload.bytes.len() {
            size if size > self.message => {
                Err(RemoteError::new(ErrorKind::TooLarge { size, limit: self.message }, Ran::Yes))
            }
            _ => Ok(payload),
        });
        let (is_value, payload) = match ending {
            Ok(payload) => (true, payload),
            Err(error) => (false, encoded(&error, self.message)),
        };
        self.spend(payload.bytes.len());
        let codec = payload.codec.number();
        let reply = Reply { call, is_value, codec, payload: Bytes::new() };
        self.outbox.push(reply.seal(payload.bytes));
    }

    fn replied(&mut self, reply: Reply) -> Result<Option<Effect<W>>, Violation> {
        let Some(OpenCall { waiter, .. }) = self.calls.end(reply.call) else {
            // A call that we cancelled may have been answered before the other side knew.
            let was_made = self.calls.was_made(reply.call);
            return if was_made { Ok(None) } else { Err(Violation::NoSuchCall(reply.call.0)) };
        };
        let ending = match frame::codec(reply.codec) {
            Ok(codec) if reply.is_value => Ok(Payload { codec, bytes: reply.payload }),
            Ok(codec) => Err(codec.decode(&reply.payload).unwrap_or_else(|error| {
                RemoteError::new(ErrorKind::DecodeResult, Ran::Maybe).caused_by(&error)
            })),
            Err(number) => {
                let error = Refusal::UnknownCodec(number);
                Err(RemoteError::new(ErrorKind::DecodeResult, Ran::Yes).caused_by(&error))
            }
        };
        Ok(Some(Effect::Complete(waiter, ending)))
    }

    /// We are stopping: running blocks end and are answered, new calls are refused. Told to the other side.
    pub fn go_away(&mut self) {
        if !self.we_leave && self.is_alive() {
            self.we_leave = true;
            self.tell_that_we_leave();
        }
    }

    /// Only a side that is there is told: nobody should wait for one that may never come back only to tell it.
    fn tell_that_we_leave(&mut self) {
        if self.we_leave && self.is_attached() {
            self.outbox.push(Frame::GoAway.encode());
        }
    }

    /// Whether nothing runs, nothing is waited for and everything was sent.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.calls.running() == 0
            && self.calls.open() == 0
            && !self.outbox.has_next()
            && self.outbox.queued() == 0
    }

    /// The moment by which [`tick`](Self::tick) is due. It may be early.
    #[must_use]
    pub fn wake(&self) -> Option<Moment> {
        let connection = match self.state {
            State::Attached => self.health.wake(),
            State::Detached(until) => until,
            State::Closed => return None,
        };
        Deadline::at(connection).earlier(self.calls.wake()).moment()
    }

    /// Lets time pass: ends the calls whose deadline has passed in both directions, keeps the connection alive and
    /// notices when it is dead, and ends the session when its window has passed.
    pub fn tick(&mut self, now: Moment) -> Vec<Effect<W>> {
        match self.state {
            State::Closed => return Vec::new(),
            State::Detached(until) if until <= now => {
                let mut effects = self.close();
                effects.push(Effect::Expired);
                return effects;
            }
            State::Detached(_) | State::Attached => {}
        }
        // What the end of late calls adds to the queue below was not refused by anybody yet.
        let is_full = self.is_full();
        let mut effects = Vec::new();
        let late = self.calls.late(now);
        for call in late.open {
            if let Some((waiter, ran)) = self.give_up(call) {
                let error = RemoteError::new(ErrorKind::DeadlineExceeded, ran);
                effects.push(Effect::Complete(waiter, Err(error)));
            }
        }
        for call in late.running {
            self.reply(call, Err(RemoteError::new(ErrorKind::DeadlineExceeded, Ran::Maybe)));
            effects.push(Effect::Abort(call));
        }
        if self.is_attached() {
            if is_full {
                // Next to nothing is read at present, so nothing may be heard; whether the other side takes what we send
                // is looked at instead.
                self.health.heard();
            }
            let check = self.health.check(now, self.outbox.has_next() || self.outbox.queued() > 0);
            self.ack_is_due |= check.say_something;
            if check.stalled {
                self.allowance = READ_WHEN_STALLED;
            }
            effects.extend(check.dead.map(Effect::DropConnection));
        }
        effects
    }

    /// The session is over: open calls end as disconnected, running blocks are dropped.
    pub fn close(&mut self) -> Vec<Effect<W>> {
        if !self.is_alive() {
            return Vec::new();
        }
        self.state = State::Closed;
        let unsent: FxHashSet<_> = self.outbox.unsent_calls().collect();
        let (open, running) = self.calls.take_all();
        let mut effects = Vec::with_capacity(open.len() + running.len());
        for (call, waiter) in open {
            let ran = if unsent.contains(&call) { Ran::Never } else { Ran::Maybe };
            effects.push(Effect::Complete(waiter, Err(RemoteError::new(ErrorKind::Disconnected, ran))));
        }
        effects.extend(running.into_iter().map(Effect::Abort));
        self.outbox.clear();
        self.inbox.clear();
        effects
    }
}

/// An error as it travels. One that is too large for a message, or cannot be written, travels without its causes, or at
/// last as one that says no more than that.
fn encoded(error: &RemoteError, limit: usize) -> Payload {
    let codec = Codec::default();
    let encode = |error: &RemoteError| codec.encode(HEAD, error);
    let fits = |bytes: &Vec<u8>| bytes.len() <= limit.max(SMALLEST_LIMIT);
    let bytes = encode(error).ok().filter(fits).unwrap_or_else(|| {
        let bare = encode(&RemoteError::new(error.kind().clone(), error.ran()));
        bare.ok().filter(fits).unwrap_or_else(|| {
            let size = encode(error).map_or(0, |bytes| bytes.len());
            let last = RemoteError::new(ErrorKind::TooLarge { size, limit }, error.ran());
            encode(&last).unwrap_or_else(|_| vec![0; HEAD])
        })
    });
    Payload { codec, bytes: bytes.into() }
}

/// Milliseconds, rounded up so that a little time left is not none; more than fits is as much as fits.
fn whole_millis(left: Duration) -> u32 {
    u32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(u32::MAX).min(u32::MAX - 1)
}
