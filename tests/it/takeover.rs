//! Which peer has a peer id if two claim it. A dead connection is replaced at once by a peer that
//! proves the same identity; a live one is not. The peer that has lost the id is notified.

use std::time::{Duration, Instant};

use distributed_scope::{
    Blocks, ConnectError, ErrorKind, KeyPair, Limits, LinkEnd, LinkStatus, Peer, PeerId, Reject, RemoteError,
    distributed, here, remote,
};
use futures_util::FutureExt;

use crate::proxy::Proxy;
use crate::support::{Listening, open};

#[distributed]
async fn echo(on: PeerId, n: u32) -> Result<u32, RemoteError> {
    remote!(on, [n], { n }).await
}

#[distributed]
async fn wait_for_ever(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], {
        here::data::<tokio::sync::Notify>()?.notify_one();
        std::future::pending::<()>().await
    })
    .without_timeout()
    .await
}

fn peer_of(key: &KeyPair) -> Peer {
    let limits = Limits::default().with_reconnect_delay(Duration::from_millis(1));
    Peer::builder(key.clone()).expose(Blocks::all()).limits(limits).start()
}

/// Its link goes dark and its process ends. The next process with its key does not wait until that
/// is noticed.
#[actix_web::test]
async fn key_takes_over_dead_session() {
    let server = Listening::start(open());
    let proxy = Proxy::start(server.address.clone()).await;
    let key = KeyPair::generate();
    let first = peer_of(&key);
    first.connect(proxy.url()).await.unwrap();
    server.peer.connected(key.peer_id()).await;
    proxy.stall(true);
    let begun = Instant::now();
    let second = peer_of(&key);
    second.connect(server.url()).await.unwrap();
    let elapsed = begun.elapsed();
    assert!(elapsed < Limits::default().idle_timeout / 2, "{elapsed:?}");
    assert_eq!(server.peer.run(echo(second.id(), 7)).await.unwrap(), 7);
}

/// If two live peers have one key, the first one stays, however often the other one tries.
#[actix_web::test]
async fn live_owner_keeps_its_session() {
    let server = Listening::start(open());
    let key = KeyPair::generate();
    let first = peer_of(&key);
    let link = first.keep_connected(server.url());
    link.connected().await.unwrap();
    let mut status = link.status();
    for _ in 0..3 {
        let error = peer_of(&key).connect(server.url()).await.unwrap_err();
        let is_refused =
            matches!(error, ConnectError::Refused { source: Reject::IdInUse { seconds: 0 }, .. });
        assert!(is_refused, "{error:?}");
    }
    assert!(status.changed().now_or_never().is_none(), "{}", status.get());
    assert_eq!(server.peer.run(echo(first.id(), 3)).await.unwrap(), 3);
}

/// A peer that reconnects and finds another owner of its key in its place is notified: its open
/// calls end, and it does not dial again.
#[actix_web::test]
async fn replaced_owner_is_told() {
    let running = std::sync::Arc::new(tokio::sync::Notify::new());
    let server = Listening::start(open().shared_data(running.clone()));
    let proxy = Proxy::start(server.address.clone()).await;
    let key = KeyPair::generate();
    let first = peer_of(&key);
    let link = first.keep_connected(proxy.url());
    let on = link.connected().await.unwrap();
    let call = first.run(wait_for_ever(on)).shared();
    assert!(call.clone().now_or_never().is_none());
    running.notified().await;
    proxy.refuse(true);
    proxy.cut_now();
    server.peer.disconnected(key.peer_id()).await;
    let second = peer_of(&key);
    second.connect(server.url()).await.unwrap();
    proxy.refuse(false);
    assert_eq!(*call.await.unwrap_err().kind(), ErrorKind::Disconnected);
    let mut status = link.status();
    let mut now = status.get();
    while let Some(next) = status.changed().await {
        now = next;
    }
    let LinkStatus::Ended(LinkEnd::Hopeless(ConnectError::Refused { source, .. })) = now else {
        panic!("{now}")
    };
    assert_eq!(source, Reject::Replaced);
    assert_eq!(server.peer.run(echo(second.id(), 4)).await.unwrap(), 4);
}

/// A name that was only claimed is not taken over, and the message says how long the other peer
/// may have to wait.
#[actix_web::test]
async fn claimed_name_is_refused_for_seconds() {
    let server = Listening::start(open());
    let proxy = Proxy::start(server.address.clone()).await;
    let first = open().start();
    first.connect(proxy.url()).await.unwrap();
    server.peer.connected(first.id()).await;
    proxy.stall(true);
    let second = Peer::builder(first.id()).start();
    let error = second.connect(server.url()).await.unwrap_err();
    let ConnectError::Refused { source: source @ Reject::IdInUse { seconds }, .. } = error else {
        panic!("{error:?}")
    };
    assert!((1..=34).contains(&seconds), "{seconds}");
    assert!(source.to_string().contains(&format!("the id is free in {seconds} s at most")), "{source}");
}
