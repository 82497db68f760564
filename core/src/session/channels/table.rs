//! The open channels of a session, and what becomes of them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};

use super::super::Violation;
use super::super::outbox::{Outbox, Progress};
use super::{Around, ChannelEvent, ChannelFrame, Event, Open, Owner, Used, refuse};
use crate::channel::error::End;
use crate::channel::handle::{Handle, Handles};
use crate::channel::item::Item;
use crate::channel::line::{Boarded, Outlet, Port};
use crate::util::keyed_hash::Keyed;
use crate::wire::frame::{CallId, ChannelId, Credit, Ends, FIRST_BYTES, Frame, Leave, Leaving};

pub(super) struct Channel {
    /// `None` if the other side has ended it.
    pub(super) port: Option<Port>,
    pub(super) owner: Owner,
    /// The message with the other end was sent completely, or received.
    pub(super) is_open: bool,
    /// A large item is being sent. Other frames of the channel would pass it.
    pub(super) is_busy: bool,
    /// This side leaves when it is open and not busy.
    pub(super) leaves: Option<Leaving>,
    /// The number of items and bytes that the other side may send.
    pub(super) items: u64,
    pub(super) bytes: i64,
    /// Whether credit was given.
    pub(super) has_credit: bool,
    /// The bytes of items that have arrived and were not taken.
    pub(super) unread: usize,
}

/// The open channels of a session.
#[derive(Default)]
pub(super) struct Table {
    pub(super) open: HashMap<ChannelId, Channel, Keyed>,
    /// The ends that a call of the other side has brought, until it runs.
    arrived: HashMap<CallId, Handles, Keyed>,
    /// Pipes with items that wait until less output is pending.
    pub(super) stalled: Vec<Arc<dyn Outlet>>,
    events: VecDeque<Event>,
    pub(super) unread: usize,
}

impl Open for Table {
    fn held(&self) -> usize {
        self.unread
    }

    fn running(&self) -> usize {
        self.open.values().filter(|channel| channel.port.is_some()).count()
    }

    fn has_events(&self, has_room: bool) -> bool {
        !self.events.is_empty() || has_room && !self.stalled.is_empty()
    }

    fn next_event(&mut self, has_room: bool) -> Option<Event> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        let pipe = if has_room { self.stalled.pop() } else { None };
        pipe.map(Event::Ready)
    }

    fn board(&mut self, Boarded { first, ports }: Boarded, owner: Owner, used: &mut Used) {
        used.0[0] = used.0[0].max(first + 2 * ports.len() as u64 - 1);
        for (index, port) in ports.into_iter().enumerate() {
            let channel = ChannelId(first + 2 * index as u64);
            self.open.insert(channel, Channel::new(port, owner, false));
        }
    }

    fn progress(&mut self, Progress { opened, items }: Progress, outbox: &mut Outbox) {
        for id in &opened {
            self.open.get_mut(id).into_iter().for_each(|channel| channel.is_open = true);
        }
        for id in &items {
            self.open.get_mut(id).into_iter().for_each(|channel| channel.is_busy = false);
        }
        for id in opened.into_iter().chain(items) {
            let Some(channel) = self.open.get_mut(&id) else { continue };
            if !channel.may_send() {
                continue;
            }
            if let Some(how) = channel.leaves.take() {
                outbox.push(Frame::Leave(Leave { channel: id, how }).encode());
                let removed = self.remove(id);
                self.events.extend(removed.map(Event::Removed));
            } else if let Some(Port::Out(pipe)) = &channel.port {
                self.events.push_back(Event::Opened(Arc::clone(pipe)));
            }
        }
    }

    fn arrive(&mut self, ends: &Ends, around: &mut Around<'_>) -> Result<Result<Handles, usize>, Violation> {
        if let Some((twice, _)) = ends.channels().find(|(channel, _)| self.open.contains_key(channel)) {
            return Err(Violation::ChannelTwice(twice.0));
        }
        around.used.arrived(ends);
        let limit = around.limits.max_channels;
        if self.open.len() + ends.entries.len() > limit {
            refuse(ends, around.outbox);
            return Ok(Err(limit));
        }
        let mut handles: Vec<Handle> = Vec::with_capacity(ends.entries.len());
        for (id, entry) in ends.channels() {
            let (handle, port) = Handle::arrived(entry, Weak::clone(around.line), id, around.message);
            let capacity = entry.capacity.max(1);
            let channel = Channel { items: capacity.into(), ..Channel::new(port, Owner::Other, true) };
            self.open.insert(id, channel);
            handles.push(handle);
        }
        Ok(Ok(Handles::of(handles)))
    }

    fn keep(&mut self, call: CallId, handles: Handles) {
        self.arrived.insert(call, handles);
    }

    fn take_kept(&mut self, call: CallId) -> Handles {
        self.arrived.remove(&call).unwrap_or_default()
    }

    fn discard(&mut self, handles: Handles) {
        if !handles.is_empty() {
            self.events.push_back(Event::Dropped(handles));
        }
    }

    fn give_up(&mut self, owner: Owner) {
        let owned = |(id, channel): (&ChannelId, &Channel)| (channel.owner == owner).then_some(*id);
        let ids: Vec<_> = self.open.iter().filter_map(owned).collect();
        for id in ids {
            if let Some(port) = self.remove(id) {
                self.events.push_back(match owner {
                    Owner::Reply(_) => Event::Lost(port, End::Cancelled),
                    Owner::Call(_) | Owner::Other => Event::Unused(port),
                });
            }
        }
    }

    fn close(self: Box<Self>, end: &End, is_unsent: &dyn Fn(CallId) -> bool) -> Vec<ChannelEvent> {
        let Self { open, arrived, events, stalled, .. } = *self;
        let lost = open.into_values().filter_map(|channel| {
            let port = channel.port?;
            Some(match channel.owner {
                Owner::Call(call) if is_unsent(call) => Event::Unused(port),
                _ => Event::Lost(port, end.clone()),
            })
        });
        let dropped = arrived.into_values().map(Event::Dropped);
        let dropped = dropped.chain(stalled.into_iter().map(Event::Ready));
        events.into_iter().chain(lost).chain(dropped).map(ChannelEvent).collect()
    }

    fn send_item(&mut self, id: ChannelId, item: Item, around: &mut Around<'_>) -> Result<Item, Item> {
        self.send(id, item, around)
    }

    fn send_credit(&mut self, credit: Credit, around: &mut Around<'_>) {
        self.send_more(credit, around);
    }

    fn leave(&mut self, id: ChannelId, how: Leaving, outbox: &mut Outbox) -> Option<Port> {
        let channel = self.open.get_mut(&id)?;
        let has_ended = channel.port.is_none();
        if !channel.may_send() {
            channel.leaves = Some(how);
            return None;
        }
        if !has_ended {
            outbox.push(Frame::Leave(Leave { channel: id, how }).encode());
        }
        self.remove(id)
    }

    fn drained(&mut self, id: ChannelId) {
        if self.open.get(&id).is_some_and(|channel| channel.port.is_none()) {
            self.remove(id);
        }
    }

    fn receive(&mut self, frame: ChannelFrame, around: &mut Around<'_>) -> Result<Option<Event>, Violation> {
        match frame {
            ChannelFrame::Item(item) => self.received(item, around),
            ChannelFrame::Credit(credit) => self.received_credit(credit, around),
            ChannelFrame::Leave(leave) => self.received_leave(&leave, around),
        }
    }
}

impl Table {
    pub(super) fn remove(&mut self, id: ChannelId) -> Option<Port> {
        let channel = self.open.remove(&id)?;
        self.unread -= channel.unread;
        channel.port
    }
}

impl Channel {
    /// Whether its frames arrive after those that were sent before.
    pub(super) fn may_send(&self) -> bool {
        self.is_open && !self.is_busy
    }

    fn new(port: Port, owner: Owner, is_open: bool) -> Self {
        let items = match &port {
            Port::In(source) => source.capacity().into(),
            Port::Out(_) => 0,
        };
        Self {
            port: Some(port),
            owner,
            is_open,
            is_busy: false,
            leaves: None,
            items,
            bytes: FIRST_BYTES.into(),
            has_credit: false,
            unread: 0,
        }
    }
}

/// Tells the ends in this process.
pub(super) fn perform(event: Event) {
    match event {
        Event::Item(item) => item.deliver(),
        Event::Ended(source, end) => source.ended(end),
        Event::Credit(pipe, Credit { items, bytes, .. }) => pipe.credit(items, bytes),
        Event::Gone(pipe) => pipe.receiver_gone(),
        Event::Opened(pipe) => pipe.opened(),
        Event::Ready(pipe) => pipe.ready(),
        Event::Lost(port, end) => port.lost(end),
        Event::Unused(port) => port.unused(),
        Event::Dropped(handles) => drop(handles),
        Event::Removed(port) => drop(port),
    }
}
