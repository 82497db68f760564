//! The client end: a task that owns the socket, reads, and writes.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use actix_codec::{AsyncRead, AsyncWrite};
use bytes::{Buf, BytesMut};
use tokio::io::AsyncReadExt;

use super::conversation::{Conversation, Said};

/// The number of bytes read at once, unless a large message is being received.
const READ: usize = 8 << 10;

/// The maximum number of bytes read when a program ends.
const UNREAD: usize = 1 << 20;

/// Runs a conversation over a socket until it ends.
pub(super) async fn carry<S: AsyncRead + AsyncWrite + Unpin>(socket: S, conversation: Conversation) {
    let limit = conversation.patience();
    let mut carrier =
        Carrier { socket, conversation, out: BytesMut::new(), is_flushed: true, is_over: false };
    let said = poll_fn(|cx| carrier.poll_goodbye(cx)).await;
    carrier.is_over = true;
    if said.is_ok() {
        // Input in transit is read, so that our close frame is not lost to a reset. The close
        // frame must not depend on a peer that reads nothing.
        let _ = tokio::time::timeout(limit, poll_fn(|cx| carrier.poll_end(cx))).await;
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Drop for Carrier<S> {
    /// The task is dropped only when its event loop ends, for example because the program returns
    /// from `main`.
    fn drop(&mut self) {
        if !self.is_over {
            self.say_goodbye();
        }
    }
}

struct Carrier<S: AsyncRead + AsyncWrite + Unpin> {
    socket: S,
    conversation: Conversation,
    out: BytesMut,
    is_flushed: bool,
    /// Whether the close frame was sent, or the other side can no longer receive one.
    is_over: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Carrier<S> {
    /// Runs until the close frame is in `out`, or the connection is lost.
    fn poll_goodbye(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.conversation.poll_killed(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        self.read(cx);
        // Unsent output goes first. Nothing is appended behind it, so that it does not grow while
        // the other side reads nothing.
        let mut said = Said::Some;
        while self.poll_flush(cx)?.is_ready() && said == Said::Some {
            said = self.conversation.write(cx, &mut self.out).map_err(io::Error::other)?;
            self.is_flushed = self.out.is_empty();
            if said == Said::Goodbye {
                return Poll::Ready(Ok(()));
            }
        }
        self.conversation.rest(cx, &mut self.out);
        Poll::Pending
    }

    fn read(&mut self, cx: &mut Context<'_>) {
        while self.conversation.poll_read(cx).is_ready() {
            match self.poll_receive(cx) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(0) | Err(_)) => self.conversation.lost(),
                Poll::Pending => {
                    self.conversation.caught_up();
                    break;
                }
            }
        }
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let unread = self.conversation.unread();
        if unread.capacity() - unread.len() < READ / 8 {
            unread.reserve(READ);
        }
        pin!(self.socket.read_buf(unread)).poll(cx)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_flushed {
            return Poll::Ready(Ok(()));
        }
        while !self.out.is_empty() {
            match ready!(Pin::new(&mut self.socket).poll_write(cx, &self.out))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.out.advance(written),
            }
        }
        ready!(Pin::new(&mut self.socket).poll_flush(cx))?;
        self.is_flushed = true;
        Poll::Ready(Ok(()))
    }

    /// The close frame where waiting is not possible: as much of it as the socket accepts.
    fn say_goodbye(&mut self) {
        let cx = &mut Context::from_waker(Waker::noop());
        self.conversation.end();
        while let Poll::Ready(Ok(())) = self.poll_flush(cx) {
            match self.conversation.write(cx, &mut self.out) {
                Ok(Said::Goodbye) if self.out.is_empty() => break,
                Ok(Said::Some | Said::Goodbye) => self.is_flushed = false,
                Ok(Said::All) | Err(_) => return,
            }
        }
        if self.out.is_empty() {
            // Unread input when a socket is closed resets the connection, and the other side may
            // then not read the close frame.
            let mut left = UNREAD;
            while let Poll::Ready(Ok(read @ 1..)) = self.poll_receive(cx)
                && read < left
            {
                left -= read;
                self.conversation.unread().clear();
            }
            // The TLS close, which the system does not send by itself.
            let _ = Pin::new(&mut self.socket).poll_shutdown(cx);
        }
    }

    /// Sends the close frame, then waits for the end of the other side's output.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.conversation.poll_killed(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_flush(cx))?;
        ready!(Pin::new(&mut self.socket).poll_shutdown(cx))?;
        loop {
            self.conversation.unread().clear();
            if ready!(self.poll_receive(cx))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
