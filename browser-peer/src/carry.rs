//! A connection after it is established, over the socket of a page.

use std::future::pending;

use bytes::Bytes;
use distributed_scope_core::Reject;
use distributed_scope_core::peer::{self, Arrival, Goodbye, Messages};
use futures_channel::oneshot;

use crate::control::Order;
use crate::platform::{Connection, Cut};
use crate::socket::{Event, Socket};

/// Runs a connection until it ends.
pub(crate) async fn carry(connection: Connection, socket: Socket) {
    let shared = connection.shared().clone();
    let (cut, is_cut) = oneshot::channel();
    // A dropped handle does not cut the connection.
    let is_cut = async {
        if is_cut.await.is_err() {
            pending::<()>().await;
        }
    };
    let ask = async |join| {
        let (answer, verdict) = oneshot::channel();
        shared.platform().order(Order::Join(join, answer));
        verdict.await.unwrap_or(Err(Reject::GoingAway))
    };
    peer::carry(connection, &socket, ask, || Cut(cut), is_cut).await;
}

impl Messages for Socket {
    async fn next(&self) -> Arrival {
        loop {
            match self.event().await {
                Event::Open => {}
                Event::Message(message) => return Arrival::Message(message),
                Event::Broken(goodbye) => return Arrival::Broken(goodbye),
                Event::Closed => return Arrival::Closed,
                Event::Lost => return Arrival::Lost,
            }
        }
    }

    async fn until_room(&self) {
        self.until_sent().await;
    }

    fn send(&self, frame: Bytes) {
        self.put(&frame);
    }

    fn close(&self, goodbye: &Goodbye) {
        self.end(goodbye);
    }

    fn carries(&self, last_frame: Bytes) {
        self.remember(last_frame);
    }
}
