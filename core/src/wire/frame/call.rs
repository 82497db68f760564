//! Calls and how they end: the frames that most of the time there are no others of.
//!
//! Captures and results stand behind a header of fixed size, which is written in front of them
//! without moving them.

use bytes::{Buf, BufMut, Bytes};

use super::channel::{Ends, HAS_ENDS, write_first};
use super::{FrameError, INVOKE, REPLY};
use crate::block::{BlockId, Fingerprint};
use crate::wire::codec::Codec;
use crate::wire::encoded::Encoded;

/// The size of the header before captures and results. One size for both, so that either fits any
/// buffer.
pub const HEAD: usize = 32;

const NO_DEADLINE: u32 = u32::MAX;

/// Numbers the calls of one direction of one session, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// A request to run a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoke {
    /// The correlation id: the reply carries it back.
    pub call: CallId,
    /// Which block.
    pub block: BlockId,
    /// Which version of it.
    pub fingerprint: Fingerprint,
    /// The time that is left, in milliseconds rounded up; `None` when there is no deadline.
    pub deadline_ms: Option<u32>,
    /// How many hops lie behind this one.
    pub hop: u8,
    /// The number of the codec of the captures.
    pub codec: u8,
    /// Whether the block keeps running when its caller has stopped waiting.
    pub is_detached: bool,
    /// The ends of channels among the captures.
    pub ends: Option<Box<Ends>>,
    /// The encoded captures.
    pub captures: Bytes,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The call that it answers.
    pub call: CallId,
    /// Whether the payload is the value, or else the error.
    pub is_value: bool,
    /// The number of the codec of the payload.
    pub codec: u8,
    /// The ends of channels in the value.
    pub ends: Option<Box<Ends>>,
    /// The encoded value or [`RemoteError`](crate::RemoteError).
    pub payload: Bytes,
}

impl Invoke {
    /// Writes the header into the first [`HEAD`] bytes of `frame`, whose rest is the captures, and
    /// the table of their ends if they have any. Nothing is copied unless the bytes are shared.
    #[must_use]
    pub fn seal(&self, frame: impl Into<Encoded>) -> Encoded {
        sealed(frame.into(), self.ends.as_deref(), |mut head, has_ends| {
            head.put_u8(INVOKE);
            head.put_u8(self.codec);
            head.put_u8(self.hop);
            head.put_u8(u8::from(self.is_detached) | has_ends);
            head.put_u32_le(self.deadline_ms.unwrap_or(NO_DEADLINE));
            head.put_u64_le(self.call.0);
            head.put_u64_le(self.block.0);
            head.put_u64_le(self.fingerprint.0);
        })
    }

    /// The call that a whole frame begins, without reading the rest of it.
    pub(crate) fn call_of(frame: &[u8]) -> Option<CallId> {
        call_of(frame, INVOKE)
    }

    /// The call that a message begins and the time that the frame says is left, if it is an
    /// invoke with a deadline.
    pub(crate) fn told_deadline(begin: &[u8]) -> Option<(CallId, u32)> {
        let mut fields = &Self::head_of(begin)?[4..];
        let deadline_ms = Some(fields.get_u32_le()).filter(|&ms| ms != NO_DEADLINE)?;
        Some((CallId(fields.get_u64_le()), deadline_ms))
    }

    /// The same beginning, told to have so much time left. It is copied, for it is kept as it was.
    pub(crate) fn with_deadline(begin: &[u8], deadline_ms: u32) -> Vec<u8> {
        let mut told = begin.to_vec();
        if Self::head_of(begin).is_some() {
            told[4..8].copy_from_slice(&deadline_ms.to_le_bytes());
        }
        told
    }

    /// The header of the invoke that a message begins.
    fn head_of(begin: &[u8]) -> Option<&[u8]> {
        begin.get(..HEAD).filter(|head| head[0] == INVOKE)
    }

    pub(super) fn decode(frame: Bytes) -> Result<Self, FrameError> {
        let mut head = frame.get(..HEAD).ok_or(FrameError::Short)?;
        head.advance(1);
        let codec = head.get_u8();
        let hop = head.get_u8();
        let flags = head.get_u8();
        if flags > 3 {
            return Err(FrameError::Field);
        }
        let (is_detached, has_ends) = (flags & 1 != 0, flags & HAS_ENDS != 0);
        let deadline_ms = Some(head.get_u32_le()).filter(|&ms| ms != NO_DEADLINE);
        let call = CallId(head.get_u64_le());
        let block = BlockId(head.get_u64_le());
        let fingerprint = Fingerprint(head.get_u64_le());
        let mut captures = frame.slice(HEAD..);
        let ends = has_ends.then(|| Ends::split(&mut captures).map(Box::new)).transpose()?;
        Ok(Self { call, block, fingerprint, deadline_ms, hop, codec, is_detached, ends, captures })
    }
}

impl Reply {
    /// Writes the header into the first [`HEAD`] bytes of `frame`, whose rest is the payload; see
    /// [`Invoke::seal`].
    #[must_use]
    pub fn seal(&self, frame: impl Into<Encoded>) -> Encoded {
        sealed(frame.into(), self.ends.as_deref(), |mut head, has_ends| {
            head.put_u8(REPLY);
            head.put_u8(self.codec);
            head.put_u8(u8::from(!self.is_value));
            head.put_u8(has_ends);
            head.put_u32_le(0);
            head.put_u64_le(self.call.0);
            head.put_u64_le(0);
            head.put_u64_le(0);
        })
    }

    /// The call that a whole frame answers, without reading the rest of it.
    pub(crate) fn call_of(frame: &[u8]) -> Option<CallId> {
        call_of(frame, REPLY)
    }

    pub(super) fn decode(frame: Bytes) -> Result<Self, FrameError> {
        let mut head = frame.get(..HEAD).ok_or(FrameError::Short)?;
        head.advance(1);
        let codec = head.get_u8();
        let is_value = match head.get_u8() {
            0 => true,
            1 => false,
            _ => return Err(FrameError::Field),
        };
        let flags = head.get_u8();
        // An error has no ends of channels.
        if flags & !HAS_ENDS != 0 || flags != 0 && !is_value || head.get_u32_le() != 0 {
            return Err(FrameError::Field);
        }
        let call = CallId(head.get_u64_le());
        if head.get_u64_le() != 0 || head.get_u64_le() != 0 {
            return Err(FrameError::Field);
        }
        let mut payload = frame.slice(HEAD..);
        let ends = (flags == HAS_ENDS).then(|| Ends::split(&mut payload).map(Box::new)).transpose()?;
        Ok(Self { call, is_value, codec, ends, payload })
    }
}

/// The codec with this number, or the number back.
pub(crate) fn codec(number: u8) -> Result<Codec, u8> {
    Codec::from_number(number).ok_or(number)
}

fn call_of(frame: &[u8], kind: u8) -> Option<CallId> {
    let mut head = frame.get(..HEAD).filter(|head| head[0] == kind)?;
    head.advance(8);
    Some(CallId(head.get_u64_le()))
}

fn sealed(frame: Encoded, ends: Option<&Ends>, write: impl FnOnce(&mut [u8], u8)) -> Encoded {
    debug_assert!(frame.len() >= HEAD, "whoever encodes a payload leaves room for the header");
    frame.sealed(|frame| {
        if let Some(ends) = ends {
            write_first(frame, ends.first);
        }
        write(&mut frame[..HEAD], if ends.is_some() { HAS_ENDS } else { 0 });
    })
}
