//! How the other side, or a connection to it, fails a session.

use super::STREAMS;
use crate::wire::frame::FrameError;

/// Why a connection is taken for dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Dead {
    /// Nothing came in on a new connection for [`Limits::handshake`](crate::Limits::handshake)
    /// after its welcome.
    #[error("the other side did not answer the welcome")]
    Unheard,
    /// Nothing came in for [`Limits::silence`](crate::Limits::silence).
    #[error("nothing was heard from the other side")]
    Silent,
    /// Nothing came in for 4.5 s while calls waited, although the other side was asked whether it
    /// is there.
    #[error("the other side did not answer a ping while calls wait")]
    Unanswered,
    /// What was sent to the other side was not acknowledged for 4.5 s, and longer where much was
    /// on its way, although it was asked and speaks. A path that loses large packets does
    /// that, or one that is silent in one direction.
    #[error("the other side did not acknowledge what was sent to it")]
    Unacknowledged,
    /// The other side took next to nothing for [`Limits::write_stall`](crate::Limits::write_stall)
    /// while something waited to be sent.
    #[error("the other side stopped reading, or reads too slowly")]
    Stalled,
}

/// The other side broke the protocol. The session cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// It sent bytes that are no frame.
    #[error("it sent a message that is no frame: {0}")]
    Frame(#[from] FrameError),
    /// It sent a frame that has no place here.
    #[error("it sent a {0} frame out of place")]
    Unexpected(&'static str),
    /// It made a call with the number of another one that runs.
    #[error("it made call {0} twice")]
    CallTwice(u64),
    /// It told of its blocks again, or of more of them than it may.
    #[error(
        "it told of its blocks twice, of more than {}, or of none in a part",
        crate::wire::frame::Catalogue::MOST
    )]
    Catalogue,
    /// It answered a call that was never made.
    #[error("it answered call {0}, which was never made")]
    NoSuchCall(u64),
    /// It says that it received what was never sent.
    #[error("it acknowledged what was never sent")]
    NeverSent,
    /// It sent more than [`Limits::message`](crate::Limits::message).
    #[error("it sent a message of {size} bytes where the limit is {limit}")]
    TooLarge {
        /// The size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// It began more large messages at once than it may.
    #[error("it began more than {STREAMS} large messages at once")]
    TooManyStreams,
    /// The large messages that it began are more together than they may be.
    #[error(
        "it began large messages of more than {} times the limit together",
        super::outbox::LARGEST_AT_ONCE
    )]
    TooMuchAtOnce,
    /// The parts of a large message do not fit together.
    #[error("it sent parts of a message that do not fit together")]
    ChunkSize,
}

/// A session that cannot go on, because what the other side lacks is no longer kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what the other side lacks is no longer kept")]
pub struct Lost;
