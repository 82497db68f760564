//! The frames of channels, and what the session does with them.

use std::sync::{Arc, Weak};

use super::{AHEAD, ChannelEvent, Event, Owner};
use crate::channel::error::End;
use crate::channel::handle::Handles;
use crate::channel::item::Item;
use crate::channel::line::{Line, Port};
use crate::error::{ErrorKind, Refusal};
use crate::session::outbox::CHUNK;
use crate::session::{Effect, Session, Violation};
use crate::wire::codec::Codec;
use crate::wire::encoded::Encoded;
use crate::wire::frame::{
    self, CallId, ChannelId, Credit, Direction, Ends, FIRST_BYTES, Frame, Leave, Leaving,
};

impl<W> Session<W> {
    /// How channels send their frames.
    pub(crate) fn set_line(&mut self, line: Weak<dyn Line>) {
        self.channels.set_line(line);
    }

    /// Whether events of channels wait to be performed by [`next_run`](Self::next_run).
    #[must_use]
    pub fn has_channel_events(&self) -> bool {
        self.channels.has_events(self.outbox.queued() < AHEAD)
    }

    /// The next event of channels that waits. It is performed when the session is not locked.
    pub(crate) fn next_channel_event(&mut self) -> Option<ChannelEvent> {
        let has_room = self.outbox.queued() < AHEAD;
        self.channels.next_event(has_room)
    }

    /// The largest message that both sides accept, in bytes.
    pub(crate) fn largest(&self) -> usize {
        self.message
    }

    /// The number of channels on which something may still be sent.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels.running()
    }

    /// The ends that a call of the other side has brought.
    pub(crate) fn take_handles(&mut self, call: CallId) -> Handles {
        self.channels.take_kept(call)
    }

    /// The ends that a message has brought. If they are more than the limit, the other side is
    /// told that they are not wanted.
    pub(in crate::session) fn arrive(&mut self, ends: &Ends) -> Result<Result<Handles, usize>, Violation> {
        let count = ends.entries.len();
        if count > Ends::MOST {
            return Err(Violation::TooManyEnds { count });
        }
        let arrived = self.channels.arrive(ends, self.is_dialled, self.limits.max_channels, self.message)?;
        if arrived.is_err() {
            for (channel, entry) in ends.channels() {
                let how = match entry.direction {
                    Direction::Sender => Leaving::Dropped,
                    Direction::Receiver => Leaving::Gone,
                };
                self.outbox.push(Frame::Leave(Leave { channel, how }).encode());
            }
        }
        Ok(arrived)
    }

    /// A large message was dropped as it arrived. Its ends are not known, so frames for their
    /// channels are no violation.
    pub(in crate::session) fn message_dropped(&mut self, header: &[u8]) {
        if frame::has_ends(header) {
            self.channels.table.get_or_insert_default().used[1] = u64::MAX;
        }
    }

    pub(in crate::session) fn channels_progress(&mut self) {
        for leave in self.channels.progress(self.outbox.take_progress()) {
            self.outbox.push(Frame::Leave(leave).encode());
        }
    }

    /// Queues an item, and returns what is left of it, to be dropped when the session is not
    /// locked. If too much output waits, the error is the item, and its pipe is notified when
    /// there is room.
    pub(crate) fn send_item(&mut self, id: ChannelId, mut item: Item) -> Result<Item, Item> {
        let has_room = self.outbox.queued() < AHEAD;
        let Some(table) = &mut self.channels.table else { return Ok(item) };
        let Some(channel) = table.open.get_mut(&id) else { return Ok(item) };
        let Some(Port::Out(pipe)) = &channel.port else { return Ok(item) };
        if channel.is_busy {
            return Err(item);
        }
        if !has_room {
            if !table.stalled.iter().any(|other| Arc::ptr_eq(other, pipe)) {
                table.stalled.push(Arc::clone(pipe));
            }
            return Err(item);
        }
        let boarded = item.take_boarded();
        let first = boarded.as_ref().map(|boarded| boarded.first);
        let frame: Encoded = item.take_frame();
        channel.is_busy = frame.len() > CHUNK;
        if let Some(boarded) = boarded {
            self.channels.board(boarded, Owner::Other);
        }
        self.outbox.push(frame::Item::seal(id, item.codec(), first, frame));
        Ok(item)
    }

    pub(crate) fn send_credit(&mut self, mut credit: Credit) {
        let Some(table) = &mut self.channels.table else { return };
        let open = table.open.len();
        let Some(channel) = table.open.get_mut(&credit.channel) else { return };
        let is_first = !std::mem::replace(&mut channel.has_credit, true);
        let window = if is_first { self.limits.channel_window.saturating_sub(FIRST_BYTES) } else { 0 };
        // All windows together are a part of what the session may hold.
        let windows = open.saturating_mul(self.limits.channel_window as usize);
        let is_full = self.full.is_some() || windows > self.limits.max_held_bytes_per_session / 2;
        let taken = (credit.bytes.saturating_sub(window) as usize).min(channel.unread);
        channel.unread -= taken;
        table.unread -= taken;
        if is_full {
            // The channel keeps its first window.
            credit.bytes = credit.bytes.saturating_sub(window);
        }
        if channel.port.is_some() {
            channel.items = channel.items.saturating_add(credit.items.into());
            channel.bytes = channel.bytes.saturating_add(credit.bytes.into());
            self.outbox.push(Frame::Credit(credit).encode());
        }
    }

    /// This side is finished with a channel. What is returned has to be dropped when the session
    /// is not locked.
    pub(crate) fn leave_channel(&mut self, id: ChannelId, how: Leaving) -> Option<Port> {
        let table = self.channels.table.as_mut()?;
        let channel = table.open.get_mut(&id)?;
        let has_ended = channel.port.is_none();
        if !channel.may_send() {
            channel.leaves = Some(how);
            return None;
        }
        if !has_ended {
            self.outbox.push(Frame::Leave(Leave { channel: id, how }).encode());
        }
        table.remove(id)
    }

    /// All items of a channel that the other side has ended were taken or dropped.
    pub(crate) fn channel_drained(&mut self, id: ChannelId) {
        if let Some(table) = &mut self.channels.table
            && table.open.get(&id).is_some_and(|channel| channel.port.is_none())
        {
            table.remove(id);
        }
    }

    pub(in crate::session) fn received_item(
        &mut self,
        item: frame::Item,
    ) -> Result<Option<Effect<W>>, Violation> {
        let frame::Item { channel: id, codec, ends, payload } = item;
        let codec = Codec::from_number(codec).ok_or(Violation::ItemCodec(codec))?;
        // Ends that arrive on a closed channel are dropped, which the other side learns.
        let handles = match ends {
            None => Handles::default(),
            Some(ends) => match self.arrive(&ends)? {
                Ok(handles) => handles,
                Err(limit) => {
                    let error = Refusal::Overloaded(limit);
                    return self.fail_channel(id, ErrorKind::Refused(error));
                }
            },
        };
        let is_dialled = self.is_dialled;
        let table = self.channels.table.as_mut().ok_or(Violation::NoSuchChannel(id.0))?;
        let Some(channel) = table.open.get_mut(&id) else {
            table.closed(id, is_dialled)?;
            self.channels.discard(handles);
            return Ok(None);
        };
        let Some(Port::In(source)) = &channel.port else {
            self.channels.discard(handles);
            return Err(Violation::Unexpected("item"));
        };
        if channel.items == 0 || channel.bytes <= 0 {
            self.channels.discard(handles);
            return Err(Violation::Credit(id.0));
        }
        if channel.leaves.is_some() {
            self.channels.discard(handles);
            return Ok(None);
        }
        channel.items -= 1;
        let item = Item::arrived(codec, payload, handles, Arc::clone(source));
        let cost = item.cost();
        channel.bytes = channel.bytes.saturating_sub(i64::try_from(cost).unwrap_or(i64::MAX));
        channel.unread += cost;
        table.unread += cost;
        Ok(Some(Effect::Channel(ChannelEvent(Event::Item(item)))))
    }

    /// An item cannot be taken: the channel ends at both sides.
    pub(in crate::session) fn fail_channel(
        &mut self,
        id: ChannelId,
        kind: ErrorKind,
    ) -> Result<Option<Effect<W>>, Violation> {
        match self.leave_channel(id, Leaving::Gone) {
            Some(port) => Ok(Some(Effect::Channel(ChannelEvent(Event::Lost(port, End::failed(kind)))))),
            None => Ok(None),
        }
    }

    pub(in crate::session) fn received_credit(
        &mut self,
        credit: Credit,
    ) -> Result<Option<Effect<W>>, Violation> {
        let id = credit.channel;
        let table = self.channels.table.as_ref().ok_or(Violation::NoSuchChannel(id.0))?;
        match table.open.get(&id).map(|channel| &channel.port) {
            Some(Some(Port::Out(pipe))) => {
                Ok(Some(Effect::Channel(ChannelEvent(Event::Credit(Arc::clone(pipe), credit)))))
            }
            Some(_) => Err(Violation::Unexpected("credit")),
            None => table.closed(id, self.is_dialled).map(|()| None),
        }
    }

    pub(in crate::session) fn received_leave(
        &mut self,
        leave: &Leave,
    ) -> Result<Option<Effect<W>>, Violation> {
        let (id, is_dialled) = (leave.channel, self.is_dialled);
        let table = self.channels.table.as_mut().ok_or(Violation::NoSuchChannel(id.0))?;
        let Some(channel) = table.open.get_mut(&id) else {
            return table.closed(id, is_dialled).map(|()| None);
        };
        let event = match (End::of_leaving(&leave.how, self.limits.max_error_text), channel.port.take()) {
            (Some(end), Some(Port::In(source))) => Event::Ended(source, end),
            (None, Some(Port::Out(pipe))) => {
                table.remove(id);
                Event::Gone(pipe)
            }
            (_, port) => {
                channel.port = port;
                return Err(Violation::Unexpected("leave"));
            }
        };
        Ok(Some(Effect::Channel(ChannelEvent(event))))
    }
}
