//! A server that answers an upgrade by hand, and sends any frames.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use bytes::Bytes;

/// The head of the next request, and its connection.
pub(crate) fn request(listener: &TcpListener) -> (TcpStream, String) {
    let (mut stream, _) = listener.accept().unwrap();
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    (stream, String::from_utf8(head).unwrap())
}

/// Upgrades the connection that comes next.
pub(crate) fn accept(listener: &TcpListener) -> TcpStream {
    let (mut stream, head) = request(listener);
    let key = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find_map(|(name, value)| name.eq_ignore_ascii_case("sec-websocket-key").then_some(value))
        .unwrap();
    let accept = actix_http::ws::hash_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: distributed-scope.v1\r\n\r\n",
        String::from_utf8_lossy(&accept)
    );
    stream.write_all(answer.as_bytes()).unwrap();
    stream
}

/// Sends a binary message.
pub(crate) fn say(stream: &mut TcpStream, message: &[u8]) {
    let size = u16::try_from(message.len()).unwrap().to_be_bytes();
    stream.write_all(&[&[0x82, 126], &size[..], message].concat()).unwrap();
}

/// Sends a close frame.
#[allow(dead_code, reason = "not each test program closes so")]
pub(crate) fn close(stream: &mut TcpStream, code: u16, reason: &str) {
    let size = u8::try_from(2 + reason.len()).unwrap();
    stream.write_all(&[&[0x88, size], &code.to_be_bytes()[..], reason.as_bytes()].concat()).unwrap();
}

/// What a client says next, which is masked.
pub(crate) fn hear(stream: &mut TcpStream) -> Bytes {
    try_hear(stream).unwrap()
}

/// The same, if it says anything more.
pub(crate) fn try_hear(stream: &mut TcpStream) -> Option<Bytes> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).ok()?;
    let mut size = usize::from(head[1] & 0x7F);
    if size == 126 {
        let mut long = [0; 2];
        stream.read_exact(&mut long).ok()?;
        size = u16::from_be_bytes(long).into();
    }
    let (mut mask, mut payload) = ([0; 4], vec![0; size]);
    stream.read_exact(&mut mask).ok()?;
    stream.read_exact(&mut payload).ok()?;
    Some(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect())
}
