//! The frame that ends a handshake without a session.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::read::end;
use super::{FrameError, REJECT};

text_is_debug!(Reject);

/// Why a session was not opened.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(not(target_family = "wasm"), derive(Debug))]
#[non_exhaustive]
pub enum Reject {
    /// The two peers speak different versions of the protocol.
    #[error("that peer speaks version {theirs} of the protocol and this one version {ours}")]
    Version {
        /// The version of the peer that was rejected.
        ours: u16,
        /// The version of the peer that rejects.
        theirs: u16,
    },
    /// A live session has this peer id.
    #[error("{}", in_use(*.seconds))]
    IdInUse {
        /// Seconds until the id is free if the peer that has it is gone. 0 if that peer has just
        /// answered.
        seconds: u16,
    },
    /// The dialler has the id of the peer that it dialled.
    #[error("that peer has our own id: give each peer its own `PeerId`")]
    OwnId,
    /// The other side supports no codec of this peer.
    #[error("that peer supports none of the codecs of this peer")]
    NoCodec,
    /// The handshake timed out: the other side sent no introduction in time.
    #[error("handshake timed out: no introduction arrived in time")]
    Late,
    /// The other side is stopping.
    #[error("that peer is going away")]
    GoingAway,
    /// The session exists, and the dialler did not prove that it has its token.
    #[error("session resumption rejected: invalid proof of the session token")]
    BadToken,
    /// The other side is at its limit of sessions, in total or for the dialler's address.
    #[error(
        "that peer is at its limit of sessions (`Limits::max_sessions` or `Limits::max_sessions_per_address` there)"
    )]
    Full,
    /// The session cannot be resumed: one side lacks frames that the other has discarded.
    #[error("session cannot be resumed: unacknowledged frames were already discarded")]
    Lost,
    /// The peer id is derived from a key, and the peer did not prove that it has that key.
    #[error(
        "the peer id is made of a key, and was not proved: start that peer with `Peer::builder(key_pair)`"
    )]
    BadKey,
    /// A dialler from that address has to prove its peer id.
    #[error(
        "the peer id was not proved: start the dialling peer with `Peer::builder(KeyPair::generate())`, or connect with a token that is bound to its id; to take \
         any id from anywhere, start the accepting peer with `.allow_first_come()`"
    )]
    NotProved,
    /// The dialler is not authorized to use this peer id: its token is bound to another one, or
    /// another principal has it.
    #[error("the peer that connected is not authorized to use this peer id")]
    NotYours,
    /// The acceptor is not the peer that the dialler wants.
    #[error("that peer is not the expected one: its peer id differs")]
    WrongPeer,
    /// The peer id is made of a key, and the checking peer has no code for that.
    #[error(
        "the peer id is made of a key, and the program that was to check it cannot: build it with the feature `keys` of `distributed-scope`"
    )]
    NoKeys,
    /// While the dialler was away, another peer with its id came, and is connected.
    #[error(
        "another peer with this id has taken its place while its connection was lost: give each peer its own `PeerId`, and its own key pair"
    )]
    Replaced,
}

fn in_use(seconds: u16) -> String {
    const OWN: &str = "give each peer its own `PeerId`";
    match seconds {
        0 => format!("a peer with this id is connected, and answers: {OWN}"),
        _ => format!(
            "a peer with this id is connected already: if that is gone, the id is free in {seconds} s at most; if not, {OWN}. A peer with a \
             key pair does not have to wait"
        ),
    }
}

impl Reject {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        let (code, one, two) = match self {
            Self::Version { ours, theirs } => (1, *ours, *theirs),
            Self::IdInUse { seconds } => (2, *seconds, 0),
            Self::OwnId => (3, 0, 0),
            Self::NoCodec => (4, 0, 0),
            Self::Late => (5, 0, 0),
            Self::GoingAway => (6, 0, 0),
            Self::BadToken => (7, 0, 0),
            Self::Full => (8, 0, 0),
            Self::Lost => (9, 0, 0),
            Self::BadKey => (10, 0, 0),
            Self::NotProved => (11, 0, 0),
            Self::NotYours => (12, 0, 0),
            Self::WrongPeer => (13, 0, 0),
            Self::NoKeys => (14, 0, 0),
            Self::Replaced => (15, 0, 0),
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
            2 => Ok(Self::IdInUse { seconds: ours }),
            3 => Ok(Self::OwnId),
            4 => Ok(Self::NoCodec),
            5 => Ok(Self::Late),
            6 => Ok(Self::GoingAway),
            7 => Ok(Self::BadToken),
            8 => Ok(Self::Full),
            9 => Ok(Self::Lost),
            10 => Ok(Self::BadKey),
            11 => Ok(Self::NotProved),
            12 => Ok(Self::NotYours),
            13 => Ok(Self::WrongPeer),
            14 => Ok(Self::NoKeys),
            15 => Ok(Self::Replaced),
            _ => Err(FrameError::Field),
        }
    }
}
