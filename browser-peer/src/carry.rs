//! A connection from the moment that it is made: one future reads it and one writes it, until it ends.

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;

use distributed_scope_core::Reject;
use distributed_scope_core::peer::{Next, Out, Outgoing, Platform};
use futures_channel::oneshot;
use futures_util::future::{Either, select};

use crate::clock;
use crate::control::Order;
use crate::platform::{Browser, Connection, Cut};
use crate::sleep::Sleep;
use crate::socket::{Event, Socket};

/// Carries a connection to its end.
pub(crate) async fn carry(connection: Connection, socket: Socket) {
    let shared = Arc::clone(connection.shared());
    let out = connection.out().clone();
    let patience = || shared.platform().sleep_until(clock::now() + shared.limits().handshake);
    let (cut, is_cut) = oneshot::channel();
    // A handle that was dropped does not cut.
    let is_cut = pin!(async {
        if is_cut.await.is_err() {
            pending::<()>().await;
        }
    });
    let connection = RefCell::new(connection);
    let reading = pin!(read(&connection, &socket, cut, patience()));
    let writing = pin!(write(&out, &socket));
    match select(select(reading, writing), is_cut).await {
        // The goodbye is still to be said, but not for long.
        Either::Left((Either::Left(((), writing)), is_cut)) => {
            connection.borrow_mut().stopped();
            select(select(writing, patience()), is_cut).await;
        }
        // What the other side still has on its way is read.
        Either::Left((Either::Right(((), reading)), is_cut)) => {
            select(select(reading, patience()), is_cut).await;
        }
        Either::Right(_) => {}
    }
    connection.borrow_mut().stopped();
}

/// Reads until nothing more is to be read.
async fn read(connection: &RefCell<Connection>, socket: &Socket, cut: oneshot::Sender<()>, mut late: Sleep) {
    let mut cut = Some(cut);
    let (mut is_introduced, mut is_carrying) = (false, false);
    loop {
        let event = if is_introduced {
            socket.next().await
        } else {
            match select(pin!(socket.next()), &mut late).await {
                Either::Left((event, _)) => event,
                Either::Right(_) => {
                    is_introduced = true;
                    match connection.borrow_mut().late() {
                        Next::Stop => return,
                        _ => continue,
                    }
                }
            }
        };
        let next = match event {
            Event::Open => continue,
            // It is called for the first frame alone, which opens the session.
            Event::Message(message) => {
                let now = connection.borrow().shared().platform().now();
                connection
                    .borrow_mut()
                    .receive(now, message, || Cut(cut.take().unwrap_or_else(|| oneshot::channel().0)))
            }
            Event::Broken(goodbye) => connection.borrow_mut().broken(goodbye),
            Event::Closed => connection.borrow_mut().closed(),
            Event::Lost => return,
        };
        let next = match next {
            Next::Ask(join, asked) => {
                let (answer, verdict) = oneshot::channel();
                connection.borrow().shared().platform().order(Order::Join(join, answer));
                let verdict = verdict.await.unwrap_or(Err(Reject::GoingAway));
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
async fn write(out: &Out<Browser>, socket: &Socket) {
    loop {
        socket.until_room().await;
        match poll_fn(|cx| out.poll(cx)).await {
            Outgoing::Frame(frame) => socket.send(&frame.into_bytes()),
            // The browser answers pings by itself and shows none.
            Outgoing::Pong(_) => {}
            Outgoing::Close(goodbye) => return socket.close(&goodbye),
        }
    }
}
