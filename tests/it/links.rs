//! A link that is kept connected: what it does, which status it reports, and that each URL has
//! only one.

use std::time::Duration;

use actix_web::rt::task::spawn_blocking;
use distributed_scope::{
    Blocks, ConnectError, Endpoint, Limits, LinkEnd, LinkHandle, LinkStatus, LinkWatch, Peer, PeerId,
    RemoteError, distributed, remote,
};
use futures_util::{FutureExt, join};

use crate::proxy::Proxy;
use crate::redials::{Warnings, dialler, listening, refuse, welcome};
use crate::support::{Listening, open};

#[distributed]
async fn echo(on: PeerId, n: u32) -> Result<u32, RemoteError> {
    remote!(on, [n], { n }).await
}

/// Soon enough for a test.
fn quick() -> Peer {
    open().limits(Limits::default().with_reconnect_delay(Duration::from_millis(1))).start()
}

/// Waits until the status is such a one.
async fn until(status: &mut LinkWatch, is_it: impl Fn(&LinkStatus) -> bool) -> LinkStatus {
    let mut now = status.get();
    while !is_it(&now) {
        now = status.changed().await.unwrap_or_else(|| panic!("it has ended: {now}"));
    }
    now
}

fn is_end(status: &LinkStatus) -> bool {
    matches!(status, LinkStatus::Ended(_))
}

/// A link dials before its server listens, reconnects after a cut and after a restart of the
/// server, and reports all of it.
#[actix_web::test]
async fn link_survives_absence_cut_and_restart() {
    let id = PeerId::random();
    let builder = || Peer::builder(id).expose(Blocks::all());
    let first = Listening::start(builder());
    let proxy = Proxy::start(first.address.clone()).await;
    proxy.refuse(true);
    let client = quick();
    let link = client.keep_connected(proxy.url());
    let mut status = link.status();
    let failed = |status: &LinkStatus| matches!(status, LinkStatus::Dialling { attempt, last_error: Some(_) } if *attempt > 2);
    until(&mut status, failed).await;
    proxy.refuse(false);
    assert_eq!(link.connected().await.unwrap(), id);
    until(&mut status, |status| status.connected() == Some(id)).await;
    proxy.refuse(true);
    proxy.cut_now();
    until(&mut status, |status| matches!(status, LinkStatus::Resuming)).await;
    let call = client.run(echo(id, 1));
    let (value, ()) = join!(call, async { proxy.refuse(false) });
    assert_eq!(value.unwrap(), 1);
    let second = Listening::start(builder());
    proxy.forward_to(second.address.clone());
    proxy.cut_now();
    second.peer.connected(client.id()).await;
    assert_eq!(client.run(echo(id, 2)).await.unwrap(), 2);
    link.stop();
    let end = until(&mut status, is_end).await;
    assert!(matches!(end, LinkStatus::Ended(LinkEnd::LinkStopped)), "{end}");
    assert!(status.changed().await.is_none(), "nothing comes after the end");
    second.peer.disconnected(client.id()).await;
}

/// The session waits until its resume window ends, and a new one begins when the server answers
/// again.
#[actix_web::test]
async fn link_outlives_its_session() {
    let server = Listening::start(open());
    let proxy = Proxy::start(server.address.clone()).await;
    let (resume, reconnect) = (Duration::from_millis(30), Duration::from_millis(1));
    let client =
        open().limits(Limits::default().with_resume_window(resume).with_reconnect_delay(reconnect)).start();
    let link = client.keep_connected(proxy.url());
    let mut status = link.status();
    link.connected().await.unwrap();
    proxy.refuse(true);
    proxy.cut_now();
    until(&mut status, |status| matches!(status, LinkStatus::Resuming)).await;
    until(&mut status, |status| matches!(status, LinkStatus::Dialling { .. })).await;
    proxy.refuse(false);
    link.connected().await.unwrap();
}

/// So does one that was asked for by `connect`, whose first attempt was to succeed and no other.
#[actix_web::test]
async fn connect_outlives_its_session() {
    let server = Listening::start(open());
    let proxy = Proxy::start(server.address.clone()).await;
    let (resume, reconnect) = (Duration::ZERO, Duration::from_millis(1));
    let client =
        open().limits(Limits::default().with_resume_window(resume).with_reconnect_delay(reconnect)).start();
    let on = client.connect(proxy.url()).await.unwrap();
    let (warnings, _guard) = Warnings::collect();
    proxy.refuse(true);
    proxy.cut_now();
    while warnings.lines().is_empty() {
        tokio::task::yield_now().await;
    }
    proxy.refuse(false);
    client.connected(on).await;
}

/// A peer that connects again while it is connected, or connecting, gets the existing session.
#[actix_web::test]
async fn second_connect_gives_the_session() {
    let server = Listening::start(open());
    let proxy = Proxy::start(server.address.clone()).await;
    let client = quick();
    let (one, other) = join!(client.connect(proxy.url()), client.connect(proxy.url()));
    let id = server.peer.id();
    assert_eq!((one.unwrap(), other.unwrap()), (id, id));
    assert_eq!(client.connect(proxy.url()).await.unwrap(), id);
    assert_eq!(client.connect(Endpoint::new(proxy.url()).peer(id)).await.unwrap(), id);
    // By another URL, where the peer is named.
    assert_eq!(client.connect(Endpoint::new(server.url()).peer(id)).await.unwrap(), id);
    let links: [LinkHandle; 2] = [client.keep_connected(proxy.url()), client.keep_connected(proxy.url())];
    assert_eq!(links[0].connected().await.unwrap(), id);
    assert_eq!(proxy.connections(), 1);
    links[1].stop();
    until(&mut links[0].status(), is_end).await;
    assert_eq!(client.connect(proxy.url()).await.unwrap(), id, "a link that has ended is not in the way");
}

/// A failed attempt is the end of a link that was asked for by `connect`, and of no other.
#[actix_web::test]
async fn failed_connect_leaves_no_link() {
    let (listener, url) = listening();
    let server = spawn_blocking(move || {
        refuse(&listener, "503 No");
        refuse(&listener, "503 No");
        listener
    });
    let client = quick();
    assert!(matches!(client.connect(&url).await, Err(ConnectError::Denied { status: 503, .. })));
    // While it is kept connected, `connect` says how the next attempt has ended.
    let link = client.keep_connected(&url);
    assert!(matches!(client.connect(&url).await, Err(ConnectError::Denied { status: 503, .. })));
    let listener = server.await.unwrap();
    let id = PeerId::random();
    let server = spawn_blocking(move || welcome(&listener, id));
    assert_eq!(link.connected().await.unwrap(), id);
    let wrong = client.connect(Endpoint::new(&url).peer(PeerId::random())).now_or_never();
    assert!(wrong.is_none(), "somebody else is wanted there, which is another link");
    drop(server.await.unwrap());
}

/// An error that no further attempt can fix ends the link at once, and the status gives the
/// reason.
#[actix_web::test]
async fn hopeless_link_ends() {
    let client = quick();
    let link = client.keep_connected("http://localhost:1/scope");
    let end = until(&mut link.status(), is_end).await;
    let LinkStatus::Ended(LinkEnd::Hopeless(error @ ConnectError::Url { .. })) = end else { panic!("{end}") };
    assert!(error.to_string().contains("its scheme is `http`"));
    assert!(link.connected().await.is_err());
}

/// Neither stopping the link nor stopping or dropping the peer waits for the next attempt.
#[actix_web::test]
async fn waiting_link_ends_at_once() {
    for way in 0..3 {
        let (listener, url) = listening();
        let server = spawn_blocking(move || refuse(&listener, "503 No\r\nRetry-After: 3000"));
        let client = quick();
        let link = client.keep_connected(url);
        let mut status = link.status();
        until(&mut status, |status| matches!(status, LinkStatus::Dialling { attempt: 2, .. })).await;
        match way {
            0 => link.stop(),
            1 => client.stop().await,
            // The handle of the link keeps the peer, too.
            _ => drop((client, link)),
        }
        let end = until(&mut status, is_end).await;
        assert_eq!(matches!(end, LinkStatus::Ended(LinkEnd::LinkStopped)), way == 0, "{way}: {end}");
        server.await.unwrap();
    }
}

/// Dropping the handle changes nothing; dropping a future of the watch loses nothing.
#[actix_web::test]
async fn dropped_handles_change_nothing() {
    let server = Listening::start(open());
    let proxy = Proxy::start(server.address.clone()).await;
    let client = quick();
    let link = client.keep_connected(proxy.url());
    let mut status = link.status();
    assert!(status.changed().now_or_never().is_none());
    drop(link);
    let id = server.peer.id();
    client.connected(id).await;
    let mut other = status.clone();
    // Polled once and dropped, whether or not there was something.
    let first = status.changed().now_or_never().flatten();
    assert_eq!(first.unwrap_or_else(|| status.get()).connected(), Some(id));
    assert_eq!(until(&mut other, |status| status.connected().is_some()).await.connected(), Some(id));
    proxy.cut_now();
    while proxy.connections() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(client.run(echo(id, 3)).await.unwrap(), 3);
}

/// If a server is not there yet, or rejects the peer, one warning is logged for each cause, from
/// the first attempt on.
#[actix_web::test]
async fn first_dials_warn_once_per_cause() {
    let (warnings, _guard) = Warnings::collect();
    let (listener, url) = listening();
    let id = PeerId::random();
    let server = spawn_blocking(move || {
        for status in ["503 No", "503 No", "401 No", "503 No", "401 No"] {
            refuse(&listener, status);
        }
        welcome(&listener, id)
    });
    let client = dialler(Duration::from_micros(20)).start();
    let link = client.keep_connected(url);
    assert_eq!(link.connected().await.unwrap(), id);
    let _open = server.await.unwrap();
    let lines = warnings.lines();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    for (line, status) in lines.iter().zip(["HTTP 503", "HTTP 401"]) {
        assert!(line.contains(status) && line.contains("cannot connect yet"), "{line}");
    }
}
