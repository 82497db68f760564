//! Whole peers in virtual time, joined by a network that fails in every way: all of `core::peer`,
//! on a platform of its own.
//!
//! A schedule is drawn from a seed: two or three peers, which peer dials which, when and how the
//! network between them fails, which peer is killed and restarted, and which calls are made.
//! `PEERS_SEED=7` runs one schedule alone and prints what happens, `PEERS_SCHEDULES=200000` runs
//! more of them, `PEERS_FIRST=5000` starts at this seed.
//!
//! | module | idea |
//! |---|---|
//! | `plan` | what the seed decides |
//! | `world` | the weather, and what is known of each call from outside |
//! | `network` | connections whose two directions fail for themselves |
//! | `runtime`, `platform` | virtual time and tasks; a peer's world made of them |
//! | `node` | a process with a peer |
//! | `streams` | streams between the peers |
//!
//! What fails if one mechanism that keeps sessions alive is removed. For seeds, the first ones are
//! listed:
//!
//! | without | fails |
//! |---|---|
//! | a session moves to a connection only when something was heard on it | seeds 270, 499 |
//! | .. and until then counts for the handshake and not for the silence | seeds 44, 142 |
//! | a call that was not sent goes to the next session | seeds 2, 14 |
//! | a close frame is a lost connection | seeds 65, 114 |
//! | the ping of a call that waits | `forgotten_connection_costs_no_call` |
//! | output that is not acknowledged ends its connection | `narrow_path_costs_no_call_beside_results` |
//! | a key takes over its own dead session | `key_takes_over_dead_session` |
//! | a hanging attempt is made anew after a wake | `wake_makes_hanging_dial_anew` |
//!
//! The race between addresses is below the simulated layer: `tests/it/addresses.rs` tests it.

#![allow(clippy::print_stdout, reason = "whoever replays a schedule wants to see it")]

mod network;
mod node;
mod plan;
mod platform;
#[path = "../simulator/random.rs"]
mod random;
mod runtime;
mod streams;
mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::plan::{CLEAR, CallPlan, MILLIS, PACKET, Plan, SECONDS, Spell, Weather};
use crate::random::Random;
use crate::streams::StreamPlan;

const SCHEDULES: u64 = 2_000;
const THREADS: u64 = 2;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What was seen, and a hash of all that has happened.
type Outcome = (BTreeMap<&'static str, usize>, u64);

fn run(seed: u64, is_told: bool) -> Outcome {
    run_with(seed, is_told, 0)
}

/// The same with this many streams besides.
fn run_with(seed: u64, is_told: bool, streams: u64) -> Outcome {
    let outcome = catch_unwind(AssertUnwindSafe(|| schedule(seed, is_told, streams)));
    // Here, and not where the thread's storage is dropped, which tasks use when they are.
    reset();
    outcome.unwrap_or_else(|panic| resume_unwind(panic))
}

fn schedule(seed: u64, is_told: bool, streams: u64) -> Outcome {
    let mut random = Random::new(seed);
    let plan = Plan::new(&mut random);
    world::begin(plan, random, is_told);
    let (nodes, begins, restarts, calls, dials) = world::with(|world| {
        let plan = &world.plan;
        (plan.nodes, plan.begins.clone(), plan.restarts.clone(), plan.calls.clone(), plan.dials.clone())
    });
    runtime::at(0, node::sample);
    for (node, begin) in begins.into_iter().enumerate() {
        runtime::at(begin, move || node::start(node));
    }
    for restart in restarts {
        let node = restart.node;
        if restart.is_polite {
            runtime::at(restart.at - SECONDS, move || node::stop(node));
        }
        runtime::at(restart.at, move || node::kill(node));
        runtime::at(restart.back_at, move || node::start(node));
    }
    for call in calls {
        runtime::at(call.at, move || node::call(&call, false));
    }
    let mut random = Random::new(!seed);
    for _ in 0..streams {
        let stream = StreamPlan::new(&mut random, nodes);
        runtime::at(stream.at(), move || streams::stream(stream));
    }
    // The longest pause between two attempts, and what was still on its way.
    runtime::run_until(CLEAR + 90 * SECONDS);
    for pair in &dials {
        assert!(node::is_connected(*pair), "node {} is not connected to {} in the end", pair[0], pair[1]);
        let status = node::status(*pair);
        assert_eq!(status.connected(), Some(node::id(pair[1])), "node {} says in the end: {status}", pair[0]);
        for nodes in [*pair, [pair[1], pair[0]]] {
            call(nodes, 10 * SECONDS, 0, 0);
        }
    }
    runtime::run_until(CLEAR + 110 * SECONDS);
    world::with(|world| world.check_end());
    (0..nodes).for_each(node::stop);
    runtime::run_until(CLEAR + 150 * SECONDS);
    (0..nodes).for_each(node::end);
    // Each has told its control plane that nothing holds it any more.
    runtime::run_until(CLEAR + 151 * SECONDS);
    assert_eq!(runtime::tasks(), 0, "tasks are left");
    world::with(|world| (std::mem::take(&mut world.seen), world.trace()))
}

fn reset() {
    runtime::reset();
    platform::reset();
    node::reset();
}

/// Each call ends once and as it may, and nothing is left, however the network between the peers
/// fails.
#[test]
fn peers_survive_every_schedule() {
    if let Some(seed) = setting("PEERS_SEED") {
        run(seed, true);
        return;
    }
    let first = setting("PEERS_FIRST").unwrap_or(0);
    let count = setting("PEERS_SCHEDULES").unwrap_or(SCHEDULES);
    let part = |part: u64| {
        let mut seen = BTreeMap::<_, usize>::new();
        let mut failures = Vec::new();
        for seed in (first + part..first + count).step_by(THREADS as usize) {
            match catch_unwind(AssertUnwindSafe(|| run(seed, false))) {
                Ok((some, _)) => {
                    some.into_iter().for_each(|(what, count)| *seen.entry(what).or_default() += count);
                }
                Err(_) => {
                    println!("replay with PEERS_SEED={seed}");
                    failures.push(seed);
                }
            }
            if failures.len() >= 10 {
                break;
            }
        }
        (seen, failures)
    };
    let mut seen = BTreeMap::<_, usize>::new();
    let mut failures = Vec::new();
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..THREADS).map(|number| scope.spawn(move || part(number))).collect();
        for part in parts {
            let (some, failed) = part.join().expect("failures are caught");
            some.into_iter().for_each(|(what, count)| *seen.entry(what).or_default() += count);
            failures.extend(failed);
        }
    });
    assert!(failures.is_empty(), "replay with PEERS_SEED one of {failures:?}");
    println!("{seen:?}");
    // A simulator that never meets something would prove nothing about it.
    for what in [
        "value",
        "deadline",
        "disconnected",
        "not connected",
        "given up",
        "id in use",
        "ended with its connection",
    ]
    .into_iter()
    .chain(["silence", "silence both ways", "delay", "fin", "rst", "close frame", "large message"])
    {
        assert!(count < SCHEDULES || seen.get(what).is_some_and(|count| *count > 50), "{what}: {seen:?}");
    }
}

/// Each item of a stream arrives once and in order, and nothing is left, however the network
/// between the peers fails.
#[test]
fn streams_survive_every_schedule() {
    const STREAMS: u64 = 8;
    if let Some(seed) = setting("PEERS_SEED") {
        run_with(seed, true, STREAMS);
        return;
    }
    // Each takes about ten times as long as one without streams.
    let count = setting("PEERS_SCHEDULES").unwrap_or(SCHEDULES) / 40;
    let mut seen = BTreeMap::<_, usize>::new();
    for seed in 0..count {
        let outcome = catch_unwind(AssertUnwindSafe(|| run_with(seed, false, STREAMS)));
        let Ok((some, _)) = outcome else { panic!("replay with PEERS_SEED={seed}") };
        some.into_iter().for_each(|(what, count)| *seen.entry(what).or_default() += count);
    }
    println!("{seen:?}");
    for what in ["whole stream", "stream that was cut off"] {
        assert!(count < 50 || seen.get(what).is_some_and(|count| *count > 50), "{what}: {seen:?}");
    }
}

/// Two peers, of which these dial the other one, whose network is good but for this.
fn two_peers(dials: &[[usize; 2]], spells: Vec<Spell>) -> Plan {
    Plan {
        nodes: 2,
        dials: dials.to_vec(),
        spells,
        restarts: Vec::new(),
        calls: Vec::new(),
        begins: vec![0; 2],
        latency: 10 * MILLIS,
        silence: 30 * SECONDS,
        handshakes: vec![5 * SECONDS; 2],
        has_keys: false,
    }
}

/// A path that loses large messages costs no call of the side that dialled, nor of the one that
/// accepted.
#[test]
fn narrow_path_costs_no_call() {
    for (seed, nodes) in (0..200).flat_map(|seed| [(seed, [0, 1]), (seed, [1, 0])]) {
        let outcome = catch_unwind(|| narrow_path(seed, nodes));
        reset();
        assert!(outcome.is_ok(), "seed {seed}, a call from {} to {}", nodes[0], nodes[1]);
    }
}

fn narrow_path(seed: u64, nodes: [usize; 2]) {
    let narrow = Spell { nodes: [0, 1], from: 0, to: CLEAR, kind: Weather::Narrow };
    begin(two_peers(&[[1, 0]], vec![narrow]), seed);
    (0..2).for_each(node::start);
    runtime::run_until(SECONDS + seed * 10 * MILLIS);
    call(nodes, 10 * SECONDS, 0, 2 * PACKET);
    runtime::run_until(20 * SECONDS);
    world::with(|world| world.check_end());
}

/// The same while results of other calls keep coming, so that the side whose messages are lost
/// hears something all the time.
#[test]
fn narrow_path_costs_no_call_beside_results() {
    for seed in 0..200 {
        let narrow = Spell { nodes: [0, 1], from: SECONDS, to: CLEAR, kind: Weather::Narrow };
        begin(two_peers(&[[1, 0]], vec![narrow]), seed);
        (0..2).for_each(node::start);
        runtime::run_until(SECONDS);
        (1..=20).for_each(|runs| call([1, 0], 30 * SECONDS, runs * SECONDS, 0));
        runtime::run_until(SECONDS * 3 / 2 + seed * 10 * MILLIS);
        call([1, 0], 10 * SECONDS, 0, 2 * PACKET);
        run_to_the_end(40 * SECONDS, seed);
    }
}

/// A path forgets a connection while the block of a call runs, without notifying either end. This
/// costs no call of the side that can make another connection. All that it has sent is
/// acknowledged, so the only sign of a fault is that it waits.
#[test]
fn forgotten_connection_costs_no_call() {
    for seed in 0..200 {
        let forgotten = Spell { nodes: [0, 1], from: 4 * SECONDS, to: CLEAR, kind: Weather::Forgotten };
        begin(two_peers(&[[1, 0]], vec![forgotten]), seed);
        (0..2).for_each(node::start);
        runtime::run_until(SECONDS + seed * 5 * MILLIS);
        call([1, 0], 12 * SECONDS, 4 * SECONDS, 0);
        run_to_the_end(20 * SECONDS, seed);
    }
}

/// A process that is killed while its path is dark, and comes back with its key when it is not,
/// has its id at once and not after the silence of its old connection.
#[test]
fn key_takes_over_dead_session() {
    for seed in 0..50 {
        let dark =
            Spell { nodes: [0, 1], from: 10 * SECONDS, to: 12 * SECONDS, kind: Weather::Dark(vec![0, 1]) };
        let plan = Plan { has_keys: true, ..two_peers(&[[1, 0]], vec![dark]) };
        begin(plan, seed);
        (0..2).for_each(node::start);
        // What is lost in the dark, and with it what would say that the process has ended.
        runtime::at(10 * SECONDS + SECONDS / 2, || call([1, 0], 10 * SECONDS, 0, 0));
        runtime::at(11 * SECONDS, || node::kill(1));
        runtime::at(13 * SECONDS, || node::start(1));
        runtime::run_until(17 * SECONDS);
        let is_connected = node::is_connected([1, 0]);
        reset();
        assert!(is_connected, "seed {seed}");
    }
}

/// Begins such a schedule, which prints what happens if it is to be replayed.
fn begin(plan: Plan, seed: u64) {
    world::begin(plan, Random::new(seed), setting("PEERS_SEED") == Some(seed));
}

/// A call that has to have its value within its deadline.
fn call(nodes: [usize; 2], timeout: u64, runs_for: u64, size: usize) {
    node::call(
        &CallPlan { nodes, at: 0, timeout, runs_for, size, dropped_after: None, is_bound: false },
        true,
    );
}

/// Lets time pass until all calls have to be over.
fn run_to_the_end(end: u64, seed: u64) {
    let outcome = catch_unwind(|| {
        runtime::run_until(end);
        world::with(|world| world.check_end());
    });
    reset();
    assert!(outcome.is_ok(), "seed {seed}");
}

/// Two peers that dial each other at the same time have a session after the first attempt of each.
#[test]
fn crossed_dials_open_one_session() {
    for seed in 0..200 {
        world::begin(two_peers(&[[0, 1], [1, 0]], Vec::new()), Random::new(seed), false);
        (0..2).for_each(node::start);
        runtime::run_until(400 * MILLIS);
        let connected = [[0, 1], [1, 0]].map(node::is_connected);
        reset();
        assert_eq!(connected, [true; 2], "seed {seed}");
    }
}

/// Peers that have slept find out at once whether their connection still works, long before the
/// next frame would be sent on it, and replace it if it does not.
#[test]
fn peers_that_slept_replace_dead_connection() {
    let (asleep, awake, silence_is_broken) = (10 * SECONDS, 12 * SECONDS, 14 * SECONDS);
    let dark = Spell { nodes: [0, 1], from: asleep, to: awake, kind: Weather::Dark(vec![0, 1]) };
    for (spells, connections) in [(Vec::new(), 1), (vec![dark], 2)] {
        for seed in 0..50 {
            world::begin(two_peers(&[[1, 0]], spells.clone()), Random::new(seed), false);
            (0..2).for_each(node::start);
            runtime::at(asleep + SECONDS / 2, || platform::slept(600 * SECONDS));
            runtime::run_until(silence_is_broken);
            let made = world::with(|world| world.probes.get(&[1, 0]).map_or(0, Vec::len));
            let is_connected = node::is_connected([1, 0]);
            reset();
            assert_eq!((made, is_connected), (connections, true), "seed {seed}");
        }
    }
}

/// An attempt that hangs when the machine or the page wakes up is made anew within 3 s, long
/// before it would be given up; one that nothing wakes is given its whole time.
#[test]
fn wake_makes_hanging_dial_anew() {
    let slept: fn() = || platform::slept(600 * SECONDS);
    for (wake, is_connected) in [(slept, true), (platform::wake, true), (|| {}, false)] {
        for seed in 0..50 {
            let dark = Spell { nodes: [0, 1], from: 0, to: SECONDS, kind: Weather::Dark(vec![0, 1]) };
            world::begin(two_peers(&[[1, 0]], vec![dark]), Random::new(seed), false);
            (0..2).for_each(node::start);
            runtime::at(SECONDS * 5 / 4, wake);
            runtime::run_until(SECONDS * 19 / 4);
            let found = node::is_connected([1, 0]);
            reset();
            assert_eq!(found, is_connected, "seed {seed}");
        }
    }
}

/// A seed runs the same way each time.
#[test]
fn schedules_replay() {
    for seed in 0..20 {
        assert_eq!(run(seed, false).1, run(seed, false).1, "seed {seed}");
    }
}
