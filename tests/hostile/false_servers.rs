//! Servers that impersonate another peer.

use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use distributed_scope::{
    ConnectError, Endpoint, ErrorKind, KeyPair, Limits, PeerId, Ran, RemoteError, distributed, remote,
};
use distributed_scope_core::frame::{CallId, Frame, Mac, Opened, SessionId, Token, Welcome};
use distributed_scope_core::handshake::{Guest, Invitation, Us};

use crate::frames::us;
use crate::raw_server::{accept, hear, say, try_hear};
use crate::scripts::{self, Scripts};
use crate::support::open;

/// The dialling peer, as the false server sees it.
fn guest(us: &Us, invitation: Invitation, hello: Bytes) -> Guest {
    invitation.accept(us, hello).unwrap().unwrap()
}

fn welcome(us: &Us, guest: &Guest) -> Bytes {
    guest.welcome(us, (SessionId::random(), Token::random()), std::time::Duration::ZERO)
}

fn changed(welcome: Bytes, change: impl FnOnce(&mut Welcome)) -> Bytes {
    let Frame::Welcome(mut welcome) = Frame::decode(welcome).unwrap() else { panic!("no welcome") };
    change(&mut welcome);
    Frame::Welcome(welcome).encode()
}

/// The result of an honest peer that wants `wanted`, when a server answers its hello with
/// `answer`.
async fn told(
    honest: impl Into<distributed_scope::Identity>,
    wanted: Option<PeerId>,
    answer: impl FnOnce(Invitation, Bytes) -> Bytes + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::new(format!("ws://{}/scope", listener.local_addr().unwrap()));
    let endpoint = wanted.map_or(endpoint.clone(), |wanted| endpoint.peer(wanted));
    let server = actix_web::rt::task::spawn_blocking(move || {
        let mut stream = accept(&listener);
        let invitation = Invitation::new();
        say(&mut stream, &invitation.frame());
        let hello = hear(&mut stream);
        say(&mut stream, &answer(invitation, hello));
        // Until the client has closed.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let client = distributed_scope::Peer::builder(honest).start();
    let error = client.connect(endpoint).await.unwrap_err();
    assert!(client.peers().is_empty());
    server.await.unwrap();
    match error {
        ConnectError::Refused { source, .. } => scripts::reject(&source),
        ConnectError::Closed { .. } => "the connection is closed".to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Welcomes each peer that dials, reads up to its first call, and hangs up. Counts the calls it
/// has read.
fn hang_up(listener: &TcpListener, calls: &AtomicUsize) {
    let us = us(PeerId::named("hangs up"));
    loop {
        let mut stream = accept(listener);
        let invitation = Invitation::new();
        say(&mut stream, &invitation.frame());
        let guest = guest(&us, invitation, hear(&mut stream));
        say(&mut stream, &welcome(&us, &guest));
        while let Some(message) = try_hear(&mut stream) {
            if let Ok(Frame::Invoke(_)) = Frame::decode(message) {
                calls.fetch_add(1, Ordering::Relaxed);
                break;
            }
        }
    }
}

#[distributed]
async fn one(on: PeerId) -> Result<u8, RemoteError> {
    remote!(on, [], { 1 }).idempotent().without_timeout().await
}

/// A call that may be repeated is repeated a few times, with pauses. A server cannot cause
/// unlimited repetitions.
#[actix_web::test]
async fn repeats_of_a_call_have_an_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/scope", listener.local_addr().unwrap());
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    std::thread::spawn(move || hang_up(&listener, &counted));
    let limits = Limits::default().with_reconnect_delay(Duration::from_millis(5));
    let client = open().limits(limits).start();
    let on = client.connect(url).await.unwrap();
    let begun = std::time::Instant::now();
    let error = client.run(one(on)).await.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::Disconnected, Ran::Maybe), "{error:#}");
    assert_eq!(calls.load(Ordering::Relaxed), 6);
    assert!(begun.elapsed() >= Duration::from_millis(5 + 10 + 20 + 40));
}

/// The result of a client when a server gives its session the id of a session that the client has
/// with another server.
async fn of_another_session() -> String {
    let ticket = (SessionId::random(), Token::random());
    let client = distributed_scope::Peer::builder(PeerId::random()).start();
    let mut codes = Vec::new();
    let mut servers = Vec::new();
    for _ in 0..2 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = Endpoint::new(format!("ws://{}/scope", listener.local_addr().unwrap()));
        servers.push(actix_web::rt::task::spawn_blocking(move || {
            let mut stream = accept(&listener);
            let (us, invitation) = (us(PeerId::random()), Invitation::new());
            say(&mut stream, &invitation.frame());
            let hello = hear(&mut stream);
            say(&mut stream, &guest(&us, invitation, hello).welcome(&us, ticket, std::time::Duration::ZERO));
            let _ = stream.read_to_end(&mut Vec::new());
        }));
        codes.push(match client.connect(endpoint).await {
            Ok(_) => "let in".to_owned(),
            Err(ConnectError::Refused { source, .. }) => scripts::reject(&source),
            Err(other) => panic!("{other:?}"),
        });
    }
    assert_eq!(client.peers().len(), 1, "the first one is still there");
    assert_eq!(codes[0], "let in");
    client.stop().await;
    for server in servers {
        server.await.unwrap();
    }
    codes.remove(1)
}

#[actix_web::test]
async fn a_server_that_is_not_who_it_says_gets_no_session() {
    let mut played = Scripts::default();
    let key = KeyPair::generate();
    let victim = key.peer_id();
    let me = PeerId::random;
    let code = told(me(), None, move |invitation, hello| {
        let us = us(victim);
        welcome(&us, &guest(&us, invitation, hello))
    });
    played.refused("has an id that is made of a key, and no key", code.await);
    let code = told(me(), None, move |invitation, hello| {
        let us = us(KeyPair::generate());
        changed(welcome(&us, &guest(&us, invitation, hello)), |welcome| welcome.from.peer = victim)
    });
    played.refused("has it with another key", code.await);
    let code = told(me(), Some(victim), move |invitation, hello| {
        let us = us(KeyPair::generate());
        welcome(&us, &guest(&us, invitation, hello))
    });
    played.refused("has a key of its own, where another peer is wanted", code.await);
    let code = told(me(), Some(victim), move |_, hello| {
        // The victim's own answer to the same hello, after another challenge.
        let us = us(key);
        welcome(&us, &guest(&us, Invitation::new(), hello))
    });
    played.refused("says the welcome of another handshake again", code.await);
    let own = me();
    let code = told(own, None, move |invitation, hello| {
        let guest = guest(&us(me()), invitation, hello);
        welcome(&us(own), &guest)
    });
    played.refused("has the id of the client", code.await);
    let code = told(me(), None, move |invitation, hello| {
        let us = us(PeerId::random());
        changed(welcome(&us, &guest(&us, invitation, hello)), |welcome| {
            welcome.opened = Opened::Resumed { received: 0, mac: Mac([0; 32]) };
        })
    });
    played.refused("goes on with a session that there never was", code.await);
    let code = told(me(), None, |_, _| Frame::Cancel(CallId(0)).encode());
    played.refused("does something before it has welcomed", code.await);
    let code = told(me(), None, |_, _| Invitation::new().frame());
    played.refused("challenges again", code.await);
    played.refused("opens a session under the id of another one of the client", of_another_session().await);
    played.are_those_of("False servers");
}
