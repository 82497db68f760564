//! What happened to a call that failed, and whether its block ran.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::mismatch::Mismatch;
use crate::limits::account::Full;
use crate::util::shown::{self, OneLine};

/// What happened to a call that did not end in its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The body raised an error with `?`; it is the [source](std::error::Error::source).
    Raised,
    /// The peer, or ours on its behalf, did not start the block.
    Refused(Refusal),
    /// The body panicked. The caller learns no more than that, unless its peer [says
    /// otherwise](crate::Disclosure).
    Panicked,
    /// The peer dropped the block before it ended, because it is stopping.
    Cancelled,
    /// The deadline passed first.
    DeadlineExceeded,
    /// The session closed while the call was open.
    Disconnected,
    /// No session to the peer was open, nor was one made within the deadline.
    NotConnected,
    /// The call was made outside of any peer, in a process that does not have exactly one.
    NoPeer,
    /// The captures could not be written.
    EncodeCaptures,
    /// The result could not be written by the peer that made it.
    EncodeResult,
    /// The result that came back is not of the type that was expected.
    DecodeResult,
    /// A message would have been larger than [`Limits::message`](crate::Limits::message).
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The result was dropped, because its peer, or ours, would have had to keep more than
    /// [`Limits::results`](crate::Limits::results) or [`Limits::held`](crate::Limits::held) allow.
    /// The [source](std::error::Error::source) says which, if it was the latter.
    ResultDropped {
        /// The limit in bytes.
        limit: usize,
    },
}

/// Why a peer did not start a block. Nothing of it ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
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
    /// A type of the block cannot travel. The text names it, and says what to do.
    #[error("{}", OneLine(.0))]
    CannotTravel(String),
    /// The peer has the block and does not run it for others.
    #[error(
        "that peer does not expose this block: start it with `Peer::builder(..).expose(Blocks::all())`, or name the block there"
    )]
    NotExposed,
    /// The block asks for a caller that is known, and this one is not.
    #[error(
        "that peer does not know its caller, {}: connect with a token it accepts, `Endpoint::new(url).bearer(token)`, or with a key it trusts, `Peer::builder(key_pair)`",
        OneLine(.0)
    )]
    Unauthenticated(String),
    /// The caller is known, and may not have this block run.
    #[error("that peer does not let its caller have this block run: {}", OneLine(.0))]
    Forbidden(String),
    /// The captures that arrived are not what the block takes.
    #[error("that peer could not decode the captures: {}", OneLine(.0))]
    DecodeCaptures(String),
    /// The captures are in an encoding that the peer does not have.
    #[error("that peer has no codec number {0}")]
    UnknownCodec(u8),
    /// Too many calls are open already.
    #[error("too many calls are open: the limit is {0}")]
    Overloaded(usize),
    /// The session makes more calls per second than it may.
    #[error("this session makes more than {0} calls per second (`Limits::calls_per_second` of that peer)")]
    TooFast(u32),
    /// Too many bytes wait to be sent to that peer.
    #[error("more than {0} bytes wait to be sent to that peer (`Limits::queue`)")]
    QueueFull(usize),
    /// The chain of nested calls is too long.
    #[error("the chain of nested calls has more than {0} hops")]
    TooManyHops(u8),
    /// The peer is stopping.
    #[error("that peer is going away")]
    GoingAway,
    /// A large message came so slowly that it was not kept.
    #[error("its message came slower than {0} bytes per second (`Limits::write_rate` of that peer)")]
    TooSlow(u32),
    /// So much is held for its callers already that nothing is taken in.
    #[error("{0}")]
    Full(Full),
    /// Too many calls wait already for peers that are not connected, in blocks that the same
    /// caller has run.
    #[error(
        "{0} calls wait already for peers that are not connected, in blocks that one caller has run (`Limits::waiting` of the peer that runs them)"
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
    /// It may have: the answer is not known to this peer.
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

    /// A short name that tells what happened and nothing of what was said: for logs and metrics.
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
    /// Cuts all texts that have more bytes than `longest`.
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

    /// A short name that tells why and nothing of what was said: for logs and metrics.
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
                write!(f, "has a message of {size} bytes where the limit is {limit} (`Limits::message`)")
            }
            Self::ResultDropped { limit } => write!(
                f,
                "ran, and its result was dropped: more than {limit} bytes would have been kept (`Limits::results` and `Limits::held` there)"
            ),
        }
    }
}
