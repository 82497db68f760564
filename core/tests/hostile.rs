//! A session whose other side sends anything, in every state of the session. The frame is a
//! violation or ignored; it never makes us panic, and what it makes us keep is bounded.

mod support;

use bytes::Bytes;
use distributed_scope_core::frame::{
    CallId, Challenge, Chunk, Frame, Hello, KeyProof, Mac, Opened, Reply, Resume, SessionId, VERSION, Welcome,
};
use distributed_scope_core::handshake::{Invitation, Us};
use distributed_scope_core::session::{CHUNK, Effect, STREAMS, Session, Violation};
use distributed_scope_core::{Deadline, Limits, PeerId, Reject, handshake};
use proptest::prelude::*;

use crate::support::{at, invoke, request, session, value};

fn limits() -> Limits {
    Limits::default()
        .with_max_message(300 << 10)
        .with_resend_buffer(200 << 10)
        .with_max_calls_served(5)
        .with_max_calls_in_flight(5)
        .with_max_queued_bytes(50 << 10)
}

#[derive(Clone, Debug)]
enum Step {
    Receive(Bytes),
    Call(usize),
    Cancel(u64),
    Reply(u64, usize),
    Send(usize),
    Tick(u64),
    Detach,
    Attach(u64),
    GoAway,
    Close,
}

/// Numbers that are likely to mean something to a young session, and numbers that are not.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..8u64, 1 => any::<u64>(), 1 => Just(u64::MAX)]
}

fn frame() -> impl Strategy<Value = Bytes> {
    let chunk = (0..7u32, prop_oneof![0..1_000u32, Just(200 << 10), any::<u32>()], 0..=CHUNK);
    let from = || handshake::introduction(PeerId::named("them"), &limits(), 0);
    let opened = Opened::Resumed { received: 1, mac: Mac([4; 32]) };
    let welcome = Welcome { from: from(), window_ms: 0, opened, proof: None };
    let challenge = Challenge { version: VERSION, nonce: [5; 32] };
    let nested = || (0..8u64, 0..200usize).prop_map(|(call, size)| invoke(call, size).encode());
    prop_oneof![
        4 => (number(), 0..300usize).prop_map(|(call, size)| invoke(call, size).encode()),
        4 => chunk.prop_map(|(stream, total, size)| {
            Frame::Chunk(Chunk { stream, total, bytes: vec![4; size].into() }).encode()
        }),
        2 => nested().prop_map(|bytes| {
            Frame::Chunk(Chunk { stream: 1, total: bytes.len() as u32, bytes }).encode()
        }),
        2 => (number(), any::<bool>(), 0..3u8, 0..99usize).prop_map(|(call, is_value, codec, size)| {
            Frame::Reply(Reply { call: CallId(call), is_value, codec, ends: None, payload: vec![9; size].into() }).encode()
        }),
        2 => number().prop_map(|call| Frame::Cancel(CallId(call)).encode()),
        2 => number().prop_map(|received| Frame::Ack(received).encode()),
        1 => Just(Frame::GoAway.encode()),
        1 => Just(Frame::Challenge(challenge).encode()),
        1 => Just(hello().encode()),
        1 => Just(Frame::Welcome(Box::new(welcome)).encode()),
        1 => Just(handshake::reject(Reject::Late)),
        2 => prop::collection::vec(any::<u8>(), 0..100).prop_map(Bytes::from),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => frame().prop_map(Step::Receive),
        3 => prop_oneof![0..100usize, 60_000..200_000usize].prop_map(Step::Call),
        2 => number().prop_map(Step::Cancel),
        3 => (number(), prop_oneof![0..100usize, 60_000..200_000usize]).prop_map(|(call, size)| Step::Reply(call, size)),
        4 => (0..20usize).prop_map(Step::Send),
        2 => (0..10_000u64).prop_map(Step::Tick),
        1 => Just(Step::Detach),
        2 => number().prop_map(Step::Attach),
        1 => Just(Step::GoAway),
        1 => prop::bool::weighted(0.1).prop_map(|close| if close { Step::Close } else { Step::Send(1) }),
    ]
}

fn check(session: &Session<u64>) {
    let limits = limits();
    assert!(session.kept() <= limits.resend_buffer.max(CHUNK + 1024));
    assert!(session.arriving() <= STREAMS * limits.max_message);
    assert!(
        session.running() <= limits.max_calls_served && session.in_flight() <= limits.max_calls_in_flight
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_other_side_sends_the_session_stays_in_its_bounds(steps in prop::collection::vec(step(), 0..60)) {
        let mut session = session(&limits(), &limits());
        let mut now = 0;
        for step in steps {
            match step {
                Step::Receive(bytes) => {
                    let (alive, attached) = (session.is_alive(), session.is_attached());
                    let received = session.received();
                    match session.receive(at(now), bytes) {
                        Ok(effect) => prop_assert!(attached || effect.is_none()),
                        Err(_) => {
                            prop_assert!(alive && attached);
                            session.close();
                        }
                    }
                    prop_assert!(attached || session.received() == received);
                }
                Step::Call(size) => drop(session.call(at(now), &mut request(size, Deadline::at(at(now + 5_000))), 0)),
                Step::Cancel(call) => drop(session.cancel(CallId(call))),
                Step::Reply(call, size) => session.reply(CallId(call), Ok(value(size))),
                Step::Send(count) => (0..count).for_each(|_| drop(session.next_frame(|| at(now)))),
                Step::Tick(millis) => {
                    now += millis;
                    session.tick(at(now));
                }
                Step::Detach => drop(session.detach(at(now))),
                Step::Attach(received) => {
                    if session.attach(received, at(now)).is_err() {
                        session.close();
                    }
                }
                Step::GoAway => session.go_away(),
                Step::Close => drop(session.close()),
            }
            check(&session);
        }
        session.close();
        let left = (session.calls(), session.running(), session.queued(), session.kept(), session.arriving());
        prop_assert_eq!(left, (0, 0, 0, 0, 0));
    }

    #[test]
    fn the_first_message_of_a_connection_may_be_anything(bytes in frame(), junk in prop::collection::vec(any::<u8>(), 0..99)) {
        let us = Us::new(&PeerId::named("us").into(), &limits(), 0);
        let invitation = Invitation::new();
        let (_, introduced) = handshake::answer(&us, None, invitation.frame()).expect("a frame").expect("fits");
        for message in [bytes, junk.into()] {
            let _ = Invitation::new().accept(&us, message.clone());
            let _ = handshake::answer(&us, None, message.clone());
            let _ = introduced.welcomed(&us, message);
        }
    }
}

fn accused(frames: &[Frame]) -> Violation {
    let mut session = session(&limits(), &limits());
    let accused = frames.iter().find_map(|frame| session.receive(at(0), frame.encode()).err());
    accused.expect("one of the frames is a violation")
}

fn chunk(stream: u32, total: u32, size: usize) -> Frame {
    Frame::Chunk(Chunk { stream, total, bytes: vec![4; size].into() })
}

#[test]
fn each_lie_has_its_own_accusation() {
    assert_eq!(accused(&[Frame::Ack(1)]), Violation::NeverSent);
    assert_eq!(accused(&[invoke(3, 0), invoke(3, 0)]), Violation::CallTwice(3));
    let reply = Reply { call: CallId(0), is_value: true, codec: 1, ends: None, payload: Bytes::new() };
    assert_eq!(accused(&[Frame::Reply(reply)]), Violation::NoSuchCall(0));
    assert_eq!(accused(&[chunk(1, 100, 101)]), Violation::ChunkSize);
    assert_eq!(accused(&[chunk(1, 100, 10), chunk(1, 101, 10)]), Violation::ChunkSize);
    assert_eq!(accused(&[chunk(1, 100, 60), chunk(1, 100, 60)]), Violation::ChunkSize);
    assert!(matches!(accused(&[chunk(1, u32::MAX, 10)]), Violation::TooLarge { .. }));
    let streams: Vec<_> = (0..=STREAMS as u32).map(|stream| chunk(stream, 100, 1)).collect();
    assert_eq!(accused(&streams), Violation::TooManyStreams);
    for nested in [Frame::Ack(0), chunk(2, 10, 1), hello()] {
        let bytes = nested.encode();
        let total = bytes.len() as u32;
        let found = accused(&[Frame::Chunk(Chunk { stream: 1, total, bytes })]);
        assert!(matches!(found, Violation::Unexpected(_)), "{found}");
    }
}

fn hello() -> Frame {
    let from = handshake::introduction(PeerId::named("them"), &limits(), 0);
    let resume = Resume { session: SessionId([1; 16]), received: 3, mac: Mac([2; 32]) };
    let proof = KeyProof { key: [6; 32], signature: [7; 64] };
    Frame::Hello(Box::new(Hello { from, nonce: [3; 32], resume: Some(resume), proof: Some(proof) }))
}

#[test]
fn calls_beyond_the_limit_are_refused_one_by_one() {
    let mut session = session(&limits(), &limits());
    let runs = (0..9).filter(|call| {
        let effect = session.receive(at(0), invoke(*call, 0).encode()).expect("no violation");
        matches!(effect, Some(Effect::Run(..)))
    });
    assert_eq!(runs.count(), limits().max_calls_served);
}
