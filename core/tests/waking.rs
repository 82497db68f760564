//! Sessions on machines that sleep, and in hidden pages.

#[allow(dead_code, reason = "other tests use the rest of it")]
mod support;

use distributed_scope_core::Limits;
use distributed_scope_core::frame::{Frame, Framed};
use distributed_scope_core::session::{Dead, Effect, Session};

use crate::support::{at, session};

fn next(session: &mut Session<u64>, millis: u64) -> Option<bytes::Bytes> {
    session.next_frame(|| at(millis)).map(Framed::into_bytes)
}

fn is_unanswered(effects: &[Effect<u64>]) -> bool {
    matches!(effects, [Effect::DropConnection(Dead::Unanswered)])
}

/// Advances the time to a moment, as a driver does; returns the moment at which the connection was
/// found dead.
fn dropped(session: &mut Session<u64>, until: u64) -> Option<u64> {
    while let Some(wake) = session.wake().filter(|wake| *wake <= at(until)) {
        if !session.tick(wake).is_empty() {
            return Some(u64::try_from(wake.since_origin().as_millis()).expect("not so long"));
        }
        while next(session, until).is_some() {}
    }
    None
}

/// A session of a machine that slept for this long asks at once, and drops a connection that does
/// not answer.
#[test]
fn late_check_asks() {
    let limits = Limits::default();
    for slept in [5_000, 20_000, 3_600_000] {
        let mut session = session(&limits, &limits);
        assert!(session.tick(at(slept)).is_empty());
        assert_eq!(next(&mut session, slept), Some(Frame::Ping.encode()), "asleep for {slept} ms");
        let dead = dropped(&mut session, slept + 60_000).expect("it is dropped");
        assert!((slept + 2_000..=slept + 3_000).contains(&dead), "asleep for {slept} ms, dropped at {dead}");
    }
}

/// Any word keeps the connection.
#[test]
fn answered_probe_keeps_the_connection() {
    let limits = Limits::default();
    let mut session = session(&limits, &limits);
    session.probe(at(100));
    assert_eq!(next(&mut session, 100), Some(Frame::Ping.encode()));
    assert_eq!(next(&mut session, 100), None);
    session.probe(at(200));
    assert_eq!(next(&mut session, 200), None, "it is asked already");
    session.receive(at(1_500), Frame::Ack(0).encode()).expect("an honest frame");
    assert_eq!(dropped(&mut session, 29_000), None);
}

/// What was heard before is no answer.
#[test]
fn earlier_word_is_no_answer() {
    let limits = Limits::default();
    let mut session = session(&limits, &limits);
    session.receive(at(90), Frame::Ack(0).encode()).expect("an honest frame");
    session.probe(at(100));
    let dead = dropped(&mut session, 29_000).expect("it is dropped");
    assert!((2_000..=3_100).contains(&dead), "{dead}");
}

/// Every check of a page whose timers are late asks, and an answer that came meanwhile counts.
#[test]
fn late_timers_do_not_drop_a_connection_that_answers() {
    let limits = Limits::default();
    let mut session = session(&limits, &limits);
    for minute in 1..60 {
        let now = minute * 60_000;
        assert!(session.tick(at(now)).is_empty(), "minute {minute}");
        while next(&mut session, now).is_some() {}
        session.receive(at(now + 50), Frame::Ack(0).encode()).expect("an honest frame");
    }
    let mut found = (60..64).map(|minute| is_unanswered(&session.tick(at(minute * 60_000))));
    assert!(found.any(|dead| dead), "and one that does not is noticed");
}

/// A page whose timers never come is not taken for dead: it answers whatever it hears when it was
/// quiet for a quarter of the other's silence.
#[test]
fn side_without_timers_keeps_its_connection() {
    let limits = Limits::default();
    let (mut page, mut server) = (session(&limits, &limits), session(&limits, &limits));
    let (mut now, mut said) = (0, 0);
    while let Some(wake) = server.wake().filter(|wake| *wake <= at(600_000)) {
        assert!(server.tick(wake).is_empty(), "the server misses the page at {wake:?}");
        now = u64::try_from(wake.since_origin().as_millis()).expect("not so long");
        while let Some(frame) = next(&mut server, now) {
            page.receive(at(now + 20), frame).expect("an honest frame");
        }
        while let Some(frame) = next(&mut page, now + 20) {
            said += 1;
            server.receive(at(now + 40), frame).expect("an honest frame");
        }
    }
    assert!(now > 590_000);
    assert!((30..=90).contains(&said), "the page says something {said} times in ten minutes");
}

/// Two sides that answer each other do not do so for ever.
#[test]
fn answers_are_not_answered() {
    let limits = Limits::default();
    let mut sides = [session(&limits, &limits), session(&limits, &limits)];
    let quarter = 7_500;
    sides[0].receive(at(quarter), Frame::Ping.encode()).expect("an honest frame");
    let mut said = 0;
    for turn in 0..10 {
        let (from, to) = (turn % 2, (turn + 1) % 2);
        let millis = quarter + turn as u64;
        while let Some(frame) = next(&mut sides[from], millis) {
            said += 1;
            sides[to].receive(at(millis), frame).expect("an honest frame");
        }
    }
    assert!(said <= 2, "{said}");
}
