//! Single guarantees of a session, each in the smallest schedule that could break it.

mod support;

use std::time::Duration;

use distributed_scope_core::frame::{CallId, Frame, Framed, Invoke};
use distributed_scope_core::session::{CHUNK, Dead, Effect, Session, Violation};
use distributed_scope_core::{Codec, Deadline, ErrorKind, Limits, Ran, Refusal, RemoteError};

use crate::support::{at, invoke, request, session, value};

fn small_limits() -> Limits {
    Limits::default().with_max_queued_bytes(100 << 10).with_send_window(3 * CHUNK).with_max_message(4 << 20)
}

/// Carries frames both ways, as a driver does, until neither side has one. Returns the effects on
/// each side.
fn exchange(one: &mut Session<u64>, two: &mut Session<u64>) -> [Vec<Effect<u64>>; 2] {
    let mut effects = [Vec::new(), Vec::new()];
    loop {
        let before = effects.iter().map(Vec::len).sum::<usize>();
        let mut moved = false;
        if !two.is_backpressured()
            && let Some(frame) = one.next_frame(|| at(1)).map(Framed::into_bytes)
        {
            effects[1].extend(two.receive(at(1), frame).expect("an honest frame"));
            moved = true;
        }
        if !one.is_backpressured()
            && let Some(frame) = two.next_frame(|| at(1)).map(Framed::into_bytes)
        {
            effects[0].extend(one.receive(at(1), frame).expect("an honest frame"));
            moved = true;
        }
        if !moved && before == effects.iter().map(Vec::len).sum::<usize>() {
            return effects;
        }
    }
}

#[test]
fn a_result_that_is_larger_than_the_queue_does_not_stop_its_own_acknowledgements() {
    let limits = small_limits();
    let (mut caller, mut callee) = (session(&limits, &limits), session(&limits, &limits));
    let call = caller.call(at(0), &mut request(10, Deadline::never()), 7).expect("a call");
    exchange(&mut caller, &mut callee);
    callee.reply(call, Ok(value(3 << 20)));
    let [completed, _] = exchange(&mut caller, &mut callee);
    assert!(matches!(&completed[..], [Effect::Complete(7, Ok(_))]), "{completed:?}");
}

/// Two sides whose queues are both full read enough to go on.
#[test]
fn backpressured_sides_do_not_deadlock() {
    let limits = Limits::default().with_max_queued_bytes(10);
    let mut sides = [session(&limits, &limits), session(&limits, &limits)];
    for side in &mut sides {
        for call in 0..2_000 {
            side.receive(at(0), invoke(call, 1).encode()).expect("an honest frame");
            // They are answers to calls that were not made, which does not matter to a side that
            // only carries
            // them.
            side.reply(CallId(call), Err(RemoteError::refused(Refusal::DecodeCaptures("x".repeat(500)))));
        }
    }
    // The connection holds one frame of each direction.
    let mut pipes: [Option<_>; 2] = [None, None];
    let mut carried = 0;
    let mut millis = 0;
    while sides.iter().any(|side| side.queued() > 0) {
        let wake = sides.iter().filter_map(Session::wake).min().expect("both are alive");
        millis = wake.since_origin().as_millis() as u64;
        assert!(millis < 60_000, "{carried} frames were carried in a minute");
        for _ in 0..1_000 {
            for side in [0, 1] {
                if !sides[1 - side].is_backpressured()
                    && pipes[side].take().is_some_and(|frame| carries(&mut sides[1 - side], frame))
                {
                    carried += 1;
                }
                if pipes[side].is_none() {
                    pipes[side] = sides[side].next_frame(|| at(0)).map(Framed::into_bytes);
                }
            }
        }
        for side in &mut sides {
            let effects = side.tick(wake);
            assert!(effects.is_empty(), "{effects:?}");
        }
    }
    assert!(carried > 3_000 && millis > 0);
}

/// Lets a side take a frame of which only the size matters.
fn carries(side: &mut Session<u64>, frame: bytes::Bytes) -> bool {
    let size = frame.len().max(1);
    let cancel = Frame::Cancel(CallId(u64::MAX)).encode();
    (0..size.div_ceil(cancel.len())).for_each(|_| drop(side.receive(at(0), cancel.clone())));
    true
}

/// A side whose queue is full reads only its allowance from a side that takes nothing.
#[test]
fn backpressured_side_reads_only_its_allowance() {
    let limits = Limits::default().with_max_queued_bytes(10);
    let mut session = session(&limits, &limits);
    let (mut read, mut call) = (0, 0);
    let dead = loop {
        while !session.is_backpressured() {
            let frame = invoke(call, 1).encode();
            read += frame.len();
            session.receive(at(0), frame).expect("an honest frame");
            session.reply(CallId(call), Ok(value(100)));
            call += 1;
        }
        let effects = session.tick(session.wake().expect("it is alive"));
        if !effects.is_empty() {
            break effects;
        }
    };
    assert!(matches!(dead[..], [Effect::DropConnection(Dead::Stalled)]), "{dead:?}");
    assert!(read <= 16 * 4 * CHUNK, "{read} bytes were read");
}

/// Lets a side receive a message, and runs the blocks that it may run at once: each returns this
/// result.
fn serve(side: &mut Session<u64>, message: bytes::Bytes, result: usize) -> usize {
    let mut ran = 0;
    let mut next = side.receive(at(0), message).expect("an honest frame").or_else(|| side.next_run());
    while let Some(effect) = next {
        let Effect::Run(invoke, _) = effect else { panic!("{effect:?}") };
        side.reply(invoke.call, Ok(value(result)));
        ran += 1;
        next = side.next_run();
    }
    ran
}

/// How many numbered frames a side sends on a connection that takes them all.
fn drained(side: &mut Session<u64>) -> u64 {
    let frames = std::iter::from_fn(|| side.next_frame(|| at(0)).map(Framed::into_bytes));
    frames.filter(|frame| !matches!(Frame::decode(frame.clone()), Ok(Frame::Ack(_)))).count() as u64
}

#[test]
fn small_calls_with_large_results_run_as_their_results_are_taken_and_no_faster() {
    const CALLS: u64 = 500;
    const RESULT: usize = 1 << 20;
    let limits = Limits::default().with_max_queued_bytes(4 << 20);
    let mut session = session(&limits, &limits);
    let (mut ran, mut sent, mut most) = (0, 0, 0);
    for call in 0..CALLS {
        ran += serve(&mut session, invoke(call, 1).encode(), RESULT);
        most = most.max(session.queued());
        // The network takes everything, and the other side says nothing: only the window holds
        // frames
        // back.
        sent += drained(&mut session);
    }
    assert!(!session.is_backpressured(), "acknowledgements have to be read");
    assert!(ran < CALLS as usize, "nobody has taken that many results");
    while ran < CALLS as usize {
        let before = ran;
        ran += serve(&mut session, Frame::Ack(sent).encode(), RESULT);
        most = most.max(session.queued());
        let more = drained(&mut session);
        sent += more;
        assert!(ran > before || more > 0, "{ran} of {CALLS} calls ran, and then no more");
    }
    assert!(most <= limits.max_queued_bytes + 2 * RESULT, "{most} bytes waited to be sent");
}

#[test]
fn calls_beyond_what_may_wait_are_refused_and_one_that_waits_too_long_never_ran() {
    let limits = Limits::default().with_max_queued_bytes(100 << 10);
    let mut session = session(&limits, &limits);
    assert_eq!(serve(&mut session, invoke(0, 1).encode(), 1 << 20), 1);
    let late = Frame::Invoke(Invoke { deadline_ms: Some(5), ..parts(invoke(1, 1)) });
    assert_eq!(serve(&mut session, late.encode(), 1), 0, "it has to wait");
    assert_eq!(serve(&mut session, invoke(2, 50 << 10).encode(), 1), 0, "this one, too");
    assert_eq!(serve(&mut session, invoke(3, 50 << 10).encode(), 1), 0, "and this one is refused");
    session.tick(at(10));
    assert_eq!(session.running(), 0);
    let (mut errors, mut sent, mut ran) = (Vec::new(), 0, 0);
    while session.queued() > 0 {
        for frame in
            std::iter::from_fn(|| session.next_frame(|| at(10)).map(Framed::into_bytes)).collect::<Vec<_>>()
        {
            let frame = Frame::decode(frame).expect("an honest frame");
            sent += u64::from(!matches!(frame, Frame::Ack(_)));
            if let Frame::Reply(reply) = frame
                && !reply.is_value
            {
                let error: RemoteError = Codec::default().decode(&reply.payload).expect("an error");
                errors.push((reply.call.0, error.kind().clone(), error.ran()));
            }
        }
        ran += serve(&mut session, Frame::Ack(sent).encode(), 1);
    }
    let full = ErrorKind::Refused(Refusal::QueueFull(limits.max_queued_bytes));
    assert_eq!(errors, [(3, full, Ran::Never), (1, ErrorKind::DeadlineExceeded, Ran::Never)]);
    assert_eq!(ran, 1, "the one that waited and was not late");
}

fn parts(frame: Frame) -> Invoke {
    let Frame::Invoke(invoke) = frame else { panic!("no call") };
    invoke
}

#[test]
fn a_session_that_reads_nothing_because_it_is_clogged_does_not_take_the_other_side_for_silent() {
    let limits = Limits::default().with_max_queued_bytes(10).with_min_write_rate(0);
    let mut session = session(&limits, &limits);
    for call in 0..1_000 {
        session.receive(at(0), invoke(call, 1).encode()).expect("an honest frame");
        session.reply(CallId(call), Ok(value(100)));
    }
    for second in 0..100 {
        assert!(session.is_backpressured());
        let mut next = || session.next_frame(|| at(second * 1_000)).map(Framed::into_bytes);
        let mut frame = next().expect("a slow reader takes a frame a second");
        while let Ok(Frame::Ack(_)) = Frame::decode(frame) {
            frame = next().expect("and what goes before it");
        }
        let effects = session.tick(at(second * 1_000));
        assert!(effects.is_empty(), "{effects:?}");
    }
    // One that takes nothing at all is cut.
    let dead = (100..200).find_map(|second| session.tick(at(second * 1_000)).pop());
    assert!(matches!(dead, Some(Effect::DropConnection(Dead::Stalled))), "{dead:?}");
}

#[test]
fn a_message_is_measured_whether_it_comes_in_chunks_or_whole() {
    let limits = Limits::default().with_max_message(2_000);
    let mut taker = session(&limits, &Limits::default());
    assert!(taker.receive(at(0), invoke(0, 2_000 - 32).encode()).is_ok());
    let refused = taker.receive(at(0), invoke(1, 2_001 - 32).encode());
    assert_eq!(refused.err(), Some(Violation::TooLarge { size: 2_001, limit: 2_000 }));
    // No carrier takes a message beyond a chunk, so neither does the session.
    let mut taker = session(&Limits::default(), &Limits::default());
    let refused = taker.receive(at(0), invoke(0, 2 * CHUNK).encode());
    assert!(matches!(refused, Err(Violation::TooLarge { .. })), "{refused:?}");
}

#[test]
fn an_error_that_cannot_be_made_small_enough_is_replaced_by_one_that_says_so() {
    let theirs = Limits::default().with_max_message(2_000);
    let mut callee = session(&Limits::default(), &theirs);
    let mut caller = session(&theirs, &Limits::default());
    let call = caller.call(at(0), &mut request(10, Deadline::never()), 7).expect("a call");
    exchange(&mut caller, &mut callee);
    callee.reply(call, Err(RemoteError::refused(Refusal::DecodeCaptures("x".repeat(1 << 20)))));
    let [completed, _] = exchange(&mut caller, &mut callee);
    let [Effect::Complete(7, Err(error))] = &completed[..] else { panic!("{completed:?}") };
    assert!(matches!(error.kind(), ErrorKind::TooLarge { limit: 2_000, .. }), "{error:#}");
    assert_eq!(error.ran(), Ran::Never);
}

#[test]
fn a_peer_that_wants_to_hear_something_all_the_time_does_not_get_it() {
    let eager = Limits::default().with_idle_timeout(Duration::ZERO);
    let mut session = session(&Limits::default(), &eager);
    let mut ticks = 0;
    while let Some(wake) = session.wake().filter(|wake| *wake <= at(1_000)) {
        session.tick(wake);
        ticks += 1;
    }
    assert!(ticks <= 40, "{ticks} ticks in a second");
}

#[test]
fn a_small_call_does_not_wait_for_a_large_one() {
    let limits = Limits::default();
    let mut caller = session(&limits, &limits);
    caller.call(at(0), &mut request(1 << 20, Deadline::never()), 0).expect("a call");
    caller.next_frame(|| at(0)).map(Framed::into_bytes).expect("its first chunk");
    caller.call(at(0), &mut request(10, Deadline::never()), 1).expect("a call");
    let between = std::iter::from_fn(|| caller.next_frame(|| at(0)).map(Framed::into_bytes))
        .position(|frame| matches!(Frame::decode(frame), Ok(Frame::Invoke(_))));
    assert!(between.is_some_and(|between| between <= 1), "{between:?} chunks went before it");
}

#[test]
fn an_expired_call_that_waited_for_a_connection_is_never_sent() {
    let limits = Limits::default();
    let mut caller = session(&limits, &limits);
    caller.detach(at(0));
    caller.call(at(0), &mut request(10, Deadline::at(at(50))), 0).expect("a call");
    caller.call(at(0), &mut request(10, Deadline::at(at(90))), 1).expect("a call");
    let ended = caller.tick(at(50));
    let [Effect::Complete(0, Err(error))] = &ended[..] else { panic!("{ended:?}") };
    assert_eq!(error.ran(), Ran::Never);
    caller.attach(0, at(60)).expect("nothing was sent yet");
    let mut next = || Frame::decode(caller.next_frame(|| at(0))?.into_bytes()).ok();
    assert!(matches!(next(), Some(Frame::Ack(0))), "the other side has to hear something");
    assert!(matches!(next(), Some(Frame::Invoke(invoke)) if invoke.call == CallId(1)));
    assert_eq!(caller.next_frame(|| at(0)).map(Framed::into_bytes), None);
}

#[test]
fn a_side_that_leaves_answers_what_runs_and_refuses_what_is_new() {
    let limits = Limits::default();
    let (mut caller, mut callee) = (session(&limits, &limits), session(&limits, &limits));
    let running = caller.call(at(0), &mut request(10, Deadline::never()), 0).expect("a call");
    exchange(&mut caller, &mut callee);
    // The second call and the news that the callee leaves pass each other.
    caller.call(at(0), &mut request(10, Deadline::never()), 1).expect("a call");
    callee.go_away();
    let [told, started] = exchange(&mut caller, &mut callee);
    assert!(started.is_empty(), "{started:?}");
    let refused = told.iter().find_map(|effect| match effect {
        Effect::Complete(1, Err(error)) => Some((error.kind().clone(), error.ran())),
        _ => None,
    });
    assert_eq!(refused, Some((ErrorKind::Refused(Refusal::GoingAway), Ran::Never)));
    let refused = caller.call(at(1), &mut request(10, Deadline::never()), 2).expect_err("it was told");
    assert_eq!(refused.kind(), &ErrorKind::Refused(Refusal::GoingAway));
    callee.reply(running, Ok(value(10)));
    assert!(!callee.is_idle());
    let [answered, _] = exchange(&mut caller, &mut callee);
    assert!(matches!(&answered[..], [Effect::Complete(0, Ok(_))]), "{answered:?}");
    assert!(callee.is_idle());
}

#[test]
fn a_side_that_leaves_stays_until_a_call_that_is_on_its_way_has_come_and_was_refused() {
    let limits = Limits::default();
    let (mut caller, mut callee) = (session(&limits, &limits), session(&limits, &limits));
    exchange(&mut caller, &mut callee);
    caller.call(at(0), &mut request(10, Deadline::never()), 1).expect("a call");
    let call = caller.next_frame(|| at(0)).map(Framed::into_bytes).expect("the call");
    callee.go_away();
    let news = callee.next_frame(|| at(0)).map(Framed::into_bytes).expect("that it leaves");
    assert!(!callee.is_idle(), "there is a call that it does not know of");
    assert!(matches!(caller.receive(at(0), news), Ok(Some(Effect::TheyLeave))));
    assert!(matches!(callee.receive(at(0), call), Ok(None)));
    let [refused, _] = exchange(&mut caller, &mut callee);
    assert!(matches!(&refused[..], [Effect::Complete(1, Err(_))]), "{refused:?}");
    assert!(callee.is_idle());
}

#[test]
fn a_side_that_leaves_does_not_wait_long_for_one_that_does_not_say_that_it_knows() {
    let limits = Limits::default().with_idle_timeout(Duration::from_secs(16));
    let mut side = session(&limits, &limits);
    side.go_away();
    while side.next_frame(|| at(0)).is_some() {}
    let idle = (1..).find(|second| {
        side.tick(at(second * 1000));
        side.is_idle()
    });
    assert_eq!(idle, Some(2));
}

#[test]
fn a_side_that_takes_one_small_result_after_the_other_is_cut_off_and_one_that_keeps_up_is_not() {
    let limits = Limits::default().with_write_timeout(Duration::from_secs(10)).with_min_write_rate(4096);
    // When the connection is dropped, if so many results are taken in a second, and acknowledged.
    let dropped = |per_second: u64| {
        let mut side = session(&limits, &limits);
        for call in 0..60_000 {
            side.receive(at(0), invoke(call, 1).encode()).expect("an honest frame");
            side.reply(CallId(call), Ok(value(100)));
        }
        let mut taken = 0;
        (1..=100).find(|second| {
            let goal = taken + per_second;
            while taken < goal {
                let frame =
                    side.next_frame(|| at(second * 1000)).map(Framed::into_bytes).expect("there is more");
                let is_numbered = !matches!(Frame::decode(frame), Ok(Frame::Ack(_)));
                taken += u64::from(is_numbered);
            }
            side.receive(at(second * 1000), Frame::Ack(taken).encode()).expect("that many were sent");
            let effects = side.tick(at(second * 1000));
            effects.iter().any(|effect| matches!(effect, Effect::DropConnection(Dead::Stalled)))
        })
    };
    let slow = dropped(1).expect("it is dropped");
    assert!((10..=17).contains(&slow), "after {slow} seconds");
    assert_eq!(dropped(100), None);
}

#[test]
fn a_side_whose_connection_is_lost_before_it_has_said_that_it_leaves_has_nothing_left_to_do() {
    let mut side = session(&Limits::default(), &Limits::default());
    side.go_away();
    assert!(!side.is_idle(), "the other side is there to be told");
    side.detach(at(1));
    assert!(side.is_idle());
    // A result is different: its caller may reconnect.
    let mut side = session(&Limits::default(), &Limits::default());
    side.receive(at(0), invoke(0, 1).encode()).expect("an honest frame");
    side.go_away();
    side.detach(at(1));
    side.reply(CallId(0), Ok(value(0)));
    assert!(!side.is_idle());
}

/// When a connection with this many bytes per second is dropped while a message of 16 MiB is sent
/// on it, after `alone` whole chunks on a fast line.
fn dropped_on_a_line_of(bytes_per_second: u64, alone: usize) -> Option<u64> {
    let limits = Limits::default().with_max_message(64 << 20);
    let (mut from, mut to) = (session(&limits, &limits), session(&limits, &limits));
    let size = (alone + 256) * CHUNK;
    from.call(at(0), &mut request(size, Deadline::never()), 0).expect("there is room");
    let (mut millis, mut carried) = (0, 0);
    // What the sender has handed to the line, which hands it on in time.
    let mut line = std::collections::VecDeque::new();
    loop {
        while let Some(frame) = from.next_frame(|| at(millis)).map(Framed::into_bytes) {
            line.push_back(frame);
        }
        let Some(frame) = line.pop_front() else {
            assert_eq!(from.queued(), 0, "both wait for each other");
            return None;
        };
        if carried >= alone * CHUNK {
            let arrives = millis + frame.len() as u64 * 1000 / bytes_per_second;
            while let Some(due) = from.wake().min(to.wake()).map(|due| due.since_origin().as_millis() as u64)
                && due <= arrives
            {
                let effects = from.tick(at(due)).into_iter().chain(to.tick(at(due)));
                if effects.into_iter().any(|effect| matches!(effect, Effect::DropConnection(_))) {
                    return Some(due / 1000);
                }
                answer(&mut to, &mut from, due);
            }
            millis = arrives;
        }
        carried += frame.len();
        to.receive(at(millis), frame).expect("an honest frame");
        answer(&mut to, &mut from, millis);
    }
}

/// What the receiver has to say is small, and comes at once.
fn answer(to: &mut Session<u64>, from: &mut Session<u64>, millis: u64) {
    while let Some(frame) = to.next_frame(|| at(millis)).map(Framed::into_bytes) {
        from.receive(at(millis), frame).expect("an honest frame");
    }
}

#[test]
fn a_large_message_on_a_slow_line_is_not_taken_for_a_side_that_takes_nothing() {
    for alone in [0, 200] {
        assert_eq!(dropped_on_a_line_of(8 << 10, alone), None, "after {alone} chunks");
        let dropped = dropped_on_a_line_of(1 << 10, alone).expect("that is too slow");
        assert!((10..=40).contains(&dropped), "after {dropped} s");
    }
}

/// Makes one side send large calls and small ones between them, in the order of chunks and small
/// frames of `plan`. Returns how often the other side acknowledged. The two sides must never wait
/// for each other.
fn acknowledgements(limits: &Limits, plan: impl IntoIterator<Item = usize>) -> usize {
    let (mut from, mut to) = (session(limits, limits), session(limits, limits));
    let (mut calls, mut acks) = (0, 0);
    for size in plan {
        from.call(at(0), &mut request(size, Deadline::never()), 0).expect("there is room");
        calls += 1;
        while let Some(frame) = from.next_frame(|| at(0)).map(Framed::into_bytes) {
            to.receive(at(0), frame).expect("an honest frame");
            if let Some(ack) = to.next_frame(|| at(0)).map(Framed::into_bytes) {
                acks += 1;
                from.receive(at(0), ack).expect("an honest frame");
            }
        }
        assert_eq!(from.queued(), 0, "call {calls} is stuck behind a window that nobody opens");
    }
    assert_eq!(to.running(), calls);
    acks
}

#[test]
fn chunks_that_go_alone_are_acknowledged_a_quarter_as_often() {
    let limits = Limits::default().with_max_calls_in_flight(10_000).with_max_calls_served(10_000);
    let large = 16 * CHUNK - 1000;
    let alone = acknowledgements(&limits, std::iter::repeat_n(large, 48));
    assert!((64 + 60..=64 + 85).contains(&alone), "{alone}");
    let between = |n: usize| if n.is_multiple_of(4) { 10 } else { large };
    let beside = acknowledgements(&limits, (0..64).map(between));
    assert!((340..=400).contains(&beside), "{beside}");
}

#[test]
fn a_window_that_is_full_is_acknowledged_at_every_moment_at_which_it_grows_or_shrinks() {
    for window in [0, 192 << 10, 200_000, 256 << 10] {
        let limits = Limits::default()
            .with_send_window(window)
            .with_max_calls_in_flight(10_000)
            .with_max_calls_served(10_000);
        for alone in 120..140 {
            // So many chunks, a small frame, and as much again as the widest window has.
            let plan = (0..alone / 4).map(|_| 4 * CHUNK).chain([10, 10, 40 * CHUNK, 10, 40 * CHUNK]);
            acknowledgements(&limits, plan);
        }
    }
}

#[test]
fn long_error_text_is_cut_where_it_arrives() {
    let limits = small_limits().with_max_error_text(500);
    let (mut caller, mut callee) = (session(&limits, &limits), session(&limits, &limits));
    let call = caller.call(at(0), &mut request(10, Deadline::never()), 7).expect("a call");
    exchange(&mut caller, &mut callee);
    let text = "\u{1b}[2J".to_owned() + &"\r\n".repeat(1 << 20);
    callee.reply(call, Err(RemoteError::refused(Refusal::Forbidden(text))));
    let [mut completed, _] = exchange(&mut caller, &mut callee);
    let Some(Effect::Complete(7, Err(error))) = completed.pop() else { panic!("{completed:?}") };
    let text = format!("{error:#}");
    assert!(text.len() < 2000 && text.contains(" bytes left out]"), "{text}");
    assert!(!text.chars().any(char::is_control), "{text}");
}
