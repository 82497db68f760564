//! What a seed decides: the peers and which peer dials which, when and how the network fails,
//! which peers restart, and which calls are made.

use crate::random::Random;

pub(crate) const MILLIS: u64 = 1_000;
pub(crate) const SECONDS: u64 = 1_000_000;

/// What is larger than this does not fit into a packet on a narrow path. A handshake does.
pub(crate) const PACKET: usize = 1_000;

/// From here on nothing fails any more.
pub(crate) const CLEAR: u64 = 100 * SECONDS;

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) nodes: usize,
    /// Which peer dials which.
    pub(crate) dials: Vec<[usize; 2]>,
    pub(crate) spells: Vec<Spell>,
    pub(crate) restarts: Vec<Restart>,
    pub(crate) calls: Vec<CallPlan>,
    /// When each node is started first.
    pub(crate) begins: Vec<u64>,
    pub(crate) latency: u64,
    pub(crate) silence: u64,
    /// How long a handshake may take at each node; at most [`HANDSHAKE`](crate::world::HANDSHAKE).
    pub(crate) handshakes: Vec<u64>,
    /// Whether the nodes prove their ids, and do not only come first.
    pub(crate) has_keys: bool,
}

/// A time in which the network between two nodes is bad.
#[derive(Clone, Debug)]
pub(crate) struct Spell {
    pub(crate) nodes: [usize; 2],
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) kind: Weather,
}

#[derive(Clone, Debug)]
pub(crate) enum Weather {
    /// What is sent from these nodes to the other is lost; so nothing can be connected.
    Dark(Vec<usize>),
    /// New connections are refused.
    Refusing,
    /// The percentage of messages that meet with a fault.
    Flaky(u64),
    /// The connections that were made before are forgotten: nothing arrives on them any more. New
    /// ones are good.
    Forgotten,
    /// Large messages are lost, unless the connection sends small packets.
    Narrow,
}

#[derive(Clone, Debug)]
pub(crate) struct Restart {
    pub(crate) node: usize,
    pub(crate) at: u64,
    pub(crate) back_at: u64,
    /// It closes its sessions first.
    pub(crate) is_polite: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct CallPlan {
    pub(crate) nodes: [usize; 2],
    pub(crate) at: u64,
    pub(crate) timeout: u64,
    /// How long the block runs.
    pub(crate) runs_for: u64,
    /// How large its captures are besides, in bytes.
    pub(crate) size: usize,
    pub(crate) dropped_after: Option<u64>,
    /// It ends with its connection.
    pub(crate) is_bound: bool,
}

impl Plan {
    pub(crate) fn new(random: &mut Random) -> Self {
        let nodes = if random.percent(60) { 2 } else { 3 };
        let mut dials = vec![[1, 0]];
        if nodes == 3 {
            dials.push([2, random.between(0, 1) as usize]);
        }
        if random.percent(20) {
            // Both at once.
            dials.push([0, 1]);
        }
        let two = |random: &mut Random| {
            let one = random.between(0, nodes as u64 - 1) as usize;
            let other = (one + 1 + random.between(0, nodes as u64 - 2) as usize) % nodes;
            [one, other]
        };
        let spells = (0..random.between(0, 4))
            .map(|_| {
                let from = random.between(0, CLEAR * 8 / 10);
                let length = match random.between(0, 2) {
                    0 => random.between(100 * MILLIS, 3 * SECONDS),
                    1 => random.between(SECONDS, 12 * SECONDS),
                    _ => random.between(SECONDS, 50 * SECONDS),
                };
                let nodes = if random.percent(70) { random.pick(&dials) } else { two(random) };
                let kind = match random.between(0, 6) {
                    0 => Weather::Dark(vec![nodes[0]]),
                    1 => Weather::Dark(vec![nodes[1]]),
                    2 => Weather::Dark(nodes.to_vec()),
                    3 => Weather::Refusing,
                    4 => Weather::Narrow,
                    _ => Weather::Flaky(random.between(2, 60)),
                };
                Spell { nodes, from, to: (from + length).min(CLEAR), kind }
            })
            .collect();
        let restarts = (0..random.pick(&[0, 0, 1, 1, 2]))
            .map(|_| {
                let at = random.between(SECONDS, CLEAR - 25 * SECONDS);
                let node = random.between(0, nodes as u64 - 1) as usize;
                let back_at = at + random.between(2 * SECONDS, 20 * SECONDS);
                Restart { node, at, back_at, is_polite: random.percent(30) }
            })
            .collect();
        let calls = (0..random.between(4, 24))
            .map(|_| {
                let pair = random.pick(&dials);
                let nodes = match random.between(0, 9) {
                    0..=5 => pair,
                    6..=8 => [pair[1], pair[0]],
                    _ => two(random),
                };
                CallPlan {
                    nodes,
                    at: random.between(0, CLEAR),
                    timeout: if random.percent(50) {
                        10 * SECONDS
                    } else {
                        random.between(SECONDS, 90 * SECONDS)
                    },
                    runs_for: match random.between(0, 2) {
                        0 => 0,
                        1 => random.between(0, SECONDS),
                        _ => random.between(0, 15 * SECONDS),
                    },
                    size: if random.percent(30) { 2 * PACKET } else { 0 },
                    dropped_after: random.percent(10).then(|| random.between(0, 10 * SECONDS)),
                    is_bound: random.percent(15),
                }
            })
            .collect();
        let begins = (0..nodes)
            .map(|_| if random.percent(70) { 0 } else { random.between(0, 10 * SECONDS) })
            .collect();
        let (latency, silence) =
            (random.pick(&[MILLIS, 40 * MILLIS, 300 * MILLIS]), random.pick(&[6, 6, 30]) * SECONDS);
        let handshakes = (0..nodes).map(|_| random.pick(&[2, 5]) * SECONDS).collect();
        let has_keys = random.percent(6);
        Self { nodes, dials, spells, restarts, calls, begins, latency, silence, handshakes, has_keys }
    }

    /// The times from `from` to `to` in which the network between two nodes was good.
    pub(crate) fn good_times(&self, nodes: [usize; 2], from: u64, to: u64) -> Vec<[u64; 2]> {
        let mut good = vec![[from, to]];
        let is_bad = |spell: &&Spell| is_same(spell.nodes, nodes) && !matches!(spell.kind, Weather::Narrow);
        for spell in self.spells.iter().filter(is_bad) {
            good = good
                .into_iter()
                .flat_map(|[from, to]| [[from, to.min(spell.from)], [from.max(spell.to), to]])
                .filter(|[from, to]| from < to)
                .collect();
        }
        good
    }
}

pub(crate) fn is_same(one: [usize; 2], other: [usize; 2]) -> bool {
    one == other || one == [other[1], other[0]]
}
