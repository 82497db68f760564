//! The channels of a session: which there are, how much may be sent on them, and what follows from
//! their frames.
//!
//! All of that is in [`table`], which a session has when it has channels. It is known by the trait
//! [`Open`] alone, and made by a function that the first channel of the process sets. So a page
//! that makes no channel does not contain it.

mod carried;
mod session;
mod table;

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use self::table::Table;
use super::Violation;
use super::outbox::{AT_ONCE, Outbox, Progress};
use crate::channel::error::End;
use crate::channel::handle::Handles;
use crate::channel::item::Item;
use crate::channel::line::{Boarded, Inlet, Line, NoLine, Outlet, Port};
use crate::limits::Limits;
use crate::wire::frame::{self, CallId, ChannelId, Credit, Direction, Ends, Frame, Leave, Leaving};

/// An item is queued only while less than this many bytes wait to be sent. Items of other channels
/// and calls then do not wait behind many of them.
const AHEAD: usize = 2 * AT_ONCE;

/// Something that happens to ends of channels. It is performed when the session is not locked.
pub struct ChannelEvent(pub(crate) Event);

pub(crate) enum Event {
    Item(Item),
    Ended(Arc<dyn Inlet>, End),
    Credit(Arc<dyn Outlet>, Credit),
    Gone(Arc<dyn Outlet>),
    Opened(Arc<dyn Outlet>),
    Ready(Arc<dyn Outlet>),
    Lost(Port, End),
    Unused(Port),
    Dropped(Handles),
    Removed(Port),
}

impl ChannelEvent {
    /// Tells the ends in this process.
    pub fn perform(self) {
        if let Some(machinery) = MACHINERY.get() {
            (machinery.perform)(self.0);
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

/// What a program does with channels, if it has any.
struct Machinery {
    table: fn() -> Box<dyn Open>,
    perform: fn(Event),
}

static MACHINERY: OnceLock<Machinery> = OnceLock::new();

/// A channel is made in this process, or a type has an end of one.
pub(crate) fn use_channels() {
    MACHINERY.get_or_init(|| Machinery { table: || Box::<Table>::default(), perform: table::perform });
}

/// The rest of a session, as its channels see it.
struct Around<'a> {
    outbox: &'a mut Outbox,
    limits: &'a Limits,
    used: &'a mut Used,
    line: &'a Weak<dyn Line>,
    /// The largest message that both sides accept, in bytes.
    message: usize,
    is_at_limit: bool,
    is_dialled: bool,
}

/// The open channels of a session.
trait Open: Send {
    fn held(&self) -> usize;

    fn running(&self) -> usize;

    fn has_events(&self, has_room: bool) -> bool;

    fn next_event(&mut self, has_room: bool) -> Option<Event>;

    fn board(&mut self, boarded: Boarded, owner: Owner, used: &mut Used);

    fn progress(&mut self, progress: Progress, outbox: &mut Outbox);

    fn arrive(&mut self, ends: &Ends, around: &mut Around<'_>) -> Result<Result<Handles, usize>, Violation>;

    fn keep(&mut self, call: CallId, handles: Handles);

    fn take_kept(&mut self, call: CallId) -> Handles;

    fn discard(&mut self, handles: Handles);

    fn give_up(&mut self, owner: Owner);

    fn close(self: Box<Self>, end: &End, is_unsent: &dyn Fn(CallId) -> bool) -> Vec<ChannelEvent>;

    fn send_item(&mut self, id: ChannelId, item: Item, around: &mut Around<'_>) -> Result<Item, Item>;

    fn send_credit(&mut self, credit: Credit, around: &mut Around<'_>);

    fn leave(&mut self, id: ChannelId, how: Leaving, outbox: &mut Outbox) -> Option<Port>;

    fn drained(&mut self, id: ChannelId);

    /// Takes an item, credit, or the end of a channel.
    fn receive(&mut self, frame: ChannelFrame, around: &mut Around<'_>) -> Result<Option<Event>, Violation>;
}

/// One more than the largest number of a channel that was used, by this side and by the other one.
#[derive(Default)]
struct Used([u64; 2]);

impl Used {
    /// The other side has used the numbers of these ends.
    fn arrived(&mut self, ends: &Ends) {
        self.0[1] = self.0[1].max(ends.first + 2 * ends.entries.len() as u64 - 1);
    }

    /// A frame for a channel that is closed at this side may still arrive. One for a channel that
    /// never existed is a violation.
    fn closed(&self, id: ChannelId, is_dialled: bool) -> Result<(), Violation> {
        let is_ours = id.0 % 2 == u64::from(!is_dialled);
        let used = self.0[usize::from(!is_ours)];
        if id.0 < used { Ok(()) } else { Err(Violation::NoSuchChannel(id.0)) }
    }
}

/// A frame of an open channel.
pub(super) enum ChannelFrame {
    Item(frame::Item),
    Credit(Credit),
    Leave(Leave),
}

impl ChannelFrame {
    fn channel(&self) -> ChannelId {
        match self {
            Self::Item(item) => item.channel,
            Self::Credit(credit) => credit.channel,
            Self::Leave(leave) => leave.channel,
        }
    }
}

/// Tells the other side that this side takes none of these ends.
fn refuse(ends: &Ends, outbox: &mut Outbox) {
    for (channel, entry) in ends.channels() {
        let how = match entry.direction {
            Direction::Sender => Leaving::Dropped,
            Direction::Receiver => Leaving::Gone,
        };
        outbox.push(Frame::Leave(Leave { channel, how }).encode());
    }
}

/// The channels of a session. Most sessions have none.
pub(super) struct Channels {
    line: Weak<dyn Line>,
    used: Used,
    open: Option<Box<dyn Open>>,
}

impl Channels {
    pub(super) fn new() -> Self {
        Self { line: NoLine::weak(), used: Used::default(), open: None }
    }

    /// The bytes of items that have arrived and were not taken.
    pub(super) fn held(&self) -> usize {
        self.open.as_ref().map_or(0, |open| open.held())
    }

    /// The number of channels on which something may still be sent.
    pub(super) fn running(&self) -> usize {
        self.open.as_ref().map_or(0, |open| open.running())
    }

    /// The table of open channels, if there are channels in this process.
    fn table(&mut self) -> Option<&mut Box<dyn Open>> {
        if self.open.is_none() {
            self.open = MACHINERY.get().map(|machinery| (machinery.table)());
        }
        self.open.as_mut()
    }

    /// A message with these ends is queued.
    pub(super) fn board(&mut self, boarded: Boarded, owner: Owner) {
        if self.table().is_some()
            && let Self { open: Some(open), used, .. } = self
        {
            open.board(boarded, owner, used);
        }
    }

    /// Keeps the ends of a call until it runs.
    pub(super) fn keep(&mut self, call: CallId, handles: Handles) {
        if let Some(open) = &mut self.open {
            open.keep(call, handles);
        }
    }

    /// A call of the other side will not run.
    pub(super) fn drop_kept(&mut self, call: CallId) {
        if let Some(open) = &mut self.open {
            let kept = open.take_kept(call);
            open.discard(kept);
        }
    }

    /// Ends that nothing takes.
    pub(super) fn discard(&mut self, handles: Handles) {
        if let Some(open) = &mut self.open {
            open.discard(handles);
        }
    }

    /// The message that carries the other ends was not sent, or is not wanted.
    pub(super) fn give_up(&mut self, owner: Owner) {
        if let Some(open) = &mut self.open {
            open.give_up(owner);
        }
    }

    /// All of them, because the session is over. Those of calls that were not sent can be used
    /// again.
    pub(super) fn close(&mut self, end: &End, is_unsent: &dyn Fn(CallId) -> bool) -> Vec<ChannelEvent> {
        self.open.take().map_or_else(Vec::new, |open| open.close(end, is_unsent))
    }
}

impl Drop for Channels {
    /// A session that was not closed belonged to a runtime that has ended.
    fn drop(&mut self) {
        if self.open.is_some() {
            self.close(&End::disconnected(), &|_| false).into_iter().for_each(ChannelEvent::perform);
        }
    }
}

impl fmt::Debug for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channels").field("running", &self.running()).finish_non_exhaustive()
    }
}
