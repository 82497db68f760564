//! The calls that we make: sent, given up, answered.

use bytes::Bytes;

use super::calls::OpenCall;
use super::{Effect, Session, Violation};
use crate::codec::{Codec, decode_own};
use crate::error::{ErrorKind, Ran, Refusal, RemoteError};
use crate::frame::{self, CallId, Frame, Invoke, Reply};
use crate::pending::Payload;
use crate::request::Request;
use crate::time::Moment;

impl<W> Session<W> {
    /// Sends a call and returns its number; while the session is detached, as soon as it is attached again. The header
    /// is written into the request's own bytes if nobody else has a share of them, and the request keeps a share of
    /// what is sent.
    ///
    /// An error means that nothing was sent. It is [`NotConnected`](ErrorKind::NotConnected) as long as the session is not
    /// [open](Self::is_open).
    pub fn call(&mut self, now: Moment, request: &mut Request, waiter: W) -> Result<CallId, RemoteError> {
        if let Some(error) = self.objection_to_call(now, request) {
            return Err(error);
        }
        let call = self.calls.begin(waiter, request.deadline);
        let invoke = Invoke {
            call,
            block: request.block.id,
            fingerprint: request.block.fingerprint(),
            deadline_ms: request.deadline.remaining_millis(now),
            hop: request.hop,
            codec: request.codec.number(),
            is_detached: request.is_detached,
            captures: Bytes::new(),
        };
        request.frame = invoke.seal(std::mem::take(&mut request.frame));
        self.outbox.push(request.frame.share());
        Ok(call)
    }

    fn objection_to_call(&self, now: Moment, request: &Request) -> Option<RemoteError> {
        if !self.is_alive() {
            return Some(RemoteError::new(ErrorKind::Disconnected, Ran::Never));
        }
        if !self.is_open {
            return Some(RemoteError::new(ErrorKind::NotConnected, Ran::Never));
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
    pub(super) fn give_up(&mut self, call: CallId) -> Option<(W, Ran)> {
        let open = self.calls.end(call)?;
        if self.outbox.withdraw(call) {
            return Some((open.waiter, Ran::Never));
        }
        if self.is_alive() {
            self.outbox.push(Frame::Cancel(call).encode());
        }
        Some((open.waiter, Ran::Maybe))
    }

    pub(super) fn replied(&mut self, reply: Reply) -> Result<Option<Effect<W>>, Violation> {
        let Some(OpenCall { waiter, .. }) = self.calls.end(reply.call) else {
            // A call that we cancelled may have been answered before the other side knew.
            let was_made = self.calls.was_made(reply.call);
            return if was_made { Ok(None) } else { Err(Violation::NoSuchCall(reply.call.0)) };
        };
        let ending = match frame::codec(reply.codec) {
            Ok(codec) if reply.is_value => Ok(Payload { codec, bytes: reply.payload.into() }),
            // Errors are always in bincode.
            Ok(Codec::Bincode) => Err(decode_own(&reply.payload).unwrap_or_else(|error| {
                RemoteError::new(ErrorKind::DecodeResult, Ran::Maybe).caused_by(&error)
            })),
            Ok(_) | Err(_) => {
                let error = Refusal::UnknownCodec(reply.codec);
                Err(RemoteError::new(ErrorKind::DecodeResult, Ran::Yes).caused_by(&error))
            }
        };
        Ok(Some(Effect::Complete(waiter, ending)))
    }
}
