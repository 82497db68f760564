//! Two ends of a connection without a socket between them.

use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use bytes::BytesMut;
use distributed_scope_core::PeerId;
use distributed_scope_core::auth::Visitor;
use distributed_scope_core::session::MAX_FRAME;
use futures_channel::oneshot;

use super::conversation::Conversation;
use super::reader::{Connection, Reader};
use super::wire::Wire;
use crate::Peer;

/// One end, and the wakers that it has called.
struct End {
    conversation: Conversation,
    out: BytesMut,
    waker: Waker,
}

struct Woken;

impl Wake for Woken {
    fn wake(self: Arc<Self>) {}
}

impl End {
    fn new(connection: Connection, wire: Wire, waker: Waker) -> Self {
        let reader = Reader::new(connection.writes_after_reading(), None);
        Self { conversation: Conversation::new(reader, wire), out: BytesMut::new(), waker }
    }

    /// Reads the output of the other end, and writes.
    fn turn(&mut self, received: BytesMut) {
        let mut cx = Context::from_waker(&self.waker);
        self.conversation.unread().unsplit(received);
        let _ = self.conversation.poll_read(&mut cx);
        self.conversation.write(&cx, &mut self.out).unwrap();
        self.conversation.rest(&cx, &mut BytesMut::new());
    }
}

#[actix_rt::test]
async fn a_session_that_waits_for_its_peer_does_not_keep_the_task_of_the_connection_that_it_had() {
    let [server, client] = ["server", "client"].map(|name| Peer::builder(PeerId::named(name)).start());
    let visitor = Visitor { is_local: true, ..Visitor::default() };
    let woken = Arc::new(Woken);
    let mut accepted = End::new(
        Connection::accepted(Arc::clone(server.shared()), visitor),
        Wire::server(MAX_FRAME),
        Waker::from(Arc::clone(&woken)),
    );
    let (opened, mut is_open) = oneshot::channel();
    let mut dialled = End::new(
        Connection::dialled(Arc::clone(client.shared()), None, opened),
        Wire::client(MAX_FRAME, BytesMut::new()),
        Waker::noop().clone(),
    );
    while !server.peers().contains(&client.id()) {
        accepted.turn(dialled.out.split());
        dialled.turn(accepted.out.split());
        // The actors decide.
        tokio::task::yield_now().await;
    }
    assert!(matches!(is_open.try_recv(), Ok(Some(Ok(_)))));
    assert!(Arc::strong_count(&woken) > 2, "the session wakes whoever writes");
    accepted.conversation.lost();
    accepted.turn(BytesMut::new());
    drop(accepted);
    assert_eq!(server.shared().routes().session(client.id()).map(|link| link.is_attached()), Some(false));
    assert_eq!(Arc::strong_count(&woken), 1);
}
