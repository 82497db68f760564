//! What has arrived is handed to the session actor at once, and not one message a turn.
//!
//! actix lets a stream have 16 items handled before other futures get their turn. Each turn ends with a wake-up of those
//! who wait for answers and of the writer, so 64 answers that came in one segment went out again as four. A batch is
//! bounded in messages and in bytes, so that nothing else waits long and little is read that cannot be handled yet.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Poll;

use actix_http::ws::ProtocolError;
use futures_util::{Stream, StreamExt, stream};

use super::incoming::Incoming;

/// A message, or why there are no more.
pub(super) type Received = Result<Incoming, ProtocolError>;

const MESSAGES: usize = 256;

/// One large message is a batch of its own.
const BYTES: usize = 32 << 10;

/// Says that something was received and is unread.
#[derive(Debug)]
pub(super) struct Arrived;

/// What was received and is unread, in order.
#[derive(Clone, Default)]
pub(super) struct Unread(Rc<RefCell<VecDeque<Received>>>);

impl Unread {
    /// The next of it.
    pub(super) fn next(&self) -> Option<Received> {
        self.0.borrow_mut().pop_front()
    }

    /// Fills it from a stream of messages, a batch at a time.
    pub(super) fn fill<S>(&self, messages: S) -> impl Stream<Item = Arrived> + use<S>
    where
        S: Stream<Item = Received> + 'static,
    {
        let unread = self.clone();
        let mut messages = Box::pin(messages);
        let mut has_ended = false;
        stream::poll_fn(move |cx| {
            let (mut count, mut bytes) = (0, 0);
            while count < MESSAGES && bytes < BYTES && !has_ended {
                match messages.poll_next_unpin(cx) {
                    Poll::Ready(Some(received)) => {
                        count += 1;
                        bytes += received.as_ref().map_or(0, Incoming::size);
                        unread.0.borrow_mut().push_back(received);
                    }
                    Poll::Ready(None) => has_ended = true,
                    Poll::Pending if count == 0 => return Poll::Pending,
                    Poll::Pending => break,
                }
            }
            Poll::Ready((count > 0).then_some(Arrived))
        })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn message(size: usize) -> Received {
        Ok(Incoming::Binary(Bytes::from(vec![0; size])))
    }

    fn sizes(unread: &Unread) -> Vec<usize> {
        std::iter::from_fn(|| unread.next()).map(|received| received.map_or(0, |one| one.size())).collect()
    }

    #[tokio::test]
    async fn what_is_there_arrives_at_once_and_in_order_up_to_the_end() {
        let unread = Unread::default();
        let mut batches = unread.fill(stream::iter([message(1), message(2), Err(ProtocolError::BadOpCode)]));
        assert!(batches.next().await.is_some());
        assert_eq!(sizes(&unread), [1, 2, 0]);
        assert!(batches.next().await.is_none());
        assert!(unread.next().is_none());
    }

    #[tokio::test]
    async fn a_batch_ends_with_the_message_that_makes_it_large() {
        let unread = Unread::default();
        let mut batches = unread.fill(stream::iter([message(10), message(BYTES), message(5), message(6)]));
        assert!(batches.next().await.is_some());
        assert_eq!(sizes(&unread), [10, BYTES]);
        assert!(batches.next().await.is_some());
        assert_eq!(sizes(&unread), [5, 6]);
    }

    #[tokio::test]
    async fn messages_without_end_come_in_batches() {
        let unread = Unread::default();
        let mut batches = unread.fill(stream::repeat_with(|| message(0)));
        assert!(batches.next().await.is_some());
        assert_eq!(sizes(&unread).len(), MESSAGES);
    }
}
