//! A client that speaks frames by hand, as an attacker does.

use std::io::{Read, Write};
use std::net::TcpStream;

use bytes::Bytes;
use distributed_scope_core::frame::Frame;

use crate::raw::{Answer, upgrade};

/// A message of a server.
#[derive(Debug)]
pub(crate) enum Said {
    Frame(Box<Frame>),
    /// It closes, with this code and for this reason.
    Close(u16, String),
}

impl Said {
    pub(crate) fn frame(self) -> Frame {
        match self {
            Self::Frame(frame) => *frame,
            Self::Close(code, reason) => panic!("it closed with {code}: {reason}"),
        }
    }
}

/// A connection that was upgraded, and speaks frames.
pub(crate) struct Wire(TcpStream);

impl Wire {
    /// Connects, and takes the invitation.
    pub(crate) fn connect(address: &str) -> (Self, Bytes) {
        Self::over(upgrade(address, "distributed-scope.v1", &[]))
    }

    /// The same, over a connection that was answered so.
    pub(crate) fn over(answer: Answer) -> (Self, Bytes) {
        assert_eq!(answer.status, 101, "{}", answer.text);
        let mut wire = Self(answer.stream);
        let invitation = wire.message();
        (wire, invitation.unwrap())
    }

    /// A message of this kind (2 is binary) with this payload, masked with zeros, as it stands on
    /// the wire.
    pub(crate) fn message_of(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut message = vec![0x80 | opcode, 0xFE];
        message.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
        message.extend([0; 4]);
        message.extend(payload);
        message
    }

    /// Sends a message.
    pub(crate) fn send_as(&mut self, opcode: u8, payload: &[u8]) {
        // It may have been cut off already, as the next thing that it reads will show.
        let _ = self.0.write_all(&Self::message_of(opcode, payload));
    }

    /// The bare connection.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.0
    }

    pub(crate) fn send(&mut self, frame: &Frame) {
        self.send_as(2, &frame.encode());
    }

    /// Sends these at once.
    #[allow(dead_code, reason = "not each test program has so many")]
    pub(crate) fn send_all(&mut self, frames: impl IntoIterator<Item = Frame>) {
        let messages = frames.into_iter().flat_map(|frame| Self::message_of(2, &frame.encode()));
        // As above.
        let _ = self.0.write_all(&messages.collect::<Vec<_>>());
    }

    /// Reads on until the server closes or cuts it off, whatever it says before.
    #[allow(dead_code, reason = "not each test program waits for that")]
    pub(crate) fn until_closed(&mut self) {
        let mut is_over = false;
        while !is_over {
            let (mut head, mut long) = ([0; 2], [0; 2]);
            is_over = self.0.read_exact(&mut head).is_err() || head[0] == 0x88;
            let size = match head[1] {
                126 if self.0.read_exact(&mut long).is_ok() => u16::from_be_bytes(long).into(),
                size => size.into(),
            };
            is_over |= self.0.read_exact(&mut vec![0; size]).is_err();
        }
    }

    /// The next binary message, or how the server closes.
    pub(crate) fn message(&mut self) -> Result<Bytes, Said> {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).unwrap();
        let mut size = usize::from(head[1]);
        if size == 126 {
            let mut long = [0; 2];
            self.0.read_exact(&mut long).unwrap();
            size = u16::from_be_bytes(long).into();
        } else if size == 127 {
            let mut long = [0; 8];
            self.0.read_exact(&mut long).unwrap();
            size = u64::from_be_bytes(long).try_into().unwrap();
        }
        assert!(size < 1 << 17, "no answer is that long");
        let mut payload = vec![0; size];
        self.0.read_exact(&mut payload).unwrap();
        match head[0] {
            0x82 => Ok(payload.into()),
            0x88 => {
                let reason = String::from_utf8(payload.split_off(2)).unwrap();
                Err(Said::Close(u16::from_be_bytes([payload[0], payload[1]]), reason))
            }
            other => panic!("a message of kind {other:x}"),
        }
    }

    /// The next message of the server, except acknowledgements and frames that only end a session.
    pub(crate) fn next(&mut self) -> Said {
        loop {
            match self.message() {
                Ok(bytes) => match Frame::decode(bytes).unwrap() {
                    Frame::Ack(_) | Frame::Catalogue(_) | Frame::End(_) => {}
                    frame => return Said::Frame(Box::new(frame)),
                },
                Err(close) => return close,
            }
        }
    }
}

impl From<TcpStream> for Wire {
    fn from(stream: TcpStream) -> Self {
        Self(stream)
    }
}
