//! The frames of the handshake: who is there, what it can do, and which session goes on.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::read::{array, end, flag, take, u32_le, u64_le};
use super::{CHALLENGE, FrameError, HELLO, MAGIC, VERSION, WELCOME};
use crate::identity::peer_id::PeerId;
use crate::util::random::random;

/// Names a session, so that a new connection can go on with it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub [u8; 16]);

/// The secret that lets a new connection resume a session. Its holder can take the session
/// over, so it is never printed, and it travels once, in the welcome.
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
    /// The codecs that the sender reads, by number. Numbers from [`FEATURES`](Self::FEATURES) on
    /// are features instead. A peer that does not know one ignores it, like an unknown
    /// codec.
    pub codecs: Vec<u8>,
}

/// The first frame of a connection: what the dialler has to prove itself on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The protocol that the acceptor speaks.
    pub version: u16,
    /// Random bytes, never said before.
    pub nonce: [u8; 32],
}

/// The dialler's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Who dialled.
    pub from: Introduction,
    /// Random bytes, never said before: what the acceptor has to prove itself on.
    pub nonce: [u8; 32],
    /// The session that is to go on, if there is one.
    pub resume: Option<Resume>,
    /// The proof that the dialler's id is its own, if it is one of a key.
    pub proof: Option<KeyProof>,
}

/// A dialler that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The session.
    pub session: SessionId,
    /// How many numbered frames of the acceptor have arrived.
    pub received: u64,
    /// The proof that the dialler has the session's token.
    pub mac: Mac,
}

/// A keyed hash of what was said in a handshake: its sender has the session's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mac(pub [u8; 32]);

/// A signature of what was said in a handshake: its sender has the private key that its peer id is
/// made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyProof {
    /// The public key.
    pub key: [u8; 32],
    /// The signature.
    pub signature: [u8; 64],
}

/// The acceptor's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// Who accepted.
    pub from: Introduction,
    /// For how long after the connection is lost the dialler can come back, in milliseconds.
    pub window_ms: u32,
    /// The session that is open now.
    pub opened: Opened,
    /// The proof that the acceptor's id is its own, if it is one of a key.
    pub proof: Option<KeyProof>,
}

/// The session that a welcome opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// A new one.
    New {
        /// Its name.
        session: SessionId,
        /// What the dialler has to know to come back to it.
        token: Token,
    },
    /// The one that the dialler came back to.
    Resumed {
        /// How many numbered frames of the dialler have arrived.
        received: u64,
        /// The proof that the acceptor has the session's token.
        mac: Mac,
    },
}

impl SessionId {
    /// A session id that no other session has.
    #[must_use]
    pub fn random() -> Self {
        Self(*uuid::Uuid::new_v4().as_bytes())
    }
}

impl Token {
    /// A secret that cannot be guessed: 256 bits from the randomness of the operating system or
    /// the browser.
    #[must_use]
    pub fn random() -> Self {
        Self(random())
    }
}

impl PartialEq for Token {
    /// Takes the same time wherever the two differ, so that a token cannot be guessed byte by
    /// byte.
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
    /// Numbers from here on are no codecs.
    pub const FEATURES: u8 = 128;

    /// The sender's sessions can be resumed as another principal.
    pub const CHANGE: u8 = 128;

    /// The sender has channels.
    pub const CHANNELS: u8 = 129;

    /// The sender reads the reason of the end of a session.
    pub const END_REASON: u8 = 130;

    /// Whether the sender understands this.
    #[must_use]
    pub fn has(&self, feature: u8) -> bool {
        self.codecs.contains(&feature)
    }

    /// Whether the sender reads a codec that the other one reads.
    pub(crate) fn shares_codec_with(&self, other: &Self) -> bool {
        self.codecs.iter().any(|codec| *codec < Self::FEATURES && other.codecs.contains(codec))
    }

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

    /// Of another version, only the fields up to the version are read: what follows them is that
    /// version's own, and that peer must still be told which version this is.
    pub(super) fn decode(bytes: &mut Bytes) -> Result<Self, FrameError> {
        let version = version(bytes)?;
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

impl Challenge {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u8(CHALLENGE);
        out.put_slice(MAGIC);
        out.put_u16_le(self.version);
        out.put_slice(&self.nonce);
    }

    /// Of another version, only the version is read.
    pub(super) fn decode(bytes: &mut Bytes) -> Result<Self, FrameError> {
        let version = version(bytes)?;
        if version != VERSION {
            bytes.clear();
            return Ok(Self { version, nonce: [0; 32] });
        }
        let nonce = array(bytes)?;
        end(bytes)?;
        Ok(Self { version, nonce })
    }
}

impl Hello {
    /// What it says, without what proves it.
    pub(crate) fn claims(&self) -> BytesMut {
        let mut out = BytesMut::with_capacity(256);
        out.put_u8(HELLO);
        self.from.encode(&mut out);
        out.put_slice(&self.nonce);
        out.put_u8(u8::from(self.resume.is_some()));
        if let Some(resume) = &self.resume {
            out.put_slice(&resume.session.0);
            out.put_u64_le(resume.received);
        }
        put_key(&mut out, self.proof.as_ref());
        out
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.unsplit(self.claims());
        if let Some(resume) = &self.resume {
            out.put_slice(&resume.mac.0);
        }
        put_signature(out, self.proof.as_ref());
    }

    pub(super) fn decode(bytes: &mut Bytes) -> Result<Self, FrameError> {
        let from = Introduction::decode(bytes)?;
        if from.version != VERSION {
            return Ok(Self { from, nonce: [0; 32], resume: None, proof: None });
        }
        let nonce = array(bytes)?;
        let resume = match flag(bytes)? {
            true => Some((SessionId(array(bytes)?), u64_le(bytes)?)),
            false => None,
        };
        let key = key(bytes)?;
        let resume = match resume {
            Some((session, received)) => Some(Resume { session, received, mac: Mac(array(bytes)?) }),
            None => None,
        };
        let proof = proof(bytes, key)?;
        end(bytes)?;
        Ok(Self { from, nonce, resume, proof })
    }
}

impl Welcome {
    /// What it says, without what proves it.
    pub(crate) fn claims(&self) -> BytesMut {
        let mut out = BytesMut::with_capacity(256);
        out.put_u8(WELCOME);
        self.from.encode(&mut out);
        out.put_u32_le(self.window_ms);
        match &self.opened {
            Opened::New { session, token } => {
                out.put_u8(0);
                out.put_slice(&session.0);
                out.put_slice(&token.0);
            }
            Opened::Resumed { received, mac: _ } => {
                out.put_u8(1);
                out.put_u64_le(*received);
            }
        }
        put_key(&mut out, self.proof.as_ref());
        out
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.unsplit(self.claims());
        if let Opened::Resumed { mac, .. } = &self.opened {
            out.put_slice(&mac.0);
        }
        put_signature(out, self.proof.as_ref());
    }

    pub(super) fn decode(bytes: &mut Bytes) -> Result<Self, FrameError> {
        let from = Introduction::decode(bytes)?;
        if from.version != VERSION {
            let opened = Opened::Resumed { received: 0, mac: Mac([0; 32]) };
            return Ok(Self { from, window_ms: 0, opened, proof: None });
        }
        let window_ms = u32_le(bytes)?;
        let (opened, key) = match flag(bytes)? {
            false => {
                let (session, token) = (SessionId(array(bytes)?), Token(array(bytes)?));
                (Opened::New { session, token }, key(bytes)?)
            }
            true => {
                let (received, key) = (u64_le(bytes)?, key(bytes)?);
                (Opened::Resumed { received, mac: Mac(array(bytes)?) }, key)
            }
        };
        let proof = proof(bytes, key)?;
        end(bytes)?;
        Ok(Self { from, window_ms, opened, proof })
    }
}

fn put_key(out: &mut BytesMut, proof: Option<&KeyProof>) {
    out.put_u8(u8::from(proof.is_some()));
    out.put_slice(proof.map_or(&[], |proof| &proof.key));
}

fn put_signature(out: &mut BytesMut, proof: Option<&KeyProof>) {
    out.put_slice(proof.map_or(&[], |proof| &proof.signature));
}

fn key(bytes: &mut Bytes) -> Result<Option<[u8; 32]>, FrameError> {
    if flag(bytes)? { array(bytes).map(Some) } else { Ok(None) }
}

fn proof(bytes: &mut Bytes, key: Option<[u8; 32]>) -> Result<Option<KeyProof>, FrameError> {
    key.map(|key| Ok(KeyProof { key, signature: array(bytes)? })).transpose()
}

/// The version of the one who speaks, if it speaks this protocol at all.
fn version(bytes: &mut Bytes) -> Result<u16, FrameError> {
    if take(bytes, MAGIC.len())? != MAGIC[..] {
        return Err(FrameError::Magic);
    }
    bytes.try_get_u16_le().map_err(|_| FrameError::Short)
}
