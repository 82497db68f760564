//! A path that loses large packets, simulated by a proxy that reads the size of packets from the
//! sockets; `paths` has one with real packets.

use std::time::Duration;

use distributed_scope::{Limits, PeerId, RemoteError, distributed, remote};

use crate::resume::{Setup, counted, setup};

/// A path that loses large packets and lets small ones through, with an answer or with a question
/// that does not fit into one: each call at the default deadline gets its value, and runs once.
#[actix_web::test]
async fn narrow_path_costs_no_call() {
    #[distributed]
    async fn answer_of(on: PeerId, size: usize) -> Result<usize, RemoteError> {
        Ok(remote!(on, [size], { vec![7u8; size] }).await?.len())
    }
    let Setup { server, proxy, client, runs } = setup(Limits::default()).await;
    let on = server.peer.id();
    proxy.narrow(Some(1280));
    assert_eq!(client.run(answer_of(on, 2000)).await.unwrap(), 2000);
    // The server drops one more, by which a client learns of it that has nothing to ask.
    let connections = proxy.connections();
    assert!(connections <= 3, "{connections}");
    assert_eq!(client.run(counted(on, 1, 200_000)).await.unwrap().1.len(), 200_000);
    assert_eq!((runs.of(1), proxy.connections()), (1, connections), "the last one is as good as any");
}

/// The same with a question of the side that accepted, to a client that has nothing to ask.
#[actix_web::test]
async fn narrow_path_costs_no_call_to_the_dialler() {
    // The client says something each second, so it learns soon that its connection is no more.
    let limits = Limits::default().with_idle_timeout(Duration::from_secs(2));
    let Setup { server, proxy, client, .. } = setup(limits).await;
    proxy.narrow(Some(1280));
    #[distributed]
    async fn length(on: PeerId, bytes: Vec<u8>) -> Result<usize, RemoteError> {
        remote!(on, [bytes], { bytes.len() }).timeout(Duration::from_secs(60)).await
    }
    server.peer.connected(client.id()).await;
    assert_eq!(server.peer.run(length(client.id(), vec![7; 2000])).await.unwrap(), 2000);
}
