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

#[cfg(test)]
mod tests {
    use super::super::Frame;
    use super::*;

    fn end(reason: &[u8]) -> Result<Frame, FrameError> {
        Frame::decode([&[END], &[7; 32][..], reason].concat().into())
    }

    #[test]
    fn reason_is_a_short_text() {
        let longest = "é".repeat(61);
        let said = SessionEnd { mac: Mac([7; 32]), reason: longest.clone() };
        assert_eq!(end(longest.as_bytes()), Ok(Frame::End(said)));
        assert_eq!(end("é".repeat(62).as_bytes()), Err(FrameError::Trailing));
        assert_eq!(end(b"caf\xe9"), Err(FrameError::Field));
    }
}
