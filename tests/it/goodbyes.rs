//! Peers that end because the program has dropped all handles to them, and programs that just end.

use std::future::pending;
use std::time::Duration;

use actix_web::{App, HttpServer};
use distributed_scope::{
    ErrorKind, Limits, Peer, PeerId, Ran, RemoteError, distributed, here, on_connect, remote,
};
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use crate::process::{Process, say_where};
use crate::support::{Listening, open, pair};

const URL: &str = "DISTRIBUTED_SCOPE_TEST_SHORT";
const ENDS: &str = "DISTRIBUTED_SCOPE_TEST_ENDS";

/// A session that waits for its peer does so for longer than any test.
fn patient() -> Limits {
    Limits::default().with_resume_window(Duration::from_secs(3600))
}

#[distributed]
async fn echo(on: PeerId, n: u32) -> Result<u32, RemoteError> {
    remote!(on, [n], { n }).await
}

struct Running(Semaphore);

#[distributed]
async fn hang(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], {
        here::data::<Running>()?.0.add_permits(1);
        pending::<()>().await;
    })
    .await
}

/// Waits until a peer has no session, with or without a connection.
async fn until_no_session(peer: &Peer) {
    while !peer.sessions().is_empty() {
        tokio::task::yield_now().await;
    }
}

/// The sessions of 100 peers whose only handle was dropped are over, and so are the calls that
/// they ran.
#[actix_web::test]
async fn dropped_peers_leave_no_sessions() {
    let running = std::sync::Arc::new(Running(Semaphore::new(0)));
    let server = Listening::start(open().limits(patient()));
    let start = async || {
        let client = open().limits(patient()).shared_data(running.clone()).start();
        client.connect(server.url()).await.unwrap();
        client
    };
    let clients = join_all((0..100).map(|_| start())).await;
    let calls = join_all(clients.iter().map(|client| server.peer.run(hang(client.id()))));
    let dropping = async {
        running.0.acquire_many(100).await.unwrap().forget();
        drop(clients);
    };
    let (answers, ()) = futures_util::join!(calls, dropping);
    for error in answers.into_iter().map(Result::unwrap_err) {
        assert_eq!((error.kind(), error.ran()), (&ErrorKind::Disconnected, Ran::Maybe), "{error}");
    }
    until_no_session(&server.peer).await;
}

/// A peer does not end while a link, an open call, a handle in a task or a service holds it.
#[actix_web::test]
async fn held_peer_does_not_end() {
    let server = Listening::start(open().limits(patient()));
    let on = server.peer.id();
    // A handle of a link.
    let client = open().start();
    let id = client.id();
    let link = client.keep_connected(server.url());
    link.connected().await.unwrap();
    drop(client);
    assert_eq!(server.peer.run(echo(id, 1)).await.unwrap(), 1);
    drop(link);
    until_no_session(&server.peer).await;
    // A future that was not awaited yet, and its calls.
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    let id = client.id();
    let call = client.run(echo(on, 2));
    drop(client);
    assert_eq!(server.peer.run(echo(id, 3)).await.unwrap(), 3);
    assert_eq!(call.await.unwrap(), 2);
    until_no_session(&server.peer).await;
}

/// The server's program needs no handle besides the service in its app.
#[actix_web::test]
async fn served_peer_does_not_end() {
    let peer = open().start();
    let on = peer.id();
    let server = HttpServer::new(move || App::new().service(peer.service("/scope")))
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .unwrap();
    let url = format!("ws://{}/scope", server.addrs()[0]);
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    let client = open().start();
    client.connect(url).await.unwrap();
    for n in 0..3 {
        assert_eq!(client.run(echo(on, n)).await.unwrap(), n);
    }
    handle.stop(false).await;
}

/// Blocks that run for another peer do not keep the peer alive on which they run.
#[actix_web::test]
async fn last_call_ends_with_handle() {
    let (server, client) = pair().await;
    let id = client.id();
    assert_eq!(server.peer.run(echo(id, 1)).await.unwrap(), 1);
    drop(client);
    until_no_session(&server.peer).await;
}

/// Does nothing in an ordinary run: it is what the other process runs, a short program.
#[actix_web::test]
async fn the_short_process() {
    let Ok(url) = std::env::var(URL) else { return };
    let peer = open().start();
    let on = peer.connect(url).await.unwrap();
    assert_eq!(peer.run(echo(on, 5)).await.unwrap(), 5);
}

/// Programs that connect, make a call and return from `main` leave no session, and so do not lock
/// out those that come after them.
#[actix_web::test]
async fn short_programs_leave_no_sessions() {
    let server = Listening::start(open().limits(patient()));
    let url = server.url();
    for _ in 0..64 {
        let four = (0..4).map(|_| Process::start("goodbyes::the_short_process", &[(URL, &url)]).end());
        assert!(join_all(four).await.iter().all(|status| status.success()));
    }
    until_no_session(&server.peer).await;
    let next = open().start();
    next.connect(url).await.unwrap();
}

/// Does nothing in an ordinary run: it is what the other process runs, a server that ends while a
/// call runs, without `serve`, `drain` or `stop`.
#[actix_web::test]
async fn the_ending_server() {
    if std::env::var_os(ENDS).is_none() {
        return;
    }
    let running = std::sync::Arc::new(Running(Semaphore::new(0)));
    let peer = open().shared_data(running.clone()).start();
    let served = peer.clone();
    let server = HttpServer::new(move || App::new().service(served.service("/scope")))
        .on_connect(on_connect)
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .unwrap();
    say_where(&format!("ws://{}/scope", server.addrs()[0]));
    actix_web::rt::spawn(server.run());
    running.0.acquire().await.unwrap().forget();
}

/// A server that returns from `main` ends the sessions that others have opened: their calls end at
/// once, with the reason.
#[actix_web::test]
async fn server_that_returns_from_main_ends_its_sessions() {
    for _ in 0..4 {
        let client = open().limits(patient()).start();
        let (process, url) = Process::start_server("goodbyes::the_ending_server", &[(ENDS, "1")]);
        let on = client.connect(url).await.unwrap();
        // Its result is not acknowledged yet when the server ends.
        assert_eq!(client.run(echo(on, 1)).await.unwrap(), 1);
        let error = client.run(hang(on)).await.unwrap_err();
        assert_eq!((error.kind(), error.ran()), (&ErrorKind::Disconnected, Ran::Maybe), "{error}");
        let text = format!("{error:#}");
        assert!(text.ends_with("ended by the other side: the program has ended"), "{text}");
        assert!(process.end().await.success());
    }
}
