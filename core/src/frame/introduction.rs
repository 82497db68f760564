//! The frames of the handshake: who is there, what it can do, and which session goes on.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{FrameError, HELLO, MAGIC, REJECT, VERSION, WELCOME, array, end, flag, take, u32_le, u64_le};
use crate::id::PeerId;

/// Names a session, so that a new connection can go on with it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub [u8; 16]);

/// The secret that lets a new connection go on with a session. Whoever has it can take the session over, so it is
/// never printed.
#[derive(Clone, Copy)]
pub struct Token(pub [u8; 32]);

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

impl Introduction {
    pub(super) fn encode(&self, out: &mut BytesMut) {
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
    pub(super) fn decode(bytes: &mut Bytes) -> Result<Self, FrameError> {
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
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u8(HELLO);
        self.from.encode(out);
        out.put_u8(u8::from(self.resume.is_some()));
        if let Some(resume) = &self.resume {
            out.put_slice(&resume.session.0);
            out.put_slice(&resume.token.0);
            out.put_u64_le(resume.received);
        }
    }

    pub(super) fn decode(bytes: &mut Bytes) -> Result<Self, FrameError> {
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
    pub(super) fn encode(&self, out: &mut BytesMut) {
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

    pub(super) fn decode(bytes: &mut Bytes) -> Result<Self, FrameError> {
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

impl Reject {
    pub(super) fn encode(&self, out: &mut BytesMut) {
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

    pub(super) fn decode(bytes: &mut Bytes) -> Result<Self, FrameError> {
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
