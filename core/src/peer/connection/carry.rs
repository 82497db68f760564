//! A connection from its start to its end, over a socket that delivers whole messages: one future
//! reads it and one writes it. Where a socket delivers bytes, as in an Actix peer, a separate
//! driver does the same.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use bytes::Bytes;

use crate::peer::{Admitted, Connection, Goodbye, Join, Next, Out, Outgoing, Platform, settle};
use crate::wire::frame::Reject;

/// What arrives on a socket.
#[derive(Debug)]
pub enum Arrival {
    /// A binary message.
    Message(Bytes),
    /// A message type that the protocol does not have, and the close frame to answer it with.
    Broken(Goodbye),
    /// A close frame.
    Closed,
    /// The connection is lost.
    Lost,
}

/// A WebSocket as [`carry`] uses it.
pub trait Messages {
    /// The next event of the socket. After the end, it is the end again.
    fn next(&self) -> impl Future<Output = Arrival>;

    /// Waits until enough of the sent data has left the send buffer.
    fn until_room(&self) -> impl Future<Output = ()>;

    /// Sends a binary message.
    fn send(&self, frame: Bytes);

    /// Sends the close frame.
    fn close(&self, goodbye: &Goodbye);

    /// From now on the connection carries a session. If the program ends, it sends this frame to
    /// end the session.
    fn carries(&self, last_frame: Bytes) {
        let _ = last_frame;
    }
}

/// Carries a connection to its end.
///
/// `ask` asks the control plane for a decision. `kill` creates the handle that ends this
/// connection; then `is_cut` completes.
pub async fn carry<P: Platform>(
    connection: Connection<P>,
    socket: &impl Messages,
    ask: impl AsyncFn(Box<Join<P>>) -> Result<Admitted<P>, Reject>,
    kill: impl FnOnce() -> P::Kill,
    is_cut: impl Future<Output = ()>,
) {
    let shared = connection.shared().clone();
    let out = connection.out().clone();
    let time_limit = || shared.platform().sleep_until(shared.now() + shared.limits().handshake_timeout);
    let mut is_cut = pin!(is_cut);
    let connection = RefCell::new(connection);
    {
        let mut reading = pin!(read(&connection, socket, ask, kill, time_limit()));
        let mut writing = pin!(write(&out, socket));
        match first(first(reading.as_mut(), writing.as_mut()), is_cut.as_mut()).await {
            // The goodbye is still to be sent, within a short time.
            First::One(First::One(())) => {
                connection.borrow_mut().stopped();
                first(first(writing, pin!(time_limit())), is_cut).await;
            }
            // What the other side has in flight is read.
            First::One(First::Other(())) => {
                first(first(reading, pin!(time_limit())), is_cut).await;
            }
            First::Other(()) => {}
        }
    }
    connection.borrow_mut().stopped();
}

/// Reads until nothing more has to be read.
async fn read<P: Platform>(
    connection: &RefCell<Connection<P>>,
    socket: &impl Messages,
    ask: impl AsyncFn(Box<Join<P>>) -> Result<Admitted<P>, Reject>,
    kill: impl FnOnce() -> P::Kill,
    late: P::Sleep,
) {
    let shared = connection.borrow().shared().clone();
    let (mut kill, mut late) = (Some(kill), pin!(late));
    let (mut was_late, mut is_carrying) = (false, false);
    loop {
        let arrival = if was_late || connection.borrow().is_introduced() {
            socket.next().await
        } else {
            match first(pin!(socket.next()), late.as_mut()).await {
                First::One(arrival) => arrival,
                First::Other(()) => {
                    was_late = true;
                    match connection.borrow_mut().late() {
                        Next::Stop => return,
                        _ => continue,
                    }
                }
            }
        };
        let next = match arrival {
            Arrival::Message(message) => connection.borrow_mut().receive(shared.now(), message, || {
                kill.take().expect("a connection opens or resumes one session")()
            }),
            Arrival::Broken(goodbye) => connection.borrow_mut().broken(goodbye),
            Arrival::Closed => connection.borrow_mut().closed(),
            Arrival::Lost => return,
        };
        let next = match next {
            Next::Ask(join, asked) => {
                let verdict = settle(join, &ask).await;
                connection.borrow_mut().decided(verdict, asked)
            }
            next => next,
        };
        if !is_carrying && let Some(last_frame) = connection.borrow().last_frame() {
            is_carrying = true;
            socket.carries(last_frame);
        }
        match next {
            Next::Read => {}
            Next::Pause(link) => link.until_room().await,
            Next::Ask(..) | Next::Stop => return,
        }
    }
}

/// Writes until the goodbye.
async fn write<P: Platform>(out: &Out<P>, socket: &impl Messages) {
    loop {
        socket.until_room().await;
        match poll_fn(|cx| out.poll(cx)).await {
            Outgoing::Frame(frame) => socket.send(frame.into_bytes()),
            // A socket that answers pings itself delivers none.
            Outgoing::Pong(_) => {}
            Outgoing::Close(goodbye) => return socket.close(&goodbye),
        }
    }
}

/// Which of two futures completed first.
pub(in crate::peer) enum First<A, B> {
    One(A),
    Other(B),
}

/// Waits for either of two futures; for the first one if both are ready.
pub(in crate::peer) fn first<A: Future + Unpin, B: Future + Unpin>(
    mut one: A,
    mut other: B,
) -> impl Future<Output = First<A::Output, B::Output>> + Unpin {
    poll_fn(move |cx| {
        if let Poll::Ready(output) = Pin::new(&mut one).poll(cx) {
            return Poll::Ready(First::One(output));
        }
        Pin::new(&mut other).poll(cx).map(First::Other)
    })
}
