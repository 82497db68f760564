//! Calls between two peers whose connection fails.

use std::sync::Arc;
use std::time::Duration;

use distributed_scope::{ErrorKind, Limits, Peer, PeerId, Ran, RemoteError, distributed, here, remote};
use tokio::sync::Notify;

use crate::proxy::{Proxy, Way};
use crate::support::{Listening, open};

/// A server, a client, and the proxy between them.
async fn pair_by_proxy(limits: Limits) -> (Listening, Proxy, Peer, Arc<Notify>) {
    let server = Listening::start(open().limits(limits.clone()));
    let proxy = Proxy::start(server.address.clone()).await;
    let running = Arc::new(Notify::new());
    let client = open().limits(limits).shared_data(Arc::clone(&running)).start();
    client.connect(proxy.url()).await.unwrap();
    (server, proxy, client, running)
}

#[distributed]
async fn wait_for_ever(on: PeerId, tell: PeerId) -> Result<(), RemoteError> {
    remote!(on, [tell], {
        remote!(tell, [], { here::data::<Notify>()?.notify_one() }).await?;
        std::future::pending::<()>().await
    })
    .await
}

#[distributed]
async fn reversed(on: PeerId, bytes: Vec<u8>) -> Result<Vec<u8>, RemoteError> {
    remote!(on, [bytes], { bytes.into_iter().rev().collect::<Vec<u8>>() }).await
}

#[actix_web::test]
async fn an_open_call_ends_as_disconnected_when_its_connection_is_cut_and_does_not_come_back() {
    let limits = Limits::default().with_resume_window(Duration::from_millis(200));
    for by_reset in [false, true] {
        let (server, proxy, client, running) = pair_by_proxy(limits.clone()).await;
        proxy.by_reset(by_reset);
        let call = client.run(wait_for_ever(server.peer.id(), client.id()));
        let (result, ()) = futures_util::join!(call, async {
            running.notified().await;
            proxy.refuse(true);
            proxy.cut_now();
        });
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.ran()), (&ErrorKind::Disconnected, Ran::Maybe), "{by_reset}");
    }
}

#[actix_web::test]
async fn a_call_through_a_connection_of_single_bytes_and_delays_has_its_result() {
    let (server, proxy, client, _) = pair_by_proxy(Limits::default()).await;
    proxy.slice(true);
    proxy.delay(Way::ToServer, Duration::from_millis(5));
    proxy.delay(Way::ToClient, Duration::from_millis(5));
    let bytes: Vec<u8> = (0..2000).map(|n| n as u8).collect();
    let mut expected = bytes.clone();
    expected.reverse();
    assert_eq!(client.run(reversed(server.peer.id(), bytes)).await.unwrap(), expected);
}

#[actix_web::test]
async fn a_session_begins_through_a_connection_of_single_bytes() {
    let server = Listening::start(open());
    let proxy = Proxy::start(server.address.clone()).await;
    proxy.slice(true);
    let client = open().start();
    assert_eq!(client.connect(proxy.url()).await.unwrap(), server.peer.id());
}
