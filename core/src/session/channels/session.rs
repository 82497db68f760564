//! What a session does with its channels, if it has any.

use std::sync::Weak;

use super::{AHEAD, Around, ChannelEvent, ChannelFrame, Channels, Event, Open, refuse};
use crate::channel::error::End;
use crate::channel::handle::Handles;
use crate::channel::item::Item;
use crate::channel::line::{Line, Port};
use crate::error::ErrorKind;
use crate::session::{Effect, Session, Violation};
use crate::wire::frame::{self, CallId, ChannelId, Credit, Ends, Leaving};

impl<W> Session<W> {
    /// How channels send their frames.
    pub(crate) fn set_line(&mut self, line: Weak<dyn Line>) {
        self.channels.line = line;
    }

    /// Whether events of channels wait to be performed by [`next_run`](Self::next_run).
    #[must_use]
    pub fn has_channel_events(&self) -> bool {
        self.channels.open.as_ref().is_some_and(|open| open.has_events(self.outbox.queued() < AHEAD))
    }

    /// The next event of channels that waits. It is performed when the session is not locked.
    pub(crate) fn next_channel_event(&mut self) -> Option<ChannelEvent> {
        let has_room = self.outbox.queued() < AHEAD;
        self.channels.open.as_mut()?.next_event(has_room).map(ChannelEvent)
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
        self.channels.open.as_mut().map(|open| open.take_kept(call)).unwrap_or_default()
    }

    /// The open channels, and the rest of the session. `None` if there are none.
    fn open_channels(&mut self) -> Option<(&mut dyn Open, Around<'_>)> {
        let Channels { line, used, open } = &mut self.channels;
        let around = Around {
            outbox: &mut self.outbox,
            limits: &self.limits,
            used,
            line,
            message: self.message,
            is_at_limit: self.full.is_some(),
            is_dialled: self.is_dialled,
        };
        Some((&mut **open.as_mut()?, around))
    }

    /// The ends that a message has brought. If they are more than the limit, the other side is
    /// told that they are not wanted. So it is if no type of this program has ends: then nothing
    /// can take them.
    pub(in crate::session) fn arrive(&mut self, ends: &Ends) -> Result<Result<Handles, usize>, Violation> {
        let count = ends.entries.len();
        if count > Ends::MOST {
            return Err(Violation::TooManyEnds { count });
        }
        if ends.first % 2 == u64::from(!self.is_dialled) {
            return Err(Violation::NoSuchChannel(ends.first));
        }
        if self.channels.table().is_some()
            && let Some((open, mut around)) = self.open_channels()
        {
            return open.arrive(ends, &mut around);
        }
        self.channels.used.arrived(ends);
        refuse(ends, &mut self.outbox);
        Ok(Ok(Handles::default()))
    }

    /// A large message was dropped as it arrived. Its ends are not known, so frames for their
    /// channels are no violation.
    pub(in crate::session) fn message_dropped(&mut self, header: &[u8]) {
        if frame::has_ends(header) {
            self.channels.used.0[1] = u64::MAX;
        }
    }

    /// Messages with ends, or large items, were sent completely.
    pub(in crate::session) fn channels_progress(&mut self) {
        let progress = self.outbox.take_progress();
        if let Some(open) = &mut self.channels.open {
            open.progress(progress, &mut self.outbox);
        }
    }

    /// Queues an item, and returns what is left of it, to be dropped when the session is not
    /// locked. If too much output waits, the error is the item, and its pipe is notified when
    /// there is room.
    pub(crate) fn send_item(&mut self, id: ChannelId, item: Item) -> Result<Item, Item> {
        match self.open_channels() {
            Some((open, mut around)) => open.send_item(id, item, &mut around),
            None => Ok(item),
        }
    }

    /// Lets the other side send more items.
    pub(crate) fn send_credit(&mut self, credit: Credit) {
        if let Some((open, mut around)) = self.open_channels() {
            open.send_credit(credit, &mut around);
        }
    }

    /// This side is finished with a channel. What is returned has to be dropped when the session
    /// is not locked.
    pub(crate) fn leave_channel(&mut self, id: ChannelId, how: Leaving) -> Option<Port> {
        let (open, around) = self.open_channels()?;
        open.leave(id, how, around.outbox)
    }

    /// All items of a channel that the other side has ended were taken or dropped.
    pub(crate) fn channel_drained(&mut self, id: ChannelId) {
        if let Some(open) = &mut self.channels.open {
            open.drained(id);
        }
    }

    pub(in crate::session) fn received_of_channel(
        &mut self,
        frame: ChannelFrame,
    ) -> Result<Option<Effect<W>>, Violation> {
        if let Some((open, mut around)) = self.open_channels() {
            return Ok(open.receive(frame, &mut around)?.map(effect));
        }
        if let ChannelFrame::Item(frame::Item { ends: Some(ends), .. }) = &frame {
            self.arrive(ends)?.into_iter().for_each(|handles| self.channels.discard(handles));
        }
        // None is open. What was in flight when it was closed may still arrive.
        self.channels.used.closed(frame.channel(), self.is_dialled).map(|()| None)
    }

    /// An item cannot be taken: the channel ends at both sides.
    pub(in crate::session) fn fail_channel(
        &mut self,
        id: ChannelId,
        kind: ErrorKind,
    ) -> Result<Option<Effect<W>>, Violation> {
        let port = self.leave_channel(id, Leaving::Gone);
        Ok(port.map(|port| effect(Event::Lost(port, End::failed(kind)))))
    }
}

fn effect<W>(event: Event) -> Effect<W> {
    Effect::Channel(ChannelEvent(event))
}
