//! How the other side, or a connection to it, breaks a session.

use super::STREAMS;
use crate::wire::frame::FrameError;

/// Why a connection is considered dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Dead {
    /// Nothing came in on a new connection for
    /// [`Limits::handshake_timeout`](crate::Limits::handshake_timeout) after its welcome.
    #[error("the other side did not answer the welcome")]
    Unheard,
    /// Nothing came in for [`Limits::idle_timeout`](crate::Limits::idle_timeout).
    #[error("nothing was heard from the other side")]
    Silent,
    /// Nothing came in for 4.5 s while calls waited, although the other side was probed.
    #[error("the other side did not answer a ping while calls wait")]
    Unanswered,
    /// What was sent to the other side was not acknowledged for 4.5 s, and longer where much was
    /// in flight, although the other side was asked and sends frames. A path that loses large
    /// packets causes that, or one that carries nothing in one direction.
    #[error("the other side did not acknowledge what was sent to it")]
    Unacknowledged,
    /// The other side accepted next to nothing for
    /// [`Limits::write_timeout`](crate::Limits::write_timeout) while output was pending.
    #[error("the other side stopped reading, or reads too slowly")]
    Stalled,
}

/// A protocol violation by the other side. The session cannot continue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// It sent bytes that are not a frame.
    #[error("message is not a frame: {0}")]
    Frame(#[from] FrameError),
    /// It sent a frame that is not allowed at this point.
    #[error("unexpected `{0}` frame")]
    Unexpected(&'static str),
    /// It made a call with the number of a call that is still running.
    #[error("it made call {0} twice")]
    CallTwice(u64),
    /// It sent its catalogue of blocks again, or a catalogue with more blocks than allowed.
    #[error(
        "catalogue of blocks sent twice, with more than {} blocks, or with an empty part",
        crate::wire::frame::Catalogue::MOST
    )]
    Catalogue,
    /// It answered a call that was never made.
    #[error("it answered call {0}, which was never made")]
    NoSuchCall(u64),
    /// It sent a frame for a channel that never existed, or opened one with a number of this side.
    #[error("no channel {0}")]
    NoSuchChannel(u64),
    /// It opened a channel with the number of one that is open.
    #[error("it opened channel {0} twice")]
    ChannelTwice(u64),
    /// It sent more items or bytes on a channel than it was allowed to.
    #[error("it sent more on channel {0} than it was allowed to")]
    Credit(u64),
    /// It sent a message with more ends of channels than a message may have.
    #[error("message with {count} ends of channels, where the limit is {}", crate::wire::frame::Ends::MOST)]
    TooManyEnds {
        /// Their number.
        count: usize,
    },
    /// It sent an item in a codec that does not exist.
    #[error("item in unknown codec {0}")]
    ItemCodec(u8),
    /// It acknowledged frames that were never sent.
    #[error("it acknowledged what was never sent")]
    NeverSent,
    /// It sent more than [`Limits::max_message`](crate::Limits::max_message).
    #[error("it sent a message of {size} bytes where the limit is {limit}")]
    TooLarge {
        /// The size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// It began more large messages at once than allowed.
    #[error("it began more than {STREAMS} large messages at once")]
    TooManyStreams,
    /// The large messages that it began exceed the limit on their total size.
    #[error(
        "it began large messages of more than {} times the limit together",
        super::outbox::LARGEST_AT_ONCE
    )]
    TooMuchAtOnce,
    /// The parts of a large message do not fit together.
    #[error("it sent parts of a message that do not fit together")]
    ChunkSize,
}

/// The session cannot be resumed: frames that the other side lacks were already discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("session cannot be resumed: unacknowledged frames were already discarded")]
pub struct Lost;
