//! Sessions as the operator of a peer sees them, ends them, and continues them with another
//! principal.

use std::time::{Duration, SystemTime};

use actix_web::rt::task::spawn_blocking;
use distributed_scope::{
    Blocks, ConnectError, Credential, Denied, Endpoint, ErrorKind, Limits, Peer, PeerChange, PeerId,
    Principal, Proof, Ran, ReauthenticateError, Receiver, Refusal, RemoteError, SessionInfo, Upgrade,
    distributed, here, remote, streamed,
};
use distributed_scope_core::frame::{Frame, Introduction, Opened, SessionId, Token, Welcome};
use distributed_scope_core::handshake::Invitation;
use futures_util::StreamExt;

use crate::proxy::Proxy;
use crate::raw;
use crate::raw_server::{accept, hear, say, try_hear};
use crate::redials::{Warnings, listening};
use crate::support::{Listening, open};

/// A server that authenticates alice and bob by their tokens, the first for an hour, and admits
/// peers without a token.
fn server() -> Listening {
    let builder = Peer::builder(PeerId::random()).expose(Blocks::all());
    Listening::start(builder.authenticate(|upgrade: Upgrade| async move {
        let soon = SystemTime::now() + Duration::from_secs(3600);
        match upgrade.bearer()?.as_deref() {
            None => Ok(None),
            Some("of alice") => Ok(Some(Principal::new("alice", Proof::Token).expires_at(soon))),
            Some("of bob") => Ok(Some(Principal::new("bob", Proof::Token).claim("role", "editor"))),
            Some(_) => Err(Denied::unauthenticated("no such token")),
        }
    }))
}

#[distributed]
async fn who(on: PeerId) -> Result<Option<String>, RemoteError> {
    remote!(on, [], { here::principal().map(|principal| principal.subject().to_owned()) }).await
}

#[distributed(require = authenticated)]
async fn known_only(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], {}).await
}

fn only(sessions: &[SessionInfo]) -> &SessionInfo {
    let [session] = sessions else { panic!("{sessions:?}") };
    session
}

fn subject(session: &SessionInfo) -> Option<&str> {
    session.principal.as_ref().map(Principal::subject)
}

async fn connected(url: String, token: &str) -> Peer {
    let client = open().start();
    client.connect(Endpoint::new(url).bearer(token)).await.unwrap();
    client
}

/// Both sides see the session's principal, its start, its address, and that it waits while it has
/// no connection.
#[actix_web::test]
async fn sessions_show_who_is_connected() {
    let before = SystemTime::now() - Duration::from_secs(1);
    let server = server();
    let mut watch = server.peer.watch_sessions();
    assert!(server.peer.sessions().is_empty());
    let proxy = Proxy::start(server.address.clone()).await;
    let client = connected(proxy.url(), "of alice").await;
    while server.peer.sessions().is_empty() {
        watch.changed().await.unwrap();
    }
    let sessions = server.peer.sessions();
    let session = only(&sessions);
    assert_eq!((session.peer, subject(session)), (client.id(), Some("alice")));
    assert_eq!((session.is_waiting, session.is_dialled), (false, false));
    assert!(session.address.unwrap().ip().is_loopback());
    assert!((before..=SystemTime::now() + Duration::from_secs(1)).contains(&session.since));
    let sessions = client.sessions();
    let session = only(&sessions);
    assert_eq!((session.peer, session.is_dialled, subject(session)), (server.peer.id(), true, None));
    assert_eq!(session.address, Some(proxy.address()));
    // It waits.
    proxy.refuse(true);
    proxy.cut_now();
    while !only(&watch.get()).is_waiting {
        watch.changed().await.unwrap();
    }
    assert!(server.peer.peers().is_empty());
    proxy.refuse(false);
    while only(&watch.get()).is_waiting {
        watch.changed().await.unwrap();
    }
    // It ends.
    client.stop().await;
    while !watch.get().is_empty() {
        watch.changed().await.unwrap();
    }
    server.peer.stop().await;
    while watch.changed().await.is_some() {}
}

#[distributed]
async fn presence(on: PeerId) -> Result<Receiver<PeerChange>, RemoteError> {
    remote!(on, [], { streamed(here::handle().peers_changed()) }).await
}

/// A peer reports who came and went, to its program and, as a stream, to another peer.
#[actix_web::test]
async fn peers_come_and_go() {
    let server = Listening::start(open());
    let first = open().start();
    first.connect(server.url()).await.unwrap();
    let mut here = server.peer.peers_changed();
    assert_eq!(here.next().await, Some(PeerChange::Came(first.id())), "it was connected before");
    let mut remote = first.run(presence(server.peer.id())).await.unwrap();
    assert_eq!(remote.recv().await.unwrap(), Some(PeerChange::Came(first.id())));

    let proxy = Proxy::start(server.address.clone()).await;
    let second = open().start();
    second.connect(proxy.url()).await.unwrap();
    let came = PeerChange::Came(second.id());
    let left = PeerChange::Left(second.id());
    assert_eq!((here.next().await, remote.recv().await.unwrap()), (Some(came), Some(came)));
    // A peer whose session waits is not connected.
    proxy.refuse(true);
    proxy.cut_now();
    assert_eq!((here.next().await, remote.recv().await.unwrap()), (Some(left), Some(left)));
    proxy.refuse(false);
    assert_eq!((here.next().await, remote.recv().await.unwrap()), (Some(came), Some(came)));
    second.stop().await;
    assert_eq!((here.next().await, remote.recv().await.unwrap()), (Some(left), Some(left)));

    drop(remote);
    server.peer.stop().await;
    assert_eq!(here.next().await, Some(PeerChange::Left(first.id())));
    assert_eq!(here.next().await, None);
}

#[distributed]
async fn hang(on: PeerId, tell: PeerId) -> Result<(), RemoteError> {
    remote!(on, [tell], {
        remote!(tell, [], { here::data::<tokio::sync::Notify>()?.notify_one() }).await?;
        std::future::pending::<()>().await
    })
    .await
}

/// A session that is disconnected ends at both sides, with its calls.
#[actix_web::test]
async fn disconnect_ends_session_and_calls() {
    let limits = || Limits::default().with_resume_window(Duration::from_secs(3600));
    let running = std::sync::Arc::new(tokio::sync::Notify::new());
    let server = Listening::start(open().limits(limits()));
    let client = open().limits(limits()).shared_data(running.clone()).start();
    client.connect(server.url()).await.unwrap();
    let (on, me) = (server.peer.id(), client.id());
    let first = client.sessions()[0].since;
    let (result, ()) = futures_util::join!(client.run(hang(on, me)), async {
        running.notified().await;
        assert!(server.peer.disconnect(me, "maintenance"));
    });
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::Disconnected, Ran::Maybe));
    // A peer that stays connected opens a new one.
    client.connected(on).await;
    assert!(client.sessions()[0].since >= first);
    assert!(!server.peer.disconnect(PeerId::random(), "nobody"));
}

/// The reason of `disconnect` is in the errors of open calls and in the log, at both sides; on one
/// line, and not longer than a close frame allows.
#[actix_web::test]
async fn both_sides_learn_the_reason() {
    let logged = Warnings::default();
    let _guard = tracing::dispatcher::set_default(&logged.dispatch(tracing::Level::INFO));
    let running = std::sync::Arc::new(tokio::sync::Notify::new());
    let server = Listening::start(open().shared_data(running.clone()));
    let client = open().shared_data(running.clone()).start();
    client.connect(server.url()).await.unwrap();
    let (on, me) = (server.peer.id(), client.id());
    for (from, to, who) in [(&server.peer, me, "the other side"), (&client, on, "this peer")] {
        client.connected(on).await;
        server.peer.connected(me).await;
        let reason = format!("until noon\n{}", "é".repeat(100));
        let (result, ()) = futures_util::join!(client.run(hang(on, me)), async {
            running.notified().await;
            assert!(from.disconnect(to, &reason));
        });
        let error = format!("{:#}", result.unwrap_err());
        let shown = format!("the session was ended by {who}: until noon\\n{}", "é".repeat(55));
        assert!(error.ends_with(&shown), "{error}");
    }
    let lines = logged.lines();
    let is_shown = |line: &String| {
        line.contains("session ended by the other side") && line.contains(r#"reason="until noon\\n"#)
    };
    assert!(lines.iter().any(is_shown), "{lines:#?}");
}

/// Logs in, presents another token before the first one expires, and logs out, all on one session.
#[actix_web::test]
async fn session_goes_on_as_somebody_else() {
    let server = server();
    let on = server.peer.id();
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    server.peer.connected(client.id()).await;
    let since = server.peer.sessions()[0].since;
    assert_eq!(client.run(who(on)).await.unwrap(), None);
    for (token, name) in [("of alice", "alice"), ("of bob", "bob"), ("of bob", "bob"), ("of alice", "alice")]
    {
        client.reauthenticate(on, Credential::token(token)).await.unwrap();
        assert_eq!(client.run(who(on)).await.unwrap().as_deref(), Some(name));
        client.run(known_only(on)).await.unwrap();
        assert_eq!(subject(only(&server.peer.sessions())), Some(name));
    }
    client.reauthenticate(on, Credential::none()).await.unwrap();
    assert_eq!(client.run(who(on)).await.unwrap(), None);
    let error = client.run(known_only(on)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused(Refusal::Unauthenticated(_))), "{error}");
    assert_eq!(server.peer.sessions()[0].since, since, "it is the same session");
}

/// A credential that the server rejects changes nothing, including the credential that is
/// presented after a later loss of the connection.
#[actix_web::test]
async fn refused_credential_changes_nothing() {
    let server = server();
    let on = server.peer.id();
    let proxy = Proxy::start(server.address.clone()).await;
    let client = connected(proxy.url(), "of alice").await;
    let error = client.reauthenticate(on, Credential::token("forged")).await.unwrap_err();
    let ReauthenticateError::Refused(source) = &error else { panic!("{error}") };
    assert!(matches!(source, ConnectError::Denied { status: 401, .. }), "{source}");
    assert!(!format!("{error:?}{error}").contains("forged"));
    assert_eq!(client.run(who(on)).await.unwrap().as_deref(), Some("alice"));
    proxy.cut_now();
    assert_eq!(client.run(who(on)).await.unwrap().as_deref(), Some("alice"));
}

/// After a loss of the connection, the last credential is presented again.
#[actix_web::test]
async fn new_credential_outlives_connection() {
    let server = server();
    let on = server.peer.id();
    let proxy = Proxy::start(server.address.clone()).await;
    let client = connected(proxy.url(), "of alice").await;
    client.reauthenticate(on, Credential::token("of bob")).await.unwrap();
    let since = server.peer.sessions()[0].since;
    for _ in 0..3 {
        proxy.cut_now();
        assert_eq!(client.run(who(on)).await.unwrap().as_deref(), Some("bob"));
    }
    assert_eq!(server.peer.sessions()[0].since, since);
    client.reauthenticate(on, Credential::of_endpoint()).await.unwrap();
    assert_eq!(client.run(who(on)).await.unwrap().as_deref(), Some("alice"));
}

/// The principal can only be changed on a connected session that this peer has dialled.
#[actix_web::test]
async fn only_dialled_sessions_reauthenticate() {
    let server = server();
    let client = connected(server.url(), "of alice").await;
    for (peer, other) in [(&server.peer, client.id()), (&client, PeerId::random())] {
        let error = peer.reauthenticate(other, Credential::none()).await.unwrap_err();
        assert!(matches!(error, ReauthenticateError::NotConnected(id) if id == other), "{error}");
    }
}

/// A server of an older version does not receive frames that it does not know, and the error says
/// so.
#[actix_web::test]
async fn old_server_is_not_asked() {
    let (listener, url) = listening();
    let id = PeerId::random();
    let old = spawn_blocking(move || {
        let mut stream = accept(&listener);
        say(&mut stream, &Invitation::new().frame());
        let Ok(Frame::Hello(hello)) = Frame::decode(hear(&mut stream)) else { panic!("no hello") };
        assert!(hello.from.codecs.contains(&Introduction::CHANGE));
        let codecs = vec![1, 2, 3];
        let from = Introduction { peer: id, codecs, ..hello.from };
        let opened = Opened::New { session: SessionId::random(), token: Token::random() };
        say(
            &mut stream,
            &Frame::Welcome(Box::new(Welcome { from, window_ms: 1000, opened, proof: None })).encode(),
        );
        std::iter::from_fn(|| try_hear(&mut stream))
            .filter_map(|frame| Frame::decode(frame).ok())
            .collect::<Vec<_>>()
    });
    let client = open().start();
    client.connect(url).await.unwrap();
    let error = client.reauthenticate(id, Credential::none()).await.unwrap_err();
    assert!(matches!(error, ReauthenticateError::Unsupported(peer) if peer == id), "{error}");
    client.stop().await;
    let heard = old.await.unwrap();
    assert!(!heard.iter().any(|frame| matches!(frame, Frame::Change(_))), "{heard:?}");
}

/// How many of these are upgraded at once, each forwarded with this header.
async fn let_in(server: &Listening, headers: &[(&'static str, &'static str)]) -> Vec<u16> {
    let (address, headers) = (server.address.clone(), headers.to_vec());
    let asking = spawn_blocking(move || {
        let ask = |header| raw::upgrade(&address, "distributed-scope.v1", &[header]);
        let answers: Vec<_> = headers.into_iter().map(ask).collect();
        answers.iter().map(|answer| answer.status).collect()
    });
    asking.await.unwrap()
}

/// Behind a trusted proxy, the limits apply to each client's own address. By default, no proxy is
/// trusted.
#[actix_web::test]
async fn trusted_proxy_tells_addresses_apart() {
    let limits = || Limits::default().with_max_sessions_per_address(1);
    let [one, two] = [("X-Forwarded-For", "192.0.2.1"), ("Forwarded", "for=192.0.2.2;proto=https")];
    let spoofed = ("X-Forwarded-For", "192.0.2.9, 192.0.2.1");
    let trusting = Listening::start(open().limits(limits()).trust_proxy(["127.0.0.1", "::1"]));
    assert_eq!(let_in(&trusting, &[one, two, one, spoofed]).await, [101, 101, 429, 429]);
    let other = Listening::start(open().limits(limits()));
    assert_eq!(let_in(&other, &[one, two]).await, [101, 429]);
    assert!(open().try_trust_proxy(["the proxy"]).is_err());
}

#[distributed]
async fn length(on: PeerId, bytes: Vec<u8>) -> Result<usize, RemoteError> {
    remote!(on, [bytes], { bytes.len() }).await
}

#[distributed]
async fn zeros(on: PeerId, count: usize) -> Result<Vec<u8>, RemoteError> {
    remote!(on, [count], { vec![0; count] }).await
}

/// The peer itself is called with the same limit on messages as any other.
#[actix_web::test]
async fn own_calls_keep_message_limit() {
    const LIMIT: usize = 64 << 10;
    let limits = || Limits::default().with_max_message(LIMIT);
    let server = Listening::start(open().limits(limits()));
    let client = open().limits(limits()).start();
    client.connect(server.url()).await.unwrap();
    for on in [client.id(), server.peer.id()] {
        assert_eq!(client.run(length(on, vec![0; LIMIT - 100])).await.unwrap(), LIMIT - 100);
        assert_eq!(client.run(zeros(on, LIMIT - 100)).await.unwrap().len(), LIMIT - 100);
        let error = client.run(length(on, vec![0; LIMIT])).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::TooLarge { limit: LIMIT, .. }), "{error}");
        assert_eq!(error.ran(), Ran::Never);
        let error = client.run(zeros(on, LIMIT)).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::TooLarge { limit: LIMIT, .. }), "{error}");
        assert_eq!(error.ran(), Ran::Yes);
    }
}

/// Calls in flight meanwhile are neither lost nor run twice. Calls that are made afterwards have
/// the new principal.
#[actix_web::test]
async fn busy_session_goes_on_as_somebody_else() {
    let server = server();
    let on = server.peer.id();
    let proxy = Proxy::start(server.address.clone()).await;
    proxy.slice(true);
    let client = connected(proxy.url(), "of alice").await;
    server.peer.connected(client.id()).await;
    let since = server.peer.sessions()[0].since;
    let is_over = std::cell::Cell::new(false);
    let busy = futures_util::future::join_all((0..8).map(|_| async {
        while !is_over.get() {
            let name = client.run(who(on)).await.unwrap().unwrap();
            assert!(["alice", "bob"].contains(&name.as_str()), "{name}");
        }
    }));
    let changing = async {
        for (token, name) in [("of bob", "bob"), ("of alice", "alice")].into_iter().cycle().take(20) {
            client.reauthenticate(on, Credential::token(token)).await.unwrap();
            assert_eq!(client.run(who(on)).await.unwrap().as_deref(), Some(name));
        }
        is_over.set(true);
    };
    futures_util::join!(busy, changing);
    assert_eq!(server.peer.sessions()[0].since, since, "it is the same session");
}
