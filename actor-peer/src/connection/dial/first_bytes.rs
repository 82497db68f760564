//! The first bytes of a server, kept with the connection: if they are not HTTP, they identify the
//! kind of server.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_rt::net::{ActixStream, Ready, TcpStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The number of bytes kept. The banner of a mail or SSH server is shorter.
const KEPT: usize = 80;

/// The record type and the major version of a TLS alert, which a TLS server sends in response to
/// plaintext.
const ALERT: &[u8] = &[21, 3];

/// The first bytes of a server.
#[derive(Clone, Debug, Default)]
pub(super) struct FirstBytes(Rc<RefCell<Vec<u8>>>);

impl FirstBytes {
    /// The apparent protocol of the server, after an HTTP request, and the fix.
    pub(super) fn explain(&self) -> String {
        let bytes = self.0.borrow();
        if bytes.starts_with(ALERT) {
            return "it speaks TLS; is it `wss://`?".to_owned();
        }
        let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        if line.starts_with("HTTP/") {
            return format!("the head of its answer is broken, it begins with {line:?}");
        }
        let what = if line.starts_with("SSH-") { "it is an SSH server" } else { "it speaks something else" };
        format!("{what}, it says {line:?}; is the port right?")
    }

    /// Whether the server is an SSH server, which sends before it receives a request.
    #[cfg(feature = "rustls")]
    pub(super) fn are_of_ssh(&self) -> bool {
        self.0.borrow().starts_with(b"SSH-")
    }
}

/// A socket whose first received bytes are kept.
#[derive(Debug)]
pub(super) struct Overheard {
    socket: TcpStream,
    /// `None` when enough is kept.
    first: Option<FirstBytes>,
}

impl Overheard {
    pub(super) fn new(socket: TcpStream, first: FirstBytes) -> Self {
        Self { socket, first: Some(first) }
    }

    #[cold]
    fn poll_first(&mut self, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(cx, into);
        let Some(FirstBytes(kept)) = &self.first else { return read };
        let mut kept = kept.borrow_mut();
        let room = KEPT - kept.len();
        kept.extend(into.filled()[before..].iter().take(room));
        if kept.len() == KEPT {
            drop(kept);
            self.first = None;
        }
        read
    }
}

impl AsyncRead for Overheard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.first.is_none() {
            return Pin::new(&mut self.socket).poll_read(cx, into);
        }
        self.poll_first(cx, into)
    }
}

impl AsyncWrite for Overheard {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, from)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}

impl ActixStream for Overheard {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(&self.socket, cx)
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(&self.socket, cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each kind of server that is not a peer is recognized by its first bytes.
    #[test]
    fn first_bytes_say_what_a_server_is() {
        let explain = |bytes: &[u8]| FirstBytes(Rc::new(RefCell::new(bytes.to_vec()))).explain();
        assert!(explain(&[21, 3, 3, 0, 2, 2, 70]).contains("`wss://`"));
        assert!(
            explain(b"SSH-2.0-OpenSSH_9.9\r\n").contains(r#"an SSH server, it says "SSH-2.0-OpenSSH_9.9""#)
        );
        assert!(explain(b"220 mail.example ESMTP\r\n").contains("220 mail.example ESMTP"));
        assert!(explain(b"\x00\xFF").contains(r#""\0"#), "{}", explain(b"\x00\xFF"));
        assert!(explain(b"HTTP/1.1 abc\r\n").contains("broken"));
    }
}
