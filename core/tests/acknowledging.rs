//! What is acknowledged, and when: without a request, and not at all on a path that loses large
//! packets.

mod support;

use distributed_scope_core::frame::{Frame, Framed};
use distributed_scope_core::session::{Dead, Effect, Session};
use distributed_scope_core::{Deadline, Limits};

use crate::support::{at, request, session, value};

/// Carries what one side has to say to the other.
fn answer(to: &mut Session<u64>, from: &mut Session<u64>, millis: u64) {
    while let Some(frame) = to.next_frame(|| at(millis)).map(Framed::into_bytes) {
        from.receive(at(millis), frame).expect("an honest frame");
    }
}

/// Carries what `from` has to say to the other side, as long as it is not larger than this.
fn carry_small(from: &mut Session<u64>, to: &mut Session<u64>, millis: u64, is_stuck: &mut bool) {
    while let Some(frame) = from.next_frame(|| at(millis)).map(Framed::into_bytes) {
        // What comes after a packet that is lost does not arrive before it.
        *is_stuck |= frame.len() > 1280;
        if !*is_stuck {
            to.receive(at(millis), frame).expect("an honest frame");
        }
    }
}

/// When a connection over which no message of more than 1,280 bytes gets is dropped, and by which
/// side, if both call each other all the time and one of them makes a call of this size.
fn dropped_on_a_narrow_path(size: usize) -> Option<(u64, usize)> {
    let limits = Limits::default();
    let mut sides = [session(&limits, &limits), session(&limits, &limits)];
    let mut is_stuck = [false; 2];
    sides[0].call(at(0), &mut request(size, Deadline::never()), 0).expect("a call");
    for millis in (0..60_000).step_by(100) {
        let [one, two] = &mut sides;
        carry_small(one, two, millis, &mut is_stuck[0]);
        carry_small(two, one, millis, &mut is_stuck[1]);
        // The side whose output gets through speaks all the time.
        two.call(at(millis), &mut request(1, Deadline::never()), millis).expect("a call");
        for (number, side) in sides.iter_mut().enumerate() {
            if side.wake().is_some_and(|wake| wake <= at(millis)) {
                let effects = side.tick(at(millis));
                if effects.iter().any(|effect| matches!(effect, Effect::DropConnection(Dead::Unacknowledged)))
                {
                    return Some((millis, number));
                }
            }
        }
    }
    None
}

/// A connection on which small messages get through and large ones do not is dropped within the
/// deadline of an ordinary call, though nothing waits to be written and the other side is heard
/// all the time.
#[test]
fn narrow_path_is_noticed() {
    let (millis, side) = dropped_on_a_narrow_path(2_000).expect("it is dropped");
    assert!((4_500..6_000).contains(&millis) && side == 0, "after {millis} ms by {side}");
    assert_eq!(dropped_on_a_narrow_path(100), None);
}

/// What was acknowledged by the other side on its own needs no ping: an idle session, and one with
/// a call now and then, are as quiet as before.
#[test]
fn acknowledgements_come_without_pings() {
    let limits = Limits::default();
    for pause in [0, 400, 2_000, 9_000] {
        let mut sides = [session(&limits, &limits), session(&limits, &limits)];
        let mut said = Vec::new();
        for millis in (0..60_000).step_by(50) {
            if millis == 0 || pause > 0 && millis % pause == 0 {
                let call = sides[0].call(at(millis), &mut request(10, Deadline::never()), 0).expect("a call");
                let [one, two] = &mut sides;
                answer(one, two, millis);
                two.reply(call, Ok(value(10)));
            }
            for side in &mut sides {
                if side.wake().is_some_and(|wake| wake <= at(millis)) {
                    assert!(side.tick(at(millis)).is_empty());
                }
            }
            for number in [0, 1] {
                while let Some(frame) = sides[number].next_frame(|| at(millis)).map(Framed::into_bytes) {
                    said.push(Frame::decode(frame.clone()).expect("an honest frame"));
                    sides[1 - number].receive(at(millis), frame).expect("an honest frame");
                }
            }
        }
        assert!(!said.contains(&Frame::Ping), "a call each {pause} ms");
        if pause == 0 {
            assert!(said.len() < 16, "{} frames in a minute", said.len());
        }
    }
}
