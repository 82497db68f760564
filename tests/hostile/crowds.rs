//! Attackers that come in crowds, or call without pause.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use distributed_scope::{
    Denied, ErrorKind, Limits, PeerId, Refusal, RemoteError, Upgrade, distributed, remote,
};
use distributed_scope_core::frame::{Frame, Opened};
use socket2::{Domain, Socket, Type};

use crate::frames::{Session, answer_to, hello_of, us};
use crate::raw::upgrade;
use crate::support::{Listening, open};
use crate::wire::Wire;

#[distributed]
async fn double(on: PeerId, n: u64) -> Result<u64, RemoteError> {
    remote!(on, [n], { n * 2 }).await
}

#[actix_web::test]
async fn one_address_has_so_many_sessions_and_connections_begin_only_so_fast() {
    let limits = Limits::default().with_max_sessions_per_address(3);
    let server = Listening::start(open().limits(limits));
    let address = server.address.clone();
    actix_web::rt::task::spawn_blocking(move || {
        let mut sessions: Vec<_> = (0..3).map(|_| Session::open(&address, &us(PeerId::random()))).collect();
        let status = || upgrade(&address, "distributed-scope.v1", &[]).status;
        assert_eq!(status(), 429, "one more");
        // A lost connection gives no place back while its session waits, and a session that is
        // over does.
        drop(sessions.pop());
        assert_eq!(status(), 429);
        sessions.pop().unwrap().end();
        while status() != 101 {}
    })
    .await
    .unwrap();
    let limits = Limits::default().with_max_handshakes_per_second(1);
    let server = Listening::start(open().limits(limits));
    let address = server.address.clone();
    actix_web::rt::task::spawn_blocking(move || {
        let statuses: Vec<_> =
            (0..9).map(|_| upgrade(&address, "distributed-scope.v1", &[]).status).collect();
        assert_eq!(statuses[0], 101);
        assert!(statuses.contains(&429), "{statuses:?}");
    })
    .await
    .unwrap();
}

/// An address at its limit of sessions can resume one that lost its connection, but cannot open
/// another one.
#[actix_web::test]
async fn full_address_can_come_back() {
    let server = Listening::start(open().limits(Limits::default().with_max_sessions_per_address(4)));
    let address = server.address.clone();
    actix_web::rt::task::spawn_blocking(move || {
        let ids: Vec<_> = (0..4).map(|_| us(PeerId::random())).collect();
        let mut sessions: Vec<_> = ids.iter().map(|us| Session::open(&address, us)).collect();
        let lost = sessions.pop().unwrap().ticket;
        let (mut wire, invitation) = Wire::connect(&address);
        wire.send_as(2, &hello_of(&ids[3], Some(lost), invitation));
        let Frame::Welcome(welcome) = wire.next().frame() else { panic!("no welcome") };
        assert!(matches!(welcome.opened, Opened::Resumed { .. }), "{welcome:?}");
        wire.send(&Frame::Ack(0));
        // The place of the connection that was lost is free when that is gone.
        wire.send(&Frame::Ping);
        assert!(wire.message().is_ok());
        let stranger = us(PeerId::random());
        assert_eq!(answer_to(&address, |invitation| hello_of(&stranger, None, invitation)), "reject `Full`");
    })
    .await
    .unwrap();
}

/// Asks for an upgrade from this address of the machine; gives the status.
#[cfg(target_os = "linux")]
fn status_from(from: Ipv4Addr, server: SocketAddr, token: Option<&str>) -> io::Result<u16> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.connect(&server.into())?;
    let mut stream = TcpStream::from(socket);
    let token = token.map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
    write!(
        stream,
        "GET /scope HTTP/1.1\r\nHost: {server}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Protocol: distributed-scope.v1\r\n{token}\r\n"
    )?;
    let mut line = [0; 12];
    stream.read_exact(&mut line)?;
    let text = std::str::from_utf8(&line[9..]).map_err(io::Error::other)?;
    text.parse().map_err(io::Error::other)
}

/// Rejected requests from one address, sent as fast as possible, take no handshakes from the rate
/// limit of clients with a good token at other addresses. Systems other than Linux have one
/// address of this machine alone, unless more are configured.
#[cfg(target_os = "linux")]
#[actix_web::test]
async fn failing_crowd_keeps_nobody_out() {
    let limits = Limits::default().with_max_handshakes_per_second(100).with_max_sessions_per_address(30);
    let server = Listening::start(open().limits(limits).authenticate(async |upgrade: Upgrade| {
        match upgrade.bearer()?.as_deref() {
            Some("good") => Ok(None),
            _ => Err(Denied::unauthenticated("who is that")),
        }
    }));
    let address: SocketAddr = server.address.parse().unwrap();
    let played = actix_web::rt::task::spawn_blocking(move || {
        let (is_over, refused) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let crowd = scope.spawn(|| {
                let mut failed = 0;
                while !is_over.load(Ordering::Relaxed) {
                    match status_from(Ipv4Addr::new(127, 0, 0, 2), address, None) {
                        Ok(401) => failed += 1,
                        Ok(429) => drop(refused.fetch_add(1, Ordering::Relaxed)),
                        Ok(other) => panic!("{other}"),
                        // So many sockets wait to be closed that no port is left.
                        Err(_) => {}
                    }
                }
                failed
            });
            let from = |n| Ipv4Addr::new(127, 0, 1, n);
            let newcomers: Vec<_> = (1..=20)
                .map(|n| {
                    // The crowd comes all the while.
                    while refused.load(Ordering::Relaxed) < 20 * usize::from(n) {
                        std::thread::yield_now();
                    }
                    status_from(from(n), address, Some("good")).unwrap()
                })
                .collect();
            is_over.store(true, Ordering::Relaxed);
            (newcomers, crowd.join().unwrap(), refused.load(Ordering::Relaxed))
        })
    });
    let (newcomers, failed, too_fast) = played.await.unwrap();
    assert!(newcomers.iter().filter(|status| **status == 101).count() >= 19, "{newcomers:?}");
    assert!(too_fast > failed, "{failed} were asked who they are, {too_fast} were not");
}

#[actix_web::test]
async fn a_session_that_calls_faster_than_it_may_is_refused_and_nothing_of_it_runs() {
    let limits = Limits::default().with_max_calls_per_second(5);
    let server = Listening::start(open().limits(limits));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    let calls = (0..200).map(|n| client.run(double(server.peer.id(), n)));
    let refused = futures_util::future::join_all(calls).await.into_iter().filter_map(Result::err);
    let refused: Vec<_> = refused.collect();
    assert!(refused.len() > 100, "{}", refused.len());
    assert!(refused.iter().all(|error| *error.kind() == ErrorKind::Refused(Refusal::TooFast(5))));
}
