//! Channels: the table of the ends that a message carries, and the frames of an open channel.
//!
//! A value that contains ends of channels holds only their numbers within its message, counted
//! from 0. Behind the value is a table with one entry for each end, and the number of the first
//! channel. The number is written when the message is sent, because only then the session is
//! known.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::read::{end, u32_le, u64_le};
use super::{CREDIT, FrameError, INVOKE, ITEM, LEAVE, REPLY};
use crate::wire::codec::Codec;
use crate::wire::encoded::Encoded;

/// Numbers the channels of a session. The side that dialled uses even numbers for the ends that it
/// sends, and the other side odd ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(pub u64);

/// The bytes of items that may be sent on a new channel before the first credit arrives. More are
/// in flight only if the last item is larger than what is left.
pub const FIRST_BYTES: u32 = 64 << 10;

/// What an item needs of the credit besides its payload, about as much as it takes in memory.
pub const ITEM_COST: usize = 128;

/// The size of the header of an item.
pub const ITEM_HEAD: usize = 12;

/// In the fourth byte of an invoke, a reply or an item: it carries ends of channels.
pub(super) const HAS_ENDS: u8 = 2;

/// The size of an entry of the table, and of what follows the last entry.
const ENTRY: usize = 5;
const FOOT: usize = 12;

/// Which end of a channel a message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The receiver of the message will send items.
    Sender,
    /// The receiver of the message will receive items.
    Receiver,
}

/// One end of a channel in the table of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which end.
    pub direction: Direction,
    /// Only the newest item counts, and replaces one that was not sent.
    pub is_latest: bool,
    /// The number of items that may be sent before the first credit arrives.
    pub capacity: u32,
}

/// The ends of channels that a message carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// The number of the first channel. Each further one is larger by 2.
    pub first: u64,
    /// One for each channel.
    pub entries: Vec<Entry>,
}

impl Ends {
    /// The largest number of ends in one message.
    pub const MOST: usize = 4096;

    /// The channels in the order of their entries.
    pub fn channels(&self) -> impl Iterator<Item = (ChannelId, Entry)> + '_ {
        channels(self.first, self.entries.len() as u64).zip(self.entries.iter().copied())
    }

    /// Appends a table to a message. The number of the first channel is written by
    /// [`write_first`].
    pub(crate) fn append(out: &mut Vec<u8>, entries: impl ExactSizeIterator<Item = Entry>) {
        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        for Entry { direction, is_latest, capacity } in entries {
            out.put_u8(u8::from(direction == Direction::Receiver) | u8::from(is_latest) << 1);
            out.put_u32_le(capacity);
        }
        out.put_u64_le(0);
        out.put_u32_le(count);
    }

    /// Removes the table from the end of a message.
    pub(super) fn split(message: &mut Bytes) -> Result<Self, FrameError> {
        let foot = message.len().checked_sub(FOOT).ok_or(FrameError::Short)?;
        let mut numbers = message.split_off(foot);
        let (first, count) = (numbers.get_u64_le(), numbers.get_u32_le() as usize);
        let table = count.checked_mul(ENTRY).and_then(|size| message.len().checked_sub(size));
        let mut table = message.split_off(table.ok_or(FrameError::Short)?);
        if count == 0 || first.checked_add(2 * count as u64).is_none() {
            return Err(FrameError::Field);
        }
        let mut entries = Vec::with_capacity(count);
        while table.has_remaining() {
            let flags = table.get_u8();
            if flags > 3 {
                return Err(FrameError::Field);
            }
            let direction = if flags & 1 == 0 { Direction::Sender } else { Direction::Receiver };
            entries.push(Entry { direction, is_latest: flags & 2 != 0, capacity: table.get_u32_le() });
        }
        Ok(Self { first, entries })
    }

    /// The size of a table with this many entries.
    pub(crate) fn size(count: usize) -> usize {
        if count == 0 { 0 } else { count * ENTRY + FOOT }
    }
}

fn channels(first: u64, count: u64) -> impl Iterator<Item = ChannelId> {
    (0..count).map(move |index| ChannelId(first + 2 * index))
}

/// Writes the number of the first channel into a message that ends with a table.
pub(super) fn write_first(message: &mut [u8], first: u64) {
    let foot = message.len().saturating_sub(FOOT);
    if let Some(place) = message.get_mut(foot..foot + 8) {
        place.copy_from_slice(&first.to_le_bytes());
    }
}

/// Whether a message that begins like this carries ends of channels.
pub(crate) fn has_ends(header: &[u8]) -> bool {
    matches!(header, [INVOKE | REPLY | ITEM, _, _, flags, ..] if flags & HAS_ENDS != 0)
}

/// The channels whose ends a whole message carries.
pub(crate) fn opens(message: &[u8]) -> Option<impl Iterator<Item = ChannelId> + use<>> {
    if !has_ends(message) {
        return None;
    }
    let mut foot = message.get(message.len().checked_sub(FOOT)?..)?;
    let (first, count) = (foot.get_u64_le(), foot.get_u32_le());
    Some(channels(first, count.into()))
}

/// One item of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The channel.
    pub channel: ChannelId,
    /// The number of the codec of the item.
    pub codec: u8,
    /// The ends of channels that it carries.
    pub ends: Option<Box<Ends>>,
    /// The encoded item.
    pub payload: Bytes,
}

impl Item {
    /// Writes the header into the first [`ITEM_HEAD`] bytes of `frame`. The rest is the item, and
    /// a table if it has ends, whose first channel gets the number `first`.
    #[must_use]
    pub(crate) fn seal(
        channel: ChannelId,
        codec: Codec,
        first: Option<u64>,
        frame: impl Into<Encoded>,
    ) -> Encoded {
        frame.into().sealed(|frame| {
            if let Some(first) = first {
                write_first(frame, first);
            }
            let Some(mut head) = frame.get_mut(..ITEM_HEAD) else { return };
            head.put_u8(ITEM);
            head.put_u8(codec.number());
            head.put_u8(0);
            head.put_u8(if first.is_some() { HAS_ENDS } else { 0 });
            head.put_u64_le(channel.0);
        })
    }

    /// The channel of a message that begins like an item, without reading the rest of it.
    pub(crate) fn channel_of(message: &[u8]) -> Option<ChannelId> {
        let mut head = message.get(..ITEM_HEAD).filter(|head| head[0] == ITEM)?;
        head.advance(4);
        Some(ChannelId(head.get_u64_le()))
    }

    pub(super) fn decode(mut frame: Bytes) -> Result<Self, FrameError> {
        if frame.len() < ITEM_HEAD {
            return Err(FrameError::Short);
        }
        let mut head = frame.split_to(ITEM_HEAD);
        head.advance(1);
        let (codec, zero, flags) = (head.get_u8(), head.get_u8(), head.get_u8());
        let channel = ChannelId(head.get_u64_le());
        let ends = match (zero, flags) {
            (0, 0) => None,
            (0, HAS_ENDS) => Some(Box::new(Ends::split(&mut frame)?)),
            _ => return Err(FrameError::Field),
        };
        Ok(Self { channel, codec, ends, payload: frame })
    }

    pub(super) fn encode(&self) -> Bytes {
        let mut frame = [&[0; ITEM_HEAD], &self.payload[..]].concat();
        if let Some(ends) = &self.ends {
            Ends::append(&mut frame, ends.entries.iter().copied());
        }
        let codec = Codec::from_number(self.codec).unwrap_or_default();
        let first = self.ends.as_ref().map(|ends| ends.first);
        let sealed = Self::seal(self.channel, codec, first, frame);
        sealed.sealed(|frame| frame[1] = self.codec).into_bytes()
    }
}

/// More items may be sent on a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credit {
    /// The channel.
    pub channel: ChannelId,
    /// The number of further items.
    pub items: u32,
    /// The number of further bytes.
    pub bytes: u32,
}

impl Credit {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u8(CREDIT);
        out.put_u64_le(self.channel.0);
        out.put_u32_le(self.items);
        out.put_u32_le(self.bytes);
    }

    /// The rest of the frame behind its kind.
    pub(super) fn decode(bytes: &mut Bytes) -> Result<Self, FrameError> {
        let (channel, items, more) = (ChannelId(u64_le(bytes)?), u32_le(bytes)?, u32_le(bytes)?);
        end(bytes)?;
        Ok(Self { channel, items, bytes: more })
    }
}

/// One side is finished with a channel: the sender says how it ended, or the receiver takes no
/// more items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leave {
    /// The channel.
    pub channel: ChannelId,
    /// How.
    pub how: Leaving,
}

/// How a side leaves a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// The sender has said the end.
    Finished,
    /// The sender was dropped before it said the end.
    Dropped,
    /// The sender has failed; this is the encoded [`RemoteError`](crate::RemoteError).
    Failed(Bytes),
    /// The receiver takes no more items.
    Gone,
}

impl Leave {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u8(LEAVE);
        out.put_u8(match self.how {
            Leaving::Finished => 0,
            Leaving::Dropped => 1,
            Leaving::Failed(_) => 2,
            Leaving::Gone => 3,
        });
        out.put_u64_le(self.channel.0);
        if let Leaving::Failed(error) = &self.how {
            out.put_slice(error);
        }
    }

    /// The channel of a message that begins like this frame.
    pub(crate) fn channel_of(message: &[u8]) -> Option<ChannelId> {
        let mut head = message.get(..10).filter(|head| head[0] == LEAVE)?;
        head.advance(2);
        Some(ChannelId(head.get_u64_le()))
    }

    /// The rest of the frame behind its kind.
    pub(super) fn decode(mut bytes: Bytes) -> Result<Self, FrameError> {
        let kind = bytes.try_get_u8().map_err(|_| FrameError::Short)?;
        let channel = ChannelId(u64_le(&mut bytes)?);
        let how = match kind {
            0 => Leaving::Finished,
            1 => Leaving::Dropped,
            2 => return Ok(Self { channel, how: Leaving::Failed(bytes) }),
            3 => Leaving::Gone,
            _ => return Err(FrameError::Field),
        };
        end(&bytes)?;
        Ok(Self { channel, how })
    }
}
