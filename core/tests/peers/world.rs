//! The schedule that runs on this thread: the state of its network, and what is known of each call
//! from outside.

use std::cell::RefCell;
use std::collections::BTreeMap;

use distributed_scope_core::{ErrorKind, Ran, RemoteError};

use crate::network::{Fault, Probe};
use crate::plan::{CallPlan, MILLIS, PACKET, Plan, SECONDS, Weather, is_same};
use crate::random::Random;
use crate::runtime;

/// How long a session waits for its connection.
pub(crate) const RESUME: u64 = 30 * SECONDS;
/// How long a handshake may take.
pub(crate) const HANDSHAKE: u64 = 5 * SECONDS;

/// The interval at which connections are sampled.
pub(crate) const SAMPLE: u64 = 100 * MILLIS;

pub(crate) type Nonce = u64;

pub(crate) struct World {
    pub(crate) random: Random,
    pub(crate) plan: Plan,
    calls: Vec<Record>,
    /// The acceptors' ends of connections, by dialler and acceptor.
    pub(crate) probes: BTreeMap<[usize; 2], Vec<Probe>>,
    /// When a node was last seen with a connection to another one that carries their session.
    last_attached: BTreeMap<[usize; 2], u64>,
    /// When a node was last seen with such a connection after it had none for a whole window.
    came_back: BTreeMap<[usize; 2], u64>,
    /// When each node was last stopped or started.
    pub(crate) last_change: Vec<Option<u64>>,
    /// What has happened, and how often.
    pub(crate) seen: BTreeMap<&'static str, usize>,
    /// A hash of all that has happened, and whether it is printed.
    trace: u64,
    pub(crate) is_told: bool,
}

struct Record {
    nodes: [usize; 2],
    started: u64,
    deadline: u64,
    runs: u32,
    end: Option<End>,
    is_certain: bool,
    is_bound: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Value,
    Error(Ran),
    /// The caller gave it up, or is no more.
    GivenUp,
}

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

pub(crate) fn begin(plan: Plan, random: Random, is_told: bool) {
    if is_told {
        println!("{plan:#?}");
    }
    let last_change = vec![None; plan.nodes];
    let world = World {
        random,
        plan,
        calls: Vec::new(),
        probes: BTreeMap::new(),
        last_attached: BTreeMap::new(),
        came_back: BTreeMap::new(),
        last_change,
        seen: BTreeMap::new(),
        trace: 0,
        is_told,
    };
    WORLD.set(Some(world));
}

pub(crate) fn with<T>(act: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with_borrow_mut(|world| act(world.as_mut().expect("a schedule runs")))
}

/// Notes that something has happened.
pub(crate) fn note(text: &str) {
    with(|world| world.note(text));
}

/// How long a message takes.
pub(crate) fn latency() -> u64 {
    with(|world| world.random.between(world.plan.latency / 10, world.plan.latency))
}

/// The fault of a message that is sent now from one node to another, in packets of this many
/// bytes, on a connection that was made at `made`.
pub(crate) fn fault(nodes: [usize; 2], made: u64, packet: usize) -> Option<Fault> {
    with(|world| {
        let now = runtime::now();
        let mut fault = None;
        let World { plan, random, .. } = world;
        for spell in &plan.spells {
            if !is_same(spell.nodes, nodes) || now < spell.from || now >= spell.to {
                continue;
            }
            match &spell.kind {
                Weather::Dark(from) if from.contains(&nodes[0]) => fault = Some(Fault::Silence),
                Weather::Forgotten if made < spell.from => fault = Some(Fault::SilenceBoth),
                Weather::Narrow if packet > PACKET => fault = Some(Fault::TooLarge),
                Weather::Flaky(percent) if random.percent(*percent) => {
                    let codes = [1000, 1001, 1002, 1008, 1011, 1012, 1013, 1014, 3000, 4000];
                    fault = Some(match random.between(0, 6) {
                        0 => Fault::Silence,
                        1 => Fault::SilenceBoth,
                        2 | 3 => Fault::Delay(random.between(100 * MILLIS, 20 * SECONDS)),
                        4 => Fault::Fin,
                        5 => Fault::Rst,
                        _ => Fault::Close((!random.percent(10)).then(|| random.pick(&codes))),
                    });
                }
                _ => {}
            }
        }
        if let Some(fault) = fault {
            world.note(&format!("{fault:?} from {} to {}", nodes[0], nodes[1]));
            world.count(fault.name());
        }
        fault
    })
}

/// What comes of a connection that one node makes to another now.
pub(crate) enum Way {
    Open,
    Refused,
    Hangs,
}

pub(crate) fn way(nodes: [usize; 2]) -> Way {
    with(|world| {
        let now = runtime::now();
        let here = world
            .plan
            .spells
            .iter()
            .filter(|spell| is_same(spell.nodes, nodes) && now >= spell.from && now < spell.to);
        for spell in here {
            match spell.kind {
                Weather::Dark(_) => return Way::Hangs,
                Weather::Refusing => return Way::Refused,
                Weather::Flaky(_) | Weather::Forgotten | Weather::Narrow => {}
            }
        }
        Way::Open
    })
}

impl World {
    pub(crate) fn note(&mut self, text: &str) {
        let now = runtime::now();
        for byte in now.to_le_bytes().iter().chain(text.as_bytes()) {
            self.trace = (self.trace ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if self.is_told {
            println!("{:11.6} {text}", now as f64 / 1e6);
        }
    }

    pub(crate) fn count(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    pub(crate) fn trace(&self) -> u64 {
        self.trace
    }

    /// A node has a connection that carries its session with another one.
    pub(crate) fn is_attached(&mut self, nodes: [usize; 2]) {
        let now = runtime::now();
        let before = self.last_attached.insert(nodes, now);
        if before.is_some_and(|before| now + 2 * SAMPLE > before + RESUME) {
            self.came_back.insert(nodes, now);
        }
    }

    pub(crate) fn call(&mut self, plan: &CallPlan, is_certain: bool) -> Nonce {
        let CallPlan { nodes, timeout, is_bound, .. } = *plan;
        let started = runtime::now();
        let call = self.calls.len() as Nonce;
        let deadline = started + timeout;
        self.calls.push(Record { nodes, started, deadline, runs: 0, end: None, is_certain, is_bound });
        self.note(&format!("call {call} from {} to {}", nodes[0], nodes[1]));
        call
    }

    /// The block of a call begins to run.
    pub(crate) fn runs(&mut self, call: Nonce) {
        self.note(&format!("call {call} runs"));
        let record = &mut self.calls[call as usize];
        record.runs += 1;
        assert_eq!(record.runs, 1, "call {call} runs twice");
        assert_ne!(
            record.end,
            Some(End::Error(Ran::Never)),
            "call {call} runs although it was told to have not"
        );
    }

    pub(crate) fn given_up(&mut self, call: Nonce) {
        let record = &mut self.calls[call as usize];
        if record.end.is_none() {
            record.end = Some(End::GivenUp);
            self.note(&format!("call {call} is given up"));
            self.count("given up");
        }
    }

    /// The process of a node has ended, and its calls have no caller any more.
    pub(crate) fn forget_calls_of(&mut self, node: usize) {
        for call in 0..self.calls.len() {
            if self.calls[call].nodes[0] == node {
                self.given_up(call as Nonce);
            }
        }
    }

    pub(crate) fn ends(&mut self, call: Nonce, result: Result<u64, RemoteError>) {
        let now = runtime::now();
        let told = match &result {
            Ok(_) => "value".to_owned(),
            Err(error) => format!("{:?} {:?}", error.kind(), error.ran()),
        };
        self.note(&format!("call {call} ends: {told}"));
        let record = &mut self.calls[call as usize];
        assert_eq!(record.end, None, "call {call} ends twice");
        assert!(now <= record.deadline + MILLIS, "call {call} ends {} us late", now - record.deadline);
        let is_certain = record.is_certain;
        let (end, name) = match &result {
            Ok(value) => {
                assert_eq!(
                    (*value, record.runs),
                    (call, 1),
                    "the value of call {call}, and how often it ran"
                );
                (End::Value, "value")
            }
            Err(error) => {
                assert!(!is_certain, "call {call} has no value though all is well: {told}");
                assert!(record.runs == 0 || error.ran() != Ran::Never, "call {call} ran: {told}");
                assert!(record.runs == 1 || error.ran() != Ran::Yes, "call {call} did not run: {told}");
                let name = match error.kind() {
                    ErrorKind::DeadlineExceeded => "deadline",
                    ErrorKind::Disconnected => "disconnected",
                    ErrorKind::NotConnected => "not connected",
                    _ => panic!("call {call} ends in an error that no network makes: {told}"),
                };
                (End::Error(error.ran()), name)
            }
        };
        record.end = Some(end);
        if name == "disconnected" && record.is_bound {
            self.count("ended with its connection");
        } else if name == "disconnected" {
            assert_ne!(
                end,
                End::Error(Ran::Never),
                "call {call} was not sent, and could go to the next session"
            );
            self.check_disconnected(call);
        }
        self.count(name);
    }

    /// Nothing ends as disconnected while less than the window has passed since the network was
    /// good for long enough: for 3 s, and for as long as it takes to notice that a connection
    /// is dead, to give up a handshake, and to pause before the next one.
    fn check_disconnected(&self, call: Nonce) {
        let now = runtime::now();
        let Record { nodes, started, .. } = self.calls[call as usize];
        let restarts = self.last_change.iter().flatten().any(|change| change + 2 * RESUME > started);
        if restarts {
            return;
        }
        // A session is over when one of its sides has had no connection for the whole window.
        let was_attached = |nodes| self.last_attached.get(&nodes).map_or(started, |moment| *moment);
        let sides = [nodes, [nodes[1], nodes[0]]];
        let last = sides.map(was_attached).into_iter().min().expect("two sides");
        let is_new =
            sides.iter().any(|side| self.came_back.get(side).is_some_and(|back| back + RESUME > now));
        assert!(
            is_new || last + RESUME <= now + 2 * SAMPLE,
            "call {call} ends as disconnected at {now}, though its session had a connection at {last}"
        );
        let since = now.saturating_sub(RESUME);
        for [from, to] in self.plan.good_times(nodes, since, now) {
            let bad = self.bad_before(nodes, from);
            let silence = self.plan.silence * 18 / 16;
            let needed = 3 * SECONDS + HANDSHAKE + silence + SECONDS / 5 + bad * 9 / 10;
            assert!(
                to - from < needed,
                "call {call} ends as disconnected at {now}, though the network was good from {from} to {to}"
            );
        }
    }

    /// For how long the network had been bad now and then, up to a moment.
    fn bad_before(&self, nodes: [usize; 2], moment: u64) -> u64 {
        let spells = self.plan.spells.iter().filter(|spell| {
            is_same(spell.nodes, nodes) && spell.from < moment && spell.to + 2 * RESUME > moment
        });
        spells.map(|spell| moment - spell.from).max().unwrap_or(0).min(30 * SECONDS)
    }

    /// A node was refused because its id is in use: only while the connection that has it is not
    /// known to be dead.
    pub(crate) fn check_in_use(&mut self, nodes: [usize; 2]) {
        self.count("id in use");
        let dials_back = self.plan.dials.contains(&[nodes[1], nodes[0]]);
        let now = runtime::now();
        let silence = self.plan.silence * 18 / 16;
        let is_held = self.probes.get(&nodes).is_some_and(|probes| {
            // What was decided a moment ago arrives now.
            probes.iter().filter_map(|probe| probe.heard(now.saturating_sub(SECONDS))).any(
                |(heard, messages)| {
                    let limit = match () {
                        () if messages < 2 => HANDSHAKE,
                        // If a peer proves its id, the connection that is in its way is probed.
                        () if self.plan.has_keys => SECONDS,
                        () => silence,
                    };
                    heard + limit + SECONDS > now
                },
            )
        });
        assert!(
            dials_back || is_held,
            "node {} is refused by {} long after its path died",
            nodes[0],
            nodes[1]
        );
    }

    pub(crate) fn check_end(&self) {
        for (call, record) in self.calls.iter().enumerate() {
            assert!(record.end.is_some(), "call {call} never ended");
        }
    }
}
