//! `Peer`: the handle of a peer of a network.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use distributed_scope_core::here::{Context, Scoped};
use distributed_scope_core::host::Host;
use distributed_scope_core::peer::{ConnectError, LinkHandle, SessionInfo};
use distributed_scope_core::{CallReport, PeerId, ServedReport};
use futures_channel::oneshot;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::control::{self, Order};
use crate::dial::{dial_to, place};
use crate::platform::{Shared, Sim};
use crate::process::Process;
use crate::weather::Number;
use crate::world::{Running, World};

/// A peer of a [`Net`](crate::Net). A handle is cheap to clone.
///
/// The methods that need a peer that runs panic after [`kill`](Self::kill) or
/// [`stop`](Self::stop), until [`restart`](Self::restart).
#[derive(Clone)]
pub struct Peer {
    world: Arc<World>,
    number: Number,
}

impl Peer {
    pub(crate) fn new(world: Arc<World>, number: Number) -> Self {
        Self { world, number }
    }

    pub(crate) fn number(&self) -> Number {
        self.number
    }

    pub(crate) fn start(&self) {
        let world = &self.world;
        let mut parts = world.node(self.number, |node| node.parts.clone());
        let (of_calls, users) = (Arc::downgrade(world), parts.observer.take());
        parts.observer = Some(Arc::new(move |call: &CallReport| {
            if let Some(world) = of_calls.upgrade() {
                world.calls().lock().push(call.clone());
            }
            if let Some(users) = &users {
                users.call_ended(call);
            }
        }));
        let (of_runs, users) = (Arc::downgrade(world), parts.served_observer.take());
        parts.served_observer = Some(Arc::new(move |run: &ServedReport| {
            if let Some(world) = of_runs.upgrade() {
                world.runs().lock().push(run.clone());
            }
            if let Some(users) = &users {
                users.block_ended(run);
            }
        }));
        let process = Process::new(world.home().clone());
        let (orders, mailbox) = mpsc::unbounded_channel();
        let of_peer = process.clone();
        let shared = Shared::start(parts, |weak| {
            tokio::task::spawn_local(control::run(weak.clone(), mailbox));
            Sim::new(of_peer, orders, Arc::clone(world.clock()), Arc::clone(world.weather()))
        });
        let shared = shared.unwrap_or_else(|error| panic!("{error}"));
        let root = Arc::new(Context::root(Arc::clone(&shared) as Arc<dyn Host>));
        world.node(self.number, |node| node.running = Some(Running { shared, process, root }));
    }

    #[track_caller]
    fn running(&self) -> Running {
        match self.world.running(self.number) {
            Some(running) => running,
            None => panic!("the peer `{}` does not run: `restart` starts it again", self.name()),
        }
    }

    /// The id of the peer.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.world.node(self.number, |node| node.id())
    }

    /// The name that the peer has in the network.
    #[must_use]
    pub fn name(&self) -> String {
        self.world.node(self.number, |node| node.name.clone())
    }

    /// Whether the peer was neither killed nor stopped.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.world.running(self.number).is_some()
    }

    /// Connects to another peer, and stays connected from then on: the link connects again when
    /// its connection is lost, and opens a new session when the other peer was restarted.
    ///
    /// # Errors
    ///
    /// If the first attempt fails: the other peer does not run, refuses the session, or does not
    /// answer within [`Limits::handshake_timeout`](distributed_scope_core::Limits).
    pub async fn connect(&self, to: &Self) -> Result<PeerId, ConnectError> {
        let world = &self.world;
        let shared = self.running().shared;
        shared.connect(place(world, to.number), dial_to(world, self.number, to.number)).await
    }

    /// Stays connected to another peer, which need not run yet. The link ends when this peer is
    /// killed or stopped.
    #[must_use = "the handle says whether the link is connected; bind it to `_` to ignore that"]
    pub fn keep_connected(&self, to: &Self) -> LinkHandle {
        let world = &self.world;
        let dial = dial_to(world, self.number, to.number);
        self.running().shared.keep_connected(place(world, to.number), dial)
    }

    /// Runs a future on behalf of this peer: the calls that it makes are calls of this peer.
    ///
    /// If the peer is killed meanwhile, these calls end as disconnected, and the future continues.
    pub fn run<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        Scoped::new(self.running().root, future)
    }

    /// The peers that are connected now, ordered by id.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerId> {
        self.running().shared.routes().peers()
    }

    /// The current sessions, ordered by peer, those that wait for a connection included.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionInfo> {
        self.running().shared.sessions()
    }

    /// Waits until another peer is connected.
    pub async fn connected(&self, to: &Self) {
        self.running().shared.connected(to.id()).await;
    }

    /// Waits until another peer is not connected.
    pub async fn disconnected(&self, from: &Self) {
        self.running().shared.disconnected(from.id()).await;
    }

    /// Closes the session with another peer. Returns false if no such session exists.
    pub fn disconnect(&self, from: &Self, reason: &str) -> bool {
        self.running().shared.disconnect(from.id(), reason)
    }

    /// Refuses new calls, waits for running blocks for at most `grace`, and stops the peer.
    pub async fn drain(&self, grace: Duration) {
        let (done, is_done) = oneshot::channel();
        self.running().shared.platform().order(Order::Drain(done));
        // The next step is the same whether all sessions are idle or the grace period is over.
        let _ = timeout(grace, is_done).await;
        self.stop().await;
    }

    /// Stops the peer: its sessions are closed, and the other sides are notified.
    pub async fn stop(&self) {
        let running = self.running();
        stop(&running).await;
        self.world.node(self.number, |node| node.running = None);
    }

    /// Kills the peer, as `kill -9` kills a process: nothing of it runs any more, and nothing more
    /// is sent. The operating system closes its connections, so the other sides notice it, unless
    /// they are [partitioned](crate::Net::partition) from it.
    ///
    /// Calls of futures that the test itself [runs](Self::run) end as disconnected.
    pub fn kill(&self) {
        let running = self.running();
        let world = &self.world;
        world.node(self.number, |node| node.running = None);
        world.pipes(self.number, None).iter().for_each(|pipe| pipe.silence(self.number));
        running.process.kill();
        // Its control plane ends the calls that are open.
        tokio::task::spawn_local(async move { stop(&running).await });
    }

    /// Starts the peer again, with the same options; a peer that runs is killed first. It has no
    /// sessions and no links. Links of other peers connect to it again.
    pub fn restart(&self) {
        if self.is_running() {
            self.kill();
        }
        self.start();
    }
}

async fn stop(running: &Running) {
    let (done, is_done) = oneshot::channel();
    running.shared.platform().order(Order::Stop(done));
    // A control plane that is gone has stopped already.
    let _ = is_done.await;
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("name", &self.name()).field("is_running", &self.is_running()).finish()
    }
}

/// Connects each peer with each other one.
///
/// # Panics
///
/// If that fails.
#[doc(hidden)]
pub async fn connect_all(peers: &[&Peer]) {
    for (index, peer) in peers.iter().enumerate() {
        for other in &peers[..index] {
            if let Err(error) = peer.connect(other).await {
                panic!("`{}` cannot connect to `{}`: {error}", peer.name(), other.name());
            }
        }
    }
}
