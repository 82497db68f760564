//! A client that asks for an upgrade by hand, as an attacker does.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

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

    /// The bytes after the head.
    pub(crate) fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }
}

/// Asks the server at `address` to upgrade, naming these subprotocols and with these headers
/// besides. Blocks.
pub(crate) fn upgrade(address: &str, protocols: &str, headers: &[(&str, &str)]) -> Answer {
    upgrade_at(address, "/scope", protocols, headers)
}

/// The same, at another path than usual.
pub(crate) fn upgrade_at(address: &str, path: &str, protocols: &str, headers: &[(&str, &str)]) -> Answer {
    upgrade_on(TcpStream::connect(address).unwrap(), address, path, protocols, headers)
}

/// The same, over this connection.
pub(crate) fn upgrade_on(
    mut stream: TcpStream,
    address: &str,
    path: &str,
    protocols: &str,
    headers: &[(&str, &str)],
) -> Answer {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let host = match headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        true => String::new(),
        false => format!("Host: {address}\r\n"),
    };
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!(
        "GET {path} HTTP/1.1\r\n{host}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Protocol: {protocols}\r\n{headers}\r\n"
    );
    // A request that is too large is answered before it was read, and the unread bytes may reset
    // the connection.
    let _ = stream.write_all(request.as_bytes());
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
