//! When a connection is considered dead, and when the other side is probed.

use super::*;

const SPAN: Duration = Duration::from_secs(16);

const CALLS: Waits = Waits { output: false, calls: true, unacked: 0, chunks: false, slow: false };

fn output(output: bool) -> Waits {
    Waits { output, ..Waits::default() }
}

fn checks(health: &mut Health, count: u32, waits: bool) -> Vec<Check> {
    (0..count).map(|_| health.check(health.wake(), output(waits))).collect()
}

fn health() -> Health {
    let limits = Limits::default().with_idle_timeout(SPAN).with_write_timeout(SPAN).with_min_write_rate(1000);
    Health::new(&limits, SPAN, Moment::default())
}

#[test]
fn a_quiet_side_says_something_before_the_other_takes_it_for_dead() {
    let mut health = health();
    let first = checks(&mut health, 16, false).iter().position(|check| check.say_something).unwrap();
    assert_eq!(first, 8);
}

#[test]
fn silence_is_noticed_after_its_span_and_not_before() {
    let mut health = health();
    let found = checks(&mut health, 20, false);
    assert!(found[..16].iter().all(|check| check.dead.is_none()));
    assert_eq!(found[16].dead, Some(Dead::Silent));
}

#[test]
fn a_word_in_time_keeps_the_connection() {
    let mut health = health();
    for _ in 0..10 {
        assert!(checks(&mut health, 15, false).iter().all(|check| check.dead.is_none()));
        health.cannot_hear();
    }
}

#[test]
fn a_side_that_takes_nothing_is_noticed_although_it_speaks() {
    let mut health = health();
    let dead = (0..20).find_map(|_| {
        health.cannot_hear();
        health.check(health.wake(), output(true)).dead
    });
    assert_eq!(dead, Some(Dead::Stalled));
}

/// Returns the number of checks after which a side is considered dead that takes `taken` bytes
/// between two checks while output is pending.
fn dead_after(taken: usize) -> Option<usize> {
    let mut health = health();
    (1..100).find(|_| {
        health.cannot_hear();
        health.took(taken);
        health.check(health.wake(), output(true)).dead == Some(Dead::Stalled)
    })
}

#[test]
fn a_side_that_takes_a_little_now_and_then_is_noticed_as_soon_as_one_that_takes_nothing() {
    assert_eq!(dead_after(0), Some(16));
    assert_eq!(dead_after(1), Some(16));
    assert_eq!(dead_after(999), Some(16));
    assert_eq!(dead_after(1000), None, "that is what a slow line takes");
}

#[test]
fn a_side_that_takes_all_that_there_is_is_not_slow() {
    let mut health = health();
    for check in 0..100 {
        health.cannot_hear();
        health.took(1);
        assert_eq!(health.check(health.wake(), output(check % 10 != 0)).dead, None);
    }
}

/// The results of `count` checks at an interval of 625 ms, in which nothing is heard while calls
/// wait.
fn awaited(count: u32) -> Vec<Check> {
    let mut health = Health::new(&Limits::default(), Limits::default().idle_timeout, Moment::default());
    health.check(health.wake(), Waits::default());
    (0..count).map(|_| health.check(health.wake(), CALLS)).collect()
}

#[test]
fn silence_while_calls_wait_is_asked_about() {
    let found = awaited(9);
    assert_eq!(found.iter().position(|check| check.ping), Some(3));
    assert_eq!(found.iter().filter(|check| check.ping).count(), 1);
    assert_eq!(found.iter().position(|check| check.dead == Some(Dead::Unanswered)), Some(7));
}

#[test]
fn busy_and_idle_connections_are_not_asked() {
    let mut health = Health::new(&Limits::default(), Limits::default().idle_timeout, Moment::default());
    for _ in 0..40 {
        health.cannot_hear();
        assert!(!health.check(health.wake(), CALLS).ping);
    }
    for _ in 0..40 {
        assert!(!health.check(health.wake(), Waits::default()).ping);
    }
}

/// After how many checks the other side is asked for an acknowledgement, and when the connection
/// is dead, while it speaks now and then.
fn unacked(bytes: usize, chunks: bool, came: usize) -> [Option<usize>; 2] {
    let mut health = Health::new(&Limits::default(), Limits::default().idle_timeout, Moment::default());
    let waits = Waits { unacked: bytes, chunks, ..Waits::default() };
    let found: Vec<_> = (0..40)
        .map(|_| {
            health.heard(Moment::default(), came);
            health.check(health.wake(), waits)
        })
        .collect();
    let dead = |check: &Check| check.dead == Some(Dead::Unacknowledged);
    [found.iter().position(|check| check.ping), found.iter().position(dead)]
}

#[test]
fn unacknowledged_output_ends_a_connection_that_speaks() {
    assert_eq!(unacked(2000, false, 9), [Some(3), Some(7)]);
    // A line of 32 kbit/s takes 5 s for that, and as long as it may stall for more.
    assert_eq!(unacked(20 << 10, false, 9), [Some(3), Some(15)]);
    assert_eq!(unacked(2000, true, 9), [Some(3), Some(15)]);
    assert_eq!(unacked(0, false, 9), [None; 2]);
    assert_eq!(unacked(2000, false, 4096), [None; 2], "it is too busy to read");
}

#[test]
fn acknowledgement_in_time_keeps_the_connection() {
    let mut health = Health::new(&Limits::default(), Limits::default().idle_timeout, Moment::default());
    for check in 0..100 {
        health.heard(Moment::default(), 9);
        if check % 7 == 0 {
            health.acknowledged();
        }
        let found = health.check(health.wake(), Waits { unacked: 2000, ..Waits::default() });
        assert_eq!(found.dead, None);
    }
}

#[test]
fn probe_needs_word_soon() {
    for is_heard in [true, false] {
        let mut health = Health::new(&Limits::default(), Limits::default().idle_timeout, Moment::default());
        let begun = Moment::after_origin(Duration::from_millis(100));
        health.cannot_hear();
        health.challenge(begun);
        assert!(health.is_asked(), "what was heard before does not count");
        let mut found = Vec::new();
        for _ in 0..3 {
            if is_heard {
                health.cannot_hear();
            }
            let now = health.wake();
            found.extend(health.check(now, Waits::default()).dead.map(|dead| (dead, now.since(begun))));
        }
        assert_eq!(found, if is_heard { vec![] } else { vec![(Dead::Unanswered, TAKEOVER)] });
        assert!(!health.is_asked());
    }
}

#[test]
fn slow_line_gets_more_time_to_answer() {
    let mut health = Health::new(&Limits::default(), Limits::default().idle_timeout, Moment::default());
    let mut dead_after = || {
        health.begin(health.wake());
        (0..50).find(|_| health.check(health.wake(), CALLS).dead.is_some())
    };
    assert_eq!([dead_after(), dead_after(), dead_after()], [Some(8), Some(12), Some(20)]);
}

/// A line on which connections die now and then is as prompt at the tenth loss as at the first, if
/// answers arrive in between.
#[test]
fn prompt_line_keeps_its_short_wait() {
    let mut health = Health::new(&Limits::default(), Limits::default().idle_timeout, Moment::default());
    for _ in 0..10 {
        health.begin(health.wake());
        let dead = (0..50).find(|_| health.check(health.wake(), CALLS).dead.is_some());
        assert_eq!(dead, Some(8));
        health.begin(health.wake());
        health.cannot_hear();
        health.arrived();
        assert_eq!(health.check(health.wake(), CALLS).dead, None);
    }
}

/// The tenth wake-up finds a dead connection as soon as the first.
#[test]
fn every_wake_up_is_alike() {
    let mut health = Health::new(&Limits::default(), Limits::default().idle_timeout, Moment::default());
    for _ in 0..10 {
        let woke = health.wake();
        health.begin(woke);
        assert!(health.probe(woke, false));
        let found = (0..50).find_map(|_| {
            let now = health.wake();
            health.check(now, Waits::default()).dead.map(|dead| (dead, now.since(woke)))
        });
        let (dead, after) = found.unwrap();
        assert_eq!(dead, Dead::Unanswered);
        assert!(after <= Duration::from_secs(3), "{after:?}");
    }
}
