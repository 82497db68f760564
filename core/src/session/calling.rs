//! The calls that we make: sending, cancelling, answers.

use bytes::Bytes;

use super::channels::Owner;
use super::{Effect, Session, Violation};
use crate::call::pending::Payload;
use crate::call::request::Request;
use crate::channel::line::Boarded;
use crate::error::{ErrorKind, Ran, Refusal, RemoteError};
use crate::util::time::Moment;
use crate::wire::codec::{Codec, decode_own};
use crate::wire::frame::{self, CallId, Frame, Invoke, Reply};

impl<W> Session<W> {
    /// Sends a call and returns its number. While the session is detached, the call is sent as
    /// soon as it is attached again. The header is written into the request's own buffer if no
    /// other owner shares it, and the request keeps a share of what is sent.
    ///
    /// An error means that nothing was sent. It is [`NotConnected`](ErrorKind::NotConnected) as
    /// long as the session is not [open](Self::is_open).
    pub fn call(&mut self, now: Moment, request: &mut Request, waiter: W) -> Result<CallId, RemoteError> {
        self.call_with(now, request, waiter, &mut None)
    }

    /// The same of a call whose captures have ends of channels. They are taken if it is sent.
    pub(crate) fn call_with(
        &mut self,
        now: Moment,
        request: &mut Request,
        waiter: W,
        boarded: &mut Option<Boarded>,
    ) -> Result<CallId, RemoteError> {
        if let Some(error) = self.objection_to_call(now, request) {
            return Err(error);
        }
        let call = self.calls.begin(waiter, request.deadline, request.is_bound);
        let invoke = Invoke {
            call,
            block: request.block.id,
            fingerprint: request.block.fingerprint(),
            deadline_ms: request.deadline.remaining_millis(now),
            hop: request.hop,
            codec: request.codec.number(),
            is_detached: request.is_detached,
            ends: boarded.as_ref().map(Boarded::ends),
            captures: Bytes::new(),
        };
        if let Some(boarded) = boarded.take() {
            self.channels.board(boarded, Owner::Call(call));
        }
        request.frame = invoke.seal(std::mem::take(&mut request.frame));
        let frame = request.frame.share();
        if self.waiting.is_empty() && self.has_room_for(frame.len()) && self.has_turn() {
            self.outbox.push(frame);
        } else {
            self.waiting.push(call, frame.into(), request.hop > 0);
        }
        Ok(call)
    }

    /// Whether the send queue can take this many more bytes of calls.
    fn has_room_for(&self, size: usize) -> bool {
        let queued = self.outbox.queued();
        queued == 0 || queued + size <= self.limits.max_queued_bytes.max(size)
    }

    /// Whether another call may be open without being queued, in addition to those that are
    /// counted already.
    fn has_turn(&self) -> bool {
        self.calls.open() - self.waiting.len() <= self.limits.max_calls_in_flight
    }

    /// Sends queued calls, as far as the limits allow.
    pub(super) fn fill(&mut self) {
        while !(self.waiting.is_empty() || self.they_leave && self.waiting.next_is_first_hop()) {
            let has_room = self.waiting.next_size().is_some_and(|size| self.has_room_for(size));
            // The call that is sent would be one more.
            if !has_room || self.calls.open() - self.waiting.len() >= self.limits.max_calls_in_flight {
                return;
            }
            if let Some((_, frame)) = self.waiting.pop() {
                self.outbox.push(frame);
            }
        }
    }

    /// Ends a queued call, because the other side takes no more calls.
    pub(super) fn next_too_late(&mut self) -> Option<Effect<W>> {
        if self.waiting.is_empty() || !self.they_leave || !self.waiting.next_is_first_hop() {
            return None;
        }
        let (call, _) = self.waiting.pop()?;
        let waiter = self.calls.end(call)?;
        Some(Effect::Complete(waiter, Err(RemoteError::refused(Refusal::GoingAway))))
    }

    fn objection_to_call(&self, now: Moment, request: &Request) -> Option<RemoteError> {
        if !self.is_alive() {
            return Some(RemoteError::new(ErrorKind::Disconnected, Ran::Never));
        }
        if request.is_bound && !self.is_carried() {
            return Some(RemoteError::new(ErrorKind::Disconnected, Ran::Never));
        }
        if !self.is_open {
            return Some(RemoteError::new(ErrorKind::NotConnected, Ran::Never));
        }
        if !request.handles.is_empty() && !self.has_channels {
            let text = "that peer is older than channels, and the captures have an end of one";
            return Some(RemoteError::refused(Refusal::CannotTravel(text.to_owned())));
        }
        let size = request.frame.len();
        if size > self.message {
            return Some(RemoteError::new(ErrorKind::TooLarge { size, limit: self.message }, Ran::Never));
        }
        if request.deadline.has_passed(now) {
            return Some(RemoteError::new(ErrorKind::DeadlineExceeded, Ran::Never));
        }
        // Calls that began before may finish, with all their hops.
        if self.they_leave && request.hop == 0 {
            return Some(RemoteError::refused(Refusal::GoingAway));
        }
        // Calls that a block of the other side makes are held on behalf of the other side. They
        // must not exceed the limit per peer.
        if !request.fails_fast && (request.hop == 0 || self.full.is_none()) {
            return None;
        }
        if self.calls.open() >= self.limits.max_calls_in_flight {
            Some(RemoteError::refused(Refusal::Overloaded(self.limits.max_calls_in_flight)))
        } else if !self.waiting.is_empty() || !self.has_room_for(size) {
            Some(RemoteError::refused(Refusal::QueueFull(self.limits.max_queued_bytes)))
        } else {
            None
        }
    }

    /// The caller no longer waits: the block is stopped, and a reply that is in flight is ignored.
    pub fn cancel(&mut self, call: CallId) -> Option<W> {
        self.give_up(call).map(|(waiter, _)| waiter)
    }

    /// Ends a call of ours. The unsent part of it is never sent: only then is it certain that the
    /// call never runs.
    pub(super) fn give_up(&mut self, call: CallId) -> Option<(W, Ran)> {
        let waiter = self.calls.end(call)?;
        if !self.waiting.is_empty() && self.waiting.withdraw(call) || self.outbox.withdraw(call) {
            self.fill();
            self.channels.give_up(Owner::Call(call));
            return Some((waiter, Ran::Never));
        }
        if self.is_alive() {
            self.outbox.push(Frame::Cancel(call).encode());
        }
        Some((waiter, Ran::Maybe))
    }

    pub(super) fn replied(&mut self, reply: Reply) -> Result<Option<Effect<W>>, Violation> {
        let Some(waiter) = self.calls.end(reply.call) else {
            // A call that we cancelled may have been answered before the other side knew.
            let was_made = self.calls.was_made(reply.call);
            if let Some(ends) = &reply.ends
                && let Ok(handles) = self.arrive(ends)?
            {
                self.channels.discard(handles);
            }
            return if was_made { Ok(None) } else { Err(Violation::NoSuchCall(reply.call.0)) };
        };
        self.fill();
        let ending = match frame::codec(reply.codec) {
            Ok(codec) if reply.is_value => {
                match reply.ends.as_deref().map(|ends| self.arrive(ends)).transpose()? {
                    Some(Err(limit)) => {
                        let error = Refusal::Overloaded(limit);
                        Err(RemoteError::new(ErrorKind::DecodeResult, Ran::Yes).caused_by(&error))
                    }
                    handles => {
                        let handles = handles.and_then(Result::ok).unwrap_or_default();
                        Ok(Payload { codec, bytes: reply.payload.into(), handles })
                    }
                }
            }
            // Errors are always encoded with bincode.
            Ok(Codec::Bincode) => Err(match decode_own::<RemoteError>(&reply.payload) {
                Ok(mut error) => {
                    error.cut(self.limits.max_error_text);
                    error
                }
                Err(error) => RemoteError::new(ErrorKind::DecodeResult, Ran::Maybe).caused_by(&error),
            }),
            Ok(_) | Err(_) => {
                let error = Refusal::UnknownCodec(reply.codec);
                Err(RemoteError::new(ErrorKind::DecodeResult, Ran::Yes).caused_by(&error))
            }
        };
        if ending.as_ref().is_err_and(|error| error.ran() == Ran::Never) {
            self.channels.give_up(Owner::Call(reply.call));
        }
        Ok(Some(Effect::Complete(waiter, ending)))
    }
}
