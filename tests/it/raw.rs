//! A client that speaks HTTP and WebSocket by hand, as an attacker does.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;
use distributed_scope_core::frame::Frame;

/// How an upgrade was answered, and the connection.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The head of the answer, with the body behind it if it has one.
    pub(crate) text: String,
    #[allow(dead_code, reason = "held so that the connection stays open while the answer is looked at")]
    pub(crate) stream: TcpStream,
}

impl Answer {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.text.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// What stands behind the head.
    pub(crate) fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }
}

/// Asks the server at `address` to upgrade, naming these subprotocols and with these headers besides. Blocks.
pub(crate) fn upgrade(address: &str, protocols: &str, headers: &[(&str, &str)]) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let host = match headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        true => String::new(),
        false => format!("Host: {address}\r\n"),
    };
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!(
        "GET /scope HTTP/1.1\r\n{host}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Protocol: {protocols}\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        text.push(byte[0]);
    }
    let mut answer =
        Answer { status: 0, text: String::from_utf8(text).unwrap(), stream: stream.try_clone().unwrap() };
    answer.status = answer.text.split(' ').nth(1).unwrap().parse().unwrap();
    if let Some(length) = answer.header("content-length").map(|length| length.parse().unwrap()) {
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        answer.text.push_str(&String::from_utf8(body).unwrap());
    }
    answer
}

/// What a server says.
#[derive(Debug)]
pub(crate) enum Said {
    Frame(Box<Frame>),
    /// It closes, with this code.
    Close(u16),
}

impl Said {
    pub(crate) fn frame(self) -> Frame {
        match self {
            Self::Frame(frame) => *frame,
            Self::Close(code) => panic!("it closed with {code}"),
        }
    }
}

/// A connection that was upgraded, and speaks frames.
pub(crate) struct Wire(TcpStream);

impl Wire {
    /// Connects, and takes the invitation.
    pub(crate) fn connect(address: &str) -> (Self, Bytes) {
        let answer = upgrade(address, "distributed-scope.v1", &[]);
        assert_eq!(answer.status, 101, "{}", answer.text);
        let mut wire = Self(answer.stream);
        let invitation = wire.message();
        (wire, invitation.unwrap())
    }

    /// Sends a message of this kind (2 is binary) with this payload, masked with zeros.
    pub(crate) fn send_as(&mut self, opcode: u8, payload: &[u8]) {
        let mut message = vec![0x80 | opcode, 0xFE];
        message.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
        message.extend([0; 4]);
        message.extend(payload);
        // It may have been cut off already, as the next thing that it reads will show.
        let _ = self.0.write_all(&message);
    }

    pub(crate) fn send(&mut self, frame: &Frame) {
        self.send_as(2, &frame.encode());
    }

    /// The next binary message, or the code with which the server closes.
    fn message(&mut self) -> Result<Bytes, u16> {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).unwrap();
        let mut size = usize::from(head[1]);
        if size == 126 {
            let mut long = [0; 2];
            self.0.read_exact(&mut long).unwrap();
            size = u16::from_be_bytes(long).into();
        }
        assert!(size < 1 << 16, "no answer is that long");
        let mut payload = vec![0; size];
        self.0.read_exact(&mut payload).unwrap();
        match head[0] {
            0x82 => Ok(payload.into()),
            0x88 => Err(u16::from_be_bytes([payload[0], payload[1]])),
            other => panic!("a message of kind {other:x}"),
        }
    }

    /// The next thing that it says, but for acknowledgements.
    pub(crate) fn next(&mut self) -> Said {
        loop {
            match self.message() {
                Ok(bytes) => match Frame::decode(bytes).unwrap() {
                    Frame::Ack(_) | Frame::Catalogue(_) => {}
                    frame => return Said::Frame(Box::new(frame)),
                },
                Err(code) => return Said::Close(code),
            }
        }
    }
}
