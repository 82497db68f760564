//! More concurrent calls than a connection allows: they wait.

use std::time::Duration;

use distributed_scope::{ErrorKind, Limits, Peer, PeerId, Ran, Refusal, RemoteError, distributed, remote};
use futures_util::future::join_all;

use crate::support::{Listening, open};

#[distributed]
async fn scatter(on: PeerId, files: Vec<Vec<u8>>) -> Vec<Result<usize, RemoteError>> {
    join_all(files.into_iter().map(|file| remote!(on, [file], { file.len() }))).await
}

#[distributed]
async fn scatter_fast(on: PeerId, files: Vec<Vec<u8>>) -> Vec<Result<usize, RemoteError>> {
    join_all(files.into_iter().map(|file| remote!(on, [file], { file.len() }).fail_fast())).await
}

#[distributed]
async fn scatter_back(on: PeerId, home: PeerId, count: usize) -> Result<usize, RemoteError> {
    remote!(on, [home, count], {
        let files = vec![vec![7; 1 << 20]; count];
        let lengths: Result<Vec<_>, _> = scatter(home, files).await.into_iter().collect();
        lengths?.len()
    })
    .await
}

/// A server, and a client whose calls may take long: the machine may be busy.
async fn pair(limits: Limits) -> (Listening, Peer) {
    let limits = limits.with_default_deadline(Duration::from_secs(120));
    let server = Listening::start(open().limits(limits.clone()));
    let client = open().limits(limits).start();
    client.connect(server.url()).await.unwrap();
    (server, client)
}

#[actix_web::test]
async fn calls_with_more_than_the_queue_takes_wait_for_room() {
    let (server, client) = pair(Limits::default()).await;
    for (count, size) in [(20, 1 << 20), (100, 64 << 10), (5, 5 << 20)] {
        let results = client.run(scatter(server.peer.id(), vec![vec![7; size]; count])).await;
        assert_eq!(results.into_iter().collect::<Result<Vec<_>, _>>().unwrap(), vec![size; count]);
    }
}

#[actix_web::test]
async fn calls_of_a_block_to_its_caller_wait_for_room() {
    let (server, client) = pair(Limits::default()).await;
    let (on, home) = (server.peer.id(), client.id());
    assert_eq!(client.run(scatter_back(on, home, 20)).await.unwrap(), 20);
}

#[actix_web::test]
async fn small_calls_beyond_those_that_may_be_open_wait_for_a_turn() {
    let (server, client) = pair(Limits::default().with_max_calls_in_flight(10)).await;
    let results = client.run(scatter(server.peer.id(), vec![vec![7; 3]; 500])).await;
    assert!(results.iter().all(|result| *result.as_ref().unwrap() == 3));
}

#[actix_web::test]
async fn calls_that_fail_fast_are_refused_where_there_is_no_room() {
    let (server, client) = pair(Limits::default()).await;
    let results = client.run(scatter_fast(server.peer.id(), vec![vec![7; 1 << 20]; 20])).await;
    let refused: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    assert!(!refused.is_empty());
    let is_full = |error: &RemoteError| matches!(error.kind(), ErrorKind::Refused(Refusal::QueueFull(_)));
    assert!(refused.iter().all(|error| is_full(error) && error.ran() == Ran::Never));
}
