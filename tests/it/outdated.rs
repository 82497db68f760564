//! Two programs with different versions of the protocol: the client learns it, and does not dial
//! again.

use std::convert::Infallible;
use std::future::ready;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use actix_web::rt::task::spawn_blocking;
use distributed_scope::{
    Blocks, ConnectError, Denied, Endpoint, ErrorKind, Limits, Peer, PeerId, Reject, RemoteError, Upgrade,
    distributed, remote,
};
use distributed_scope_core::frame::Frame;
use distributed_scope_core::handshake::Invitation;
use futures_util::join;
use tokio::sync::oneshot;

use crate::raw::{Answer, upgrade};
use crate::raw_server::{accept, close, hear, say};
use crate::redials::{Warnings, welcome};
use crate::support::{Listening, open};

/// What a server of version 2 says when it closes.
const NEWER: &str = "distributed-scope.v2 is what this server speaks";

#[distributed]
async fn echo(on: PeerId, n: u32) -> Result<u32, RemoteError> {
    remote!(on, [n], { n }).await
}

/// Asks for an upgrade as a client of another version, off the thread that the server's peer
/// needs.
async fn ask(server: &Listening, protocols: &'static str, headers: &'static [(&str, &str)]) -> Answer {
    let address = server.address.clone();
    spawn_blocking(move || upgrade(&address, protocols, headers)).await.unwrap()
}

/// How the server closes: the code and the reason.
fn closed(stream: &mut TcpStream) -> (u16, String) {
    let mut head = [0; 2];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(head[0], 0x88, "a close frame");
    let mut payload = vec![0; usize::from(head[1])];
    stream.read_exact(&mut payload).unwrap();
    let reason = String::from_utf8(payload.split_off(2)).unwrap();
    (u16::from_be_bytes([payload[0], payload[1]]), reason)
}

/// Answers the server's goodbye, and waits until the server has closed.
fn part(mut stream: TcpStream) {
    stream.write_all(&[0x88, 0x80, 0, 0, 0, 0]).unwrap();
    assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), 0);
}

/// A client of version 2 is upgraded with a subprotocol that it offers, receives our version, and
/// is closed. It is not authenticated before.
#[actix_web::test]
async fn client_of_another_version_is_told_ours() {
    let builder = Peer::builder(PeerId::random()).expose(Blocks::all());
    let server = Listening::start(
        builder.authenticate(|_: Upgrade| ready(Err(Denied::unauthenticated("the token has expired")))),
    );
    let answer = ask(&server, "distributed-scope.v2, bearer.YWJj", &[]).await;
    assert_eq!(answer.status, 101, "{}", answer.text);
    assert_eq!(answer.header("sec-websocket-protocol"), Some("distributed-scope.v2"));
    let (code, reason) = spawn_blocking(move || {
        let mut stream = answer.stream;
        let closed = closed(&mut stream);
        part(stream);
        closed
    })
    .await
    .unwrap();
    assert_eq!(code, 4505);
    assert!(reason.starts_with("distributed-scope.v1 "), "{reason}");
    assert!(server.peer.peers().is_empty());
    assert_eq!(ask(&server, "distributed-scope.v1", &[]).await.status, 401, "one of ours is asked");
}

/// A client of another version passes the same origin check as others, and counts against the
/// limits until it is gone.
#[actix_web::test]
async fn outdated_client_is_limited_like_others() {
    let limits =
        Limits::default().with_max_sessions_per_address(1).with_handshake_timeout(Duration::from_secs(60));
    let server = Listening::start(open().limits(limits));
    let foreign = ask(&server, "distributed-scope.v2", &[("Origin", "https://elsewhere.example")]).await;
    assert_eq!(foreign.status, 403, "{}", foreign.text);
    let first = ask(&server, "distributed-scope.v2", &[]).await;
    assert_eq!(first.status, 101, "{}", first.text);
    assert_eq!(ask(&server, "distributed-scope.v2", &[]).await.status, 429);
    spawn_blocking(move || {
        let mut stream = first.stream;
        closed(&mut stream);
        part(stream);
    })
    .await
    .unwrap();
    // The place is given back at about the time at which the connection is closed.
    while ask(&server, "distributed-scope.v2", &[]).await.status != 101 {}
}

/// Tells a client something, with which its connection ends, and gives the error of its `connect`.
async fn told(answer: impl FnOnce(&mut TcpStream) + Send + 'static) -> ConnectError {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/scope", listener.local_addr().unwrap());
    let server = spawn_blocking(move || {
        let mut stream = accept(&listener);
        answer(&mut stream);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let error = open().start().connect(url).await.unwrap_err();
    server.await.unwrap();
    error
}

/// However a server of version 2 says so, `connect` ends with the same error, which names both
/// versions and the older side.
#[actix_web::test]
async fn server_of_another_version_is_outdated() {
    let challenge = |stream: &mut TcpStream| say(stream, b"\x0bdscp\x02\x00and what only version 2 knows");
    let reject = |stream: &mut TcpStream| {
        say(stream, &Invitation::new().frame());
        hear(stream);
        say(stream, &Frame::Reject(Reject::Version { ours: 1, theirs: 2 }).encode());
    };
    let welcome = |stream: &mut TcpStream| {
        say(stream, &Invitation::new().frame());
        hear(stream);
        say(stream, b"\x02dscp\x02\x00of this peer, and what only version 2 knows");
    };
    for error in [
        told(|stream| close(stream, 4505, NEWER)).await,
        told(challenge).await,
        told(reject).await,
        told(welcome).await,
    ] {
        assert!(matches!(error, ConnectError::Outdated { ours: 1, theirs: 2, .. }), "{error:?}");
        assert!(error.is_outdated());
        assert!(error.to_string().ends_with("this program is older; update it"), "{error}");
    }
    for (code, reason) in [(4505, "no version"), (4505, "distributed-scope.v1"), (4000, NEWER)] {
        let error = told(move |stream| close(stream, code, reason)).await;
        assert!(matches!(error, ConnectError::Closed { .. }), "{code} {reason}: {error:?}");
    }
}

/// A session that waits for another connection ends as soon as the server turns out to be of
/// another version: its open call ends, one warning is logged, and the client does not dial again.
#[actix_web::test]
async fn waiting_session_ends_when_outdated() {
    let (warnings, _guard) = Warnings::collect();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/scope", listener.local_addr().unwrap());
    let (server_id, client) = (PeerId::random(), open().start());
    let server = spawn_blocking(move || {
        let mut stream = welcome(&listener, server_id);
        while !matches!(Frame::decode(hear(&mut stream)).unwrap(), Frame::Invoke(_)) {}
        drop(stream);
        let mut stream = accept(&listener);
        close(&mut stream, 4505, NEWER);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    // The endpoint is dropped when no task dials with it any more.
    let (held, is_dropped) = oneshot::channel::<()>();
    let endpoint = Endpoint::new(url).bearer_from(move || {
        let _ = &held;
        ready(Ok::<_, Infallible>("token".to_owned()))
    });
    let (result, connected) = join!(client.run(echo(server_id, 1)), client.connect(endpoint));
    assert_eq!(connected.unwrap(), server_id);
    assert_eq!(result.unwrap_err().kind(), &ErrorKind::Disconnected);
    is_dropped.await.unwrap_err();
    server.await.unwrap();
    let lines = warnings.lines();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].contains("speaks version 2"), "{lines:#?}");
}
