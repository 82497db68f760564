//! What a session counts as held for the other side equals its memory use; and what happens at the
//! limit.

mod support;

use bytes::{Bytes, BytesMut};
use distributed_scope_core::frame::{CallId, Chunk, Frame, Framed, Reply};
use distributed_scope_core::session::{CHUNK, Effect, Session};
use distributed_scope_core::{Account, Deadline, ErrorKind, Full, Limits, Ran, Refusal, Share};
use proptest::prelude::*;

use crate::support::{at, invoke, request, session, value};

/// What a session takes besides: tables of calls, places in queues.
const SLACK: usize = 100 << 10;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A part of a large message of theirs.
    Part { stream: u32, size: usize },
    /// A small call of theirs.
    Call { size: usize },
    /// A block of theirs ends.
    Result { size: usize },
    /// We send this many frames.
    Send { frames: usize },
    /// They have everything that was sent.
    Acknowledge,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..4_u32, 1..=CHUNK).prop_map(|(stream, size)| Step::Part { stream, size }),
        (0..40_000_usize).prop_map(|size| Step::Call { size }),
        (0..400_000_usize).prop_map(|size| Step::Result { size }),
        (0..40_usize).prop_map(|frames| Step::Send { frames }),
        Just(Step::Acknowledge),
    ]
}

/// One side of a session, and the input that it received.
struct Side {
    session: Session<u64>,
    calls: u64,
    running: Vec<CallId>,
    sent: u64,
}

impl Side {
    fn take(&mut self, step: Step) {
        match step {
            Step::Part { stream, size } => {
                let total = 3 << 20;
                // A message that would be too large is a violation, and then there is nothing more
                // to see.
                let _ = self.receive(Frame::Chunk(Chunk { stream, total, bytes: vec![7; size].into() }));
            }
            Step::Call { size } => {
                self.calls += 1;
                self.receive(invoke(self.calls, size)).expect("an honest frame");
            }
            Step::Result { size } => {
                if let Some(call) = self.running.pop() {
                    self.session.reply(call, Ok(value(size)));
                }
            }
            Step::Send { frames } => {
                for _ in 0..frames {
                    let Some(frame) = self.session.next_frame(|| at(1)) else { break };
                    self.sent += u64::from(!matches!(frame.bytes().first(), Some(7 | 13)));
                }
            }
            Step::Acknowledge => {
                // Acknowledgements are not numbered; those that we sent are counted too often, and
                // then it is
                // a violation.
                let _ = self.receive(Frame::Ack(self.sent));
            }
        }
        while let Some(Effect::Run(invoke, _)) = self.session.next_run() {
            self.running.push(invoke.call);
        }
    }

    /// Every frame is in a buffer with much else that was read from the socket at once.
    fn receive(&mut self, frame: Frame) -> Result<(), distributed_scope_core::session::Violation> {
        let mut buffer = BytesMut::with_capacity(256 << 10);
        buffer.extend_from_slice(&frame.encode());
        let message = buffer.split().freeze();
        if let Some(Effect::Run(invoke, _)) = self.session.receive(at(1), message)? {
            self.running.push(invoke.call);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_counted_is_what_is_held(steps in prop::collection::vec(step(), 1..80)) {
        let limits = Limits::default().with_max_queued_bytes(60 << 10);
        let mut side = Side { session: session(&limits, &limits), calls: 0, running: Vec::new(), sent: 0 };
        let info = allocation_counter::measure(|| steps.iter().for_each(|step| side.take(*step)));
        let (taken, counted) = (usize::try_from(info.bytes_current).unwrap_or(0), side.session.held());
        prop_assert!(taken <= 2 * counted + SLACK, "{taken} bytes are held and {counted} are counted");
        prop_assert!(counted <= 2 * taken + SLACK, "{taken} bytes are held and {counted} are counted");
        side.session.close();
        prop_assert_eq!(side.session.held(), 0);
    }
}

fn full() -> Full {
    let limits = Limits::default().with_max_held_bytes_per_session(1);
    let account = Account::of_session(&limits, []);
    let _held = account.hold(1);
    account.full(0).or_else(|| account.full(1)).expect("it is full")
}

fn replies(session: &mut Session<u64>) -> Vec<Reply> {
    let frames = std::iter::from_fn(|| session.next_frame(|| at(1)).map(Framed::into_bytes));
    let reply = |frame| match Frame::decode(frame).expect("an honest frame") {
        Frame::Reply(reply) => Some(reply),
        _ => None,
    };
    frames.filter_map(reply).collect()
}

fn parts(frame: &Bytes) -> Vec<Bytes> {
    let total = u32::try_from(frame.len()).expect("it is small enough");
    let part = |bytes: &[u8]| Frame::Chunk(Chunk { stream: 0, total, bytes: Bytes::copy_from_slice(bytes) });
    frame.chunks(CHUNK).map(|bytes| part(bytes).encode()).collect()
}

#[test]
fn a_full_session_refuses_calls_and_says_which_limit_it_is() {
    let limits = Limits::default();
    let (mut caller, mut callee) = (session(&limits, &limits), session(&limits, &limits));
    caller.call(at(0), &mut request(10, Deadline::never()), 1).expect("a call");
    callee.set_full(Some(full()));
    let call = caller.next_frame(|| at(0)).map(Framed::into_bytes).expect("the call");
    assert!(callee.receive(at(0), call).expect("an honest frame").is_none());
    let answer = callee.next_frame(|| at(0)).map(Framed::into_bytes).expect("the refusal");
    let Some(Effect::Complete(1, Err(error))) = caller.receive(at(0), answer).expect("an honest frame")
    else {
        panic!("the call is over");
    };
    assert_eq!(error.ran(), Ran::Never);
    let ErrorKind::Refused(Refusal::Full(full)) = error.kind() else { panic!("{error:?}") };
    assert_eq!((full.share, full.limit), (Share::Session, 1));
    assert!(error.to_string().contains("`Limits::max_held_bytes_per_session`"), "{error}");
}

#[test]
fn a_large_call_is_dropped_as_it_comes_and_answered_at_its_end() {
    let limits = Limits::default();
    let mut callee = session(&limits, &limits);
    let parts = parts(&invoke(3, 10 * CHUNK).encode());
    for (number, part) in parts.into_iter().enumerate() {
        if number == 5 {
            assert!(callee.held() > 4 * CHUNK);
            callee.set_full(Some(full()));
        }
        assert!(callee.receive(at(0), part).expect("an honest frame").is_none());
        assert!(number < 5 || callee.held() < 1000, "{} bytes are held", callee.held());
    }
    let answers = replies(&mut callee);
    assert_eq!(
        answers.iter().map(|reply| (reply.call, reply.is_value)).collect::<Vec<_>>(),
        [(CallId(3), false)]
    );
    callee.set_full(None);
    assert!(matches!(callee.receive(at(0), invoke(4, 10).encode()), Ok(Some(Effect::Run(..)))));
}

#[test]
fn a_result_that_comes_while_the_session_is_full_ends_its_call() {
    let limits = Limits::default();
    let (mut caller, mut callee) = (session(&limits, &limits), session(&limits, &limits));
    let call = caller.call(at(0), &mut request(10, Deadline::never()), 1).expect("a call");
    let frame = caller.next_frame(|| at(0)).map(Framed::into_bytes).expect("the call");
    callee.receive(at(0), frame).expect("an honest frame");
    callee.reply(call, Ok(value(3 * CHUNK)));
    caller.set_full(Some(full()));
    let mut ended = Vec::new();
    while let Some(frame) = callee.next_frame(|| at(0)).map(Framed::into_bytes) {
        ended.extend(caller.receive(at(0), frame).expect("an honest frame"));
    }
    let [Effect::Complete(1, Err(error))] = &ended[..] else { panic!("{ended:?}") };
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::ResultDropped { limit: 1 }, Ran::Yes));
}

#[test]
fn a_full_session_keeps_no_large_result_and_sends_small_ones() {
    let limits = Limits::default();
    let mut callee = session(&limits, &limits);
    for call in [1, 2] {
        callee.receive(at(0), invoke(call, 10).encode()).expect("an honest frame");
    }
    callee.set_full(Some(full()));
    callee.reply(CallId(1), Ok(value(100)));
    callee.reply(CallId(2), Ok(value(CHUNK)));
    let answers: Vec<_> = replies(&mut callee).iter().map(|reply| (reply.call.0, reply.is_value)).collect();
    assert_eq!(answers, [(1, true), (2, false)]);
}

#[test]
fn a_message_that_hardly_comes_is_not_kept() {
    let limits = Limits::default();
    let mut callee = session(&limits, &limits);
    let mut parts = parts(&invoke(3, 4 * CHUNK).encode()).into_iter();
    callee.receive(at(0), parts.next().expect("a first part")).expect("an honest frame");
    // Something is heard all the time, and it is next to nothing.
    let mut kept = 0;
    while callee.held() > CHUNK / 2 {
        let wake = callee.wake().expect("it is alive");
        kept = wake.since_origin().as_secs();
        assert!(kept < 100, "it is kept for {kept} s");
        callee.receive(wake, Frame::Ping.encode()).expect("an honest frame");
        assert!(callee.tick(wake).is_empty());
        while callee.next_frame(|| wake).is_some() {}
    }
    assert!(kept >= 40, "{kept} s");
    for part in parts {
        callee.receive(at(100_000), part).expect("an honest frame");
    }
    assert_eq!(replies(&mut callee).len(), 1);
}

#[test]
fn a_detached_block_counts_until_it_ends() {
    let limits = Limits::default().with_max_detached(2);
    let mut callee = session(&limits, &limits);
    let detached = |callee: &mut Session<u64>, call| {
        let Frame::Invoke(invoke) = invoke(call, 1) else { unreachable!("it is one") };
        let frame = Frame::Invoke(distributed_scope_core::frame::Invoke { is_detached: true, ..invoke });
        callee.receive(at(0), frame.encode()).expect("an honest frame").is_some()
    };
    for call in [1, 2] {
        assert!(detached(&mut callee, call));
        callee.receive(at(0), Frame::Cancel(CallId(call)).encode()).expect("an honest frame");
    }
    assert!(!detached(&mut callee, 3), "both go on");
    assert!(matches!(callee.receive(at(0), invoke(4, 1).encode()), Ok(Some(Effect::Run(..)))), "others run");
    callee.reply(CallId(1), Ok(value(1)));
    assert!(detached(&mut callee, 5), "one has ended");
    assert!(!detached(&mut callee, 6));
}

/// Small frames take several times as much memory as they have bytes, and are kept until they are
/// acknowledged.
#[test]
fn small_frames_that_nobody_acknowledges_are_counted_with_what_they_take() {
    let limits = Limits::default();
    let mut callee = session(&limits, &limits);
    let info = allocation_counter::measure(|| {
        for call in 0..200_000 {
            callee.receive(at(0), invoke(call, 1).encode()).expect("an honest frame");
            callee.reply(CallId(call), Ok(value(1)));
            while callee.next_frame(|| at(0)).is_some() {}
        }
    });
    let taken = usize::try_from(info.bytes_current).expect("some are kept");
    assert!(taken <= 2 * limits.resend_buffer + SLACK, "{taken} bytes are held");
    assert!(callee.held() <= limits.resend_buffer, "{} bytes are counted", callee.held());
}
