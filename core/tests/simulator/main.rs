//! Two sessions, joined by a connection that is slow, full, cut and made again, in virtual time.
//!
//! A schedule is drawn from a seed: which calls are made and when, how long blocks run, when and
//! how the connection is cut. After every event the sessions are compared with what is known of
//! each call from outside. `SIMULATOR_SEED=7` runs one schedule alone,
//! `SIMULATOR_SCHEDULES=100000` runs more of them, `SIMULATOR_FIRST=5000` starts at this
//! seed.

mod blocks;
mod model;
mod network;
mod pipe;
mod plan;
mod random;
mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::world::World;

const SCHEDULES: u64 = 2_000;
const THREADS: u64 = 2;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn every_call_ends_once_and_as_it_may_however_the_connection_fails() {
    if let Some(seed) = setting("SIMULATOR_SEED") {
        World::new(seed).run();
        return;
    }
    let first = setting("SIMULATOR_FIRST").unwrap_or(0);
    let count = setting("SIMULATOR_SCHEDULES").unwrap_or(SCHEDULES);
    let run = |part: u64| {
        let mut endings = BTreeMap::<_, usize>::new();
        let mut failures = Vec::new();
        for seed in (first + part..first + count).step_by(THREADS as usize) {
            match catch_unwind(AssertUnwindSafe(|| World::new(seed).run())) {
                Ok(model) => {
                    model
                        .endings
                        .into_iter()
                        .for_each(|(end, count)| *endings.entry(end).or_default() += count);
                }
                Err(_) => failures.push(seed),
            }
            if failures.len() >= 10 {
                break;
            }
        }
        (endings, failures)
    };
    let mut endings = BTreeMap::<_, usize>::new();
    let mut failures = Vec::new();
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..THREADS).map(|part| scope.spawn(move || run(part))).collect();
        for part in parts {
            let (part_endings, part_failures) = part.join().expect("failures are caught");
            part_endings.into_iter().for_each(|(end, count)| *endings.entry(end).or_default() += count);
            failures.extend(part_failures);
        }
    });
    assert!(failures.is_empty(), "replay with SIMULATOR_SEED one of {failures:?}");
    // A simulator that never meets some end would prove nothing about it.
    for end in ["value", "raised", "refused", "deadline", "disconnected", "given up"] {
        assert!(count < SCHEDULES || endings.get(end).is_some_and(|count| *count > 100), "{endings:?}");
    }
}
