//! Calls that wait because the send queue is full.

mod support;

use std::collections::BTreeSet;

use distributed_scope_core::frame::{CallId, Frame, Framed};
use distributed_scope_core::session::{Effect, Session};
use distributed_scope_core::{
    Account, Deadline, ErrorKind, Full, Limits, Ran, Refusal, RemoteError, Request,
};
use proptest::prelude::*;

use crate::support::{at, request, session, value};

fn limits() -> Limits {
    Limits::default().with_max_queued_bytes(100_000).with_max_calls_in_flight(8)
}

/// Carries frames until no side has one. The other side answers calls as they come. Returns the
/// calls that ran, in that order, and those that ended.
fn exchange(caller: &mut Session<u64>, callee: &mut Session<u64>) -> (Vec<u64>, Vec<(u64, bool)>) {
    let (mut ran, mut ended) = (Vec::new(), Vec::new());
    loop {
        let mut moved = false;
        if let Some(frame) = caller.next_frame(|| at(1)).map(Framed::into_bytes) {
            moved = true;
            if let Some(Effect::Run(invoke, _)) = callee.receive(at(1), frame).expect("an honest frame") {
                ran.push(invoke.call.0);
                callee.reply(invoke.call, Ok(value(10)));
            }
        }
        if let Some(frame) = callee.next_frame(|| at(1)).map(Framed::into_bytes) {
            moved = true;
            if let Some(Effect::Complete(waiter, ending)) =
                caller.receive(at(1), frame).expect("an honest frame")
            {
                ended.push((waiter, ending.is_ok()));
            }
        }
        if !moved {
            return (ran, ended);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever the sizes are, no call is refused, each runs once, and one that was given up in
    /// time does not.
    #[test]
    fn no_call_is_refused_for_want_of_room(
        sizes in prop::collection::vec(1..300_000_usize, 1..60),
        given_up in prop::collection::btree_set(0..60_usize, 0..20),
    ) {
        let limits = limits();
        let (mut caller, mut callee) = (session(&limits, &limits), session(&limits, &limits));
        let mut calls = Vec::new();
        for (number, size) in sizes.iter().enumerate() {
            let call = caller.call(at(0), &mut request(*size, Deadline::never()), number as u64);
            calls.push(call.expect("it waits for room"));
            prop_assert!(caller.queued() <= limits.max_queued_bytes.max(300_100), "{} bytes are queued", caller.queued());
        }
        let mut cancelled = BTreeSet::new();
        for number in given_up.into_iter().filter(|number| *number < calls.len()) {
            prop_assert!(caller.cancel(calls[number]).is_some());
            cancelled.insert(calls[number].0);
        }
        let (mut ran, mut ended) = exchange(&mut caller, &mut callee);
        ran.sort_unstable();
        ended.sort_unstable();
        let expected: Vec<_> = calls.iter().map(|call| call.0).filter(|call| !cancelled.contains(call)).collect();
        prop_assert_eq!(&ran, &expected);
        prop_assert_eq!(ended.len(), expected.len());
        prop_assert!(ended.iter().all(|(_, is_value)| *is_value));
        prop_assert_eq!(caller.calls(), 0);
    }
}

fn failing_fast(size: usize) -> Request {
    Request { fails_fast: true, ..request(size, Deadline::never()) }
}

fn refusal(result: Result<CallId, RemoteError>) -> Refusal {
    let error = result.expect_err("it is refused");
    assert_eq!(error.ran(), Ran::Never);
    match error.kind() {
        ErrorKind::Refused(refusal) => refusal.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_that_fails_fast_is_refused_where_others_wait() {
    let limits = limits();
    let mut caller = session(&limits, &limits);
    caller.call(at(0), &mut failing_fast(90_000), 0).expect("there is room");
    assert_eq!(refusal(caller.call(at(0), &mut failing_fast(90_000), 1)), Refusal::QueueFull(100_000));
    caller.call(at(0), &mut request(90_000, Deadline::never()), 2).expect("it waits");
    // A small one would have room, but others were first.
    assert_eq!(refusal(caller.call(at(0), &mut failing_fast(10), 3)), Refusal::QueueFull(100_000));
}

#[test]
fn small_calls_beyond_the_number_that_may_be_open_wait_for_others_to_end() {
    let limits = limits();
    let (mut caller, mut callee) = (session(&limits, &limits), session(&limits, &limits));
    for number in 0..20 {
        caller.call(at(0), &mut request(1, Deadline::never()), number).expect("it waits");
    }
    assert_eq!(refusal(caller.call(at(0), &mut failing_fast(1), 20)), Refusal::Overloaded(8));
    let sent = std::iter::from_fn(|| caller.next_frame(|| at(1)).map(Framed::into_bytes)).collect::<Vec<_>>();
    assert_eq!(sent.len(), 8);
    for frame in sent {
        if let Some(Effect::Run(invoke, _)) = callee.receive(at(1), frame).expect("an honest frame") {
            callee.reply(invoke.call, Ok(value(1)));
        }
    }
    let (ran, ended) = exchange(&mut caller, &mut callee);
    assert_eq!(ran, (8..20).collect::<Vec<_>>());
    assert_eq!(ended.len(), 20);
}

#[test]
fn a_call_that_waits_for_room_ends_at_its_deadline_and_never_ran() {
    let limits = limits();
    let mut caller = session(&limits, &limits);
    caller.call(at(0), &mut request(90_000, Deadline::never()), 0).expect("there is room");
    caller.call(at(0), &mut request(90_000, Deadline::at(at(5))), 1).expect("it waits");
    let effects = caller.tick(at(20));
    let [Effect::Complete(1, Err(error))] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::DeadlineExceeded, Ran::Never));
}

#[test]
fn a_call_that_waits_for_room_when_the_session_ends_never_ran() {
    let limits = limits();
    let mut caller = session(&limits, &limits);
    for number in 0..3 {
        caller.call(at(0), &mut request(90_000, Deadline::never()), number).expect("it waits");
    }
    let ran = |effect: &Effect<u64>| match effect {
        Effect::Complete(_, Err(error)) => error.ran(),
        other => panic!("{other:?}"),
    };
    assert_eq!(caller.close().iter().map(ran).collect::<Vec<_>>(), [Ran::Never; 3]);
}

#[test]
fn a_side_that_goes_away_gets_no_call_that_waited() {
    let limits = limits();
    let (mut caller, mut callee) = (session(&limits, &limits), session(&limits, &limits));
    for number in 0..2 {
        caller.call(at(0), &mut request(90_000, Deadline::never()), number).expect("it waits");
    }
    callee.go_away();
    let leaves = callee.next_frame(|| at(1)).map(Framed::into_bytes).expect("it says so");
    assert!(matches!(caller.receive(at(1), leaves), Ok(Some(Effect::TheyLeave))));
    let Some(Effect::Complete(1, Err(error))) = caller.next_run() else { panic!("the second one is over") };
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::Refused(Refusal::GoingAway), Ran::Never));
    assert!(caller.next_run().is_none());
}

/// What a block calls on behalf of the other side is held for it.
#[test]
fn a_block_of_a_side_for_which_too_much_is_held_does_not_wait() {
    let limits = limits();
    let mut caller = session(&limits, &limits);
    let by_block = || Request { hop: 1, ..request(90_000, Deadline::never()) };
    for number in 0..3 {
        caller.call(at(0), &mut by_block(), number).expect("it waits");
    }
    assert!(caller.held() > 3 * 90_000);
    caller.set_full(Some(full()));
    assert_eq!(refusal(caller.call(at(0), &mut by_block(), 4)), Refusal::QueueFull(100_000));
    caller.call(at(0), &mut request(90_000, Deadline::never()), 5).expect("the program's own waits");
    assert!(caller.held() < 4 * 90_000);
    while caller.next_frame(|| at(0)).is_some_and(|frame| Frame::decode(frame.into_bytes()).is_ok()) {}
}

fn full() -> Full {
    let account = Account::of_session(&Limits::default().with_max_held_bytes_per_session(1), []);
    let _held = account.hold(1);
    account.full(1).expect("it is full")
}
