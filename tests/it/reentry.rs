//! Blocks that had to wait for space in a queue, and begin while the connection is being written.
//! Their actions re-enter the same session.

use std::sync::{Arc, OnceLock};

use distributed_scope::{ErrorKind, Limits, Peer, PeerId, RemoteError, distributed, here, remote};
use futures_util::future::{Either, join_all, ready, select};

use crate::support::{Listening, open};

const CALLS: usize = 60;
const RESULT: usize = 20 << 10;

/// The send queue is smaller than one result, so one block runs after the other. All calls may
/// wait meanwhile, if they arrive at once.
fn narrow() -> Limits {
    Limits::default().with_max_queued_bytes(RESULT - 1)
}

async fn connected(server: &Listening) -> Peer {
    // All calls are to be on their way at once.
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    client
}

#[distributed]
async fn small(on: PeerId) -> Result<usize, RemoteError> {
    remote!(on, [], { 1 }).await
}

#[distributed]
async fn calls_back(on: PeerId, home: PeerId, n: usize) -> Result<Vec<u8>, RemoteError> {
    remote!(on, [home, n], {
        match n % 3 {
            // Asks its caller, and waits.
            0 => assert_eq!(small(home).await?, 1),
            // Asks its caller, and gives up at once.
            1 => drop(select(Box::pin(small(home)), ready(())).await),
            // Asks this peer itself.
            _ => assert_eq!(small(here::peer()).await?, 1),
        }
        vec![7_u8; RESULT]
    })
    .await
}

#[actix_web::test]
async fn a_block_that_had_to_wait_for_room_may_call_give_up_and_call_itself() {
    let server = Listening::start(open().limits(narrow()));
    let client = connected(&server).await;
    let calls = (0..CALLS).map(|n| client.run(calls_back(server.peer.id(), client.id(), n)));
    for result in join_all(calls).await {
        assert_eq!(result.unwrap().len(), RESULT);
    }
}

#[distributed]
async fn stops_its_peer(on: PeerId, n: usize) -> Result<Vec<u8>, RemoteError> {
    remote!(on, [n], {
        if n == CALLS / 2 {
            let peer = here::data::<OnceLock<Peer>>()?.get().ok_or("it is there")?.clone();
            // Begins in place: the block that stops its peer ends with it.
            peer.stop().await;
        }
        vec![7_u8; RESULT]
    })
    .await
}

#[actix_web::test]
async fn a_block_that_had_to_wait_for_room_may_end_the_session_that_it_runs_for() {
    let own = Arc::new(OnceLock::new());
    let server = Listening::start(open().limits(narrow()).shared_data(Arc::clone(&own)));
    assert!(own.set(server.peer.clone()).is_ok());
    let client = connected(&server).await;
    let calls = (0..CALLS).map(|n| client.run(stops_its_peer(server.peer.id(), n)));
    let results = join_all(calls).await;
    let errors: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    assert!(!errors.is_empty(), "its own call cannot be answered");
    assert!(errors.iter().all(|error| *error.kind() == ErrorKind::Disconnected), "{errors:?}");
    assert!(results.iter().any(Result::is_ok), "those before it were answered");
}

#[distributed]
async fn drains_its_peer(on: PeerId, n: usize) -> Result<Vec<u8>, RemoteError> {
    remote!(on, [n], {
        if n == CALLS / 2 {
            let peer = here::data::<OnceLock<Peer>>()?.get().ok_or("it is there")?.clone();
            let draining = Box::pin(async move { peer.drain(std::time::Duration::from_secs(20)).await });
            // Polled in place, and then left to itself.
            if let Either::Right((_, draining)) = select(draining, ready(())).await {
                actix_web::rt::spawn(draining);
            }
        }
        vec![7_u8; RESULT]
    })
    .await
}

#[actix_web::test]
async fn a_block_that_had_to_wait_for_room_may_drain_its_peer() {
    let own = Arc::new(OnceLock::new());
    let server = Listening::start(open().limits(narrow()).shared_data(Arc::clone(&own)));
    assert!(own.set(server.peer.clone()).is_ok());
    let client = connected(&server).await;
    let calls = (0..CALLS).map(|n| client.run(drains_its_peer(server.peer.id(), n)));
    // Calls that had arrived are answered. All of them had arrived, or waited here and receive the
    // error that the peer is going away.
    for result in join_all(calls).await {
        match result {
            Ok(bytes) => assert_eq!(bytes.len(), RESULT),
            Err(error) => assert!(error.to_string().contains("going away"), "{error}"),
        }
    }
}
