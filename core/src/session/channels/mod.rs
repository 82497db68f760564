//! The channels of a session: which there are, how much may be sent on them, and what follows from
//! their frames.

mod carried;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Weak};

use super::Violation;
use super::outbox::{AT_ONCE, Progress};
use crate::channel::error::End;
use crate::channel::handle::{Handle, Handles};
use crate::channel::item::Item;
use crate::channel::line::{Boarded, Line, NoLine, Port};
use crate::channel::pipe::Pipe;
use crate::channel::source::Source;
use crate::util::keyed_hash::Keyed;
use crate::wire::frame::{CallId, ChannelId, Credit, Ends, FIRST_BYTES, Leave, Leaving};

/// An item is queued only while less than this many bytes wait to be sent. Items of other channels
/// and calls then do not wait behind many of them.
const AHEAD: usize = 2 * AT_ONCE;

/// Something that happens to ends of channels. It is performed when the session is not locked.
pub struct ChannelEvent(pub(crate) Event);

pub(crate) enum Event {
    Item(Item),
    Ended(Arc<Source>, End),
    Credit(Arc<Pipe>, Credit),
    Gone(Arc<Pipe>),
    Opened(Arc<Pipe>),
    Ready(Arc<Pipe>),
    Lost(Port, End),
    Unused(Port),
    Dropped(Handles),
    Removed(Port),
}

impl ChannelEvent {
    /// Tells the ends in this process.
    pub fn perform(self) {
        match self.0 {
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
}

impl fmt::Debug for ChannelEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Event::Item(_) => "Item",
            Event::Ended(..) => "Ended",
            Event::Credit(..) => "Credit",
            Event::Gone(_) => "Gone",
            Event::Opened(_) => "Opened",
            Event::Ready(_) => "Ready",
            Event::Lost(..) => "Lost",
            Event::Unused(_) => "Unused",
            Event::Dropped(_) => "Dropped",
            Event::Removed(_) => "Removed",
        })
    }
}

/// What carries the other end of a channel of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The other side, or an item.
    Other,
    /// A call of ours.
    Call(CallId),
    /// The result of a call of the other side.
    Reply(CallId),
}

struct Channel {
    /// `None` if the other side has ended it.
    port: Option<Port>,
    owner: Owner,
    /// The message with the other end was sent completely, or received.
    is_open: bool,
    /// A large item is being sent. Other frames of the channel would pass it.
    is_busy: bool,
    /// This side leaves when it is open and not busy.
    leaves: Option<Leaving>,
    /// The number of items and bytes that the other side may send.
    items: u64,
    bytes: i64,
    /// Whether credit was given.
    has_credit: bool,
    /// The bytes of items that have arrived and were not taken.
    unread: usize,
}

/// The channels of a session. Most sessions have none.
pub(super) struct Channels {
    line: Weak<dyn Line>,
    table: Option<Box<Table>>,
}

#[derive(Default)]
struct Table {
    open: HashMap<ChannelId, Channel, Keyed>,
    /// One more than the largest number that was used, by this side and by the other one.
    used: [u64; 2],
    /// The ends that a call of the other side has brought, until it runs.
    arrived: HashMap<CallId, Handles, Keyed>,
    /// Pipes with items that wait until less output is pending.
    stalled: Vec<Arc<Pipe>>,
    events: VecDeque<Event>,
    unread: usize,
}

impl Channels {
    pub(super) fn new() -> Self {
        Self { line: NoLine::weak(), table: None }
    }

    pub(super) fn set_line(&mut self, line: Weak<dyn Line>) {
        self.line = line;
    }

    /// The bytes of items that have arrived and were not taken.
    pub(super) fn held(&self) -> usize {
        self.table.as_ref().map_or(0, |table| table.unread)
    }

    /// The number of channels on which something may still be sent.
    pub(super) fn running(&self) -> usize {
        let is_running = |channel: &&Channel| channel.port.is_some();
        self.table.as_ref().map_or(0, |table| table.open.values().filter(is_running).count())
    }

    fn has_events(&self, has_room: bool) -> bool {
        let has = |table: &Table| !table.events.is_empty() || has_room && !table.stalled.is_empty();
        self.table.as_deref().is_some_and(has)
    }

    /// The next event. `has_room` says whether items can be queued.
    pub(super) fn next_event(&mut self, has_room: bool) -> Option<ChannelEvent> {
        let table = self.table.as_mut()?;
        if let Some(event) = table.events.pop_front() {
            return Some(ChannelEvent(event));
        }
        let pipe = if has_room { table.stalled.pop() } else { None };
        pipe.map(|pipe| ChannelEvent(Event::Ready(pipe)))
    }

    /// A message with these ends is queued.
    pub(super) fn board(&mut self, Boarded { first, ports }: Boarded, owner: Owner) {
        let table = self.table.get_or_insert_default();
        let used = first + 2 * ports.len() as u64 - 1;
        table.used[0] = table.used[0].max(used);
        for (index, port) in ports.into_iter().enumerate() {
            let channel = ChannelId(first + 2 * index as u64);
            table.open.insert(channel, Channel::new(port, owner, false));
        }
    }

    /// Messages with the other ends of channels, or with large items, were sent completely.
    /// Returns the frames that waited for that.
    fn progress(&mut self, Progress { opened, items }: Progress) -> Vec<Leave> {
        let Some(table) = &mut self.table else { return Vec::new() };
        for id in &opened {
            table.open.get_mut(id).into_iter().for_each(|channel| channel.is_open = true);
        }
        for id in &items {
            table.open.get_mut(id).into_iter().for_each(|channel| channel.is_busy = false);
        }
        let mut leaves = Vec::new();
        for id in opened.into_iter().chain(items) {
            let Some(channel) = table.open.get_mut(&id) else { continue };
            if !channel.may_send() {
                continue;
            }
            if let Some(how) = channel.leaves.take() {
                leaves.push(Leave { channel: id, how });
                let removed = table.remove(id);
                table.events.extend(removed.map(Event::Removed));
            } else if let Some(Port::Out(pipe)) = &channel.port {
                table.events.push_back(Event::Opened(Arc::clone(pipe)));
            }
        }
        leaves
    }

    /// The ends that a message of the other side has brought. `Err` if they are more than `limit`.
    pub(super) fn arrive(
        &mut self,
        ends: &Ends,
        is_dialled: bool,
        limit: usize,
        largest: usize,
    ) -> Result<Result<Handles, usize>, Violation> {
        if ends.first % 2 == u64::from(!is_dialled) {
            return Err(Violation::NoSuchChannel(ends.first));
        }
        let table = self.table.get_or_insert_default();
        if let Some((twice, _)) = ends.channels().find(|(channel, _)| table.open.contains_key(channel)) {
            return Err(Violation::ChannelTwice(twice.0));
        }
        table.used[1] = table.used[1].max(ends.first + 2 * ends.entries.len() as u64 - 1);
        if table.open.len() + ends.entries.len() > limit {
            return Ok(Err(limit));
        }
        let mut handles: Vec<Handle> = Vec::with_capacity(ends.entries.len());
        for (id, entry) in ends.channels() {
            let (handle, port) = Handle::arrived(entry, Weak::clone(&self.line), id, largest);
            let capacity = entry.capacity.max(1);
            let channel = Channel { items: capacity.into(), ..Channel::new(port, Owner::Other, true) };
            table.open.insert(id, channel);
            handles.push(handle);
        }
        Ok(Ok(Handles::of(handles)))
    }

    /// Keeps the ends of a call until it runs.
    pub(super) fn keep(&mut self, call: CallId, handles: Handles) {
        self.table.get_or_insert_default().arrived.insert(call, handles);
    }

    pub(super) fn take_kept(&mut self, call: CallId) -> Handles {
        let kept = self.table.as_mut().and_then(|table| table.arrived.remove(&call));
        kept.unwrap_or_default()
    }

    /// A call of the other side will not run.
    pub(super) fn drop_kept(&mut self, call: CallId) {
        if self.table.is_some() {
            let kept = self.take_kept(call);
            self.discard(kept);
        }
    }

    /// Ends that nothing takes.
    pub(super) fn discard(&mut self, handles: Handles) {
        if !handles.is_empty() {
            self.table.get_or_insert_default().events.push_back(Event::Dropped(handles));
        }
    }

    /// The message that carries the other ends was not sent, or is not wanted.
    pub(super) fn give_up(&mut self, owner: Owner) {
        let Some(table) = &mut self.table else { return };
        let owned = |(id, channel): (&ChannelId, &Channel)| (channel.owner == owner).then_some(*id);
        let ids: Vec<_> = table.open.iter().filter_map(owned).collect();
        for id in ids {
            if let Some(port) = table.remove(id) {
                table.events.push_back(match owner {
                    Owner::Reply(_) => Event::Lost(port, End::Cancelled),
                    Owner::Call(_) | Owner::Other => Event::Unused(port),
                });
            }
        }
    }

    /// All of them, because the session is over. Those of calls that were not sent can be used
    /// again.
    pub(super) fn close(&mut self, end: &End, is_unsent: impl Fn(CallId) -> bool) -> Vec<ChannelEvent> {
        let Some(table) = self.table.take() else { return Vec::new() };
        let Table { open, arrived, events, stalled, .. } = *table;
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
}

impl Channel {
    /// Whether its frames arrive after those that were sent before.
    fn may_send(&self) -> bool {
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

impl Table {
    fn remove(&mut self, id: ChannelId) -> Option<Port> {
        let channel = self.open.remove(&id)?;
        self.unread -= channel.unread;
        channel.port
    }

    /// A frame for a channel that is closed at this side may still arrive. One for a channel that
    /// never existed is a violation.
    fn closed(&self, id: ChannelId, is_dialled: bool) -> Result<(), Violation> {
        let is_ours = id.0 % 2 == u64::from(!is_dialled);
        let used = self.used[usize::from(!is_ours)];
        if id.0 < used { Ok(()) } else { Err(Violation::NoSuchChannel(id.0)) }
    }
}

impl Drop for Channels {
    /// A session that was not closed belonged to a runtime that has ended.
    fn drop(&mut self) {
        self.close(&End::disconnected(), |_| false).into_iter().for_each(ChannelEvent::perform);
    }
}

impl fmt::Debug for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = self.table.as_ref().map_or(0, |table| table.open.len());
        f.debug_struct("Channels").field("open", &open).finish_non_exhaustive()
    }
}
