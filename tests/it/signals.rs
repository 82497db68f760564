//! What signals do to a process with a peer in it: it is asked to end, or it is stopped for a
//! while.
#![cfg(unix)]

use std::sync::Arc;
use std::time::Duration;

use actix_http::ws::{CloseCode, Frame, Message};
use distributed_scope::{
    Blocks, Builder, ErrorKind, Limits, Peer, PeerId, Ran, Refusal, RemoteError, distributed, remote,
};
use distributed_scope_core::handshake::{self, Us};
use futures_util::future::join_all;
use futures_util::{SinkExt, StreamExt, join};
use tokio::signal::unix::{SignalKind, signal};

use crate::lifecycle::{Gate, at_once};
use crate::process::{Process, say_where};
use crate::support::{Listening, open};

const NAME: &str = "DISTRIBUTED_SCOPE_TEST_SIGNALLED";

/// Does nothing in an ordinary run: it is what the other process runs. It shuts down gracefully on
/// SIGTERM.
#[actix_web::test]
async fn the_signalled_process() {
    let Ok(name) = std::env::var(NAME) else { return };
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    let server = Listening::start(Peer::builder(PeerId::named(&name)).expose(Blocks::all()));
    say_where(&server.url());
    terminate.recv().await;
    server.peer.drain(Duration::from_secs(60)).await;
    server.stop().await;
}

/// A server in a process of its own, and a client here that is connected to it.
async fn server_and_client(client: Builder) -> (Process, String, PeerId, Peer) {
    let client = client.start();
    let name = format!("signalled {}", client.id());
    let (process, url) = Process::start_server("signals::the_signalled_process", &[(NAME, &name)]);
    let on = client.connect(url.as_str()).await.unwrap();
    assert_eq!(on, PeerId::named(&name));
    (process, url, on, client)
}

/// A block that runs until a gate on the caller's side is opened.
#[distributed]
async fn held(on: PeerId, home: PeerId, n: u32) -> Result<u32, RemoteError> {
    remote!(on, [home, n], {
        remote!(home, [], { distributed_scope::here::data::<Gate>()?.pass().await }).await?;
        n
    })
    .timeout(Duration::from_secs(60))
    .await
}

#[actix_web::test]
async fn a_process_that_is_told_to_end_answers_its_thousand_calls_and_then_ends_in_success() {
    const CALLS: u32 = 1000;
    let gate = Arc::new(Gate::default());
    let (process, url, on, client) = server_and_client(open().shared_data(Arc::clone(&gate))).await;
    let mut bystander = introduced(&url).await;
    let calls = join_all((0..CALLS).map(|n| client.run(held(on, client.id(), n))));
    let told = async {
        gate.until_running(CALLS).await;
        process.signal("TERM");
        // Calls get through until it has begun to leave.
        let refused = loop {
            if let Err(error) = client.run(at_once(on)).await {
                break error;
            }
        };
        assert_eq!(*refused.kind(), ErrorKind::Refused(Refusal::GoingAway), "{refused}");
        assert_eq!(refused.ran(), Ran::Never);
        gate.let_go(CALLS as usize);
    };
    let (answers, ()) = join!(calls, told);
    assert!(answers.into_iter().zip(0..).all(|(answer, n)| answer.unwrap() == n));
    let goodbye = loop {
        if let Frame::Close(goodbye) = bystander.next().await.expect("it says goodbye").unwrap() {
            break goodbye;
        }
    };
    assert_eq!(goodbye.unwrap().code, CloseCode::Away, "1001");
    bystander.close().await.unwrap();
    drop(bystander);
    assert!(process.end().await.success());
}

/// A connection that has a session and sees every frame of it.
async fn introduced(url: &str) -> actix_codec::Framed<awc::BoxedSocket, actix_http::ws::Codec> {
    let (_, mut connection) =
        awc::Client::new().ws(url).protocols(["distributed-scope.v1"]).connect().await.unwrap();
    let us = Us::new(&PeerId::random().into(), &Limits::default(), 0);
    let Frame::Binary(invitation) = connection.next().await.unwrap().unwrap() else {
        panic!("no invitation")
    };
    let (hello, introduced) = handshake::answer(&us, None, invitation).unwrap().unwrap();
    connection.send(Message::Binary(hello)).await.unwrap();
    let Frame::Binary(welcome) = connection.next().await.unwrap().unwrap() else { panic!("no welcome") };
    introduced.welcomed(&us, welcome).unwrap().unwrap();
    // The connection is the session's when both sides have spoken on it.
    let word = distributed_scope_core::frame::Frame::Ack(0).encode();
    connection.send(Message::Binary(word)).await.unwrap();
    connection
}

#[actix_web::test]
async fn calls_to_a_process_that_is_stopped_end_as_disconnected() {
    // No peer will reconnect in time, so no session waits for one.
    let limits = Limits::default()
        .with_idle_timeout(Duration::from_millis(500))
        .with_resume_window(Duration::from_millis(100));
    let gate = Arc::new(Gate::default());
    let client = open().limits(limits).shared_data(Arc::clone(&gate));
    let (process, _, on, client) = server_and_client(client).await;
    let calls = join_all((0..10).map(|n| client.run(held(on, client.id(), n))));
    let (results, ()) = join!(calls, async {
        gate.until_running(10).await;
        process.signal("STOP");
    });
    for result in results {
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.ran()), (&ErrorKind::Disconnected, Ran::Maybe), "{error}");
    }
    process.signal("CONT");
}

#[actix_web::test]
async fn a_process_that_is_stopped_for_less_than_the_silence_is_not_cut_off() {
    let (process, _, on, client) = server_and_client(open()).await;
    process.signal("STOP");
    let calls = join_all((0..10).map(|_| client.run(at_once(on))));
    let (results, ()) = join!(calls, async {
        // The fault: it is away for so long, which is much less than the 30 s after which it is
        // taken for
        // dead.
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(client.peers(), [on]);
        process.signal("CONT");
    });
    assert!(results.into_iter().all(|result| result.is_ok()));
}
