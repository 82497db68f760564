//! The WebSocket of the page: its input, ordered and bounded, and an output that waits when too
//! much data is buffered.

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
use js_sys::{Array, ArrayBuffer, Reflect, Uint8Array};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

use crate::{ending, policy};

/// The maximum number of bytes buffered in the browser. Beyond that, small messages would wait
/// behind large ones where the session can no longer reorder them.
const BUFFERED: u32 = 128 << 10;

/// The polling interval of the browser's send buffer: it has no event for that.
const LOOK_AGAIN_MS: u32 = 4;

/// The close code of a lost connection, which no close frame has.
const ABNORMAL: u16 = 1006;

/// The input of a socket.
#[derive(Debug)]
pub(crate) enum Event {
    Open,
    Message(Bytes),
    /// A message that violates the protocol, with the close frame for it.
    Broken(Goodbye),
    /// The other side sent a close frame.
    Closed,
    /// The connection is lost, or could not be established.
    Lost,
}

/// One WebSocket. Dropping it closes it.
pub(crate) struct Socket {
    socket: WebSocket,
    inbox: Rc<Inbox>,
    known: Rc<Known>,
    /// Called by the browser during the lifetime of the socket.
    _handlers: Handlers,
}

/// Details of the end of a connection.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The protocol version of the other side, if it closes because of a version mismatch.
    pub(crate) other_version: Cell<Option<u16>>,
    /// Why the browser did not send a message.
    pub(crate) not_sent: RefCell<Option<String>>,
}

struct Handlers {
    _open: Closure<dyn FnMut()>,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _close: Closure<dyn FnMut(CloseEvent)>,
    _error: Closure<dyn FnMut()>,
}

impl Socket {
    /// Begins to connect; [`Event::Open`] reports completion. At most `limit` bytes of unread
    /// messages are buffered. If more arrive, the connection is cut, and the session resumes over
    /// another one.
    pub(crate) fn connect(url: &str, token: Option<&str>, limit: usize) -> Result<Self, JsValue> {
        let protocols = Array::of1(&SUBPROTOCOL.into());
        if let Some(token) = token {
            // A page cannot set headers of this request, and a URL would appear in logs.
            protocols.push(&bearer_protocol(token).into());
        }
        let socket = WebSocket::new_with_str_sequence(url, &protocols)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let (inbox, known) = (Rc::new(Inbox::new(limit)), Rc::<Known>::default());
        let handlers = {
            let (opened, came, closed) = (Rc::clone(&inbox), Rc::clone(&inbox), Rc::clone(&inbox));
            let (failed, known) = (Rc::clone(&inbox), Rc::clone(&known));
            Handlers {
                _open: Closure::new(move || opened.add(Event::Open)),
                _message: Closure::new(move |event: MessageEvent| came.add(message(&event.data()))),
                _close: Closure::new(move |event: CloseEvent| {
                    if event.code() == OUTDATED {
                        known.other_version.set(outdated(&event.reason()));
                    }
                    closed.add(if event.code() == ABNORMAL { Event::Lost } else { Event::Closed });
                }),
                // If a policy forbids the connection, Chromium reports no more than this.
                _error: Closure::new(move || failed.add(Event::Lost)),
            }
        };
        socket.set_onopen(Some(handlers._open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(handlers._message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(handlers._close.as_ref().unchecked_ref()));
        socket.set_onerror(Some(handlers._error.as_ref().unchecked_ref()));
        ending::remember(&socket);
        Ok(Self { socket, inbox, known, _handlers: handlers })
    }

    /// The next input.
    pub(crate) async fn event(&self) -> Event {
        poll_fn(|cx| self.inbox.poll(cx)).await
    }

    /// The shared details of its end.
    pub(crate) fn known(&self) -> Rc<Known> {
        Rc::clone(&self.known)
    }

    /// Waits until the browser has sent enough of its buffer.
    pub(crate) async fn until_sent(&self) {
        while self.socket.buffered_amount() > BUFFERED && self.socket.ready_state() == WebSocket::OPEN {
            TimeoutFuture::new(LOOK_AGAIN_MS).await;
        }
    }

    /// Hands a message to the browser. On a closed socket it is dropped, and the session sends it
    /// again over another one. If the browser rejects it, the connection is lost.
    pub(crate) fn put(&self, frame: &[u8]) {
        if let Err(error) = send(&self.socket, frame) {
            let part = |name| policy::text(&error, name).unwrap_or_default();
            let text = format!("the browser rejected a message: {}: {}", part("name"), part("message"));
            tracing::warn!("{text}");
            self.known.not_sent.replace(Some(text));
            self.inbox.add(Event::Lost);
        }
    }

    /// Records that it has a session, which ends with this frame if the program ends.
    pub(crate) fn remember(&self, last_frame: Bytes) {
        ending::carries(&self.socket, last_frame);
    }

    pub(crate) fn end(&self, goodbye: &Goodbye) {
        close(&self.socket, goodbye);
    }
}

thread_local! {
    /// Whether the memory of this program is shared with other threads. A WebSocket cannot send
    /// from shared memory.
    static IS_SHARED: bool = is_shared(&wasm_bindgen::memory());
}

fn is_shared(memory: &JsValue) -> bool {
    Reflect::get(memory, &"buffer".into()).is_ok_and(|buffer| !buffer.is_instance_of::<ArrayBuffer>())
}

/// Hands a message to the browser, which drops it if the socket is closed.
pub(crate) fn send(socket: &WebSocket, frame: &[u8]) -> Result<(), JsValue> {
    if IS_SHARED.with(|is_shared| *is_shared) {
        return socket.send_with_js_u8_array(&Uint8Array::from(frame));
    }
    socket.send_with_u8_array(frame)
}

/// Closes a socket that is not closed yet. A page may send only the normal close code, or a code
/// of its own from 3000 on.
pub(crate) fn close(socket: &WebSocket, goodbye: &Goodbye) {
    let code = if goodbye.code == 1000 { 1000 } else { 3000 + goodbye.code };
    if let Err(error) = socket.close_with_code_and_reason(code, &goodbye.reason) {
        tracing::debug!(?error, "a connection could not be closed");
    }
}

/// Removes the event handlers of a socket, and closes it.
pub(crate) fn give_up(socket: &WebSocket, goodbye: &Goodbye) {
    socket.set_onopen(None);
    socket.set_onmessage(None);
    socket.set_onclose(None);
    socket.set_onerror(None);
    close(socket, goodbye);
}

impl Drop for Socket {
    fn drop(&mut self) {
        give_up(&self.socket, &Goodbye::normal(""));
        ending::forget(&self.socket);
    }
}

/// The other protocol version that the reason of a close frame names.
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

/// The unread input.
struct Inbox {
    limit: usize,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    bytes: usize,
    /// No more input is accepted.
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
            // The browser has no flow control for input, so the connection is cut. Unread
            // messages are sent again.
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
            // Reading after the end returns the end again.
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

    /// Shared memory is detected, and data from it is copied before it is sent.
    #[wasm_bindgen_test]
    fn shared_memory_is_noticed() {
        let shared =
            js_sys::eval("new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true })").unwrap();
        assert!(is_shared(&shared));
        assert!(!is_shared(&wasm_bindgen::memory()));
        let copy = Uint8Array::from(&[1, 2, 3][..]);
        assert!(copy.buffer().is_instance_of::<ArrayBuffer>() && copy.buffer().byte_length() == 3);
    }

    /// If a browser rejects a message, the reason is kept, and the connection is lost at once.
    #[wasm_bindgen_test]
    async fn refused_send_ends_the_connection() {
        // It is not open, so nothing can be sent; no connection to this port is allowed.
        let socket = Socket::connect("ws://127.0.0.1:1/", None, 0).unwrap();
        socket.put(&[1]);
        assert!(matches!(socket.event().await, Event::Lost));
        let text = socket.known().not_sent.take().unwrap();
        assert!(text.contains("InvalidStateError"), "{text}");
    }
}
