//! Outgoing and incoming frames.

use bytes::Bytes;

use super::channels::ChannelFrame;
use super::inbox::Whole;
use super::{Effect, MAX_FRAME, SMALLEST_LIMIT, Session, State, Violation};
use crate::block::{BlockId, Fingerprint};
use crate::util::time::Moment;
use crate::wire::frame::{Catalogue, Frame, Framed};

impl<W> Session<W> {
    /// Whether [`next_frame`](Self::next_frame) has one.
    #[must_use]
    pub fn has_frame(&self) -> bool {
        self.is_attached() && (self.must_ack() || self.outbox.has_next())
    }

    fn must_ack(&self) -> bool {
        self.must_speak || self.must_answer || self.inbox.ack_is_overdue() || self.has_word_of_change()
    }

    /// The number of bytes that are worth writing at once: small where small frames should be able
    /// to pass chunks.
    #[must_use]
    pub fn at_once(&self) -> usize {
        self.outbox.at_once()
    }

    /// The next frame to send; see [`write_next`](Self::write_next).
    pub fn next_frame(&mut self, now: impl FnOnce() -> Moment) -> Option<Framed> {
        self.write_next(now, Framed::clone)
    }

    /// Hands `write` the next frame to send, with `now` as the time of sending. The time is read
    /// only where a frame contains it. The session keeps the frame in case it has to be sent
    /// again, so a writer that copies it needs no share of it.
    pub fn write_next<T>(
        &mut self,
        now: impl FnOnce() -> Moment,
        write: impl FnOnce(&Framed) -> T,
    ) -> Option<T> {
        if !self.is_attached() {
            return None;
        }
        let written = if let Some(word) = self.word_of_change() {
            write(&Frame::Change(word).encode().into())
        } else if self.must_ack() || self.inbox.ack_is_due() && self.outbox.has_next() {
            self.must_speak = false;
            if std::mem::take(&mut self.must_ping) {
                write(&Frame::Ping.encode().into())
            } else {
                (self.must_answer, self.owes_word) = (false, false);
                write(&Frame::Ack(self.inbox.acknowledge()).encode().into())
            }
        } else {
            let outgoing = self.outbox.next()?;
            self.health.took(outgoing.frame.len());
            let written = match self.calls.with_what_is_left(outgoing, now) {
                Some(frame) => write(&frame),
                None => write(&outgoing.frame),
            };
            if self.outbox.has_progress() {
                self.channels_progress();
            }
            self.fill();
            written
        };
        self.health.sent();
        Some(written)
    }

    /// Takes one message from the other side.
    pub fn receive(&mut self, now: Moment, message: Bytes) -> Result<Option<Effect<W>>, Violation> {
        // What was in flight on a connection that is no longer ours is sent again on the next one.
        match self.state {
            State::Attached => {}
            State::Welcomed(_) => self.begin(now),
            State::Detached(_) | State::Closed => return Ok(None),
        }
        let size = message.len();
        self.must_speak |= self.health.heard(now, size);
        let limit = self.limits.max_message.clamp(SMALLEST_LIMIT, MAX_FRAME);
        if size > limit {
            return Err(Violation::TooLarge { size, limit });
        }
        self.allowance = self.allowance.saturating_sub(size);
        let frame = Frame::decode(message)?;
        if let Frame::Ack(received) = frame {
            let (kept, known) = (self.outbox.kept(), self.outbox.acknowledged());
            self.outbox.acknowledge(received).map_err(|_| Violation::NeverSent)?;
            if self.outbox.acknowledged() > known {
                self.health.acknowledged();
            }
            self.health.took(kept - self.outbox.kept());
            return Ok(None);
        }
        match frame {
            Frame::End(end) => return Ok(Some(Effect::TheyEnd(end))),
            Frame::Ping => {
                self.must_answer = true;
                return Ok(None);
            }
            Frame::Change(agrees) => {
                self.heard_of_change(now, agrees)?;
                return Ok(None);
            }
            _ => {}
        }
        self.health.arrived();
        self.inbox.count(&frame, size);
        match frame {
            Frame::Chunk(chunk) => match self.inbox.add(now, chunk, self.full)? {
                Some(Whole { frame, dropped: Some(dropped), .. }) => self.received_header(&frame, dropped),
                Some(Whole { frame, begun, .. }) => self.received_whole(now, begun, Frame::decode(frame)?),
                None => Ok(None),
            },
            frame => self.received_whole(now, now, frame),
        }
    }

    fn received_whole(
        &mut self,
        now: Moment,
        begun: Moment,
        frame: Frame,
    ) -> Result<Option<Effect<W>>, Violation> {
        match frame {
            Frame::Invoke(invoke) => self.invoked(now, begun, invoke),
            Frame::Reply(reply) => self.replied(reply),
            Frame::Item(item) => self.received_of_channel(ChannelFrame::Item(item)),
            Frame::Credit(credit) => self.received_of_channel(ChannelFrame::Credit(credit)),
            Frame::Leave(leave) => self.received_of_channel(ChannelFrame::Leave(leave)),
            Frame::Cancel(call) => Ok(self.cancelled(call)),
            Frame::GoAway if self.they_leave => Err(Violation::Unexpected(frame.name())),
            Frame::GoAway => {
                self.they_leave = true;
                // They wait until they know that we make no more calls, and that the calls we made
                // have arrived.
                self.must_speak = true;
                Ok(Some(Effect::TheyLeave))
            }
            Frame::Catalogue(catalogue) => {
                self.catalogue.add(&catalogue)?;
                Ok(Some(Effect::Catalogue(catalogue)))
            }
            Frame::End(_) => Err(Violation::Unexpected("nested end")),
            Frame::Ping => Err(Violation::Unexpected("nested ping")),
            Frame::Change(_) => Err(Violation::Unexpected("nested change")),
            Frame::Challenge(_) | Frame::Hello(_) | Frame::Welcome(_) | Frame::Reject(_) => {
                Err(Violation::Unexpected(frame.name()))
            }
            Frame::Chunk(_) => Err(Violation::Unexpected("nested chunk")),
            Frame::Ack(_) => Err(Violation::Unexpected("nested ack")),
        }
    }

    /// Sends the other side the catalogue of our blocks.
    pub fn tell_blocks(&mut self, blocks: &[(BlockId, Fingerprint)]) {
        Catalogue::split(blocks, self.message)
            .for_each(|part| self.outbox.push(Frame::Catalogue(part).encode()));
    }
}
