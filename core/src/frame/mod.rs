//! The messages that two peers exchange, byte by byte. `PROTOCOL.md` is the same in prose.
//!
//! A frame is one WebSocket binary message. Numbers are little endian. Captures and results are behind a header
//! of fixed size, so that the header is written in front of them without moving them.

mod framed;
mod introduction;
mod reject;
#[cfg(test)]
mod tests;

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::block::{BlockId, Fingerprint};
use crate::codec::Codec;
use crate::encoded::Encoded;

pub use self::framed::Framed;
pub use self::introduction::{
    Challenge, Hello, Introduction, KeyProof, Mac, Opened, Resume, SessionId, Token, Welcome,
};
pub use self::reject::Reject;

/// The version of the protocol. Two peers whose versions differ do not talk.
pub const VERSION: u16 = 1;

/// The WebSocket subprotocol that both ends name when they connect.
pub const SUBPROTOCOL: &str = "distributed-scope.v1";

/// The subprotocol by which a page shows a token, which it can put into no header: `bearer.` and the token in base64url without
/// padding. It is named beside [`SUBPROTOCOL`] and never answered.
///
/// ```
/// assert_eq!(distributed_scope_core::frame::bearer_protocol("a token"), "bearer.YSB0b2tlbg");
/// ```
#[must_use]
pub fn bearer_protocol(token: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut protocol = String::from("bearer.");
    for bytes in token.as_bytes().chunks(3) {
        let bits =
            bytes.iter().fold(0, |bits, byte| (bits << 8) | usize::from(*byte)) << (8 * (3 - bytes.len()));
        for letter in 0..=bytes.len() {
            protocol.push(char::from(LETTERS[(bits >> (18 - 6 * letter)) & 63]));
        }
    }
    protocol
}

const MAGIC: &[u8; 4] = b"dscp";

const HELLO: u8 = 1;
const WELCOME: u8 = 2;
const REJECT: u8 = 3;
const INVOKE: u8 = 4;
const REPLY: u8 = 5;
const CANCEL: u8 = 6;
const ACK: u8 = 7;
const CHUNK: u8 = 8;
const GO_AWAY: u8 = 9;
const CATALOGUE: u8 = 10;
const CHALLENGE: u8 = 11;

/// The size of the header before captures and results. One size for both, so that either fits any buffer.
pub const HEAD: usize = 32;

const NO_DEADLINE: u32 = u32::MAX;

/// Numbers the calls of one direction of one session, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// One message. Those of the handshake, which are large and rare, are boxed, for all others are moved about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The acceptor says what the dialler has to prove itself on.
    Challenge(Challenge),
    /// The dialler introduces itself.
    Hello(Box<Hello>),
    /// The acceptor answers, and the session is open.
    Welcome(Box<Welcome>),
    /// The acceptor does not want this session, and closes.
    Reject(Reject),
    /// Run a block.
    Invoke(Invoke),
    /// How a block ended.
    Reply(Reply),
    /// Stop a block: nobody waits for its result.
    Cancel(CallId),
    /// How many numbered frames of the other side have arrived. It is not numbered itself.
    Ack(u64),
    /// A part of a large invoke or reply.
    Chunk(Chunk),
    /// The sender is stopping: it answers what it has, and takes no new calls.
    GoAway,
    /// Which blocks the sender has, told to a peer that has others.
    Catalogue(Catalogue),
}

/// A part of an invoke or a reply that is too large to be sent at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Which of the sender's large frames it belongs to.
    pub stream: u32,
    /// The size of the whole frame in bytes. A chunk without bytes says that the frame is abandoned.
    pub total: u32,
    /// The next bytes of it.
    pub bytes: Bytes,
}

/// The blocks of the sender, or a part of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    /// Whether no further part follows.
    pub is_last: bool,
    /// At most [`Catalogue::MAX`] of them.
    pub blocks: Vec<(BlockId, Fingerprint)>,
}

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
    /// Whether the block goes on when nobody waits for it any longer.
    pub is_detached: bool,
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
    /// The encoded value or [`RemoteError`](crate::RemoteError).
    pub payload: Bytes,
}

/// Bytes that are no frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// There are fewer bytes than the frame needs.
    #[error("the frame is cut short")]
    Short,
    /// There are more bytes than the frame has.
    #[error("the frame has bytes left over")]
    Trailing,
    /// The kind is not one that this version knows.
    #[error("frame kind {0} is unknown")]
    UnknownKind(u8),
    /// A field has a value that it cannot have.
    #[error("a field has an impossible value")]
    Field,
    /// The first frame is not an introduction.
    #[error("the other side does not speak this protocol")]
    Magic,
}

impl Frame {
    /// Its kind, as `PROTOCOL.md` names it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Challenge(_) => "challenge",
            Self::Hello(_) => "hello",
            Self::Welcome(_) => "welcome",
            Self::Reject(_) => "reject",
            Self::Invoke(_) => "invoke",
            Self::Reply(_) => "reply",
            Self::Cancel(_) => "cancel",
            Self::Ack(_) => "ack",
            Self::Chunk(_) => "chunk",
            Self::GoAway => "go away",
            Self::Catalogue(_) => "catalogue",
        }
    }

    /// Reads one frame. Captures and payloads are shared with `bytes`, not copied.
    pub fn decode(mut bytes: Bytes) -> Result<Self, FrameError> {
        let kind = *bytes.first().ok_or(FrameError::Short)?;
        match kind {
            INVOKE => Invoke::decode(bytes).map(Self::Invoke),
            REPLY => Reply::decode(bytes).map(Self::Reply),
            CANCEL => {
                bytes.advance(1);
                let call = u64_le(&mut bytes)?;
                end(&bytes).map(|()| Self::Cancel(CallId(call)))
            }
            ACK => {
                bytes.advance(1);
                let received = u64_le(&mut bytes)?;
                end(&bytes).map(|()| Self::Ack(received))
            }
            CHUNK => Chunk::decode(bytes).map(Self::Chunk),
            GO_AWAY => {
                bytes.advance(1);
                end(&bytes).map(|()| Self::GoAway)
            }
            CATALOGUE => {
                bytes.advance(1);
                Catalogue::decode(&mut bytes).map(Self::Catalogue)
            }
            CHALLENGE => {
                bytes.advance(1);
                Challenge::decode(&mut bytes).map(Self::Challenge)
            }
            HELLO => {
                bytes.advance(1);
                Hello::decode(&mut bytes).map(|hello| Self::Hello(Box::new(hello)))
            }
            WELCOME => {
                bytes.advance(1);
                Welcome::decode(&mut bytes).map(|welcome| Self::Welcome(Box::new(welcome)))
            }
            REJECT => {
                bytes.advance(1);
                Reject::decode(&mut bytes).map(Self::Reject)
            }
            kind => Err(FrameError::UnknownKind(kind)),
        }
    }

    /// Writes one frame. Those with captures or a payload are sealed in place by [`Invoke::seal`] and
    /// [`Reply::seal`] instead where it matters; here they are copied.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::new();
        match self {
            Self::Hello(hello) => hello.encode(&mut out),
            Self::Welcome(welcome) => welcome.encode(&mut out),
            Self::Reject(reject) => reject.encode(&mut out),
            Self::Challenge(challenge) => challenge.encode(&mut out),
            Self::Invoke(invoke) => {
                return invoke.seal([&[0; HEAD], &invoke.captures[..]].concat()).into_bytes();
            }
            Self::Reply(reply) => {
                return reply.seal([&[0; HEAD], &reply.payload[..]].concat()).into_bytes();
            }
            Self::Cancel(CallId(call)) => {
                out.put_u8(CANCEL);
                out.put_u64_le(*call);
            }
            Self::Ack(received) => {
                out.put_u8(ACK);
                out.put_u64_le(*received);
            }
            Self::Chunk(chunk) => return Framed::chunk(chunk.clone()).into_bytes(),
            Self::GoAway => out.put_u8(GO_AWAY),
            Self::Catalogue(catalogue) => catalogue.encode(&mut out),
        }
        out.freeze()
    }
}

impl Chunk {
    /// The size of the header before the bytes.
    const HEAD: usize = 12;

    fn decode(mut bytes: Bytes) -> Result<Self, FrameError> {
        let mut head = take(&mut bytes, Self::HEAD)?;
        if head.split_to(4) != [CHUNK, 0, 0, 0][..] {
            return Err(FrameError::Field);
        }
        let (stream, total) = (head.get_u32_le(), head.get_u32_le());
        Ok(Self { stream, total, bytes })
    }
}

impl Catalogue {
    /// How many blocks one frame tells of: as many as fit into one chunk.
    pub const MAX: usize = 4095;
    const HEAD: usize = 4;
    const ENTRY: usize = 16;

    /// Blocks in frames of at most `limit` bytes. That there are none is told, too.
    pub(crate) fn split(blocks: &[(BlockId, Fingerprint)], limit: usize) -> impl Iterator<Item = Self> {
        let size = (limit.saturating_sub(Self::HEAD) / Self::ENTRY).clamp(1, Self::MAX);
        let last = blocks.len().saturating_sub(1) / size;
        (0..=last).map(move |part| {
            let blocks = &blocks[part * size..blocks.len().min((part + 1) * size)];
            Self { is_last: part == last, blocks: blocks.to_vec() }
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        out.reserve(Self::HEAD + Self::ENTRY * self.blocks.len());
        out.put_u8(CATALOGUE);
        out.put_u8(u8::from(self.is_last));
        out.put_bytes(0, 2);
        for (block, fingerprint) in &self.blocks {
            out.put_u64_le(block.0);
            out.put_u64_le(fingerprint.0);
        }
    }

    fn decode(bytes: &mut Bytes) -> Result<Self, FrameError> {
        let is_last = flag(bytes)?;
        if take(bytes, 2)? != [0, 0][..] || bytes.len() > Self::MAX * Self::ENTRY {
            return Err(FrameError::Field);
        }
        if !bytes.len().is_multiple_of(Self::ENTRY) {
            return Err(FrameError::Short);
        }
        let mut blocks = Vec::with_capacity(bytes.len() / Self::ENTRY);
        while !bytes.is_empty() {
            blocks.push((BlockId(u64_le(bytes)?), Fingerprint(u64_le(bytes)?)));
        }
        Ok(Self { is_last, blocks })
    }
}

impl Invoke {
    /// Writes the header into the first [`HEAD`] bytes of `frame`, whose rest is the captures. Nothing is copied
    /// unless somebody else holds the same bytes.
    #[must_use]
    pub fn seal(&self, frame: impl Into<Encoded>) -> Encoded {
        sealed(frame.into(), |mut head| {
            head.put_u8(INVOKE);
            head.put_u8(self.codec);
            head.put_u8(self.hop);
            head.put_u8(u8::from(self.is_detached));
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

    /// The call that a message begins and the time that it is told to have left, if it is an invoke with a deadline.
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

    fn decode(frame: Bytes) -> Result<Self, FrameError> {
        let mut head = frame.get(..HEAD).ok_or(FrameError::Short)?;
        head.advance(1);
        let codec = head.get_u8();
        let hop = head.get_u8();
        let is_detached = match head.get_u8() {
            0 => false,
            1 => true,
            _ => return Err(FrameError::Field),
        };
        let deadline_ms = Some(head.get_u32_le()).filter(|&ms| ms != NO_DEADLINE);
        let call = CallId(head.get_u64_le());
        let block = BlockId(head.get_u64_le());
        let fingerprint = Fingerprint(head.get_u64_le());
        let captures = frame.slice(HEAD..);
        Ok(Self { call, block, fingerprint, deadline_ms, hop, codec, is_detached, captures })
    }
}

impl Reply {
    /// Writes the header into the first [`HEAD`] bytes of `frame`, whose rest is the payload; see [`Invoke::seal`].
    #[must_use]
    pub fn seal(&self, frame: impl Into<Encoded>) -> Encoded {
        sealed(frame.into(), |mut head| {
            head.put_u8(REPLY);
            head.put_u8(self.codec);
            head.put_u8(u8::from(!self.is_value));
            head.put_u8(0);
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

    fn decode(frame: Bytes) -> Result<Self, FrameError> {
        let mut head = frame.get(..HEAD).ok_or(FrameError::Short)?;
        head.advance(1);
        let codec = head.get_u8();
        let is_value = match head.get_u8() {
            0 => true,
            1 => false,
            _ => return Err(FrameError::Field),
        };
        if head.get_u8() != 0 || head.get_u32_le() != 0 {
            return Err(FrameError::Field);
        }
        let call = CallId(head.get_u64_le());
        if head.get_u64_le() != 0 || head.get_u64_le() != 0 {
            return Err(FrameError::Field);
        }
        Ok(Self { call, is_value, codec, payload: frame.slice(HEAD..) })
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

fn sealed(frame: Encoded, write: impl FnOnce(&mut [u8])) -> Encoded {
    debug_assert!(frame.len() >= HEAD, "whoever encodes a payload leaves room for the header");
    frame.sealed(|frame| write(&mut frame[..HEAD]))
}

fn take(bytes: &mut Bytes, count: usize) -> Result<Bytes, FrameError> {
    if bytes.len() < count {
        return Err(FrameError::Short);
    }
    Ok(bytes.split_to(count))
}

fn array<const N: usize>(bytes: &mut Bytes) -> Result<[u8; N], FrameError> {
    let mut array = [0; N];
    array.copy_from_slice(&take(bytes, N)?);
    Ok(array)
}

fn flag(bytes: &mut Bytes) -> Result<bool, FrameError> {
    match bytes.try_get_u8() {
        Ok(0) => Ok(false),
        Ok(1) => Ok(true),
        Ok(_) => Err(FrameError::Field),
        Err(_) => Err(FrameError::Short),
    }
}

fn u32_le(bytes: &mut Bytes) -> Result<u32, FrameError> {
    bytes.try_get_u32_le().map_err(|_| FrameError::Short)
}

fn u64_le(bytes: &mut Bytes) -> Result<u64, FrameError> {
    bytes.try_get_u64_le().map_err(|_| FrameError::Short)
}

fn end(bytes: &Bytes) -> Result<(), FrameError> {
    if bytes.is_empty() { Ok(()) } else { Err(FrameError::Trailing) }
}
