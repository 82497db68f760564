//! The page's WebSocket: what comes in, in order and bounded, and a way out that waits when too much is on its way.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use distributed_scope_core::frame::{OUTDATED, SUBPROTOCOL, VERSION, bearer_protocol, protocol_version};
use distributed_scope_core::peer::Goodbye;
use distributed_scope_core::session::MAX_FRAME;
use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, ArrayBuffer, Uint8Array};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

use crate::ending;

/// So many bytes may lie in the browser before more is handed to it. Beyond that, small messages would wait behind large
/// ones where the session cannot change their order any more.
const BUFFERED: u32 = 128 << 10;

/// How often to look whether the browser has sent some of it: it has no event for that.
const LOOK_AGAIN_MS: u32 = 4;

/// The close code of a connection that was lost, which no close frame carries.
const ABNORMAL: u16 = 1006;

/// What comes in.
#[derive(Debug)]
pub(crate) enum Event {
    Open,
    Message(Bytes),
    /// A message that the protocol does not have, and what to say of it.
    Broken(Goodbye),
    /// The other side said goodbye.
    Closed,
    /// The connection is lost, or could not be made.
    Lost,
}

/// One WebSocket. Dropping it closes it.
pub(crate) struct Socket {
    socket: WebSocket,
    inbox: Rc<Inbox>,
    other_version: Rc<Cell<Option<u16>>>,
    /// Called by the browser for as long as the socket lives.
    _handlers: Handlers,
}

struct Handlers {
    _open: Closure<dyn FnMut()>,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _close: Closure<dyn FnMut(CloseEvent)>,
}

impl Socket {
    /// Begins to connect; [`Event::Open`] says that it is done. At most `limit` bytes of messages may wait to be read: if
    /// more come, the connection is lost, and the session goes on with another one.
    pub(crate) fn connect(url: &str, token: Option<&str>, limit: usize) -> Result<Self, JsValue> {
        let protocols = Array::of1(&SUBPROTOCOL.into());
        if let Some(token) = token {
            // A page can set no header of this request, and what stands in a URL ends up in logs.
            protocols.push(&bearer_protocol(token).into());
        }
        let socket = WebSocket::new_with_str_sequence(url, &protocols)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let (inbox, other_version) = (Rc::new(Inbox::new(limit)), Rc::<Cell<_>>::default());
        let handlers = {
            let (opened, came, closed) = (Rc::clone(&inbox), Rc::clone(&inbox), Rc::clone(&inbox));
            let other_version = Rc::clone(&other_version);
            Handlers {
                _open: Closure::new(move || opened.add(Event::Open)),
                _message: Closure::new(move |event: MessageEvent| came.add(message(&event.data()))),
                _close: Closure::new(move |event: CloseEvent| {
                    if event.code() == OUTDATED {
                        other_version.set(outdated(&event.reason()));
                    }
                    closed.add(if event.code() == ABNORMAL { Event::Lost } else { Event::Closed });
                }),
            }
        };
        socket.set_onopen(Some(handlers._open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(handlers._message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(handlers._close.as_ref().unchecked_ref()));
        ending::remember(&socket);
        Ok(Self { socket, inbox, other_version, _handlers: handlers })
    }

    /// The next thing that comes in.
    pub(crate) async fn event(&self) -> Event {
        poll_fn(|cx| self.inbox.poll(cx)).await
    }

    /// Where it is kept which version of the protocol the other side speaks, if it closes because that is not ours.
    pub(crate) fn other_version(&self) -> Rc<Cell<Option<u16>>> {
        Rc::clone(&self.other_version)
    }

    /// Waits until the browser has sent enough of what it was given.
    pub(crate) async fn until_sent(&self) {
        while self.socket.buffered_amount() > BUFFERED && self.socket.ready_state() == WebSocket::OPEN {
            TimeoutFuture::new(LOOK_AGAIN_MS).await;
        }
    }

    /// Hands a message to the browser. On a socket that is closed it is dropped, and the session sends it again elsewhere.
    pub(crate) fn put(&self, frame: &[u8]) {
        send(&self.socket, frame);
    }

    /// It carries a session, which ends with this frame if the program does.
    pub(crate) fn remember(&self, last_frame: Bytes) {
        ending::carries(&self.socket, last_frame);
    }

    pub(crate) fn end(&self, goodbye: &Goodbye) {
        close(&self.socket, goodbye);
    }
}

/// Hands a message to the browser, which drops it where the socket is closed.
pub(crate) fn send(socket: &WebSocket, frame: &[u8]) {
    if let Err(error) = socket.send_with_u8_array(frame) {
        tracing::debug!(?error, "a message could not be sent");
    }
}

/// Closes a socket, if it still is. A page may say only that all is well, or a code of its own from 3000 on.
pub(crate) fn close(socket: &WebSocket, goodbye: &Goodbye) {
    let code = if goodbye.code == 1000 { 1000 } else { 3000 + goodbye.code };
    if let Err(error) = socket.close_with_code_and_reason(code, &goodbye.reason) {
        tracing::debug!(?error, "a connection could not be closed");
    }
}

/// Lets nothing of a socket reach the program any more, and closes it.
pub(crate) fn give_up(socket: &WebSocket, goodbye: &Goodbye) {
    socket.set_onopen(None);
    socket.set_onmessage(None);
    socket.set_onclose(None);
    close(socket, goodbye);
}

impl Drop for Socket {
    fn drop(&mut self) {
        give_up(&self.socket, &Goodbye::normal(""));
        ending::forget(&self.socket);
    }
}

/// The other version of the protocol that the reason of a close frame names.
fn outdated(reason: &str) -> Option<u16> {
    protocol_version(reason).filter(|version| *version != VERSION)
}

fn message(data: &JsValue) -> Event {
    let Some(buffer) = data.dyn_ref::<ArrayBuffer>() else {
        return Event::Broken(Goodbye::unsupported("it sent a text message"));
    };
    if buffer.byte_length() as usize > MAX_FRAME {
        return Event::Broken(Goodbye::too_large("it sent a message that is larger than any frame"));
    }
    Event::Message(Uint8Array::new(buffer).to_vec().into())
}

/// What has come in and was not read yet.
struct Inbox {
    limit: usize,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    bytes: usize,
    /// Nothing more is taken.
    is_over: bool,
    reader: Option<Waker>,
}

impl Inbox {
    fn new(limit: usize) -> Self {
        Self { limit: limit.max(MAX_FRAME), state: RefCell::default() }
    }

    fn add(&self, event: Event) {
        let mut state = self.state.borrow_mut();
        if state.is_over {
            return;
        }
        let event = match event {
            // It cannot be told to wait, so it is cut off: what it sent and was not read is sent again.
            Event::Message(message) if state.bytes + message.len() > self.limit => Event::Lost,
            event => event,
        };
        match &event {
            Event::Message(message) => state.bytes += message.len(),
            Event::Open => {}
            Event::Broken(_) | Event::Closed | Event::Lost => state.is_over = true,
        }
        state.events.push_back(event);
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Event> {
        let mut state = self.state.borrow_mut();
        match state.events.pop_front() {
            Some(event) => {
                if let Event::Message(message) = &event {
                    state.bytes -= message.len();
                }
                Poll::Ready(event)
            }
            // Whoever reads on after the end is told the end again.
            None if state.is_over => Poll::Ready(Event::Lost),
            None => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn poll(inbox: &Inbox) -> Poll<Event> {
        inbox.poll(&Context::from_waker(Waker::noop()))
    }

    #[wasm_bindgen_test]
    fn what_comes_in_and_is_not_read_is_bounded_and_what_comes_after_that_is_lost() {
        let inbox = Inbox::new(0);
        inbox.add(Event::Message(vec![1; MAX_FRAME].into()));
        inbox.add(Event::Message(vec![2].into()));
        inbox.add(Event::Message(vec![3].into()));
        assert!(matches!(poll(&inbox), Poll::Ready(Event::Message(message)) if message.len() == MAX_FRAME));
        for _ in 0..2 {
            assert!(matches!(poll(&inbox), Poll::Ready(Event::Lost)));
        }
    }

    #[wasm_bindgen_test]
    fn what_was_read_makes_room() {
        let inbox = Inbox::new(0);
        for _ in 0..3 {
            inbox.add(Event::Message(vec![1; MAX_FRAME].into()));
            assert!(matches!(poll(&inbox), Poll::Ready(Event::Message(_))));
        }
        assert!(poll(&inbox).is_pending());
    }

    #[wasm_bindgen_test]
    fn a_text_and_what_is_larger_than_any_frame_are_no_messages() {
        let text = message(&JsValue::from_str("text"));
        assert!(matches!(text, Event::Broken(goodbye) if goodbye.code == 1003));
        let large = ArrayBuffer::new(u32::try_from(MAX_FRAME + 1).unwrap());
        assert!(matches!(message(&large), Event::Broken(goodbye) if goodbye.code == 1009));
    }
}
