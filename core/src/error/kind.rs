//! What happened to a call that failed, and whether its block ran.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::mismatch::Mismatch;
use crate::limits::account::Full;
use crate::util::shown::{self, OneLine};

text_is_debug!(ErrorKind, Refusal);

/// The reason why a call did not return its value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
#[non_exhaustive]
pub enum ErrorKind {
    /// The body raised an error with `?`; it is the [source](std::error::Error::source).
    Raised,
    /// The peer, or this peer on its behalf, did not start the block.
    Refused(Refusal),
    /// The body panicked. The caller receives no details, unless its peer [is configured
    /// otherwise](crate::Disclosure).
    Panicked,
    /// The peer dropped the block before it ended, because it is stopping.
    Cancelled,
    /// The deadline passed before the call ended.
    DeadlineExceeded,
    /// The session closed while the call was open.
    Disconnected,
    /// No session to the peer was open, and none was opened within the deadline.
    NotConnected,
    /// The call was made outside of any peer, in a process that does not have exactly one.
    NoPeer,
    /// The captures could not be encoded.
    EncodeCaptures,
    /// The result could not be encoded by the peer that ran the block.
    EncodeResult,
    /// The result could not be decoded as the expected type.
    DecodeResult,
    /// A message would have been larger than [`Limits::max_message`](crate::Limits::max_message).
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The result was dropped: its peer or this one would exceed
    /// [`Limits::max_queued_result_bytes`](crate::Limits::max_queued_result_bytes) or
    /// [`Limits::max_held_bytes`](crate::Limits::max_held_bytes). If it was `held`, the
    /// [source](std::error::Error::source) says which limit.
    ResultDropped {
        /// The limit in bytes.
        limit: usize,
    },
}

/// Why a peer did not start a block. Nothing of it ran.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
#[non_exhaustive]
pub enum Refusal {
    /// The peer's binary does not contain the block.
    #[error("that peer does not have this block{}", Elsewhere(.elsewhere.as_deref()))]
    UnknownBlock {
        /// The path of the same function in another module there, if that peer has it and exposes
        /// it.
        elsewhere: Option<String>,
    },
    /// The peer has another version of the block.
    #[error("that peer has another version of this block: {}", OneLine(.0))]
    Skew(Box<Mismatch>),
    /// A type of the block cannot be sent. The text names the type and the fix.
    #[error("{}", OneLine(.0))]
    CannotTravel(String),
    /// The peer has the block but does not expose it to other peers.
    #[error(
        "that peer does not expose this block: start it with `Peer::builder(..).expose(Blocks::all())`, or name the block there"
    )]
    NotExposed,
    /// The block requires an authenticated caller, and this one is not.
    #[error(
        "not authenticated by that peer, {}: connect with a token it accepts, `Endpoint::new(url).bearer(token)`, or with a key it trusts, `Peer::builder(key_pair)`",
        OneLine(.0)
    )]
    Unauthenticated(String),
    /// The caller is authenticated but not authorized for this block.
    #[error("forbidden: that peer does not authorize its caller for this block: {}", OneLine(.0))]
    Forbidden(String),
    /// The captures could not be decoded as the types that the block takes.
    #[error("that peer could not decode the captures: {}", OneLine(.0))]
    DecodeCaptures(String),
    /// The captures are in an encoding that the peer does not support.
    #[error("that peer has no codec number {0}")]
    UnknownCodec(u8),
    /// Too many calls are in flight.
    #[error("too many calls in flight: the limit is {0}")]
    Overloaded(usize),
    /// The session exceeds its limit of calls per second.
    #[error(
        "this session makes more than {0} calls per second (`Limits::max_calls_per_second` of that peer)"
    )]
    TooFast(u32),
    /// Too many bytes wait to be sent to that peer.
    #[error("more than {0} bytes wait to be sent to that peer (`Limits::max_queued_bytes`)")]
    QueueFull(usize),
    /// The chain of nested calls is too long.
    #[error("the chain of nested calls has more than {0} hops")]
    TooManyHops(u8),
    /// The peer is stopping.
    #[error("that peer is going away")]
    GoingAway,
    /// A large message arrived too slowly and was discarded.
    #[error("its message came slower than {0} bytes per second (`Limits::min_write_rate` of that peer)")]
    TooSlow(u32),
    /// The peer holds as many bytes for its callers as its limits allow.
    #[error("{0}")]
    Full(Full),
    /// Too many calls wait for peers that are not connected, in blocks that run for the same
    /// caller.
    #[error(
        "{0} calls wait already for peers that are not connected, in blocks that one caller has run (`Limits::max_waiting_calls` of the peer that runs them)"
    )]
    TooManyWaiting(usize),
}

/// What to do about a block that a peer does not have.
struct Elsewhere<'a>(Option<&'a str>);

impl fmt::Display for Elsewhere<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str(
                ": its program was built without this function, from other sources, or from a crate that it does not use (`use that_crate as _;`)",
            ),
            Some(path) => write!(
                f,
                " in this module; it has the same function as `{}`: put the function into a library that both programs use, \
                 or give the block a name, `#[block(name = \"..\")]`",
                OneLine(path)
            ),
        }
    }
}

/// Whether the block of a failed call ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ran {
    /// It did not: calling again is safe.
    Never,
    /// It may have run: the outcome is unknown to this peer.
    Maybe,
    /// It did, to its end or to the point where it failed.
    Yes,
}

impl ErrorKind {
    pub(super) fn cut(&mut self, longest: usize) {
        if let Self::Refused(refusal) = self {
            refusal.cut(longest);
        }
    }

    /// A short name of what happened, without any text from the error: for logs and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Refused(refusal) => refusal.code(),
            Self::Panicked => "panicked",
            Self::Cancelled => "cancelled",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Disconnected => "disconnected",
            Self::NotConnected => "not_connected",
            Self::NoPeer => "no_peer",
            Self::EncodeCaptures => "encode_captures",
            Self::EncodeResult => "encode_result",
            Self::DecodeResult => "decode_result",
            Self::TooLarge { .. } => "too_large",
            Self::ResultDropped { .. } => "result_dropped",
        }
    }
}

impl Refusal {
    /// Truncates all texts that have more bytes than `longest`.
    fn cut(&mut self, longest: usize) {
        match self {
            Self::CannotTravel(text)
            | Self::Unauthenticated(text)
            | Self::Forbidden(text)
            | Self::DecodeCaptures(text)
            | Self::UnknownBlock { elsewhere: Some(text) } => shown::cut(text, longest),
            Self::Skew(mismatch) => mismatch.cut(longest),
            Self::UnknownBlock { elsewhere: None }
            | Self::NotExposed
            | Self::UnknownCodec(_)
            | Self::Overloaded(_)
            | Self::TooFast(_)
            | Self::QueueFull(_)
            | Self::TooManyHops(_)
            | Self::TooSlow(_)
            | Self::Full(_)
            | Self::GoingAway
            | Self::TooManyWaiting(_) => {}
        }
    }

    /// A short name of the reason, without any text from the refusal: for logs and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownBlock { .. } => "unknown_block",
            Self::Skew(_) => "skew",
            Self::CannotTravel(_) => "cannot_travel",
            Self::NotExposed => "not_exposed",
            Self::Unauthenticated(_) => "unauthenticated",
            Self::Forbidden(_) => "forbidden",
            Self::DecodeCaptures(_) => "decode_captures",
            Self::UnknownCodec(_) => "unknown_codec",
            Self::Overloaded(_) => "overloaded",
            Self::TooFast(_) => "too_fast",
            Self::QueueFull(_) => "queue_full",
            Self::TooManyHops(_) => "too_many_hops",
            Self::GoingAway => "going_away",
            Self::TooSlow(_) => "too_slow",
            Self::Full(_) => "full",
            Self::TooManyWaiting(_) => "too_many_waiting",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raised => f.write_str("raised an error"),
            Self::Refused(refusal) => write!(f, "was refused: {refusal}"),
            Self::Panicked => f.write_str("panicked"),
            Self::Cancelled => f.write_str("was cancelled by its peer"),
            Self::DeadlineExceeded => f.write_str("did not end before its deadline"),
            Self::Disconnected => f.write_str("lost its connection"),
            Self::NotConnected => f.write_str(
                "was not sent: no session to that peer was open before the deadline (`connect` to it, or let it connect)",
            ),
            Self::NoPeer => f.write_str(
                "was not sent: the call was made outside of any peer (wrap it in `peer.run(..)`; without it, a process must have exactly one peer)",
            ),
            Self::EncodeCaptures => f.write_str("was not sent: its captures cannot be encoded"),
            Self::EncodeResult => f.write_str("ran, and its result cannot be encoded"),
            Self::DecodeResult => f.write_str("ran, and its result cannot be decoded"),
            Self::TooLarge { size, limit } => {
                write!(f, "has a message of {size} bytes where the limit is {limit} (`Limits::max_message`)")
            }
            Self::ResultDropped { limit } => write!(
                f,
                "ran, and its result was dropped: more than {limit} bytes would have been kept (`Limits::max_queued_result_bytes` and `Limits::max_held_bytes` there)"
            ),
        }
    }
}
