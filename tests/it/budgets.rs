//! The memory limit of a message's value.

use distributed_scope::{ErrorKind, Limits, PeerId, Ran, Refusal, RemoteError, distributed, remote};

use crate::support::{Listening, open};

/// A byte for each on the wire, and 80 bytes in memory.
type Sparse = Vec<Option<[u64; 9]>>;

#[distributed]
async fn send(on: PeerId, sparse: Sparse) -> Result<usize, RemoteError> {
    remote!(on, [sparse], { sparse.len() }).await
}

#[distributed]
async fn bring(on: PeerId, count: usize) -> Result<Sparse, RemoteError> {
    remote!(on, [count], { vec![None::<[u64; 9]>; count] }).await
}

#[actix_web::test]
async fn a_value_that_takes_more_memory_than_its_peer_spends_is_refused_where_it_arrives() {
    let frugal = || open().limits(Limits::default().with_max_decode_memory(1 << 10));
    let (server, client) = (Listening::start(frugal()), open().start());
    client.connect(server.url()).await.unwrap();
    let on = server.peer.id();
    assert_eq!(client.run(send(on, vec![None; 10])).await.unwrap(), 10);
    let error = client.run(send(on, vec![None; 1000])).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused(Refusal::DecodeCaptures(_))), "{error}");
    assert_eq!(error.ran(), Ran::Never);
    assert_eq!(client.run(bring(on, 1000)).await.unwrap().len(), 1000, "this one spends more");
    let error = server.peer.run(bring(client.id(), 1000)).await.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::DecodeResult, Ran::Yes), "{error}");
}
