//! The messages that two peers exchange, byte by byte. `PROTOCOL.md` is the same in prose.
//!
//! A frame is one WebSocket binary message. Numbers are little endian. Captures and results are behind a header
//! of fixed size, so that the header is written in front of them without moving them.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::block::{BlockId, Fingerprint};
use crate::codec::Codec;
use crate::id::PeerId;

/// The version of the protocol. Two peers whose versions differ do not talk.
pub const VERSION: u16 = 1;

/// The WebSocket subprotocol that both ends name when they connect.
pub const SUBPROTOCOL: &str = "distributed-scope.v1";

const MAGIC: &[u8; 4] = b"dscp";

const HELLO: u8 = 1;
const WELCOME: u8 = 2;
const REJECT: u8 = 3;
const INVOKE: u8 = 4;
const REPLY: u8 = 5;
const CANCEL: u8 = 6;

/// The size of the header before captures and results. One size for both, so that either fits any buffer.
pub const HEAD: usize = 32;

const NO_DEADLINE: u32 = u32::MAX;

/// Numbers the calls of one direction of one session, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The dialler introduces itself.
    Hello(Hello),
    /// The acceptor answers, and the session is open.
    Welcome(Hello),
    /// The acceptor does not want this session, and closes.
    Reject(Reject),
    /// Run a block.
    Invoke(Invoke),
    /// How a block ended.
    Reply(Reply),
    /// Stop a block: nobody waits for its result.
    Cancel(CallId),
}

/// Who is there, and what it can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The protocol that the sender speaks.
    pub version: u16,
    /// The sender.
    pub peer: PeerId,
    /// The codecs that the sender reads, by number.
    pub codecs: Vec<u8>,
}

/// Why a session was not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reject {
    /// The two peers speak different versions of the protocol.
    #[error("that peer speaks version {theirs} of the protocol and this one version {ours}")]
    Version {
        /// The version of the peer that was told so.
        ours: u16,
        /// The version of the peer that says so.
        theirs: u16,
    },
    /// A live session has this peer id.
    #[error("a peer with this id is connected already: give each peer its own `PeerId`")]
    IdInUse,
    /// The dialler has the id of the peer that it dialled.
    #[error("that peer has our own id: give each peer its own `PeerId`")]
    OwnId,
    /// The other side has no codec of ours.
    #[error("that peer has none of our codecs")]
    NoCodec,
    /// The other side did not introduce itself in time.
    #[error("that peer did not introduce itself in time")]
    Late,
    /// The other side is stopping.
    #[error("that peer is going away")]
    GoingAway,
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
    /// Reads one frame. Captures and payloads are shared with `bytes`, not copied.
    pub fn decode(mut bytes: Bytes) -> Result<Self, FrameError> {
        let kind = *bytes.first().ok_or(FrameError::Short)?;
        match kind {
            INVOKE => Invoke::decode(bytes).map(Self::Invoke),
            REPLY => Reply::decode(bytes).map(Self::Reply),
            CANCEL => {
                bytes.advance(1);
                let call = bytes.try_get_u64_le().map_err(|_| FrameError::Short)?;
                end(&bytes).map(|()| Self::Cancel(CallId(call)))
            }
            HELLO | WELCOME => {
                bytes.advance(1);
                let hello = Hello::decode(&mut bytes)?;
                Ok(if kind == HELLO { Self::Hello(hello) } else { Self::Welcome(hello) })
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
            Self::Hello(hello) => hello.encode(HELLO, &mut out),
            Self::Welcome(hello) => hello.encode(WELCOME, &mut out),
            Self::Reject(reject) => reject.encode(&mut out),
            Self::Invoke(invoke) => {
                out.resize(HEAD, 0);
                out.extend_from_slice(&invoke.captures);
                return invoke.seal(out.freeze());
            }
            Self::Reply(reply) => {
                out.resize(HEAD, 0);
                out.extend_from_slice(&reply.payload);
                return reply.seal(out.freeze());
            }
            Self::Cancel(CallId(call)) => {
                out.put_u8(CANCEL);
                out.put_u64_le(*call);
            }
        }
        out.freeze()
    }
}

impl Hello {
    fn encode(&self, kind: u8, out: &mut BytesMut) {
        out.put_u8(kind);
        out.put_slice(MAGIC);
        out.put_u16_le(self.version);
        out.put_slice(self.peer.as_uuid().as_bytes());
        let codecs = &self.codecs[..self.codecs.len().min(usize::from(u8::MAX))];
        out.put_u8(u8::try_from(codecs.len()).unwrap_or(u8::MAX));
        out.put_slice(codecs);
    }

    /// Reads what every version has; what a later version adds at the end is left alone, because a peer of another
    /// version must still be told which one it is.
    fn decode(bytes: &mut Bytes) -> Result<Self, FrameError> {
        let magic = take(bytes, MAGIC.len())?;
        if magic != MAGIC[..] {
            return Err(FrameError::Magic);
        }
        let version = bytes.try_get_u16_le().map_err(|_| FrameError::Short)?;
        let id = take(bytes, 16)?;
        let peer = uuid::Uuid::from_slice(&id).map_err(|_| FrameError::Field)?.into();
        let count = bytes.try_get_u8().map_err(|_| FrameError::Short)?;
        let codecs = take(bytes, usize::from(count))?.to_vec();
        if version == VERSION {
            end(bytes)?;
        }
        Ok(Self { version, peer, codecs })
    }
}

impl Reject {
    fn encode(&self, out: &mut BytesMut) {
        let (code, one, two) = match self {
            Self::Version { ours, theirs } => (1, *ours, *theirs),
            Self::IdInUse => (2, 0, 0),
            Self::OwnId => (3, 0, 0),
            Self::NoCodec => (4, 0, 0),
            Self::Late => (5, 0, 0),
            Self::GoingAway => (6, 0, 0),
        };
        out.put_u8(REJECT);
        out.put_u8(code);
        out.put_u16_le(one);
        out.put_u16_le(two);
    }

    fn decode(bytes: &mut Bytes) -> Result<Self, FrameError> {
        let code = bytes.try_get_u8().map_err(|_| FrameError::Short)?;
        let ours = bytes.try_get_u16_le().map_err(|_| FrameError::Short)?;
        let theirs = bytes.try_get_u16_le().map_err(|_| FrameError::Short)?;
        end(bytes)?;
        match code {
            1 => Ok(Self::Version { ours, theirs }),
            2 => Ok(Self::IdInUse),
            3 => Ok(Self::OwnId),
            4 => Ok(Self::NoCodec),
            5 => Ok(Self::Late),
            6 => Ok(Self::GoingAway),
            _ => Err(FrameError::Field),
        }
    }
}

impl Invoke {
    /// Writes the header into the first [`HEAD`] bytes of `frame`, whose rest is the captures. Nothing is copied
    /// unless somebody else holds the same bytes.
    #[must_use]
    pub fn seal(&self, frame: Bytes) -> Bytes {
        sealed(frame, |mut head| {
            head.put_u8(INVOKE);
            head.put_u8(self.codec);
            head.put_u8(self.hop);
            head.put_u8(0);
            head.put_u32_le(self.deadline_ms.unwrap_or(NO_DEADLINE));
            head.put_u64_le(self.call.0);
            head.put_u64_le(self.block.0);
            head.put_u64_le(self.fingerprint.0);
        })
    }

    fn decode(frame: Bytes) -> Result<Self, FrameError> {
        let mut head = frame.get(..HEAD).ok_or(FrameError::Short)?;
        head.advance(1);
        let codec = head.get_u8();
        let hop = head.get_u8();
        if head.get_u8() != 0 {
            return Err(FrameError::Field);
        }
        let deadline_ms = Some(head.get_u32_le()).filter(|&ms| ms != NO_DEADLINE);
        let call = CallId(head.get_u64_le());
        let block = BlockId(head.get_u64_le());
        let fingerprint = Fingerprint(head.get_u64_le());
        Ok(Self { call, block, fingerprint, deadline_ms, hop, codec, captures: frame.slice(HEAD..) })
    }
}

impl Reply {
    /// Writes the header into the first [`HEAD`] bytes of `frame`, whose rest is the payload; see [`Invoke::seal`].
    #[must_use]
    pub fn seal(&self, frame: Bytes) -> Bytes {
        sealed(frame, |mut head| {
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

fn sealed(frame: Bytes, write: impl FnOnce(&mut [u8])) -> Bytes {
    debug_assert!(frame.len() >= HEAD, "whoever encodes a payload leaves room for the header");
    let mut frame = frame.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
    write(&mut frame[..HEAD]);
    frame.freeze()
}

fn take(bytes: &mut Bytes, count: usize) -> Result<Bytes, FrameError> {
    if bytes.len() < count {
        return Err(FrameError::Short);
    }
    Ok(bytes.split_to(count))
}

fn end(bytes: &Bytes) -> Result<(), FrameError> {
    if bytes.is_empty() { Ok(()) } else { Err(FrameError::Trailing) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames() -> impl Strategy<Value = Frame> {
        let hello = (any::<u128>(), prop::collection::vec(any::<u8>(), 0..9)).prop_map(|(id, codecs)| {
            Hello { version: VERSION, peer: uuid::Uuid::from_u128(id).into(), codecs }
        });
        let reject = prop_oneof![
            (any::<u16>(), any::<u16>()).prop_map(|(ours, theirs)| Reject::Version { ours, theirs }),
            Just(Reject::IdInUse),
            Just(Reject::OwnId),
            Just(Reject::NoCodec),
            Just(Reject::Late),
            Just(Reject::GoingAway),
        ];
        let bytes = || prop::collection::vec(any::<u8>(), 0..99).prop_map(Bytes::from);
        let invoke = (any::<(u64, u64, u64, u8, u8)>(), prop::option::of(0..u32::MAX), bytes()).prop_map(
            |((call, block, fingerprint, hop, codec), deadline_ms, captures)| Invoke {
                call: CallId(call),
                block: BlockId(block),
                fingerprint: Fingerprint(fingerprint),
                deadline_ms,
                hop,
                codec,
                captures,
            },
        );
        let reply = (any::<(u64, bool, u8)>(), bytes()).prop_map(|((call, is_value, codec), payload)| {
            Reply { call: CallId(call), is_value, codec, payload }
        });
        prop_oneof![
            hello.clone().prop_map(Frame::Hello),
            hello.prop_map(Frame::Welcome),
            reject.prop_map(Frame::Reject),
            invoke.prop_map(Frame::Invoke),
            reply.prop_map(Frame::Reply),
            any::<u64>().prop_map(|call| Frame::Cancel(CallId(call))),
        ]
    }

    proptest! {
        #[test]
        fn every_frame_comes_back_from_its_bytes(frame in frames()) {
            prop_assert_eq!(Frame::decode(frame.encode()).unwrap(), frame);
        }

        #[test]
        fn a_frame_that_is_cut_short_is_an_error_or_has_a_shorter_payload(frame in frames(), cut in any::<prop::sample::Index>()) {
            let bytes = frame.encode();
            let cut = cut.index(bytes.len());
            match Frame::decode(bytes.slice(..cut)) {
                Err(_) => {}
                Ok(Frame::Invoke(_) | Frame::Reply(_)) => prop_assert!(cut >= HEAD),
                Ok(other) => prop_assert!(false, "{other:?}"),
            }
        }

        #[test]
        fn bytes_that_are_no_frame_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            let _ = Frame::decode(Bytes::from(bytes));
        }
    }

    #[test]
    fn a_header_is_written_in_place_when_nobody_else_holds_the_bytes() {
        let frame = Bytes::from(vec![0; HEAD + 1000]);
        let before = frame.as_ptr();
        let reply = Reply { call: CallId(7), is_value: true, codec: 1, payload: Bytes::new() };
        assert_eq!(reply.seal(frame).as_ptr(), before);
    }
}
