//! The last frame of a session.

use bytes::{BufMut, Bytes, BytesMut};

use super::{END, FrameError, Mac, read};

/// The end of a session, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEnd {
    /// The proof that the sender has the session's token. It covers the reason.
    pub mac: Mac,
    /// A text for people, of at most [`LONGEST_REASON`](Self::LONGEST_REASON) bytes. It may be
    /// empty.
    pub reason: String,
}

impl SessionEnd {
    /// The maximum number of bytes of a reason: that of a WebSocket close frame.
    pub const LONGEST_REASON: usize = 123;

    pub(super) fn decode(bytes: &mut Bytes) -> Result<Self, FrameError> {
        let mac = Mac(read::array(bytes)?);
        if bytes.len() > Self::LONGEST_REASON {
            return Err(FrameError::Trailing);
        }
        let reason = std::str::from_utf8(bytes).map_err(|_| FrameError::Field)?.to_owned();
        Ok(Self { mac, reason })
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u8(END);
        out.put_slice(&self.mac.0);
        out.put_slice(self.reason.as_bytes());
    }
}
