//! What one side of a session sends: numbered frames in order, kept until they are acknowledged.
//! Large frames are cut into chunks, so that a small message does not wait behind a large one.
//!
//! Both sides number frames by counting, so the number is not on the wire. After a connection was
//! lost, the receiver says how many frames it has, and the rest is sent again.

mod large;
mod sent;
mod small;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use self::large::LargeFrames;
use self::sent::Sent;
use self::small::SmallFrames;
use crate::wire::encoded::Encoded;
use crate::wire::frame::{CallId, ChannelId, Chunk, Frame, Framed, Invoke, Reply, opens};

pub(super) use self::sent::Gap;

/// A frame that is larger than this travels in chunks of this size.
pub const CHUNK: usize = Chunk::SIZE;

/// The largest excess that is sent with the last chunk: a value of 1 MiB has a header before it,
/// and sixteen chunks are enough.
pub(super) const TAIL: usize = 512;

/// After this many bytes of numbered frames, the receiver sends an acknowledgement.
pub(super) const BYTES_PER_ACK: usize = 2 * CHUNK;

/// The same while only chunks are sent: half of the usual window, which is [wide](WIDE) then.
pub(super) const BYTES_PER_ACK_ALONE: usize = 8 * CHUNK;

/// The number of bytes that are worth writing at once. More waits in this queue, where small
/// frames can still pass chunks.
pub(crate) const AT_ONCE: usize = 32 << 10;

/// The same while only chunks are sent: one write then carries all that the other side has to
/// acknowledge.
const AT_ONCE_ALONE: usize = BYTES_PER_ACK_ALONE;

/// How many large frames of one side may be in flight at once; further ones wait for their turn.
pub const STREAMS: usize = 4;

/// The largest total size of one side's large frames in flight, as a multiple of the largest
/// message.
pub(super) const LARGEST_AT_ONCE: usize = 2;

/// The number of small frames that may be sent between two chunks of large ones.
const SMALL_BETWEEN_CHUNKS: u32 = 16;

/// After this many chunks without a small frame between them, there is no other traffic that needs
/// a narrow window. Both sides count them, and get the same result.
pub(super) const CHUNKS_ALONE: u32 = 128;

/// The factor by which the window is wider while only chunks are sent. They wait for an
/// acknowledgement that much less often.
pub(super) const WIDE: usize = 4;

/// The frames of one direction of a session.
#[derive(Debug)]
pub(super) struct Outbox {
    small: SmallFrames,
    large: LargeFrames,
    sent: Sent,
    /// The number of bytes of `small` and `large` that were not sent yet.
    queued: usize,
    small_since_chunk: u32,
    chunks_since_small: u32,
    /// The number of the frame with the latest notice that this side leaves.
    go_away: Option<u64>,
    /// What was sent of channels since it was [taken](Self::take_progress).
    progress: Progress,
}

/// Messages of channels that were sent completely.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The channels whose ends they carried.
    pub(super) opened: Vec<ChannelId>,
    /// The channels of large items.
    pub(super) items: Vec<ChannelId>,
}

/// A frame to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outgoing {
    pub(super) frame: Framed,
    /// Whether it contains the beginning of its message.
    pub(super) is_begin: bool,
}

impl Outbox {
    /// `keep` limits the bytes of kept frames, and `window` those of chunks in flight. No message
    /// is larger than `message`.
    pub(super) fn new(keep: usize, window: usize, message: usize) -> Self {
        Self {
            small: SmallFrames::default(),
            large: LargeFrames::new(message.saturating_mul(LARGEST_AT_ONCE)),
            sent: Sent::new(keep, window),
            queued: 0,
            small_since_chunk: 0,
            chunks_since_small: 0,
            go_away: None,
            progress: Progress::default(),
        }
    }

    /// Whether the other side knows that this one leaves: it makes no new calls, and the calls
    /// that it made before have arrived.
    pub(super) fn is_known_to_leave(&self) -> bool {
        self.go_away.is_some_and(|number| self.sent.has_acknowledged(number))
    }

    /// Queues a frame.
    pub(super) fn push(&mut self, frame: impl Into<Encoded>) {
        let frame = frame.into();
        self.queued += frame.len();
        if frame.len() <= CHUNK { self.small.push(frame) } else { self.large.push(frame.into_bytes()) }
    }

    /// The number of bytes that were not given to any connection yet.
    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    /// Whether chunks wait to be sent, or are in flight.
    pub(super) fn has_chunks(&self) -> bool {
        self.large.next_size().is_some() || self.sent.has_chunks()
    }

    /// The number of bytes that are kept in case they have to be sent again.
    pub(super) fn kept(&self) -> usize {
        self.sent.bytes()
    }

    /// An upper bound of the memory of the whole outbox, sent or not, in bytes. A kept chunk
    /// counts twice.
    pub(super) fn held(&self) -> usize {
        self.queued + self.sent.held() + self.large.pinned()
    }

    /// The number of bytes that were given to the connection and are not acknowledged. Not 0 if it
    /// was given any.
    pub(super) fn unacknowledged(&self) -> usize {
        if self.sent.has_given() { self.sent.bytes() } else { 0 }
    }

    /// Whether [`next`](Self::next) has a frame.
    pub(super) fn has_next(&self) -> bool {
        self.sent.has_again() || self.large.has_abandoned() || !self.small.is_empty() || self.may_chunk()
    }

    /// Whether only chunks have been sent for long.
    fn is_wide(&self) -> bool {
        self.chunks_since_small >= CHUNKS_ALONE
    }

    /// The number of bytes that are worth writing at once.
    pub(super) fn at_once(&self) -> usize {
        if self.is_wide() { AT_ONCE_ALONE } else { AT_ONCE }
    }

    fn may_chunk(&self) -> bool {
        let windows = if self.is_wide() { WIDE } else { 1 };
        self.large.next_size().is_some_and(|size| self.sent.has_room(size, windows))
    }

    /// Returns the next frame to send, as it is kept in case it has to be sent again.
    pub(super) fn next(&mut self) -> Option<&Outgoing> {
        if self.sent.has_again() {
            return self.sent.again();
        }
        let outgoing = self.next_new()?;
        self.sent.keep(outgoing);
        self.large.release(self.sent.first_kept());
        self.sent.last()
    }

    fn next_new(&mut self) -> Option<Outgoing> {
        if let Some(frame) = self.large.next_abandoned() {
            self.queued -= frame.len();
            return Some(Outgoing { frame, is_begin: false });
        }
        // Small frames go first, and one chunk follows after `SMALL_BETWEEN_CHUNKS` of them:
        // neither kind starves the other.
        let chunk_is_due = self.small_since_chunk >= SMALL_BETWEEN_CHUNKS && self.may_chunk();
        if !chunk_is_due && let Some(frame) = self.small.pop() {
            self.small_since_chunk = self.small_since_chunk.saturating_add(1);
            self.chunks_since_small = 0;
            self.queued -= frame.len();
            self.progress.opened.extend(opens(&frame).into_iter().flatten());
            if Frame::is_go_away(&frame) {
                self.go_away = Some(self.sent.next_number());
            }
            return Some(Outgoing { frame: frame.into(), is_begin: true });
        }
        if !self.may_chunk() {
            return None;
        }
        self.small_since_chunk = 0;
        self.chunks_since_small = self.chunks_since_small.saturating_add(1);
        let outgoing = self.large.next_chunk(self.sent.next_number(), &mut self.progress)?;
        self.queued -= outgoing.frame.chunk_size().unwrap_or_default();
        Some(outgoing)
    }

    /// Whether messages of channels were sent.
    pub(super) fn has_progress(&self) -> bool {
        !self.progress.opened.is_empty() || !self.progress.items.is_empty()
    }

    /// Which these are.
    pub(super) fn take_progress(&mut self) -> Progress {
        std::mem::take(&mut self.progress)
    }

    /// The other side has this many frames.
    pub(super) fn acknowledge(&mut self, received: u64) -> Result<(), Gap> {
        self.sent.acknowledge(received)?;
        self.large.release(self.sent.first_kept());
        Ok(())
    }

    /// The number of frames that the other side has acknowledged.
    pub(super) fn acknowledged(&self) -> u64 {
        self.sent.acknowledged()
    }

    /// Whether [`rewind`](Self::rewind) can go back that far.
    pub(super) fn can_rewind(&self, received: u64) -> bool {
        self.sent.gap(received).is_none()
    }

    /// A new connection resumes after this many frames, which the other side has.
    pub(super) fn rewind(&mut self, received: u64) -> Result<(), Gap> {
        self.sent.rewind(received)?;
        self.large.release(self.sent.first_kept());
        Ok(())
    }

    /// Withdraws an invoke that was not sent completely. Returns true if it was not, so that no
    /// part of it can have run.
    pub(super) fn withdraw(&mut self, call: CallId) -> bool {
        if let Some(freed) = self.small.withdraw(call) {
            self.queued -= freed;
            return true;
        }
        self.withdraw_large(|frame| Invoke::call_of(frame) == Some(call))
    }

    /// Withdraws a large reply that was not sent completely: its caller no longer waits for it.
    pub(super) fn withdraw_reply(&mut self, call: CallId) {
        self.withdraw_large(|frame| Reply::call_of(frame) == Some(call));
    }

    fn withdraw_large(&mut self, is_it: impl Fn(&Bytes) -> bool) -> bool {
        let Some(withdrawn) = self.large.withdraw(is_it) else { return false };
        self.queued = self.queued - withdrawn.unsent + withdrawn.last_word;
        self.large.release(self.sent.first_kept());
        true
    }

    /// The calls that were not sent completely, so that no part of them can have run.
    pub(super) fn unsent_calls(&self) -> impl Iterator<Item = CallId> + '_ {
        self.small.calls().chain(self.large.frames().filter_map(|frame| Invoke::call_of(frame)))
    }

    /// Frees capacity that is no longer needed.
    pub(super) fn shrink(&mut self) {
        self.small.shrink();
        self.sent.shrink();
    }

    /// Discards everything.
    pub(super) fn clear(&mut self) {
        self.small = SmallFrames::default();
        self.large.clear();
        self.sent.clear();
        (self.queued, self.small_since_chunk, self.chunks_since_small) = (0, 0, 0);
    }
}
