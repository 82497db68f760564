//! One session between two peers, as a state machine: frames and moments in, effects and frames out.
//!
//! It knows no socket, no clock and no task. The Actix peer, the browser peer, the simulator and the fuzzer all drive
//! this one. `W` is whatever the driver keeps for a call that is open, for instance the sender of a channel.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use crate::codec::Codec;
use crate::error::{ErrorKind, Ran, Refusal, RemoteError};
use crate::frame::{self, CallId, Frame, FrameError, HEAD, Hello, Invoke, Reject, Reply, VERSION};
use crate::id::PeerId;
use crate::limits::Limits;
use crate::pending::{Ending, Payload};
use crate::request::Request;
use crate::time::{Deadline, Moment};

/// One session, seen from one of its two ends.
#[derive(Debug)]
pub struct Session<W> {
    local: PeerId,
    limits: Limits,
    state: State,
    outgoing: VecDeque<Bytes>,
    /// The number of the next call that we make.
    next_out: u64,
    /// The calls that we made and that have not ended.
    calls: FxHashMap<CallId, OpenCall<W>>,
    /// The number of the next call that the other side makes.
    next_in: u64,
    /// The blocks that run here for the other side.
    running: FxHashMap<CallId, Deadline>,
    /// No deadline lies before this moment. It may be early, because calls that end do not move it.
    wake: Option<Moment>,
}

#[derive(Debug)]
struct OpenCall<W> {
    waiter: W,
    deadline: Deadline,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// We dialled, and wait for the other side's `Welcome`.
    Dialling,
    /// We accepted, and wait for the other side's `Hello`.
    Accepting,
    /// The other side said `Hello`; the driver decides about it.
    Deciding,
    Open,
    Closed,
}

/// What the driver has to do.
#[derive(Debug)]
pub enum Effect<W> {
    /// Somebody introduced itself: answer with [`Session::admit`] or [`Session::reject`].
    Decide(Hello),
    /// The session that we dialled is open.
    Opened(Hello),
    /// The session that we dialled was not wanted.
    Rejected(Reject),
    /// Run a block and hand its end to [`Session::reply`].
    Run(Invoke, Deadline),
    /// Drop this block if it still runs; nobody waits for it.
    Abort(CallId),
    /// Tell this waiter how its call ended.
    Complete(W, Ending),
}

/// The other side broke the protocol. The session cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// It sent bytes that are no frame.
    #[error("it sent a message that is no frame: {0}")]
    Frame(#[from] FrameError),
    /// It sent a frame that has no place in this state.
    #[error("it sent a {frame} frame while {state}")]
    Unexpected {
        /// What it sent.
        frame: &'static str,
        /// What the session was doing.
        state: &'static str,
    },
    /// It numbered its calls wrongly.
    #[error("it gave a call the number {got} where {expected} is due")]
    CallNumber {
        /// The number that it sent.
        got: u64,
        /// The number that was due.
        expected: u64,
    },
    /// It answered a call that was never made.
    #[error("it answered call {0}, which was never made")]
    NoSuchCall(u64),
    /// It sent more than [`Limits::message`].
    #[error("it sent a message of {size} bytes where the limit is {limit}")]
    TooLarge {
        /// The size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
}

impl<W> Session<W> {
    /// The session of the side that dialled. Its `Hello` is ready to be sent.
    #[must_use]
    pub fn dial(local: PeerId, limits: Limits) -> Self {
        let mut session = Self::new(local, limits, State::Dialling);
        session.outgoing.push_back(Frame::Hello(session.hello()).encode());
        session
    }

    /// The session of the side that accepted the connection.
    #[must_use]
    pub fn accept(local: PeerId, limits: Limits) -> Self {
        Self::new(local, limits, State::Accepting)
    }

    fn new(local: PeerId, limits: Limits, state: State) -> Self {
        Self {
            local,
            limits,
            state,
            outgoing: VecDeque::new(),
            next_out: 0,
            calls: FxHashMap::default(),
            next_in: 0,
            running: FxHashMap::default(),
            wake: None,
        }
    }

    fn hello(&self) -> Hello {
        Hello { version: VERSION, peer: self.local, codecs: vec![Codec::Bincode.number()] }
    }

    /// Whether calls can be made.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// How many of our calls wait for their results.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// How many blocks run here for the other side.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// Whether there are frames to send.
    #[must_use]
    pub fn has_outgoing(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Moves the frames that are to be sent to the end of `frames`, in order.
    pub fn take_outgoing(&mut self, frames: &mut VecDeque<Bytes>) {
        if frames.is_empty() {
            std::mem::swap(&mut self.outgoing, frames);
        } else {
            frames.append(&mut self.outgoing);
        }
    }

    /// Takes one message from the other side.
    pub fn receive(&mut self, now: Moment, message: Bytes) -> Result<Option<Effect<W>>, Violation> {
        if message.len() > self.limits.message {
            return Err(Violation::TooLarge { size: message.len(), limit: self.limits.message });
        }
        match (self.state, Frame::decode(message)?) {
            (State::Open, Frame::Invoke(invoke)) => self.invoked(now, invoke),
            (State::Open, Frame::Reply(reply)) => self.replied(reply),
            (State::Open, Frame::Cancel(call)) => Ok(self.running.remove(&call).map(|_| Effect::Abort(call))),
            (State::Dialling, Frame::Welcome(hello)) => Ok(Some(match self.objection(&hello) {
                None => {
                    self.state = State::Open;
                    Effect::Opened(hello)
                }
                Some(reject) => Effect::Rejected(reject),
            })),
            (State::Dialling, Frame::Reject(reject)) => Ok(Some(Effect::Rejected(reject))),
            (State::Accepting, Frame::Hello(hello)) => Ok(match self.objection(&hello) {
                None => {
                    self.state = State::Deciding;
                    Some(Effect::Decide(hello))
                }
                Some(reject) => {
                    self.reject(reject);
                    None
                }
            }),
            // What was on its way when we closed.
            (State::Closed, _) => Ok(None),
            (state, frame) => {
                Err(Violation::Unexpected { frame: frame_name(&frame), state: state_name(state) })
            }
        }
    }

    fn objection(&self, hello: &Hello) -> Option<Reject> {
        if hello.version != VERSION {
            Some(Reject::Version { ours: hello.version, theirs: VERSION })
        } else if hello.peer == self.local {
            Some(Reject::OwnId)
        } else if !hello.codecs.contains(&Codec::Bincode.number()) {
            Some(Reject::NoCodec)
        } else {
            None
        }
    }

    /// Opens a session after [`Effect::Decide`].
    pub fn admit(&mut self) {
        if self.state == State::Deciding {
            self.state = State::Open;
            self.outgoing.push_back(Frame::Welcome(self.hello()).encode());
        }
    }

    /// Turns the other side away: it is told why, and the session is closed.
    pub fn reject(&mut self, reject: Reject) {
        if matches!(self.state, State::Accepting | State::Deciding) {
            self.outgoing.push_back(Frame::Reject(reject).encode());
            self.state = State::Closed;
        }
    }

    /// Sends a call and returns its number. The header is written into the request's own bytes if nobody else has
    /// a share of them, and the request keeps a share of what is sent.
    ///
    /// An error means that nothing was sent.
    pub fn call(&mut self, now: Moment, request: &mut Request, waiter: W) -> Result<CallId, RemoteError> {
        if self.state != State::Open {
            return Err(RemoteError::new(ErrorKind::Disconnected, Ran::Never));
        }
        if request.frame.len() > self.limits.message {
            let kind = ErrorKind::TooLarge { size: request.frame.len(), limit: self.limits.message };
            return Err(RemoteError::new(kind, Ran::Never));
        }
        if self.calls.len() >= self.limits.calls_out {
            return Err(RemoteError::refused(Refusal::Overloaded(self.limits.calls_out)));
        }
        if request.deadline.has_passed(now) {
            return Err(RemoteError::new(ErrorKind::DeadlineExceeded, Ran::Never));
        }
        let call = CallId(self.next_out);
        self.next_out += 1;
        let invoke = Invoke {
            call,
            block: request.block.id,
            fingerprint: request.block.fingerprint,
            deadline_ms: request.deadline.remaining(now).map(whole_millis),
            hop: request.hop,
            codec: request.codec.number(),
            captures: Bytes::new(),
        };
        request.frame = invoke.seal(std::mem::take(&mut request.frame));
        self.outgoing.push_back(request.frame.clone());
        self.calls.insert(call, OpenCall { waiter, deadline: request.deadline });
        self.wake_by(request.deadline);
        Ok(call)
    }

    /// The caller does not wait any longer: the block is stopped, and a reply that is on its way is ignored.
    pub fn cancel(&mut self, call: CallId) -> Option<W> {
        let open = self.calls.remove(&call)?;
        if self.state == State::Open {
            self.outgoing.push_back(Frame::Cancel(call).encode());
        }
        Some(open.waiter)
    }

    fn invoked(&mut self, now: Moment, invoke: Invoke) -> Result<Option<Effect<W>>, Violation> {
        if invoke.call.0 != self.next_in {
            return Err(Violation::CallNumber { got: invoke.call.0, expected: self.next_in });
        }
        self.next_in += 1;
        let deadline = match invoke.deadline_ms {
            Some(ms) => Deadline::at(now + Duration::from_millis(ms.into())),
            None => Deadline::never(),
        };
        let objection = if invoke.hop >= self.limits.hops {
            Some(RemoteError::refused(Refusal::TooManyHops(self.limits.hops)))
        } else if self.running.len() >= self.limits.calls_in {
            Some(RemoteError::refused(Refusal::Overloaded(self.limits.calls_in)))
        } else if let Err(number) = frame::codec(invoke.codec) {
            Some(RemoteError::refused(Refusal::UnknownCodec(number)))
        } else if deadline.has_passed(now) {
            Some(RemoteError::new(ErrorKind::DeadlineExceeded, Ran::Never))
        } else {
            None
        };
        self.running.insert(invoke.call, deadline);
        if let Some(error) = objection {
            self.reply(invoke.call, Err(error));
            return Ok(None);
        }
        self.wake_by(deadline);
        Ok(Some(Effect::Run(invoke, deadline)))
    }

    /// Sends how a block ended; a value stands behind [`HEAD`] bytes of room. Does nothing when the call was
    /// cancelled meanwhile.
    pub fn reply(&mut self, call: CallId, ending: Ending) {
        if self.running.remove(&call).is_none() {
            return;
        }
        let ending = ending.and_then(|payload| match payload.bytes.len() {
            size if size > self.limits.message => {
                let kind = ErrorKind::TooLarge { size, limit: self.limits.message };
                Err(RemoteError::new(kind, Ran::Yes))
            }
            _ => Ok(payload),
        });
        let (is_value, payload) = match ending {
            Ok(payload) => (true, payload),
            Err(error) => (false, encoded(&error, self.limits.message)),
        };
        let codec = payload.codec.number();
        let reply = Reply { call, is_value, codec, payload: Bytes::new() };
        self.outgoing.push_back(reply.seal(payload.bytes));
    }

    fn replied(&mut self, reply: Reply) -> Result<Option<Effect<W>>, Violation> {
        let Some(open) = self.calls.remove(&reply.call) else {
            // A call that we cancelled may have been answered before the other side knew.
            let made = reply.call.0 < self.next_out;
            return if made { Ok(None) } else { Err(Violation::NoSuchCall(reply.call.0)) };
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
        Ok(Some(Effect::Complete(open.waiter, ending)))
    }

    /// The moment by which [`tick`](Self::tick) is due, if it is.
    #[must_use]
    pub fn wake(&self) -> Option<Moment> {
        self.wake
    }

    /// Ends the calls whose deadline has passed, in both directions.
    pub fn tick(&mut self, now: Moment) -> Vec<Effect<W>> {
        if self.wake.is_none_or(|wake| wake > now) {
            return Vec::new();
        }
        let late: Vec<_> = late(self.calls.iter().map(|(call, open)| (*call, open.deadline)), now);
        let late_blocks: Vec<_> = late_by(&self.running, now);
        let mut effects = Vec::with_capacity(late.len() + late_blocks.len());
        for call in late {
            let error = RemoteError::new(ErrorKind::DeadlineExceeded, Ran::Maybe);
            effects.extend(self.cancel(call).map(|waiter| Effect::Complete(waiter, Err(error))));
        }
        for call in late_blocks {
            self.reply(call, Err(RemoteError::new(ErrorKind::DeadlineExceeded, Ran::Maybe)));
            effects.push(Effect::Abort(call));
        }
        let open = self.calls.values().map(|open| open.deadline).chain(self.running.values().copied());
        self.wake = open.filter_map(Deadline::moment).min();
        effects
    }

    fn wake_by(&mut self, deadline: Deadline) {
        self.wake = Deadline::earlier(self.wake.map_or(Deadline::never(), Deadline::at), deadline).moment();
    }

    /// The connection is gone for good: open calls end as disconnected, running blocks are dropped.
    pub fn close(&mut self) -> Vec<Effect<W>> {
        self.state = State::Closed;
        let calls = self.calls.drain().map(|(_, open)| {
            let error = RemoteError::new(ErrorKind::Disconnected, Ran::Maybe);
            Effect::Complete(open.waiter, Err(error))
        });
        calls.chain(self.running.drain().map(|(call, _)| Effect::Abort(call))).collect()
    }
}

fn late(calls: impl Iterator<Item = (CallId, Deadline)>, now: Moment) -> Vec<CallId> {
    calls.filter(|(_, deadline)| deadline.has_passed(now)).map(|(call, _)| call).collect()
}

fn late_by(running: &FxHashMap<CallId, Deadline>, now: Moment) -> Vec<CallId> {
    late(running.iter().map(|(call, deadline)| (*call, *deadline)), now)
}

/// An error as it travels. One that is too large for a message, or cannot be written, travels without its causes.
fn encoded(error: &RemoteError, limit: usize) -> Payload {
    let codec = Codec::default();
    let bytes = match codec.encode(HEAD, error) {
        Ok(bytes) if bytes.len() <= limit => bytes,
        _ => {
            let bare = RemoteError::new(error.kind().clone(), error.ran());
            codec.encode(HEAD, &bare).unwrap_or_else(|_| vec![0; HEAD])
        }
    };
    Payload { codec, bytes: bytes.into() }
}

/// Milliseconds, rounded up so that a little time left is not none; more than fits is as much as fits.
fn whole_millis(left: Duration) -> u32 {
    u32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(u32::MAX).min(u32::MAX - 1)
}

fn frame_name(frame: &Frame) -> &'static str {
    match frame {
        Frame::Hello(_) => "hello",
        Frame::Welcome(_) => "welcome",
        Frame::Reject(_) => "reject",
        Frame::Invoke(_) => "invoke",
        Frame::Reply(_) => "reply",
        Frame::Cancel(_) => "cancel",
    }
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Dialling => "a welcome was due",
        State::Accepting => "a hello was due",
        State::Deciding => "its hello was not answered yet",
        State::Open => "the session was open",
        State::Closed => "the session was closed",
    }
}
