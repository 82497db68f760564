//! Connections of attackers, from an address of this machine that no other client uses.

use std::io::{self, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::thread;

use bytes::Bytes;
use distributed_scope::{Limits, PeerId};
use distributed_scope_core::Registry;
use distributed_scope_core::frame::{Chunk, Frame, Invoke};
use distributed_scope_core::handshake::Us;
use socket2::{Domain, Socket, Type};

use crate::frames::Session;
use crate::raw::{Answer, upgrade_on};
use crate::wire::Wire;

/// The address of attackers.
const FROM: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// What a script sends in one message of the WebSocket.
const PART: usize = 60_000;

/// The server that is attacked.
#[derive(Clone, Debug)]
pub(super) struct At(pub(super) String);

impl At {
    fn connect(&self) -> io::Result<TcpStream> {
        let to: SocketAddr = self.0.parse().map_err(io::Error::other)?;
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((FROM, 0)).into())?;
        socket.connect(&to.into())?;
        Ok(socket.into())
    }

    /// Asks for an upgrade with these headers.
    pub(super) fn upgrade(&self, headers: &[(&str, &str)]) -> io::Result<Answer> {
        Ok(upgrade_on(self.connect()?, &self.0, "/scope", "distributed-scope.v1", headers))
    }

    /// A session of a peer with these limits.
    pub(super) fn session_with(&self, limits: &Limits) -> io::Result<Attack> {
        let blocks = Registry::of_process().map_err(io::Error::other)?.digest();
        Attack::begin(self.upgrade(&[])?, &Us::new(&PeerId::random().into(), limits, blocks))
    }

    pub(super) fn session(&self) -> io::Result<Attack> {
        self.session_with(&Limits::default())
    }
}

/// A session whose answers are read and thrown away.
pub(super) struct Attack {
    stream: TcpStream,
    next: u64,
}

impl Attack {
    fn begin(answer: Answer, us: &Us) -> io::Result<Self> {
        let stream = Session::over(Wire::over(answer), us).wire.into_stream();
        stream.set_read_timeout(None)?;
        let mut read = stream.try_clone()?;
        thread::spawn(move || io::copy(&mut read, &mut io::sink()));
        Ok(Self { stream, next: 0 })
    }

    /// Sends these frames at once.
    pub(super) fn send(&mut self, frames: impl IntoIterator<Item = Frame>) -> io::Result<()> {
        let bytes: Vec<u8> =
            frames.into_iter().flat_map(|frame| Wire::message_of(2, &frame.encode())).collect();
        self.stream.write_all(&bytes)
    }

    /// The number of the next call.
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// Sends a large call in parts, except for this many of the last parts.
    pub(super) fn send_large(&mut self, stream: u32, invoke: Invoke, but: usize) -> io::Result<()> {
        let frame = Frame::Invoke(invoke).encode();
        let total = u32::try_from(frame.len()).map_err(io::Error::other)?;
        let parts = frame.len().div_ceil(PART) - but;
        for part in frame.chunks(PART).take(parts) {
            self.send([Frame::Chunk(Chunk { stream, total, bytes: Bytes::copy_from_slice(part) })])?;
        }
        Ok(())
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        // The thread that reads ends with it.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
