//! The client's end: a task that has the socket, reads, and writes.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use actix_codec::{AsyncRead, AsyncWrite};
use bytes::{Buf, BytesMut};
use tokio::io::AsyncReadExt;

use super::conversation::{Conversation, Said};

/// What is read at once, unless a large message is on its way.
const READ: usize = 8 << 10;

/// Carries a conversation over a socket, to its end.
pub(super) async fn carry<S: AsyncRead + AsyncWrite + Unpin>(socket: S, conversation: Conversation) {
    let limit = conversation.patience();
    let mut carrier = Carrier { socket, conversation, out: BytesMut::new(), is_flushed: true };
    if poll_fn(|cx| carrier.poll_goodbye(cx)).await.is_ok() {
        // What the other side still has on its way is read, so that our goodbye is not lost to a reset; and the goodbye must not hang
        // on a peer that takes nothing.
        let _ = tokio::time::timeout(limit, poll_fn(|cx| carrier.poll_end(cx))).await;
    }
}

struct Carrier<S> {
    socket: S,
    conversation: Conversation,
    out: BytesMut,
    is_flushed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Carrier<S> {
    /// Until the last word stands in `out`, or the connection is lost.
    fn poll_goodbye(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.conversation.poll_killed(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        self.read(cx);
        // What was not sent yet goes first: nothing is added behind it, so that it does not grow while the other side takes nothing.
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

    /// Sends the last word, then waits for the end of the other side's.
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
