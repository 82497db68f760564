//! The server end: a response body that is the session.
//!
//! The dispatcher of actix-http reads the socket into the payload of the request, polls the body
//! of the response, and writes its output. So the one task that every HTTP connection already has
//! reads, runs the blocks, and writes, all in one turn, without wake-ups in between.
//!
//! The dispatcher does not poll the body while it has output and the socket accepts none. A
//! second task then continues to read. Otherwise two peers that both send much data would wait
//! for each other.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use actix_http::body::{BodySize, MessageBody};
use actix_web::dev::Payload;
use bytes::{Bytes, BytesMut};
use distributed_scope_core::internal::append;
use futures_util::StreamExt;
use futures_util::task::AtomicWaker;

use super::conversation::{Conversation, Said};

/// The body of the response that upgrades a connection.
pub(super) struct SessionBody {
    session: Rc<RefCell<Session>>,
    standby: Arc<Standby>,
}

struct Session {
    payload: Payload,
    conversation: Conversation,
    out: BytesMut,
    /// The waker of the payload.
    on_payload: Waker,
}

/// The task that reads while the body is not polled.
#[derive(Default)]
struct Standby {
    is_needed: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Standby {
    /// Something was received. The dispatcher polls the body after it has read the socket, so no
    /// wake-up is needed, unless it cannot poll.
    fn wake(self: Arc<Self>) {
        if self.is_needed.load(Ordering::Relaxed) {
            self.task.wake();
        }
    }
}

impl SessionBody {
    pub(super) fn new(payload: Payload, conversation: Conversation) -> Self {
        let standby = Arc::<Standby>::default();
        let on_payload = Waker::from(Arc::clone(&standby));
        let session = Session { payload, conversation, out: BytesMut::new(), on_payload };
        let body = Self { session: Rc::new(RefCell::new(session)), standby };
        body.stand_by();
        body
    }

    fn stand_by(&self) {
        let (session, standby) = (Rc::downgrade(&self.session), Arc::clone(&self.standby));
        actix_rt::spawn(poll_fn(move |cx| {
            standby.task.register(cx.waker());
            let Some(session) = session.upgrade() else { return Poll::Ready(()) };
            if standby.is_needed.load(Ordering::Relaxed) {
                let mut session = session.borrow_mut();
                session.read(cx);
                let Session { conversation, out, .. } = &mut *session;
                conversation.rest(cx, out);
                // The reader is not woken for its own output, and here another task writes.
                conversation.wake_writer();
            }
            Poll::Pending
        }));
    }
}

impl Session {
    fn read(&mut self, cx: &mut Context<'_>) {
        while self.conversation.poll_read(cx).is_ready() {
            let polled = match &mut self.payload {
                payload @ Payload::H1 { .. } => {
                    payload.poll_next_unpin(&mut Context::from_waker(&self.on_payload))
                }
                // A payload that a middleware has put there does not come from the dispatcher.
                payload => payload.poll_next_unpin(cx),
            };
            match polled {
                Poll::Ready(Some(Ok(bytes))) => {
                    let unread = self.conversation.unread();
                    unread.reserve(bytes.len());
                    append(unread, &bytes);
                }
                Poll::Ready(Some(Err(_)) | None) => self.conversation.lost(),
                Poll::Pending => {
                    self.conversation.caught_up();
                    break;
                }
            }
        }
    }
}

impl MessageBody for SessionBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let mut session = self.session.borrow_mut();
        if session.conversation.poll_killed(cx).is_ready() {
            return Poll::Ready(None);
        }
        session.read(cx);
        let Session { conversation, out, .. } = &mut *session;
        let said = conversation.write(cx, out);
        let is_nothing = out.is_empty();
        self.standby.is_needed.store(!is_nothing, Ordering::Relaxed);
        match said {
            _ if !is_nothing => Poll::Ready(Some(Ok(out.split().freeze()))),
            Ok(Said::All | Said::Some) => {
                conversation.rest(cx, out);
                Poll::Pending
            }
            Ok(Said::Goodbye) | Err(_) => Poll::Ready(None),
        }
    }
}

impl Drop for SessionBody {
    fn drop(&mut self) {
        self.session.borrow_mut().conversation.lost();
        // It finds that there is nothing more to read.
        self.standby.task.wake();
    }
}
