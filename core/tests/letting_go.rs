//! What a session no longer keeps, sends or promises once it is of no use.

mod support;

use std::time::Duration;

use bytes::Bytes;
use distributed_scope_core::frame::{CallId, Chunk, Frame, Framed, Invoke};
use distributed_scope_core::session::{CHUNK, Effect, Session, Violation};
use distributed_scope_core::{Deadline, ErrorKind, Limits, PeerId, Ran, handshake};

use crate::support::{at, invoke, request, session, value};

fn frames(session: &mut Session<u64>, millis: u64) -> Vec<Frame> {
    let frames = std::iter::from_fn(|| session.next_frame(|| at(millis)).map(Framed::into_bytes));
    frames.map(|frame| Frame::decode(frame).expect("an honest frame")).collect()
}

/// A session of an acceptor, whose welcome is on its way.
fn accepted() -> Session<u64> {
    let them = handshake::introduction(PeerId::named("them"), &Limits::default(), 0);
    Session::accepted(Limits::default(), &them, at(0))
}

#[test]
fn an_acceptor_makes_no_call_before_it_knows_that_its_welcome_has_come() {
    let mut session = accepted();
    let early = session.call(at(0), &mut request(10, Deadline::never()), 0).expect_err("it is not open");
    assert_eq!((early.kind(), early.ran()), (&ErrorKind::NotConnected, Ran::Never));
    session.receive(at(1), Frame::Ack(0).encode()).expect("the first word");
    assert!(session.is_open());
    session.call(at(1), &mut request(10, Deadline::never()), 1).expect("it is open");
}

#[test]
fn a_dialler_that_comes_back_to_a_session_has_had_the_welcome() {
    let mut session = accepted();
    session.detach(at(1));
    session.attach(0, at(2)).expect("nothing was sent yet");
    assert!(session.is_open());
}

#[test]
fn a_dialler_says_something_at_once() {
    let them = handshake::introduction(PeerId::named("them"), &Limits::default(), 0);
    let mut session = Session::<u64>::dialled(Limits::default(), &them, at(0));
    assert_eq!(frames(&mut session, 0), [Frame::Ack(0)]);
}

fn told_deadlines(frames: &[Frame]) -> Vec<(u64, Option<u32>)> {
    let told = |frame: &Frame| match frame {
        Frame::Invoke(Invoke { call, deadline_ms, .. }) => Some((call.0, *deadline_ms)),
        _ => None,
    };
    frames.iter().filter_map(told).collect()
}

#[test]
fn a_call_that_waited_is_sent_with_the_time_that_is_left_then() {
    let limits = Limits::default();
    let mut caller = session(&limits, &limits);
    for deadline in [Deadline::at(at(1_000)), Deadline::never(), Deadline::at(at(5_000))] {
        caller.call(at(0), &mut request(10, deadline), 0).expect("a call");
    }
    let sent = frames(&mut caller, 400);
    assert_eq!(told_deadlines(&sent), [(0, Some(600)), (1, None), (2, Some(4_600))]);
    // None of it arrived, and the next connection comes late.
    caller.detach(at(500));
    caller.attach(0, at(900)).expect("all of it is kept");
    let sent = frames(&mut caller, 900);
    assert_eq!(told_deadlines(&sent), [(0, Some(100)), (1, None), (2, Some(4_100))]);
}

#[test]
fn a_call_whose_bytes_are_shared_keeps_them_as_they_were() {
    let limits = Limits::default();
    let mut caller = session(&limits, &limits);
    let mut request = request(10, Deadline::at(at(1_000)));
    caller.call(at(0), &mut request, 0).expect("a call");
    let before = request.frame.to_vec();
    frames(&mut caller, 400);
    assert_eq!(request.frame[..], before);
}

#[test]
fn the_time_of_a_large_call_counts_from_its_first_byte() {
    let limits = Limits::default().with_send_window(1 << 20);
    let (mut caller, mut callee) = (session(&limits, &limits), session(&limits, &limits));
    caller.call(at(0), &mut request(3 * CHUNK, Deadline::at(at(1_000))), 0).expect("a call");
    // It waits for 100 ms, and each of its parts for 200 more.
    let (mut now, mut effect) = (100, None);
    while let Some(frame) = caller.next_frame(|| at(now)).map(Framed::into_bytes) {
        effect = effect.or(callee.receive(at(now), frame).expect("an honest frame"));
        now += 200;
    }
    let Some(Effect::Run(invoke, deadline)) = effect else { panic!("{effect:?}") };
    assert_eq!(invoke.deadline_ms, Some(900));
    assert_eq!(deadline, Deadline::at(at(1_000)));
}

/// A session for which some blocks run.
fn busy(limits: &Limits, blocks: u64) -> Session<u64> {
    let mut session = session(limits, &Limits::default());
    for call in 0..blocks {
        session.receive(at(0), invoke(call, 1).encode()).expect("an honest frame");
    }
    session
}

/// Carries everything from one to the other, and returns the effects.
fn carry(from: &mut Session<u64>, to: &mut Session<u64>) -> Vec<Effect<u64>> {
    let frames = std::iter::from_fn(|| from.next_frame(|| at(1)).map(Framed::into_bytes));
    frames.filter_map(|frame| to.receive(at(1), frame).expect("an honest frame")).collect()
}

#[test]
fn results_for_a_peer_that_is_away_are_kept_up_to_their_limit_and_then_dropped() {
    const CALLS: u64 = 100;
    let limits = Limits::default().with_max_queued_result_bytes(300 << 10);
    let (mut caller, mut callee) = (session(&limits, &limits), session(&limits, &limits));
    for call in 0..CALLS {
        caller.call(at(1), &mut request(1, Deadline::never()), call).expect("a call");
    }
    assert_eq!(carry(&mut caller, &mut callee).len(), 100);
    [&mut caller, &mut callee].into_iter().for_each(|side| drop(side.detach(at(1))));
    (0..CALLS).for_each(|call| callee.reply(CallId(call), Ok(value(100 << 10))));
    assert!(callee.queued() <= (300 << 10) + 100 * 1024, "{} bytes wait", callee.queued());

    caller.attach(callee.received(), at(1)).expect("all is kept");
    callee.attach(caller.received(), at(1)).expect("all is kept");
    let (mut values, mut dropped) = (0, 0);
    while callee.queued() > 0 {
        for effect in carry(&mut callee, &mut caller) {
            match effect {
                Effect::Complete(_, Ok(_)) => values += 1,
                Effect::Complete(_, Err(error)) => {
                    assert_eq!(error.kind(), &ErrorKind::ResultDropped { limit: 300 << 10 });
                    assert_eq!(error.ran(), Ran::Yes);
                    dropped += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        carry(&mut caller, &mut callee);
    }
    assert_eq!((values, dropped), (2, 98));
}

#[test]
fn one_result_is_kept_however_large_it_is() {
    let limits = Limits::default().with_max_queued_result_bytes(1);
    let mut callee = busy(&limits, 1);
    callee.detach(at(0));
    callee.reply(CallId(0), Ok(value(1 << 20)));
    assert!(callee.queued() > 1 << 20);
}

#[test]
fn a_result_that_nobody_waits_for_is_not_sent_to_its_end() {
    let limits = Limits::default();
    let mut callee = busy(&limits, 2);
    callee.reply(CallId(0), Ok(value(8 << 20)));
    callee.reply(CallId(1), Ok(value(8 << 20)));
    let begun = frames(&mut callee, 0);
    assert!(
        begun.iter().all(|frame| matches!(frame, Frame::Chunk(_))) && begun.len() >= 2,
        "{}",
        begun.len()
    );
    callee.receive(at(0), Frame::Cancel(CallId(0)).encode()).expect("an honest frame");
    callee.receive(at(0), Frame::Cancel(CallId(1)).encode()).expect("an honest frame");
    let left: Vec<_> = frames(&mut callee, 0);
    let ends = |frame: &Frame| matches!(frame, Frame::Chunk(chunk) if chunk.bytes.is_empty());
    assert!(left.iter().all(ends) && left.len() == 2, "{} frames", left.len());
    assert_eq!(callee.queued(), 0);
}

#[test]
fn a_result_that_was_abandoned_leaves_nothing_at_its_caller() {
    let limits = Limits::default();
    let (mut caller, mut callee) = (session(&limits, &limits), session(&limits, &limits));
    let call = caller.call(at(0), &mut request(1, Deadline::never()), 7).expect("a call");
    while let Some(frame) = caller.next_frame(|| at(0)).map(Framed::into_bytes) {
        callee.receive(at(0), frame).expect("an honest frame");
    }
    callee.reply(call, Ok(value(8 << 20)));
    let chunk = callee.next_frame(|| at(0)).map(Framed::into_bytes).expect("a chunk");
    caller.receive(at(0), chunk).expect("an honest frame");
    assert!(caller.arriving() > 0);
    assert_eq!(caller.cancel(call), Some(7));
    while let Some(frame) = caller.next_frame(|| at(0)).map(Framed::into_bytes) {
        callee.receive(at(0), frame).expect("an honest frame");
    }
    while let Some(frame) = callee.next_frame(|| at(0)).map(Framed::into_bytes) {
        assert!(matches!(caller.receive(at(0), frame), Ok(None)));
    }
    assert_eq!((caller.arriving(), callee.queued()), (0, 0));
}

fn part(stream: u32, total: usize) -> Bytes {
    let total = u32::try_from(total).expect("a size of this test");
    Frame::Chunk(Chunk { stream, total, bytes: Bytes::from_static(&[0; 10]) }).encode()
}

#[test]
fn messages_in_parts_may_be_twice_the_limit_together_and_not_a_byte_more() {
    let limits = Limits::default().with_max_message(1 << 20);
    let mut taker = session(&limits, &limits);
    taker.receive(at(0), part(0, 1 << 20)).expect("one of the largest");
    taker.receive(at(0), part(1, (1 << 20) - CHUNK)).expect("another");
    taker.receive(at(0), part(2, CHUNK)).expect("a smaller one");
    let refused = taker.receive(at(0), part(3, 11)).err();
    assert_eq!(refused, Some(Violation::TooMuchAtOnce));
}

#[test]
fn a_sender_begins_no_more_than_the_receiver_takes() {
    let limits = Limits::default()
        .with_max_message(1 << 20)
        .with_max_queued_bytes(64 << 20)
        .with_send_window(64 << 20);
    let (mut caller, mut callee) = (session(&limits, &limits), session(&limits, &limits));
    for size in [9, 10, 2, 16, 3, 5, 16, 2, 2, 2].map(|sixteenths| sixteenths << 16) {
        caller.call(at(0), &mut request(size - 1024, Deadline::never()), 0).expect("a call");
    }
    let mut ran = 0;
    while let Some(frame) = caller.next_frame(|| at(0)).map(Framed::into_bytes) {
        ran += usize::from(callee.receive(at(0), frame).expect("an honest frame").is_some());
        assert!(callee.arriving() <= 2 << 20);
    }
    assert_eq!(ran, 10);
}

#[test]
fn a_connection_that_comes_after_the_window_does_not_go_on_with_the_session() {
    let limits = Limits::default().with_resume_window(Duration::from_secs(5));
    for (back, goes_on) in [(5_999, true), (6_000, false)] {
        let mut session = session(&limits, &limits);
        session.detach(at(1_000));
        // No tick was due, or the machine slept: nothing has noticed yet.
        assert_eq!(session.attach(0, at(back)).is_ok(), goes_on, "after {back} ms");
    }
}
