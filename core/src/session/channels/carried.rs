//! The frames of channels, and what the table does with them.

use std::sync::Arc;

use super::table::Table;
use super::{AHEAD, Around, Event, Open, Owner};
use crate::channel::error::End;
use crate::channel::handle::Handles;
use crate::channel::item::Item;
use crate::channel::line::Port;
use crate::error::{ErrorKind, Refusal};
use crate::session::Violation;
use crate::session::outbox::CHUNK;
use crate::wire::codec::Codec;
use crate::wire::encoded::Encoded;
use crate::wire::frame::{self, ChannelId, Credit, FIRST_BYTES, Frame, Leave, Leaving};

impl Table {
    pub(super) fn send(
        &mut self,
        id: ChannelId,
        mut item: Item,
        around: &mut Around<'_>,
    ) -> Result<Item, Item> {
        let Some(channel) = self.open.get_mut(&id) else { return Ok(item) };
        let Some(Port::Out(pipe)) = &channel.port else { return Ok(item) };
        if channel.is_busy {
            return Err(item);
        }
        if around.outbox.queued() >= AHEAD {
            let is_pipe = |other: &Arc<_>| std::ptr::addr_eq(Arc::as_ptr(other), Arc::as_ptr(pipe));
            if !self.stalled.iter().any(is_pipe) {
                self.stalled.push(Arc::clone(pipe));
            }
            return Err(item);
        }
        let boarded = item.take_boarded();
        let first = boarded.as_ref().map(|boarded| boarded.first);
        let frame: Encoded = item.take_frame();
        channel.is_busy = frame.len() > CHUNK;
        if let Some(boarded) = boarded {
            self.board(boarded, Owner::Other, around.used);
        }
        around.outbox.push(frame::Item::seal(id, item.codec(), first, frame));
        Ok(item)
    }

    pub(super) fn send_more(&mut self, mut credit: Credit, around: &mut Around<'_>) {
        let (open, limits) = (self.open.len(), around.limits);
        let Some(channel) = self.open.get_mut(&credit.channel) else { return };
        let is_first = !std::mem::replace(&mut channel.has_credit, true);
        let window = if is_first { limits.channel_window.saturating_sub(FIRST_BYTES) } else { 0 };
        // All windows together are a part of what the session may hold.
        let windows = open.saturating_mul(limits.channel_window as usize);
        let is_full = around.is_at_limit || windows > limits.max_held_bytes_per_session / 2;
        let taken = (credit.bytes.saturating_sub(window) as usize).min(channel.unread);
        channel.unread -= taken;
        self.unread -= taken;
        if is_full {
            // The channel keeps its first window.
            credit.bytes = credit.bytes.saturating_sub(window);
        }
        if channel.port.is_some() {
            channel.items = channel.items.saturating_add(credit.items.into());
            channel.bytes = channel.bytes.saturating_add(credit.bytes.into());
            around.outbox.push(Frame::Credit(credit).encode());
        }
    }

    pub(super) fn received(
        &mut self,
        item: frame::Item,
        around: &mut Around<'_>,
    ) -> Result<Option<Event>, Violation> {
        let frame::Item { channel: id, codec, ends, payload } = item;
        let codec = Codec::from_number(codec).ok_or(Violation::ItemCodec(codec))?;
        // Ends that arrive on a closed channel are dropped, which the other side learns.
        let handles = match ends {
            None => Handles::default(),
            Some(ends) => match self.arrive(&ends, around)? {
                Ok(handles) => handles,
                Err(limit) => {
                    let end = End::failed(ErrorKind::Refused(Refusal::Overloaded(limit)));
                    let port = self.leave(id, Leaving::Gone, around.outbox);
                    return Ok(port.map(|port| Event::Lost(port, end)));
                }
            },
        };
        let Some(channel) = self.open.get_mut(&id) else {
            around.used.closed(id, around.is_dialled)?;
            self.discard(handles);
            return Ok(None);
        };
        let Some(Port::In(source)) = &channel.port else {
            self.discard(handles);
            return Err(Violation::Unexpected("item"));
        };
        if channel.items == 0 || channel.bytes <= 0 {
            self.discard(handles);
            return Err(Violation::Credit(id.0));
        }
        if channel.leaves.is_some() {
            self.discard(handles);
            return Ok(None);
        }
        channel.items -= 1;
        let item = Item::arrived(codec, payload, handles, Arc::clone(source));
        let cost = item.cost();
        channel.bytes = channel.bytes.saturating_sub(i64::try_from(cost).unwrap_or(i64::MAX));
        channel.unread += cost;
        self.unread += cost;
        Ok(Some(Event::Item(item)))
    }

    pub(super) fn received_credit(
        &mut self,
        credit: Credit,
        around: &Around<'_>,
    ) -> Result<Option<Event>, Violation> {
        let id = credit.channel;
        match self.open.get(&id).map(|channel| &channel.port) {
            Some(Some(Port::Out(pipe))) => Ok(Some(Event::Credit(Arc::clone(pipe), credit))),
            Some(_) => Err(Violation::Unexpected("credit")),
            None => around.used.closed(id, around.is_dialled).map(|()| None),
        }
    }

    pub(super) fn received_leave(
        &mut self,
        leave: &Leave,
        around: &Around<'_>,
    ) -> Result<Option<Event>, Violation> {
        let id = leave.channel;
        let Some(channel) = self.open.get_mut(&id) else {
            return around.used.closed(id, around.is_dialled).map(|()| None);
        };
        let longest = around.limits.max_error_text;
        match (End::of_leaving(&leave.how, longest), channel.port.take()) {
            (Some(end), Some(Port::In(source))) => Ok(Some(Event::Ended(source, end))),
            (None, Some(Port::Out(pipe))) => {
                self.remove(id);
                Ok(Some(Event::Gone(pipe)))
            }
            (_, port) => {
                channel.port = port;
                Err(Violation::Unexpected("leave"))
            }
        }
    }
}
