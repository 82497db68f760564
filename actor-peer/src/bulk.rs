//! Bytes in bulk: an `AsyncRead` as a stream of items, and a receiver of such items as an
//! `AsyncRead`.
//!
//! The traits are tokio's, as Actix runs on tokio: its files, sockets and pipes have them. tokio is
//! a dependency already, and the traits need none of its features.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use distributed_scope_core::{Receiver, StreamError, StreamErrorKind};
use futures_util::Stream;
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

/// The size of a full item, in bytes. With its header it fits into one frame of 64 KiB.
const ITEM: usize = 60 << 10;

/// An item of less is copied out of the buffer.
const SMALL: usize = ITEM / 2;

/// Makes a stream of [`Bytes`] of anything that can be read: a file, a socket, a pipe, a decoder.
///
/// With [`try_streamed`](distributed_scope_core::try_streamed) it travels: as the result of a block
/// (a download), or as a captured receiver (an upload). [`into_async_read`] is the other direction.
///
/// An item has at most 60 KiB. It is shorter at the end, and if the reader has no more data at the
/// moment. The stream holds one buffer of 60 KiB, and reads no further than its receiver takes
/// items, so the memory is the same for any size.
///
/// ```
/// # use distributed_scope_actor_peer::{Peer, from_async_read, into_async_read};
/// # use distributed_scope_core::{PeerId, try_streamed};
/// use tokio::io::AsyncReadExt;
///
/// # #[actix_web::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let peer = Peer::builder(PeerId::random()).start();
/// let read = &b"any size"[..];
/// // In a block: try_streamed(from_async_read(File::open(path).await?))
/// let receiver = peer.run(async { try_streamed(from_async_read(read)) }).await;
/// let mut copy = Vec::new();
/// into_async_read(receiver).read_to_end(&mut copy).await?;
/// assert_eq!(copy, b"any size");
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// The first error of the reader is the last item. The bytes that were read before it come first.
pub fn from_async_read<R: AsyncRead>(reader: R) -> ByteStream<R> {
    ByteStream { reader: Some(Box::pin(reader)), buffer: BytesMut::new(), filled: 0, error: None }
}

/// The stream of [`from_async_read`].
pub struct ByteStream<R> {
    /// `None` if it has reported its end or an error.
    reader: Option<Pin<Box<R>>>,
    /// Of initialized bytes.
    buffer: BytesMut,
    /// The number of bytes in the buffer that were read.
    filled: usize,
    error: Option<io::Error>,
}

impl<R> ByteStream<R> {
    fn take_filled(&mut self) -> Option<Bytes> {
        match std::mem::take(&mut self.filled) {
            0 => None,
            // A small item does not hold the buffer.
            few @ 1..SMALL => Some(Bytes::copy_from_slice(&self.buffer[..few])),
            many => {
                let item = self.buffer.split_to(many).freeze();
                self.buffer.clear();
                Some(item)
            }
        }
    }
}

impl<R: AsyncRead> ByteStream<R> {
    /// Reads until the buffer is full, or the reader has nothing more now.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(reader) = &mut self.reader {
            if self.filled == ITEM {
                return Poll::Ready(());
            }
            // If the last item was encoded and dropped, this is its memory again.
            self.buffer.resize(ITEM, 0);
            let mut part = ReadBuf::new(&mut self.buffer[self.filled..]);
            match reader.as_mut().poll_read(cx, &mut part) {
                Poll::Ready(Ok(())) if part.filled().is_empty() => self.reader = None,
                Poll::Ready(Ok(())) => self.filled += part.filled().len(),
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) => {
                    self.reader = None;
                    self.error = Some(error);
                }
                Poll::Pending if self.filled == 0 => return Poll::Pending,
                Poll::Pending => return Poll::Ready(()),
            }
        }
        Poll::Ready(())
    }
}

impl<R: AsyncRead> Stream for ByteStream<R> {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        ready!(self.poll_fill(cx));
        let item = self.take_filled().map(Ok);
        Poll::Ready(item.or_else(|| self.error.take().map(Err)))
    }
}

impl<R> fmt::Debug for ByteStream<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream").field("is_over", &self.reader.is_none()).finish_non_exhaustive()
    }
}

/// Makes an `AsyncRead` of a receiver of [`Bytes`], for `tokio::io::copy` and everything else that
/// reads. [`from_async_read`] is the other direction, with an example.
///
/// The end of the file is reported only after a sender has said the end. Everything else that ends
/// the channel is an error, each time that it is read from again.
///
/// # Errors
///
/// The inner error ([`io::Error::get_ref`]) is the [`StreamError`]. The kind is
/// [`ConnectionReset`](io::ErrorKind::ConnectionReset) for
/// [`Disconnected`](StreamErrorKind::Disconnected),
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) for [`Cancelled`](StreamErrorKind::Cancelled),
/// [`TimedOut`](io::ErrorKind::TimedOut) for [`Idle`](StreamErrorKind::Idle),
/// [`InvalidData`](io::ErrorKind::InvalidData) for [`TooLarge`](StreamErrorKind::TooLarge) and
/// [`Decode`](StreamErrorKind::Decode), and [`Other`](io::ErrorKind::Other) for the rest.
///
/// # Cancel safety
///
/// Dropping a future of `tokio::io::AsyncReadExt::read` or `AsyncBufReadExt::fill_buf` loses no
/// bytes.
#[must_use]
pub fn into_async_read(receiver: Receiver<Bytes>) -> ByteReader {
    ByteReader { receiver, item: Bytes::new(), error: None }
}

/// The reader of [`into_async_read`].
///
/// It is an `AsyncBufRead`, too, by which an item is read without a copy.
#[derive(Debug)]
pub struct ByteReader {
    receiver: Receiver<Bytes>,
    /// What is left of the last item.
    item: Bytes,
    error: Option<StreamError>,
}

impl AsyncBufRead for ByteReader {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let Self { receiver, item, error } = self.get_mut();
        while item.is_empty() {
            if let Some(error) = error {
                return Poll::Ready(Err(io_error(error.clone())));
            }
            match ready!(Pin::new(&mut *receiver).poll_next(cx)) {
                Some(Ok(next)) => *item = next,
                Some(Err(last)) => *error = Some(last),
                None => break,
            }
        }
        Poll::Ready(Ok(item))
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        let amount = amount.min(self.item.len());
        drop(self.item.split_to(amount));
    }
}

impl AsyncRead for ByteReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if into.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let available = ready!(self.as_mut().poll_fill_buf(cx))?;
        let amount = available.len().min(into.remaining());
        into.put_slice(&available[..amount]);
        self.consume(amount);
        Poll::Ready(Ok(()))
    }
}

fn io_error(error: StreamError) -> io::Error {
    let kind = match error.kind() {
        StreamErrorKind::Disconnected => io::ErrorKind::ConnectionReset,
        StreamErrorKind::Cancelled => io::ErrorKind::UnexpectedEof,
        StreamErrorKind::Idle => io::ErrorKind::TimedOut,
        StreamErrorKind::TooLarge | StreamErrorKind::Decode => io::ErrorKind::InvalidData,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

    use std::collections::VecDeque;

    use distributed_scope_core::channel;
    use futures_util::StreamExt;
    use tokio::io::{AsyncBufReadExt, AsyncReadExt};

    use super::*;

    /// What is read, part by part. `None` says that nothing is there now.
    struct Parts(VecDeque<Option<io::Result<Vec<u8>>>>);

    impl AsyncRead for Parts {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            into: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            match self.0.pop_front() {
                Some(Some(Ok(mut part))) => {
                    let rest = part.split_off(part.len().min(into.remaining()));
                    into.put_slice(&part);
                    if !rest.is_empty() {
                        self.0.push_front(Some(Ok(rest)));
                    }
                    Poll::Ready(Ok(()))
                }
                Some(Some(Err(error))) => Poll::Ready(Err(error)),
                Some(None) => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                None => Poll::Ready(Ok(())),
            }
        }
    }

    fn parts(parts: impl IntoIterator<Item = Option<io::Result<Vec<u8>>>>) -> ByteStream<Parts> {
        from_async_read(Parts(parts.into_iter().collect()))
    }

    /// Items are full while there is data, and their bytes are those that were read.
    #[actix_web::test]
    async fn items_are_full() {
        let all: Vec<u8> = (0..3 * ITEM + 17).map(|n| (n % 251) as u8).collect();
        let items: Vec<Bytes> = from_async_read(&all[..]).map(Result::unwrap).collect().await;
        assert_eq!(items.iter().map(Bytes::len).collect::<Vec<_>>(), [ITEM, ITEM, ITEM, 17]);
        assert_eq!(items.concat(), all);
        let pieces = all.chunks(1000).map(|piece| Some(Ok(piece.to_vec())));
        let items: Vec<Bytes> = parts(pieces).map(Result::unwrap).collect().await;
        assert_eq!(items.concat(), all);
        assert_eq!(items.iter().map(Bytes::len).collect::<Vec<_>>(), [ITEM, ITEM, ITEM, 17]);
    }

    /// Bytes are not kept back while the reader waits for more.
    #[actix_web::test]
    async fn waiting_reader_keeps_nothing_back() {
        let read = [Some(Ok(b"ab".to_vec())), None, None, Some(Ok(b"c".to_vec())), Some(Ok(b"d".to_vec()))];
        let items: Vec<Bytes> = parts(read).map(Result::unwrap).collect().await;
        assert_eq!(items, [&b"ab"[..], b"cd"]);
    }

    /// The bytes before an error come first. An interruption is not an error. Nothing
    /// comes after one.
    #[actix_web::test]
    async fn error_comes_after_the_bytes() {
        let read = [
            Some(Err(io::ErrorKind::Interrupted.into())),
            Some(Ok(b"ab".to_vec())),
            Some(Err(io::ErrorKind::NotFound.into())),
            Some(Ok(b"cd".to_vec())),
        ];
        let mut items = parts(read);
        assert_eq!(items.next().await.unwrap().unwrap(), &b"ab"[..]);
        assert_eq!(items.next().await.unwrap().unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(items.next().await.is_none() && items.next().await.is_none());
    }

    /// The buffer of an item that was dropped is used for the next one.
    #[actix_web::test]
    async fn buffer_is_used_again() {
        let all = vec![7; 20 * ITEM];
        let mut items = from_async_read(&all[..]);
        let mut places = std::collections::BTreeSet::new();
        while let Some(item) = items.next().await {
            places.insert(item.unwrap().as_ptr().addr());
        }
        assert!(places.len() <= 2, "{places:?}");
    }

    /// The end of the file is only the end that a sender has said. An error remains.
    #[actix_web::test]
    async fn reader_ends_as_its_stream_does() {
        let (sender, receiver) = channel(4);
        for item in ["one\ntwo", "", "\nthree"] {
            sender.send(Bytes::from_static(item.as_bytes())).await.unwrap();
        }
        sender.finish();
        let mut lines = into_async_read(receiver).lines();
        for line in ["one", "two", "three"] {
            assert_eq!(lines.next_line().await.unwrap().as_deref(), Some(line));
        }
        assert_eq!(lines.next_line().await.unwrap(), None);

        let (sender, receiver) = channel(4);
        sender.send(Bytes::from_static(b"part")).await.unwrap();
        drop(sender);
        let mut reader = into_async_read(receiver);
        let mut read = Vec::new();
        for _ in 0..2 {
            let error = reader.read_to_end(&mut read).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
            let inner = error.get_ref().unwrap().downcast_ref::<StreamError>().unwrap();
            assert_eq!((inner.kind(), inner.received()), (StreamErrorKind::Cancelled, 1));
        }
        assert_eq!(read, b"part");
    }

    /// A read into nothing waits for nothing.
    #[actix_web::test]
    async fn empty_read_does_not_wait() {
        let (_sender, receiver) = channel(1);
        assert_eq!(into_async_read(receiver).read(&mut []).await.unwrap(), 0);
    }
}
