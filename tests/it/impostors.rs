//! Attackers that want to be somebody else, or to have run what is not theirs. They speak the protocol by hand, over bare
//! sockets; each is refused with a code of its own, and honest peers notice nothing.

use std::sync::Arc;

use bytes::Bytes;
use distributed_scope::{
    Blocks, ErrorKind, KeyPair, Limits, PeerId, Refusal, Registry, Reject, RemoteError, distributed, here,
    remote,
};
use distributed_scope_core::frame::{
    CallId, Challenge, Frame, Hello, Invoke, Opened, Reply, SessionId, Token, VERSION, Welcome,
};
use distributed_scope_core::handshake::{self, Ticket, Us};
use tokio::sync::Notify;

use crate::raw::{Said, Wire, upgrade};
use crate::support::{Listening, open};

#[distributed]
async fn double(on: PeerId, n: u64) -> Result<u64, RemoteError> {
    remote!(on, [n], { n * 2 }).await
}

/// Ends when it is let go.
#[distributed]
async fn held(on: PeerId, home: PeerId) -> Result<u64, RemoteError> {
    remote!(on, [home], {
        remote!(home, [], { here::data::<Started>()?.0.notify_one() }).await?;
        here::data::<LetGo>()?.0.notified().await;
        42
    })
    .await
}

struct Started(Notify);
struct LetGo(Notify);

fn us(identity: impl Into<distributed_scope::Identity>) -> Us {
    let blocks = Registry::of_process().unwrap().digest();
    Us::new(&identity.into(), &Limits::default(), blocks)
}

/// A session that was opened by hand.
struct Session {
    wire: Wire,
    ticket: Ticket,
}

fn open_session(address: &str, us: &Us) -> Session {
    let (mut wire, invitation) = Wire::connect(address);
    let (hello, introduced) = handshake::answer(us, None, invitation).unwrap().unwrap();
    wire.send_as(2, &hello);
    let Frame::Welcome(welcome) = wire.next().frame() else { panic!("no welcome") };
    let Welcome { from, opened: Opened::New { session, token }, .. } = welcome.clone() else {
        panic!("not new")
    };
    assert!(introduced.welcomed(us, Frame::Welcome(welcome).encode()).unwrap().is_ok());
    Session { wire, ticket: Ticket { session, token, received: 0, peer: from.peer } }
}

/// How the server answers this hello on a new connection: with which reject, and that it closes then.
fn answer_to(address: &str, hello: impl FnOnce(Bytes) -> Bytes) -> Reject {
    let (mut wire, invitation) = Wire::connect(address);
    wire.send_as(2, &hello(invitation));
    let Frame::Reject(reject) = wire.next().frame() else { panic!("no reject") };
    assert!(matches!(wire.next(), Said::Close(1008)));
    reject
}

/// The code with which the server closes a new connection after this message.
fn first_message(address: &str, opcode: u8, payload: &[u8]) -> u16 {
    let (mut wire, _) = Wire::connect(address);
    wire.send_as(opcode, payload);
    closed(&mut wire)
}

fn closed(wire: &mut Wire) -> u16 {
    match wire.next() {
        Said::Close(code) => code,
        Said::Frame(frame) => panic!("it answered {frame:?}"),
    }
}

fn hello_of(us: &Us, ticket: Option<Ticket>, invitation: Bytes) -> Bytes {
    handshake::answer(us, ticket, invitation).unwrap().unwrap().0
}

fn changed(hello: Bytes, change: impl FnOnce(&mut Hello)) -> Bytes {
    let Frame::Hello(mut hello) = Frame::decode(hello).unwrap() else { panic!("no hello") };
    change(&mut hello);
    Frame::Hello(hello).encode()
}

fn invoke(call: u64) -> Invoke {
    let block = Registry::of_process().unwrap().blocks()[0];
    Invoke {
        call: CallId(call),
        block: block.id,
        fingerprint: block.fingerprint(),
        deadline_ms: None,
        hop: 0,
        codec: 1,
        is_detached: false,
        captures: Bytes::new(),
    }
}

/// Runs an attack while an honest client has a call open, and checks that the client notices nothing.
async fn attack(attack: impl FnOnce(&str, PeerId, PeerId) + Send + 'static) {
    let (started, let_go) = (Arc::new(Started(Notify::new())), Arc::new(LetGo(Notify::new())));
    let server = Listening::start(open().shared_data(Arc::clone(&let_go)));
    let honest = open().shared_data(Arc::clone(&started)).start();
    honest.connect(server.url()).await.unwrap();
    let (on, me, address) = (server.peer.id(), honest.id(), server.address.clone());
    let call = actix_web::rt::spawn(honest.run(held(on, me)));
    started.0.notified().await;
    actix_web::rt::task::spawn_blocking(move || attack(&address, on, me)).await.unwrap();
    let_go.0.notify_one();
    assert_eq!(call.await.unwrap().unwrap(), 42, "the call that was open");
    assert_eq!(honest.run(double(on, 21)).await.unwrap(), 42, "a new one");
    assert_eq!(server.peer.peers(), [me], "nobody else is there");
}

#[actix_web::test]
async fn an_id_that_is_somebody_elses_is_refused() {
    attack(|address, server, honest| {
        let claim = |id: PeerId| answer_to(address, |invitation| hello_of(&us(id), None, invitation));
        assert_eq!(claim(honest), Reject::IdInUse);
        assert_eq!(claim(server), Reject::OwnId);
        assert_eq!(claim(KeyPair::generate().peer_id()), Reject::BadKey, "the id of a key without the key");
        let forged = |change: &dyn Fn(&mut Hello)| {
            let mallory = us(KeyPair::generate());
            answer_to(address, |invitation| changed(hello_of(&mallory, None, invitation), change))
        };
        let victim = KeyPair::generate().peer_id();
        assert_eq!(forged(&|hello| hello.from.peer = victim), Reject::BadKey, "with another key");
        assert_eq!(forged(&|hello| hello.from.peer = PeerId::named("x")), Reject::BadKey);
        assert_eq!(forged(&|hello| hello.proof.as_mut().unwrap().signature[7] ^= 1), Reject::BadKey);
        assert_eq!(forged(&|hello| hello.nonce[7] ^= 1), Reject::BadKey, "what is signed is changed");
    })
    .await;
}

#[actix_web::test]
async fn what_does_not_belong_before_a_hello_ends_the_connection() {
    attack(|address, _, _| {
        let frame = |frame: Frame| first_message(address, 2, &frame.encode());
        assert_eq!(frame(Frame::Invoke(invoke(0))), 1002);
        let payload = Bytes::from_static(&[0]);
        assert_eq!(frame(Frame::Reply(Reply { call: CallId(0), is_value: true, codec: 1, payload })), 1002);
        assert_eq!(frame(Frame::Cancel(CallId(0))), 1002);
        assert_eq!(frame(Frame::GoAway), 1002);
        assert_eq!(frame(Frame::Challenge(Challenge { version: VERSION, nonce: [0; 32] })), 1002);
        assert_eq!(frame(Frame::Reject(Reject::Full)), 1002);
        assert_eq!(first_message(address, 1, b"let me in"), 1003);
        assert_eq!(first_message(address, 2, b"GET / HTTP/1.1\r\n\r\n"), 1002);
        // A principal in a frame: there is no room for one.
        let (mut wire, invitation) = Wire::connect(address);
        let mut hello = hello_of(&us(PeerId::random()), None, invitation).to_vec();
        hello.extend(b"principal=admin");
        wire.send_as(2, &hello);
        assert_eq!(closed(&mut wire), 1002);
    })
    .await;
}

#[actix_web::test]
async fn a_hello_that_was_overheard_is_worth_nothing() {
    attack(|address, _, _| {
        let key = KeyPair::generate();
        let (mut wire, invitation) = Wire::connect(address);
        let overheard = hello_of(&us(key), None, invitation);
        wire.send_as(2, &overheard);
        assert!(matches!(wire.next().frame(), Frame::Welcome(_)));
        // While its session is there and after it has ended.
        assert_eq!(answer_to(address, |_| overheard.clone()), Reject::BadKey);
        wire.send_as(8, &1000_u16.to_be_bytes());
        assert!(matches!(wire.next(), Said::Close(_)));
        assert_eq!(answer_to(address, |_| overheard.clone()), Reject::BadKey);
    })
    .await;
}

#[actix_web::test]
async fn a_session_goes_on_for_nobody_but_who_has_its_token() {
    attack(|address, _, _| {
        let victim = us(PeerId::random());
        let mut session = open_session(address, &victim);
        let stolen = session.ticket;
        let resume =
            |us: &Us, ticket: Ticket| answer_to(address, |invitation| hello_of(us, Some(ticket), invitation));
        assert_eq!(resume(&victim, Ticket { token: Token::random(), ..stolen }), Reject::BadToken, "guessed");
        assert_eq!(resume(&us(PeerId::random()), stolen), Reject::BadToken, "by another peer");
        assert_eq!(resume(&us(KeyPair::generate()), stolen), Reject::BadToken, "by another peer with a key");
        let guessed = Ticket { session: SessionId::random(), ..stolen };
        assert_eq!(resume(&victim, guessed), Reject::IdInUse, "another session is a new one");
        // The proof of somebody who has the token, overheard on another connection.
        let (_wire, invitation) = Wire::connect(address);
        let overheard = hello_of(&victim, Some(stolen), invitation);
        assert_eq!(answer_to(address, |_| overheard), Reject::BadToken);
        // It is still there, and its own.
        session.wire.send(&Frame::Invoke(invoke(0)));
        assert!(matches!(session.wire.next().frame(), Frame::Reply(_)));
        session.wire.send_as(8, &1000_u16.to_be_bytes());
        assert!(matches!(session.wire.next(), Said::Close(_)));
        // What is over stays over: an old token opens a new session, as none does.
        let (mut wire, invitation) = Wire::connect(address);
        wire.send_as(2, &hello_of(&victim, Some(stolen), invitation));
        let Frame::Welcome(welcome) = wire.next().frame() else { panic!("no welcome") };
        assert!(matches!(welcome.opened, Opened::New { session, .. } if session != stolen.session));
        wire.send_as(8, &1000_u16.to_be_bytes());
        assert!(matches!(wire.next(), Said::Close(_)));
    })
    .await;
}

#[actix_web::test]
async fn a_session_cannot_answer_cancel_or_repeat_what_is_not_its_own() {
    attack(|address, _, _| {
        let lie = |frames: &[Frame]| {
            let mut session = open_session(address, &us(PeerId::random()));
            frames.iter().for_each(|frame| session.wire.send(frame));
            loop {
                if let Said::Close(code) = session.wire.next() {
                    return code;
                }
            }
        };
        // Both sessions number their calls from 0, and the honest one has call 0 open in both directions.
        let payload = Bytes::from_static(&[7]);
        let reply = |call| Reply { call: CallId(call), is_value: true, codec: 1, payload: payload.clone() };
        for call in [0, 1, u64::MAX] {
            assert_eq!(lie(&[Frame::Reply(reply(call))]), 1002, "a reply to somebody else's call");
        }
        assert_eq!(lie(&[Frame::Hello(hello_again())]), 1002, "a second hello");
        assert_eq!(lie(&[Frame::Ack(99)]), 1002);
        // Somebody else's call is not cancelled: the honest client's goes on, as is looked at afterwards.
        let mut session = open_session(address, &us(PeerId::random()));
        (0..9).for_each(|call| session.wire.send(&Frame::Cancel(CallId(call))));
        session.wire.send_as(8, &1000_u16.to_be_bytes());
        assert!(matches!(session.wire.next(), Said::Close(_)));
    })
    .await;
}

fn hello_again() -> Hello {
    let from = handshake::introduction(PeerId::named("an admin"), &Limits::default(), 0);
    Hello { from, nonce: [0; 32], resume: None, proof: None }
}

#[actix_web::test]
async fn no_block_that_is_not_exposed_runs_whoever_asks_for_it() {
    let server = Listening::start(distributed_scope::Peer::builder(PeerId::random()).expose(Blocks::none()));
    let address = server.address.clone();
    let asked = actix_web::rt::task::spawn_blocking(move || {
        let blocks = Registry::of_process().unwrap().blocks();
        let mut session = open_session(&address, &us(PeerId::random()));
        for (call, block) in (0..).zip(&blocks) {
            let (block, fingerprint) = (block.id, block.fingerprint());
            session.wire.send(&Frame::Invoke(Invoke { block, fingerprint, ..invoke(call) }));
            let Frame::Reply(reply) = session.wire.next().frame() else { panic!("no reply") };
            assert!(!reply.is_value);
            let error: RemoteError = distributed_scope::Codec::Bincode.decode(&reply.payload).unwrap();
            assert_eq!(*error.kind(), ErrorKind::Refused(Refusal::NotExposed));
        }
        blocks.len()
    });
    assert!(asked.await.unwrap() > 50, "all blocks of all tests");
}

#[actix_web::test]
async fn web_pages_of_other_origins_are_turned_away_before_the_upgrade() {
    let server = Listening::start(open().allow_origin("https://app.example.com"));
    let address = server.address.clone();
    let attempts = actix_web::rt::task::spawn_blocking(move || {
        let from = |origin: &str| upgrade(&address, "distributed-scope.v1", &[("Origin", origin)]).status;
        let (same, port) = (format!("http://{address}"), address.rsplit_once(':').unwrap().1);
        assert_eq!(from(&same), 101);
        assert_eq!(from("https://app.example.com"), 101);
        assert_eq!(from("https://APP.example.com:443"), 101);
        for evil in [
            "https://evil.com",
            "null",
            "https://app.example.com.evil.com",
            "https://evilapp.example.com",
            "http://app.example.com",
            "https://app.example.com:444",
            "http://127.0.0.1",
            "http://127.0.0.1.evil.com",
            &format!("http://127.0.0.1.evil.com:{port}"),
            &format!("http://localhost:{port}"),
            &format!("{same}/"),
            &format!("{same}, {same}"),
            &format!("http://evil.com@127.0.0.1:{port}"),
        ] {
            assert_eq!(from(evil), 403, "{evil}");
        }
        let rebound = [("Host", "evil.com"), ("Origin", "http://evil.com")];
        assert_eq!(upgrade(&address, "distributed-scope.v1", &rebound).status, 403);
        assert_eq!(upgrade(&address, "distributed-scope.v1", &[]).status, 101, "no browser");
    });
    attempts.await.unwrap();
}

#[actix_web::test]
async fn one_address_has_so_many_sessions_and_connections_begin_only_so_fast() {
    let limits = Limits { sessions_per_address: 3, ..Limits::default() };
    let server = Listening::start(open().limits(limits));
    let address = server.address.clone();
    actix_web::rt::task::spawn_blocking(move || {
        let mut sessions: Vec<_> = (0..3).map(|_| open_session(&address, &us(PeerId::random()))).collect();
        let status = || upgrade(&address, "distributed-scope.v1", &[]).status;
        assert_eq!(status(), 429, "one more");
        // A lost connection gives no place back while its session waits, and a session that is over does.
        drop(sessions.pop());
        assert_eq!(status(), 429);
        let mut last = sessions.pop().unwrap();
        last.wire.send_as(8, &1000_u16.to_be_bytes());
        assert!(matches!(last.wire.next(), Said::Close(_)));
        drop(last);
        while status() != 101 {}
    })
    .await
    .unwrap();
    let limits = Limits { handshakes_per_second: 1, ..Limits::default() };
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

#[actix_web::test]
async fn a_session_that_calls_faster_than_it_may_is_refused_and_nothing_of_it_runs() {
    let limits = Limits { calls_per_second: 5, ..Limits::default() };
    let server = Listening::start(open().limits(limits));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    let calls = (0..200).map(|n| client.run(double(server.peer.id(), n)));
    let refused = futures_util::future::join_all(calls).await.into_iter().filter_map(Result::err);
    let refused: Vec<_> = refused.collect();
    assert!(refused.len() > 100, "{}", refused.len());
    assert!(refused.iter().all(|error| *error.kind() == ErrorKind::Refused(Refusal::TooFast(5))));
}
