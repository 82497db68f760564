//! Sessions: how they begin, which peers they wait for, and how their end affects open calls.

use std::error::Error;
use std::time::Duration;

use awc::Client;
use distributed_scope::{
    Blocks, ConnectError, ErrorKind, Limits, Peer, PeerId, Ran, Refusal, Reject, RemoteError, distributed,
    here, remote,
};
use futures_util::join;

use crate::support::{Listening, open, pair};

#[distributed]
async fn echo(on: PeerId, n: u32) -> Result<u32, RemoteError> {
    remote!(on, [n], { n }).await
}

#[actix_web::test]
async fn connect_returns_the_other_peer_when_calls_go_both_ways() {
    let server = Listening::start(open());
    let client = open().start();
    assert_eq!(client.connect(server.url()).await.unwrap(), server.peer.id());
    assert_eq!(client.run(echo(server.peer.id(), 1)).await.unwrap(), 1);
    assert_eq!(server.peer.run(echo(client.id(), 2)).await.unwrap(), 2);
}

#[actix_web::test]
async fn the_ordinary_routes_of_the_app_stay_what_they_were() {
    let server = Listening::start(open());
    let mut response = Client::new().get(format!("http://{}/health", server.address)).send().await.unwrap();
    assert_eq!(response.body().await.unwrap(), "ok");
}

#[actix_web::test]
async fn a_browser_that_opens_the_path_is_told_what_it_is() {
    let server = Listening::start(open());
    let mut response = Client::new().get(format!("http://{}/scope", server.address)).send().await.unwrap();
    assert_eq!(response.status(), 400);
    let body = response.body().await.unwrap();
    assert!(String::from_utf8_lossy(&body).contains("peer.connect"), "{body:?}");
}

#[actix_web::test]
async fn a_websocket_that_does_not_name_our_protocol_is_not_upgraded() {
    let server = Listening::start(open());
    let error = Client::new().ws(server.url()).connect().await.map(drop).unwrap_err();
    assert!(
        matches!(error, awc::error::WsClientError::InvalidResponseStatus(status) if status == 400),
        "{error}"
    );
}

#[actix_web::test]
async fn a_call_to_a_peer_that_is_not_connected_yet_waits_for_it() {
    let server = Listening::start(open());
    let client = open().start();
    let (result, connected) = join!(server.peer.run(echo(client.id(), 5)), async {
        // The call is waiting: it was polled before this.
        client.connect(server.url()).await
    });
    connected.unwrap();
    assert_eq!(result.unwrap(), 5);
}

#[actix_web::test]
async fn a_call_to_a_peer_that_never_comes_ends_at_its_deadline_and_did_not_run() {
    #[distributed]
    async fn impatient(on: PeerId) -> Result<(), RemoteError> {
        remote!(on, [], {}).timeout(Duration::from_millis(20)).await
    }
    let alone = open().start();
    let error = alone.run(impatient(PeerId::named("nobody"))).await.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::NotConnected, Ran::Never));
}

#[distributed]
async fn wait_for_ever(on: PeerId, started: PeerId) -> Result<(), RemoteError> {
    remote!(on, [started], {
        remote!(started, [], { here::data::<tokio::sync::Notify>()?.notify_one() }).await?;
        std::future::pending::<()>().await
    })
    .await
}

#[actix_web::test]
async fn closing_a_session_ends_its_open_calls_with_a_typed_error() {
    let server = Listening::start(open());
    let started = std::sync::Arc::new(tokio::sync::Notify::new());
    let client = open().shared_data(started.clone()).start();
    client.connect(server.url()).await.unwrap();
    let (result, ()) = join!(client.run(wait_for_ever(server.peer.id(), client.id())), async {
        started.notified().await;
        server.peer.stop().await;
    });
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::Disconnected, Ran::Maybe));
    assert_eq!(error.peer(), Some(server.peer.id()));
}

#[actix_web::test]
async fn a_peer_that_was_stopped_lets_nobody_in() {
    let server = Listening::start(open());
    server.peer.stop().await;
    let error = open().start().connect(server.url()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Refused { source: Reject::GoingAway, .. }), "{error}");
}

#[actix_web::test]
async fn a_live_peer_id_cannot_be_taken_over() {
    let (server, client) = pair().await;
    let impostor = Peer::builder(client.id()).expose(Blocks::all()).start();
    let error = impostor.connect(server.url()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Refused { source: Reject::IdInUse { .. }, .. }), "{error}");
    assert_eq!(server.peer.run(echo(client.id(), 3)).await.unwrap(), 3, "the true one is undisturbed");
}

#[actix_web::test]
async fn a_peer_cannot_connect_to_its_own_id() {
    let server = Listening::start(open());
    let twin = Peer::builder(server.peer.id()).start();
    let error = twin.connect(server.url()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Refused { source: Reject::OwnId, .. }), "{error}");
}

#[actix_web::test]
async fn a_peer_can_leave_and_come_back() {
    let (server, client) = pair().await;
    let id = client.id();
    client.stop().await;
    drop(client);
    let again = loop {
        // The server may not have noticed yet that the first one left.
        let again = Peer::builder(id).expose(Blocks::all()).start();
        match again.connect(server.url()).await {
            Ok(_) => break again,
            Err(ConnectError::Refused { source: Reject::IdInUse { .. }, .. }) => {}
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(server.peer.run(echo(again.id(), 4)).await.unwrap(), 4);
}

#[actix_web::test]
async fn connect_names_what_is_wrong_with_a_url_and_what_to_write() {
    let client = open().start();
    for (url, expected) in [
        ("http://localhost:1/scope", "its scheme is `http`"),
        ("localhost:1", "ws://host:port/path"),
        ("ws://localhost:99999/scope", "its port is no number from 0 to 65535"),
        ("ws:///scope", "is no WebSocket URL"),
        ("", "is no WebSocket URL"),
    ] {
        let error = client.connect(url).await.unwrap_err();
        assert!(matches!(error, ConnectError::Url { .. }), "{url}: {error}");
        assert!(error.to_string().contains(expected), "{url}: {error}");
    }
}

#[actix_web::test]
async fn connect_says_when_nothing_answers_and_when_it_is_no_peer() {
    let server = Listening::start(open());
    let client = open().start();
    let error = client.connect(format!("ws://{}/elsewhere", server.address)).await.unwrap_err();
    assert!(matches!(error, ConnectError::NotAPeer { status: 404, .. }), "{error}");
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = client.connect(format!("ws://127.0.0.1:{port}/scope")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
    assert!(error.source().is_some());
}

#[actix_web::test]
async fn a_server_that_accepts_and_says_nothing_is_given_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let limits = Limits::default().with_handshake_timeout(Duration::from_millis(50));
    let client = open().limits(limits).start();
    let error = client.connect(format!("ws://{}/scope", silent.local_addr().unwrap())).await.unwrap_err();
    assert!(matches!(error, ConnectError::TimedOut { .. }), "{error}");
}

#[actix_web::test]
async fn a_message_may_be_as_large_as_the_limit_and_no_larger() {
    #[distributed]
    async fn length(on: PeerId, bytes: Vec<u8>) -> Result<usize, RemoteError> {
        remote!(on, [bytes], { bytes.len() }).await
    }
    #[distributed]
    async fn zeros(on: PeerId, count: usize) -> Result<usize, RemoteError> {
        Ok(remote!(on, [count], { vec![0u8; count] }).await?.len())
    }
    let limits = Limits::default().with_max_message(1000);
    let server = Listening::start(open().limits(limits.clone()));
    let client = open().limits(limits).start();
    client.connect(server.url()).await.unwrap();
    // A message is 32 bytes of header, 3 of length and the bytes themselves.
    let largest = 1000 - 32 - 3;
    assert_eq!(client.run(length(server.peer.id(), vec![0; largest])).await.unwrap(), largest);
    assert_eq!(client.run(zeros(server.peer.id(), largest)).await.unwrap(), largest);
    let error = client.run(length(server.peer.id(), vec![0; largest + 1])).await.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::TooLarge { size: 1001, limit: 1000 }, Ran::Never));
    let error = client.run(zeros(server.peer.id(), largest + 1)).await.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::TooLarge { size: 1001, limit: 1000 }, Ran::Yes));
    assert_eq!(client.run(echo(server.peer.id(), 1)).await.unwrap(), 1, "the session goes on");
}

#[actix_web::test]
async fn one_call_more_than_the_limit_is_refused_and_did_not_run() {
    #[distributed]
    async fn wait(on: PeerId) -> Result<(), RemoteError> {
        remote!(on, [], { std::future::pending::<()>().await }).await
    }
    let limits = Limits::default().with_max_calls_served(3);
    let server = Listening::start(open().limits(limits));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    let mut open: Vec<_> = (0..3).map(|_| Box::pin(client.run(wait(server.peer.id())))).collect();
    for call in &mut open {
        assert!(futures_util::FutureExt::now_or_never(call).is_none());
    }
    let error = client.run(echo(server.peer.id(), 1)).await.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::Refused(Refusal::Overloaded(3)), Ran::Never));
    drop(open);
    assert_eq!(client.run(echo(server.peer.id(), 1)).await.unwrap(), 1, "cancelled calls make room");
}
