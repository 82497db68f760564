//! How a channel ends, and why an item is not sent.

use std::error::Error;
use std::fmt;

use crate::error::{ErrorKind, Ran, RemoteError};
use crate::wire::codec::{DecodeError, EncodeError, decode_own, encode_own};
use crate::wire::frame::Leaving;

/// How a channel ended, as its pipe knows it.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// A sender said so.
    Finished,
    /// All senders were dropped, and none has said the end.
    Cancelled,
    /// A sender failed, or the way to it is lost.
    Failed(Box<RemoteError>),
}

impl End {
    pub(crate) fn failed(kind: ErrorKind) -> Self {
        Self::Failed(Box::new(RemoteError::new(kind, Ran::Maybe)))
    }

    pub(crate) fn disconnected() -> Self {
        Self::failed(ErrorKind::Disconnected)
    }

    /// As it is sent.
    pub(crate) fn leaving(&self) -> Leaving {
        match self {
            Self::Finished => Leaving::Finished,
            Self::Cancelled => Leaving::Dropped,
            // An error without causes can always be encoded.
            Self::Failed(error) => Leaving::Failed(encode_own(0, &**error).unwrap_or_default().into()),
        }
    }

    /// As it has arrived, with no text of an error longer than `longest`. `None` if the receiver
    /// is gone.
    pub(crate) fn of_leaving(how: &Leaving, longest: usize) -> Option<Self> {
        match how {
            Leaving::Finished => Some(Self::Finished),
            Leaving::Dropped => Some(Self::Cancelled),
            Leaving::Gone => None,
            Leaving::Failed(error) => Some(Self::Failed(Box::new(match decode_own::<RemoteError>(error) {
                Ok(mut error) => {
                    error.cut(longest);
                    error
                }
                Err(error) => RemoteError::new(ErrorKind::DecodeResult, Ran::Maybe).caused_by(&error),
            }))),
        }
    }
}

/// Why a [`Receiver`](super::Receiver) gets no more items although no sender said the end.
///
/// [`Error::source`] is the error that the sender's block raised, as a
/// [`RemoteError`](crate::RemoteError) with its causes and hops, or why an item cannot be decoded.
#[derive(Clone)]
pub struct StreamError(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: StreamErrorKind,
    received: u64,
    source: Option<RemoteError>,
}

/// What ended a stream before its end was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamErrorKind {
    /// All senders were dropped, and none called [`finish`](super::Sender::finish): their block
    /// was cancelled or has returned without it, or their peer has ended in an orderly way.
    Cancelled,
    /// The block that had the sender raised an error, the stream that was
    /// [streamed](crate::try_streamed) did, or the sender [failed](super::Sender::fail).
    Raised,
    /// The block that had the sender panicked, or the stream that was streamed did.
    Panicked,
    /// The session with the sender's peer is lost.
    Disconnected,
    /// An item is larger than the limits allow.
    TooLarge,
    /// An item cannot be decoded as the type of the channel's items.
    Decode,
    /// No item has arrived for as long as the [idle timeout](super::Receiver::idle_timeout).
    Idle,
    /// The receiver was moved to another peer by a call that captured it.
    Moved,
}

impl StreamError {
    pub(super) fn new(kind: StreamErrorKind, received: u64) -> Self {
        Self(Box::new(Inner { kind, received, source: None }))
    }

    /// `None` if the end was said.
    pub(super) fn of_end(end: End, received: u64) -> Option<Self> {
        match end {
            End::Finished => None,
            End::Cancelled => Some(Self::new(StreamErrorKind::Cancelled, received)),
            End::Failed(error) => {
                let kind = match error.kind() {
                    ErrorKind::Cancelled => StreamErrorKind::Cancelled,
                    ErrorKind::Panicked => StreamErrorKind::Panicked,
                    ErrorKind::Disconnected | ErrorKind::NotConnected => StreamErrorKind::Disconnected,
                    ErrorKind::TooLarge { .. } | ErrorKind::ResultDropped { .. } => StreamErrorKind::TooLarge,
                    _ => StreamErrorKind::Raised,
                };
                Some(Self(Box::new(Inner { kind, received, source: Some(*error) })))
            }
        }
    }

    pub(super) fn decode(error: &DecodeError, received: u64) -> Self {
        let source = RemoteError::new(ErrorKind::DecodeResult, Ran::Yes).caused_by(error);
        Self(Box::new(Inner { kind: StreamErrorKind::Decode, received, source: Some(source) }))
    }

    /// What ended the stream.
    #[must_use]
    pub fn kind(&self) -> StreamErrorKind {
        self.0.kind
    }

    /// The error of the sender's block, or one that says the same as this.
    pub(crate) fn into_remote(self) -> RemoteError {
        let Inner { source, .. } = *self.0;
        source.unwrap_or_else(|| RemoteError::new(ErrorKind::Disconnected, Ran::Yes))
    }

    /// The number of items that the receiver has got.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.0.received
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, received, source } = &*self.0;
        write!(f, "stream ended after {received} items: ")?;
        f.write_str(match kind {
            StreamErrorKind::Cancelled => "its senders were dropped before one called `finish`",
            StreamErrorKind::Raised => "its sender failed",
            StreamErrorKind::Panicked => "its sender panicked",
            StreamErrorKind::Disconnected => "the session with its sender is lost",
            StreamErrorKind::TooLarge => "an item is larger than the limit",
            StreamErrorKind::Decode => "an item cannot be decoded",
            StreamErrorKind::Idle => "no item arrived within the idle timeout",
            StreamErrorKind::Moved => "its receiver was moved to another peer",
        })?;
        if f.alternate()
            && let Some(source) = source
        {
            write!(f, ": {source:#}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:#}")
    }
}

impl Error for StreamError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}

/// Why an item was not sent. It was not received, and no further item will be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The receiver was dropped, or takes no more items because another sender has ended the
    /// channel.
    #[error("the receiver takes no more items")]
    Closed,
    /// Another sender of this process has said the end. If it was a sender of another process,
    /// this is [`Closed`](Self::Closed).
    #[error("the channel was finished by another sender")]
    Finished,
    /// The session with the receiver's peer is lost.
    #[error("the session with the receiver is lost")]
    Disconnected,
    /// The encoded item is larger than [`Limits::max_message`](crate::Limits::max_message). The
    /// channel remains open.
    #[error("an item of {size} bytes exceeds the limit of {limit} (`Limits::max_message`)")]
    TooLarge {
        /// The size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The item cannot be encoded. The channel remains open.
    #[error("cannot encode the item")]
    Encode(#[source] EncodeError),
    /// Values of its type cannot be sent. The channel remains open.
    #[error("{0}")]
    CannotTravel(String),
}

impl SendError {
    pub(super) fn of_end(end: &End) -> Self {
        match end {
            End::Finished => Self::Finished,
            End::Failed(error) if *error.kind() == ErrorKind::Disconnected => Self::Disconnected,
            End::Cancelled | End::Failed(_) => Self::Closed,
        }
    }
}

/// Why [`Sender::try_send`](super::Sender::try_send) has not sent an item.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrySendError<T> {
    /// The channel has no room now. The item is returned.
    #[error("the channel is full")]
    Full(T),
    /// The item will never be sent.
    #[error(transparent)]
    Send(#[from] SendError),
}
