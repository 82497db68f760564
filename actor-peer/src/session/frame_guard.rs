//! Looks at the headers of WebSocket frames before the codec buffers their payloads.
//!
//! The codec of actix-http compares a frame with its limit when it has the *whole* frame, so that one frame of 1 GiB
//! costs 1 GiB of memory, whatever the limit. What comes from the socket therefore passes a [`FrameGuard`] first, which
//! follows the headers and ends the stream as soon as one of them announces too much.

mod headers;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_codec::{AsyncRead, AsyncWrite, Framed, ReadBuf};
use actix_http::error::PayloadError;
use actix_http::ws::ProtocolError;

pub(super) use headers::FrameGuard;
use headers::Oversize;

/// What a guard lets pass where messages may have `message` bytes. The codec behind it is exact, and tells the other side
/// its own limit; the guard only has to bound what the codec buffers.
pub(super) const fn limit(message: usize) -> usize {
    message.saturating_add(64)
}

/// The error of a WebSocket codec behind a guard, with the guard's own told as what it is: a frame that is too large
/// and not a connection that was lost.
pub(super) fn unwrap_oversize(error: ProtocolError) -> ProtocolError {
    let ProtocolError::Io(io) = &error else {
        return error;
    };
    // Of an error of the body, actix-web-actors keeps the text only.
    let is_oversize = io.get_ref().is_some_and(|inner| {
        inner.is::<Oversize>() || inner.to_string() == PayloadError::Overflow.to_string()
    });
    if is_oversize { ProtocolError::Overflow } else { error }
}

/// The server's side: the body of an upgraded request, guarded.
pub(super) mod payload {
    use actix_web::{FromRequest, HttpRequest, dev, web};
    use futures_util::{FutureExt, StreamExt};

    use super::{FrameGuard, PayloadError};

    /// Puts a guard in front of a request's body, before a WebSocket codec gets it.
    ///
    /// A frame of more than `limit` bytes ends the body with [`PayloadError::Overflow`].
    pub(in crate::session) fn guarded_payload(
        request: &HttpRequest,
        body: web::Payload,
        limit: usize,
    ) -> actix_web::Result<web::Payload> {
        let mut guard = FrameGuard::new(limit);
        let guarded = body.map(move |bytes| {
            let bytes = bytes?;
            match guard.inspect(&bytes) {
                Ok(()) => Ok(bytes),
                Err(oversize) => {
                    tracing::debug!(%oversize, "the body of a WebSocket request ends here");
                    Err(PayloadError::Overflow)
                }
            }
        });
        // The extractor is the one way to make a `web::Payload`, and takes what it is given at once.
        let mut payload = dev::Payload::Stream { payload: guarded.boxed_local() };
        web::Payload::from_request(request, &mut payload)
            .now_or_never()
            .unwrap_or_else(|| Err(actix_web::error::ErrorInternalServerError("the body is not there yet")))
    }
}

/// The client's side: puts a guard between a socket and its WebSocket codec.
///
/// What the codec has in its buffer already is inspected, too. A frame of more than `limit` bytes ends reading with an
/// error that [`unwrap_oversize`] recognizes; writing goes on, so that the other side can be told.
pub(super) fn guarded_framed<T, C>(framed: Framed<T, C>, limit: usize) -> Framed<GuardedIo<T>, C> {
    let mut guard = FrameGuard::new(limit);
    let parts = framed.into_parts();
    // The guard remembers, and gives its error when the codec asks for more.
    let _ = guard.inspect(&parts.read_buf);
    Framed::from_parts(parts).into_map_io(|io| GuardedIo { io, guard: guard.clone() })
}

/// A socket whose incoming frames are guarded.
#[derive(Debug)]
pub(super) struct GuardedIo<T> {
    io: T,
    guard: FrameGuard,
}

impl<T: AsyncRead + Unpin> AsyncRead for GuardedIo<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // The error may be one of before the first read.
        self.guard.inspect(&[]).map_err(io::Error::other)?;
        let before = buffer.filled().len();
        let poll = Pin::new(&mut self.io).poll_read(cx, buffer)?;
        // A read that is pending has filled nothing.
        self.guard.inspect(&buffer.filled()[before..]).map_err(io::Error::other)?;
        poll.map(Ok)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for GuardedIo<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
#[path = "frame_guard_tests.rs"]
mod tests;
