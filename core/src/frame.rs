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
const ACK: u8 = 7;
const CHUNK: u8 = 8;
const GO_AWAY: u8 = 9;
const CATALOGUE: u8 = 10;

/// The size of the header before captures and results. One size for both, so that either fits any buffer.
pub const HEAD: usize = 32;

const NO_DEADLINE: u32 = u32::MAX;

/// Numbers the calls of one direction of one session, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// Names a session, so that a new connection can go on with it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub [u8; 16]);

/// The secret that lets a new connection go on with a session. Whoever has it can take the session over, so it is
/// never printed.
#[derive(Clone, Copy)]
pub struct Token(pub [u8; 32]);

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The dialler introduces itself.
    Hello(Hello),
    /// The acceptor answers, and the session is open.
    Welcome(Welcome),
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

/// Who is there, and what it can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduction {
    /// The protocol that the sender speaks.
    pub version: u16,
    /// The sender.
    pub peer: PeerId,
    /// The largest message that the sender takes, in bytes.
    pub message: u32,
    /// After how much silence, in milliseconds, the sender takes the connection for dead.
    pub silence_ms: u32,
    /// A digest of the sender's blocks and their versions.
    pub blocks: u64,
    /// The codecs that the sender reads, by number.
    pub codecs: Vec<u8>,
}

/// The first frame of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Who dialled.
    pub from: Introduction,
    /// The session that is to go on, if there is one.
    pub resume: Option<Resume>,
}

/// A dialler that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The session.
    pub session: SessionId,
    /// The proof that it is the dialler's.
    pub token: Token,
    /// How many numbered frames of the acceptor have arrived.
    pub received: u64,
}

/// The acceptor's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// Who accepted.
    pub from: Introduction,
    /// The session that is open now.
    pub session: SessionId,
    /// What the dialler has to show to come back to it.
    pub token: Token,
    /// For how long after the connection is lost it can come back, in milliseconds.
    pub window_ms: u32,
    /// When the dialler's session goes on: how many of its numbered frames have arrived. Otherwise it is a new one.
    pub resumed: Option<u64>,
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
    /// The session is there, and the token is not its own.
    #[error("that peer does not take the token with which the session was to go on")]
    BadToken,
    /// The other side has as many sessions as it may.
    #[error("that peer has as many sessions as it may")]
    Full,
    /// The session cannot go on: what one side lacks, the other no longer keeps.
    #[error("that session cannot go on")]
    Lost,
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

impl SessionId {
    /// A session id that no other session has.
    #[must_use]
    pub fn random() -> Self {
        Self(*uuid::Uuid::new_v4().as_bytes())
    }
}

impl Token {
    /// A secret that cannot be guessed: 244 random bits from the operating system (or the browser).
    #[must_use]
    pub fn random() -> Self {
        let mut token = [0; 32];
        token[..16].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        token[16..].copy_from_slice(uuid::Uuid::new_v4().as_bytes());
        Self(token)
    }
}

impl PartialEq for Token {
    /// Takes the same time wherever the two differ, so that a token cannot be guessed byte by byte.
    fn eq(&self, other: &Self) -> bool {
        let difference = self.0.iter().zip(&other.0).fold(0, |all, (one, two)| all | (one ^ two));
        std::hint::black_box(difference) == 0
    }
}

impl Eq for Token {}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

impl std::fmt::Debug for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SessionId({})", uuid::Uuid::from_bytes(self.0))
    }
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
            HELLO => {
                bytes.advance(1);
                Hello::decode(&mut bytes).map(Self::Hello)
            }
            WELCOME => {
                bytes.advance(1);
                Welcome::decode(&mut bytes).map(Self::Welcome)
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
            Self::Ack(received) => {
                out.put_u8(ACK);
                out.put_u64_le(*received);
            }
            Self::Chunk(chunk) => return chunk.encode(),
            Self::GoAway => out.put_u8(GO_AWAY),
            Self::Catalogue(catalogue) => catalogue.encode(&mut out),
        }
        out.freeze()
    }
}

impl Introduction {
    fn encode(&self, out: &mut BytesMut) {
        out.put_slice(MAGIC);
        out.put_u16_le(self.version);
        out.put_slice(self.peer.as_uuid().as_bytes());
        out.put_u32_le(self.message);
        out.put_u32_le(self.silence_ms);
        out.put_u64_le(self.blocks);
        let codecs = &self.codecs[..self.codecs.len().min(usize::from(u8::MAX))];
        out.put_u8(u8::try_from(codecs.len()).unwrap_or(u8::MAX));
        out.put_slice(codecs);
    }

    /// Of another version, only the fields up to the version are read: what follows them is that version's own, and
    /// that peer must still be told which version this is.
    fn decode(bytes: &mut Bytes) -> Result<Self, FrameError> {
        let magic = take(bytes, MAGIC.len())?;
        if magic != MAGIC[..] {
            return Err(FrameError::Magic);
        }
        let version = bytes.try_get_u16_le().map_err(|_| FrameError::Short)?;
        let id = take(bytes, 16)?;
        let peer = uuid::Uuid::from_slice(&id).map_err(|_| FrameError::Field)?.into();
        if version != VERSION {
            bytes.clear();
            return Ok(Self { version, peer, message: 0, silence_ms: 0, blocks: 0, codecs: Vec::new() });
        }
        let message = u32_le(bytes)?;
        let silence_ms = u32_le(bytes)?;
        let blocks = u64_le(bytes)?;
        let count = bytes.try_get_u8().map_err(|_| FrameError::Short)?;
        let codecs = take(bytes, usize::from(count))?.to_vec();
        Ok(Self { version, peer, message, silence_ms, blocks, codecs })
    }
}

impl Hello {
    fn encode(&self, out: &mut BytesMut) {
        out.put_u8(HELLO);
        self.from.encode(out);
        out.put_u8(u8::from(self.resume.is_some()));
        if let Some(resume) = &self.resume {
            out.put_slice(&resume.session.0);
            out.put_slice(&resume.token.0);
            out.put_u64_le(resume.received);
        }
    }

    fn decode(bytes: &mut Bytes) -> Result<Self, FrameError> {
        let from = Introduction::decode(bytes)?;
        if from.version != VERSION {
            return Ok(Self { from, resume: None });
        }
        let resume = if flag(bytes)? {
            let session = SessionId(array(bytes)?);
            let token = Token(array(bytes)?);
            Some(Resume { session, token, received: u64_le(bytes)? })
        } else {
            None
        };
        end(bytes)?;
        Ok(Self { from, resume })
    }
}

impl Welcome {
    fn encode(&self, out: &mut BytesMut) {
        out.put_u8(WELCOME);
        self.from.encode(out);
        out.put_slice(&self.session.0);
        out.put_slice(&self.token.0);
        out.put_u32_le(self.window_ms);
        out.put_u8(u8::from(self.resumed.is_some()));
        if let Some(received) = self.resumed {
            out.put_u64_le(received);
        }
    }

    fn decode(bytes: &mut Bytes) -> Result<Self, FrameError> {
        let from = Introduction::decode(bytes)?;
        if from.version != VERSION {
            let (session, token) = (SessionId([0; 16]), Token([0; 32]));
            return Ok(Self { from, session, token, window_ms: 0, resumed: None });
        }
        let session = SessionId(array(bytes)?);
        let token = Token(array(bytes)?);
        let window_ms = u32_le(bytes)?;
        let resumed = if flag(bytes)? { Some(u64_le(bytes)?) } else { None };
        end(bytes)?;
        Ok(Self { from, session, token, window_ms, resumed })
    }
}

impl Chunk {
    /// The size of the header before the bytes.
    const HEAD: usize = 12;

    fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(Self::HEAD + self.bytes.len());
        out.put_u8(CHUNK);
        out.put_bytes(0, 3);
        out.put_u32_le(self.stream);
        out.put_u32_le(self.total);
        out.put_slice(&self.bytes);
        out.freeze()
    }

    fn decode(mut bytes: Bytes) -> Result<Self, FrameError> {
        let mut head = take(&mut bytes, Self::HEAD)?;
        if head.split_to(4) != [CHUNK, 0, 0, 0][..] {
            return Err(FrameError::Field);
        }
        let (stream, total) = (head.get_u32_le(), head.get_u32_le());
        Ok(Self { stream, total, bytes })
    }

    /// How many bytes of a large frame a frame carries, if it is a chunk.
    pub(crate) fn size_of(frame: &Bytes) -> Option<usize> {
        frame.starts_with(&[CHUNK]).then(|| frame.len().saturating_sub(Self::HEAD))
    }

    /// Whether a frame is a chunk, without reading it.
    #[cfg(test)]
    pub(crate) fn is(frame: &Bytes) -> bool {
        Self::size_of(frame).is_some()
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

impl Reject {
    fn encode(&self, out: &mut BytesMut) {
        let (code, one, two) = match self {
            Self::Version { ours, theirs } => (1, *ours, *theirs),
            Self::IdInUse => (2, 0, 0),
            Self::OwnId => (3, 0, 0),
            Self::NoCodec => (4, 0, 0),
            Self::Late => (5, 0, 0),
            Self::GoingAway => (6, 0, 0),
            Self::BadToken => (7, 0, 0),
            Self::Full => (8, 0, 0),
            Self::Lost => (9, 0, 0),
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
            7 => Ok(Self::BadToken),
            8 => Ok(Self::Full),
            9 => Ok(Self::Lost),
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
            head.put_u8(u8::from(self.is_detached));
            head.put_u32_le(self.deadline_ms.unwrap_or(NO_DEADLINE));
            head.put_u64_le(self.call.0);
            head.put_u64_le(self.block.0);
            head.put_u64_le(self.fingerprint.0);
        })
    }

    /// The call that a whole frame begins, without reading the rest of it.
    pub(crate) fn call_of(frame: &Bytes) -> Option<CallId> {
        let mut head = frame.get(..HEAD).filter(|head| head[0] == INVOKE)?;
        head.advance(8);
        Some(CallId(head.get_u64_le()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames() -> impl Strategy<Value = Frame> {
        let introduction = || {
            (any::<(u128, u32, u32, u64)>(), prop::collection::vec(any::<u8>(), 0..9)).prop_map(
                |((id, message, silence_ms, blocks), codecs)| Introduction {
                    version: VERSION,
                    peer: uuid::Uuid::from_u128(id).into(),
                    message,
                    silence_ms,
                    blocks,
                    codecs,
                },
            )
        };
        let resume = any::<([u8; 16], [u8; 32], u64)>().prop_map(|(session, token, received)| Resume {
            session: SessionId(session),
            token: Token(token),
            received,
        });
        let hello =
            (introduction(), prop::option::of(resume)).prop_map(|(from, resume)| Hello { from, resume });
        let welcome = (introduction(), any::<([u8; 16], [u8; 32], u32, Option<u64>)>()).prop_map(
            |(from, (session, token, window_ms, resumed))| Welcome {
                from,
                session: SessionId(session),
                token: Token(token),
                window_ms,
                resumed,
            },
        );
        let reject = prop_oneof![
            (any::<u16>(), any::<u16>()).prop_map(|(ours, theirs)| Reject::Version { ours, theirs }),
            Just(Reject::IdInUse),
            Just(Reject::OwnId),
            Just(Reject::NoCodec),
            Just(Reject::Late),
            Just(Reject::GoingAway),
            Just(Reject::BadToken),
            Just(Reject::Full),
            Just(Reject::Lost),
        ];
        let bytes = || prop::collection::vec(any::<u8>(), 0..99).prop_map(Bytes::from);
        let invoke = (any::<(u64, u64, u64, u8, u8, bool)>(), prop::option::of(0..u32::MAX), bytes())
            .prop_map(|((call, block, fingerprint, hop, codec, is_detached), deadline_ms, captures)| {
                Invoke {
                    is_detached,
                    call: CallId(call),
                    block: BlockId(block),
                    fingerprint: Fingerprint(fingerprint),
                    deadline_ms,
                    hop,
                    codec,
                    captures,
                }
            });
        let reply = (any::<(u64, bool, u8)>(), bytes()).prop_map(|((call, is_value, codec), payload)| {
            Reply { call: CallId(call), is_value, codec, payload }
        });
        prop_oneof![
            hello.prop_map(Frame::Hello),
            welcome.prop_map(Frame::Welcome),
            reject.prop_map(Frame::Reject),
            invoke.prop_map(Frame::Invoke),
            reply.prop_map(Frame::Reply),
            any::<u64>().prop_map(|call| Frame::Cancel(CallId(call))),
            any::<u64>().prop_map(Frame::Ack),
            (any::<(u32, u32)>(), bytes()).prop_map(|((stream, total), bytes)| Frame::Chunk(Chunk {
                stream,
                total,
                bytes
            })),
            Just(Frame::GoAway),
            (any::<bool>(), prop::collection::vec(any::<(u64, u64)>(), 0..9)).prop_map(
                |(is_last, blocks)| {
                    let blocks =
                        blocks.into_iter().map(|(block, version)| (BlockId(block), Fingerprint(version)));
                    Frame::Catalogue(Catalogue { is_last, blocks: blocks.collect() })
                }
            ),
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
                Ok(Frame::Chunk(_)) => prop_assert!(cut >= Chunk::HEAD),
                Ok(Frame::Catalogue(_)) => prop_assert!(cut >= Catalogue::HEAD),
                Ok(other) => prop_assert!(false, "{other:?}"),
            }
        }

        #[test]
        fn bytes_that_are_no_frame_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
            let _ = Frame::decode(Bytes::from(bytes));
        }
    }

    #[test]
    fn a_catalogue_is_split_into_frames_that_fit() {
        let blocks: Vec<_> = (0..10_000).map(|n| (BlockId(n), Fingerprint(n))).collect();
        let parts: Vec<_> = Catalogue::split(&blocks, usize::MAX).collect();
        assert_eq!(parts.iter().map(|part| part.blocks.len()).collect::<Vec<_>>(), [4095, 4095, 1810]);
        assert_eq!(parts.iter().map(|part| part.is_last).collect::<Vec<_>>(), [false, false, true]);
        assert!(Frame::Catalogue(parts[0].clone()).encode().len() <= crate::session::CHUNK);
        let small = Catalogue::split(&blocks[..100], 1024).map(|part| Frame::Catalogue(part).encode().len());
        assert!(small.into_iter().all(|size| size <= 1024));
    }

    #[test]
    fn a_header_is_written_in_place_when_nobody_else_holds_the_bytes() {
        let frame = Bytes::from(vec![0; HEAD + 1000]);
        let before = frame.as_ptr();
        let reply = Reply { call: CallId(7), is_value: true, codec: 1, payload: Bytes::new() };
        assert_eq!(reply.seal(frame).as_ptr(), before);
    }
}
