//! The state of a network: its peers and its connections.

use std::fmt;
use std::sync::{Arc, Weak};

use distributed_scope_core::here::Context;
use distributed_scope_core::peer::Parts;
use distributed_scope_core::{CallReport, PeerId, Principal, ServedReport};
use parking_lot::Mutex;

use crate::clock::Clock;
use crate::connection::Pipe;
use crate::platform::Shared;
use crate::process::{Home, Process};
use crate::weather::{Number, Weather};

/// The network, as all of its parts share it.
pub(crate) struct World {
    seed: u64,
    clock: Arc<Clock>,
    weather: Arc<Weather>,
    home: Home,
    state: Mutex<State>,
    calls: Mutex<Vec<CallReport>>,
    runs: Mutex<Vec<ServedReport>>,
}

#[derive(Default)]
struct State {
    nodes: Vec<Node>,
    pipes: Vec<Weak<Pipe>>,
}

/// A peer, whether it runs or not.
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) principal: Option<Principal>,
    /// What it is started with, each time.
    pub(crate) parts: Parts,
    pub(crate) running: Option<Running>,
}

impl Node {
    pub(crate) fn id(&self) -> PeerId {
        self.parts.identity.peer_id()
    }
}

/// A peer that runs.
#[derive(Clone)]
pub(crate) struct Running {
    pub(crate) shared: Arc<Shared>,
    pub(crate) process: Process,
    /// The context of futures that are run on behalf of the peer. It keeps the peer from ending.
    pub(crate) root: Arc<Context>,
}

impl World {
    /// Called on the thread of the network.
    pub(crate) fn new(seed: u64) -> Self {
        let home = Home::here();
        Self {
            seed,
            clock: Arc::new(Clock::start()),
            weather: Arc::new(Weather::new(seed, home.clone())),
            home,
            state: Mutex::default(),
            calls: Mutex::default(),
            runs: Mutex::default(),
        }
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    pub(crate) fn weather(&self) -> &Arc<Weather> {
        &self.weather
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    pub(crate) fn calls(&self) -> &Mutex<Vec<CallReport>> {
        &self.calls
    }

    pub(crate) fn runs(&self) -> &Mutex<Vec<ServedReport>> {
        &self.runs
    }

    /// Adds a peer, which does not run yet.
    pub(crate) fn add(&self, node: Node) -> Number {
        let nodes = &mut self.state.lock().nodes;
        if let Some(known) = nodes.iter().find(|known| known.id() == node.id()) {
            panic!("this network already has a peer with the id of `{}`: `{}`", node.name, known.name);
        }
        nodes.push(node);
        nodes.len() - 1
    }

    /// Reads or changes a peer.
    pub(crate) fn node<T>(&self, number: Number, act: impl FnOnce(&mut Node) -> T) -> T {
        act(&mut self.state.lock().nodes[number])
    }

    pub(crate) fn running(&self, number: Number) -> Option<Running> {
        self.node(number, |node| node.running.clone())
    }

    /// The name of the peer with this id, if it is one of this network.
    pub(crate) fn name_of(&self, id: PeerId) -> Option<String> {
        let state = self.state.lock();
        state.nodes.iter().find(|node| node.id() == id).map(|node| node.name.clone())
    }

    /// Stops all peers, so that nothing refers to the network any more.
    pub(crate) fn end(&self) {
        self.weather.forget_actions();
        let nodes = std::mem::take(&mut self.state.lock().nodes);
        for running in nodes.into_iter().filter_map(|node| node.running) {
            running.process.kill();
        }
    }

    pub(crate) fn add_pipe(&self, pipe: &Arc<Pipe>) {
        let pipes = &mut self.state.lock().pipes;
        pipes.retain(|pipe| pipe.strong_count() > 0);
        pipes.push(Arc::downgrade(pipe));
    }

    /// The connections between two peers, or all connections of one.
    pub(crate) fn pipes(&self, one: Number, other: Option<Number>) -> Vec<Arc<Pipe>> {
        let pipes: Vec<_> = self.state.lock().pipes.iter().filter_map(Weak::upgrade).collect();
        let is_meant =
            |pipe: &Arc<Pipe>| pipe.joins(one) && other.is_none_or(|other| other != one && pipe.joins(other));
        pipes.into_iter().filter(is_meant).collect()
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.state.lock().nodes.iter().map(|node| node.name.clone()).collect();
        f.debug_struct("World")
            .field("seed", &self.seed)
            .field("peers", &names)
            .field("messages", &self.weather.messages())
            .finish_non_exhaustive()
    }
}
