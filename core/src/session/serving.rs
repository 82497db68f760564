//! The calls that the other side makes: taken or refused, and answered.

use std::time::Duration;

use bytes::Bytes;

use super::calls::Stage;
use super::channels::Owner;
use super::inbox::Dropped;
use super::parked::NoRoom;
use super::{CHECKS_UNTIL_KNOWN, Effect, SMALLEST_LIMIT, Session, Violation};
use crate::call::pending::{Ending, Payload};
use crate::channel::handle::Handles;
use crate::channel::line::Boarded;
use crate::error::{ErrorKind, Ran, Refusal, RemoteError};
use crate::limits::account::Full;
use crate::util::time::{Deadline, Moment};
use crate::wire::codec::{Codec, encode_own};
use crate::wire::frame::{self, CallId, Frame, HEAD, Invoke, Reply};

impl<W> Session<W> {
    /// Takes a call of which the first byte came at `begun`.
    pub(super) fn invoked(
        &mut self,
        now: Moment,
        begun: Moment,
        invoke: Invoke,
    ) -> Result<Option<Effect<W>>, Violation> {
        let deadline = match invoke.deadline_ms {
            Some(ms) => Deadline::at(begun + Duration::from_millis(ms.into())),
            None => Deadline::never(),
        };
        let (open, detached) = (self.calls.blocks(), self.calls.detached());
        self.calls.start(invoke.call, deadline, invoke.is_detached)?;
        let ends = match &invoke.ends {
            Some(ends) => self.arrive(ends)?,
            None => Ok(Handles::default()),
        };
        let objection = self.objection(now, &invoke, deadline, [open, detached]).or_else(|| {
            let limit = *ends.as_ref().err()?;
            Some(RemoteError::refused(Refusal::Overloaded(limit)))
        });
        if let Ok(handles) = ends
            && !handles.is_empty()
        {
            self.channels.keep(invoke.call, handles);
        }
        if let Some(error) = objection {
            self.channels.drop_kept(invoke.call);
            self.refuse(invoke.call, error);
            return Ok(None);
        }
        if !self.owes_too_much() {
            return Ok(Some(Effect::Run(invoke, deadline)));
        }
        // It has to be read, because acknowledgements may follow it. But its result would only be
        // queued, too.
        let call = invoke.call;
        match self.parked.push(invoke, self.limits.max_queued_bytes) {
            Ok(()) => self.calls.park(call),
            Err(NoRoom) => {
                self.channels.drop_kept(call);
                self.refuse(call, RemoteError::refused(Refusal::QueueFull(self.limits.max_queued_bytes)));
            }
        }
        Ok(None)
    }

    /// Why a call is refused, if it is. `open` blocks run already, `detached` of them detached.
    fn objection(
        &mut self,
        now: Moment,
        invoke: &Invoke,
        deadline: Deadline,
        [open, detached]: [usize; 2],
    ) -> Option<RemoteError> {
        // Calls that are in progress may finish, with all their hops.
        if self.we_leave && invoke.hop == 0 {
            Some(RemoteError::refused(Refusal::GoingAway))
        } else if invoke.hop >= self.limits.max_hops {
            Some(RemoteError::refused(Refusal::TooManyHops(self.limits.max_hops)))
        } else if open >= self.limits.max_calls_served {
            Some(RemoteError::refused(Refusal::Overloaded(self.limits.max_calls_served)))
        } else if invoke.is_detached && detached >= self.limits.max_detached {
            Some(RemoteError::refused(Refusal::Overloaded(self.limits.max_detached)))
        } else if let Some(full) = self.full {
            Some(RemoteError::refused(Refusal::Full(full)))
        } else if !self.rate.take(now) {
            Some(RemoteError::refused(Refusal::TooFast(self.limits.max_calls_per_second)))
        } else if let Err(number) = frame::codec(invoke.codec) {
            Some(RemoteError::refused(Refusal::UnknownCodec(number)))
        } else if deadline.has_passed(now) {
            Some(RemoteError::new(ErrorKind::DeadlineExceeded, Ran::Never))
        } else {
            None
        }
    }

    /// Takes a large message of which only the header was kept.
    pub(super) fn received_header(
        &mut self,
        header: &[u8],
        dropped: Dropped,
    ) -> Result<Option<Effect<W>>, Violation> {
        self.message_dropped(header);
        if let Some(call) = Invoke::call_of(header) {
            self.calls.start(call, Deadline::never(), false)?;
            let refusal = match dropped {
                Dropped::Full(full) => Refusal::Full(full),
                Dropped::Slow => Refusal::TooSlow(self.limits.min_write_rate),
            };
            self.refuse(call, RemoteError::refused(refusal));
            return Ok(None);
        }
        // An item, or the error that ends a channel.
        if let Some(channel) = frame::Item::channel_of(header).or_else(|| frame::Leave::channel_of(header)) {
            return self.fail_channel(
                channel,
                match dropped {
                    Dropped::Full(full) => ErrorKind::ResultDropped { limit: full.limit },
                    Dropped::Slow => ErrorKind::Refused(Refusal::TooSlow(self.limits.min_write_rate)),
                },
            );
        }
        let Some(call) = Reply::call_of(header) else { return Ok(None) };
        if frame::has_ends(header) {
            // Which ends it has is not known. The other side gives them up.
            self.outbox.push(Frame::Cancel(call).encode());
        }
        Ok(self.calls.end(call).map(|waiter| {
            let error = match dropped {
                Dropped::Full(full) => result_dropped(full),
                Dropped::Slow => self.dropped().caused_by(&Refusal::TooSlow(self.limits.min_write_rate)),
            };
            Effect::Complete(waiter, Err(error))
        }))
    }

    fn refuse(&mut self, call: CallId, error: RemoteError) {
        if let Some(times) = self.refusals.again() {
            let code = error.kind().code();
            tracing::debug!(caller = %self.remote, call = call.0, code, times, "call refused");
        }
        self.reply(call, Err(error));
    }

    /// Returns queued work that can continue now: a block that waited until less output is
    /// pending, or a call that will not be sent any more. Worth calling after each frame that was
    /// sent or received, until it returns nothing.
    pub fn next_run(&mut self) -> Option<Effect<W>> {
        if let Some(effect) = self.next_too_late() {
            return Some(effect);
        }
        if let Some(effect) = self.next_channel_event().map(Effect::Channel) {
            return Some(effect);
        }
        while !self.parked.is_empty() && !self.owes_too_much() {
            let invoke = self.parked.pop()?;
            // It may have been cancelled, or be late, meanwhile.
            if let Some(deadline) = self.calls.unpark(invoke.call) {
                return Some(Effect::Run(invoke, deadline));
            }
            self.channels.drop_kept(invoke.call);
        }
        None
    }

    /// Whether so much output is pending that nothing should be added.
    pub(super) fn owes_too_much(&self) -> bool {
        self.outbox.queued() > self.limits.max_queued_bytes
    }

    /// The caller no longer waits for this call of the other side: neither for its block nor for
    /// the rest of its result.
    pub(super) fn cancelled(&mut self, call: CallId) -> Option<Effect<W>> {
        match self.calls.abandon(call) {
            Some(Stage::Running) => return Some(Effect::Abort(call)),
            Some(Stage::Parked) => {}
            None => {
                self.outbox.withdraw_reply(call);
                self.channels.give_up(Owner::Reply(call));
                self.fill();
            }
        }
        None
    }

    /// Sends the outcome of a block. A value has [`HEAD`] bytes of spare space before it. Does
    /// nothing if the call was cancelled meanwhile.
    pub fn reply(&mut self, call: CallId, ending: Ending) {
        self.reply_with(call, ending, &mut None);
    }

    /// The same of a value with ends of channels. They are taken if it is sent.
    pub(crate) fn reply_with(&mut self, call: CallId, ending: Ending, boarded: &mut Option<Boarded>) {
        if self.calls.stop(call).is_none() {
            self.calls.ended(call);
            return;
        }
        self.answer(call, ending, boarded);
    }

    /// The same for a call whose block was told to end, if that block is not
    /// [detached](crate::Call::detach).
    pub(super) fn give_up_theirs(&mut self, call: CallId, ending: Ending) {
        if self.calls.abandon(call).is_some() {
            self.answer(call, ending, &mut None);
        }
    }

    /// The block of a call begins, and cannot be interrupted. Returns false if the call is over.
    pub fn begin_uninterrupted(&mut self, call: CallId) -> bool {
        self.calls.begin_uninterrupted(call)
    }

    /// A block that could not be interrupted has ended.
    pub fn ended(&mut self, call: CallId) {
        self.calls.ended(call);
    }

    fn answer(&mut self, call: CallId, ending: Ending, boarded: &mut Option<Boarded>) {
        let (is_value, payload) = match ending.and_then(|payload| self.fits(payload)) {
            Ok(payload) => (true, payload),
            Err(error) => (false, self.encoded(&error)),
        };
        let codec = payload.codec.number();
        let boarded = if is_value { boarded.take() } else { None };
        let ends = boarded.as_ref().map(Boarded::ends);
        if let Some(boarded) = boarded {
            self.channels.board(boarded, Owner::Reply(call));
        }
        let reply = Reply { call, is_value, codec, ends, payload: Bytes::new() };
        self.outbox.push(reply.seal(payload.bytes));
    }

    /// Whether a result can be sent, and kept until it is sent.
    fn fits(&self, payload: Payload) -> Result<Payload, RemoteError> {
        let size = payload.bytes.len();
        if size > self.message {
            return Err(RemoteError::new(ErrorKind::TooLarge { size, limit: self.message }, Ran::Yes));
        }
        match self.full {
            Some(full) if size > SMALLEST_LIMIT => Err(result_dropped(full)),
            _ if self.has_room(size) => Ok(payload),
            _ => Err(self.dropped()),
        }
    }

    fn has_room(&self, size: usize) -> bool {
        let queued = self.outbox.queued();
        queued == 0 || queued + size <= self.limits.max_queued_result_bytes
    }

    fn dropped(&self) -> RemoteError {
        RemoteError::new(ErrorKind::ResultDropped { limit: self.limits.max_queued_result_bytes }, Ran::Yes)
    }

    /// This side is stopping: running blocks end and are answered, new calls are refused. The
    /// other side is notified.
    pub fn go_away(&mut self) {
        if !self.we_leave && self.is_alive() {
            self.we_leave = true;
            self.tell_that_we_leave();
            // Parked calls that were not made by a block will not begin.
            for call in self.parked.take_first_hops() {
                self.channels.drop_kept(call);
                self.reply(call, Err(RemoteError::refused(Refusal::GoingAway)));
            }
        }
    }

    /// Notifies the other side only if it is connected. It may never come back, and then nothing
    /// should wait only to notify it.
    pub(super) fn tell_that_we_leave(&mut self) {
        if self.we_leave && self.is_attached() {
            self.checks_left = CHECKS_UNTIL_KNOWN;
            // What a lost connection did not carry is sent again automatically.
            if !std::mem::replace(&mut self.said_we_leave, true) {
                self.outbox.push(Frame::GoAway.encode());
            }
        }
    }

    /// An error as it is sent. If it is too large or cannot be encoded, it is sent without its
    /// causes, or at last as an error that says only that.
    fn encoded(&self, error: &RemoteError) -> Payload {
        let codec = Codec::default();
        let limit = self.message;
        let encode = |error: &RemoteError| encode_own(HEAD, error);
        let fits = |bytes: &Vec<u8>| {
            bytes.len() <= SMALLEST_LIMIT || bytes.len() <= limit && self.has_room(bytes.len())
        };
        let bytes = encode(error).ok().filter(fits).unwrap_or_else(|| {
            let bare = encode(&RemoteError::new(error.kind().clone(), error.ran()));
            bare.ok().filter(fits).unwrap_or_else(|| {
                let size = encode(error).map_or(0, |bytes| bytes.len());
                let kind = match size {
                    size if size <= limit => {
                        ErrorKind::ResultDropped { limit: self.limits.max_queued_result_bytes }
                    }
                    size => ErrorKind::TooLarge { size, limit },
                };
                encode(&RemoteError::new(kind, error.ran())).unwrap_or_else(|_| vec![0; HEAD])
            })
        });
        Payload { codec, bytes: bytes.into(), handles: Handles::default() }
    }
}

/// A result is not kept, because the limit on held memory is reached.
fn result_dropped(full: Full) -> RemoteError {
    RemoteError::new(ErrorKind::ResultDropped { limit: full.limit }, Ran::Yes).caused_by(&full)
}
