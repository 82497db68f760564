//! How peers stop, and what continues without its caller.

use std::sync::Arc;
use std::time::Duration;

use distributed_scope::{ErrorKind, PeerId, Ran, Refusal, RemoteError, distributed, here, remote};
use futures_util::future::{join_all, select};
use futures_util::{FutureExt, join};
use tokio::sync::{Notify, Semaphore};

use crate::support::{Listening, open};

/// Lets a test hold blocks back: they report that they run, and wait until they are released.
pub(crate) struct Gate {
    running: Semaphore,
    open: Semaphore,
}

impl Default for Gate {
    fn default() -> Self {
        Self { running: Semaphore::new(0), open: Semaphore::new(0) }
    }
}

impl Gate {
    pub(crate) async fn pass(&self) {
        self.running.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }

    pub(crate) async fn until_running(&self, blocks: u32) {
        self.running.acquire_many(blocks).await.unwrap().forget();
    }

    pub(crate) fn let_go(&self, blocks: usize) {
        self.open.add_permits(blocks);
    }
}

#[distributed]
async fn held(on: PeerId, n: u32) -> Result<u32, RemoteError> {
    remote!(on, [n], {
        here::data::<Gate>()?.pass().await;
        n
    })
    .await
}

#[distributed]
pub(crate) async fn at_once(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], {}).await
}

#[actix_web::test]
async fn a_peer_that_drains_answers_what_runs_and_refuses_what_is_new() {
    const CALLS: u32 = 1000;
    let gate = Arc::new(Gate::default());
    let server = Listening::start(open().shared_data(Arc::clone(&gate)));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    let on = server.peer.id();
    let calls = join_all((0..CALLS).map(|n| client.run(held(on, n))));
    let stopping = async {
        gate.until_running(CALLS).await;
        let drain = server.peer.drain(Duration::from_secs(60));
        let probe = async {
            // Calls get through until the server has begun to leave.
            let error = loop {
                if let Err(error) = client.run(at_once(on)).await {
                    break error;
                }
            };
            assert_eq!(*error.kind(), ErrorKind::Refused(Refusal::GoingAway), "{error}");
            assert_eq!(error.ran(), Ran::Never);
            gate.let_go(CALLS as usize);
        };
        join!(drain, probe);
    };
    let (answers, ()) = join!(calls, stopping);
    assert!(answers.into_iter().zip(0..).all(|(answer, n)| answer.unwrap() == n));
}

#[actix_web::test]
async fn draining_ends_with_its_grace_even_if_a_block_does_not() {
    let gate = Arc::new(Gate::default());
    let server = Listening::start(open().shared_data(Arc::clone(&gate)));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    let (answer, ()) = join!(client.run(held(server.peer.id(), 1)), async {
        gate.until_running(1).await;
        server.peer.drain(Duration::from_millis(20)).await;
    });
    let error = answer.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::Disconnected, Ran::Maybe));
}

#[derive(Default)]
struct Ended(Notify);

#[distributed]
async fn go_on_alone(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], {
        here::data::<Gate>()?.pass().await;
        here::data::<Ended>()?.0.notify_one();
        assert!(here::deadline().is_none());
    })
    .detach()
    .await
}

#[actix_web::test]
async fn a_detached_block_goes_on_when_its_caller_is_gone() {
    let (gate, ended) = (Arc::new(Gate::default()), Arc::new(Ended::default()));
    let server = Listening::start(open().shared_data(Arc::clone(&gate)).shared_data(Arc::clone(&ended)));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    // On another peer: the call is dropped, then the whole caller leaves.
    let mut call = Box::pin(client.run(go_on_alone(server.peer.id())));
    select(&mut call, Box::pin(gate.until_running(1))).await.must_be_second();
    drop(call);
    client.stop().await;
    gate.let_go(1);
    ended.0.notified().await;
    // On the same peer.
    let mut call = Box::pin(server.peer.run(go_on_alone(server.peer.id())));
    select(&mut call, Box::pin(gate.until_running(1))).await.must_be_second();
    drop(call);
    gate.let_go(1);
    ended.0.notified().await;
}

/// Of a `select`: the second future was first.
trait MustBeSecond {
    fn must_be_second(self);
}

impl<A, B> MustBeSecond for futures_util::future::Either<A, B> {
    fn must_be_second(self) {
        assert!(matches!(self, Self::Right(_)), "the call ended before its block ran");
    }
}

#[actix_web::test]
async fn a_detached_call_can_still_be_awaited() {
    let (gate, ended) = (Arc::new(Gate::default()), Arc::new(Ended::default()));
    let peer = open().shared_data(Arc::clone(&gate)).shared_data(ended).start();
    gate.let_go(1);
    peer.run(go_on_alone(peer.id())).await.unwrap();
    assert!(peer.run(go_on_alone(peer.id())).now_or_never().is_none());
}

#[actix_web::test]
async fn draining_does_not_wait_for_a_peer_that_is_away_and_for_which_nothing_runs() {
    let server = Listening::start(open());
    let proxy = crate::proxy::Proxy::start(server.address.clone()).await;
    let client = open().start();
    client.connect(proxy.url()).await.unwrap();
    proxy.refuse(true);
    proxy.cut_now();
    while !server.peer.peers().is_empty() {
        tokio::task::yield_now().await;
    }
    server.peer.drain(Duration::from_secs(3600)).await;
}
