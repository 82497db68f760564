//! `Builder::observe_served`: a report of each block that a peer ran.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use distributed_scope::{
    ErrorKind, Peer, PeerId, RemoteError, ServedOutcome, ServedReport, distributed, remote,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::support::{Listening, open};

#[distributed]
async fn double(on: PeerId, n: u32) -> Result<u32, RemoteError> {
    remote!(on, [n], { n * 2 }).await
}

#[distributed]
async fn compute(on: PeerId, n: u32) -> Result<u32, RemoteError> {
    remote!(
        on,
        [n],
        #[block(blocking)]
        {
            n * 2
        }
    )
    .await
}

#[distributed]
async fn fails(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], {
        if std::env::args().count() > 0 {
            return Err(std::io::Error::other("on purpose").into());
        }
    })
    .await
}

#[distributed]
async fn panics(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], { assert_eq!(std::env::args().count(), usize::MAX, "on purpose") }).await
}

#[distributed]
async fn waits(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], { std::future::pending::<()>().await }).timeout(Duration::from_millis(50)).await
}

#[distributed(require = authenticated)]
async fn secret(on: PeerId) -> Result<u32, RemoteError> {
    remote!(on, [], { 1u32 }).await
}

#[distributed]
async fn nested(server: PeerId, client: PeerId) -> Result<u32, RemoteError> {
    remote!(server, [client], { remote!(client, [], { 3u32 }).await? }).await
}

/// A server whose reports arrive here.
fn observed() -> (Listening, UnboundedReceiver<ServedReport>) {
    let (sender, reports) = unbounded_channel();
    let server = Listening::start(open().observe_served(move |report: &ServedReport| {
        // The test may have ended.
        let _ = sender.send(report.clone());
    }));
    (server, reports)
}

async fn connected(server: &Listening) -> Peer {
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    client
}

#[actix_web::test]
async fn each_end_of_a_block_is_reported() {
    let (server, mut reports) = observed();
    let (client, id) = (connected(&server).await, server.peer.id());
    client.run(double(id, 2)).await.unwrap();
    client.run(compute(id, 2)).await.unwrap();
    assert_eq!(*client.run(fails(id)).await.unwrap_err().kind(), ErrorKind::Raised);
    assert_eq!(*client.run(panics(id)).await.unwrap_err().kind(), ErrorKind::Panicked);
    assert_eq!(*client.run(waits(id)).await.unwrap_err().kind(), ErrorKind::DeadlineExceeded);
    for (function, outcome) in [
        ("double", ServedOutcome::Value),
        ("compute", ServedOutcome::Value),
        ("fails", ServedOutcome::Raised),
        ("panics", ServedOutcome::Panicked),
        ("waits", ServedOutcome::Dropped),
    ] {
        let report = reports.recv().await.unwrap();
        assert!(report.block.path.contains(function), "{function}: {report:?}");
        assert_eq!((report.outcome, report.hop), (outcome, 0), "{function}");
        assert_eq!((report.peer, report.caller), (id, client.id()), "{function}");
    }
}

/// A block that does not run is not reported, and calls of a peer on itself are.
#[actix_web::test]
async fn only_blocks_that_ran_are_reported() {
    let (server, mut reports) = observed();
    let (client, id) = (connected(&server).await, server.peer.id());
    client.run(secret(id)).await.unwrap_err();
    server.peer.run(double(id, 4)).await.unwrap();
    let report = reports.recv().await.unwrap();
    assert_eq!((report.caller, report.outcome), (id, ServedOutcome::Value));
    assert!(report.block.path.contains("double"), "{report:?}");
}

/// A hop that a block makes is reported where it ran, before the block that made it.
#[actix_web::test]
async fn hops_are_reported_where_they_ran() {
    let all = Arc::new(Mutex::new(Vec::new()));
    let observe = |all: &Arc<Mutex<Vec<_>>>| {
        let all = Arc::clone(all);
        move |report: &ServedReport| all.lock().unwrap().push((report.peer, report.hop))
    };
    let server = Listening::start(open().observe_served(observe(&all)));
    let client = open().observe_served(observe(&all)).start();
    client.connect(server.url()).await.unwrap();
    assert_eq!(client.run(nested(server.peer.id(), client.id())).await.unwrap(), 3);
    assert_eq!(*all.lock().unwrap(), [(client.id(), 1), (server.peer.id(), 0)]);
}

/// An observer that panics harms no call.
#[actix_web::test]
async fn observer_may_panic() {
    let server = Listening::start(open().observe_served(|_: &ServedReport| panic!("on purpose")));
    let client = connected(&server).await;
    assert_eq!(client.run(double(server.peer.id(), 2)).await.unwrap(), 4);
    assert_eq!(client.run(double(server.peer.id(), 3)).await.unwrap(), 6);
}
