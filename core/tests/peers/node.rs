//! A process with a peer: what it dials, what it accepts, and what it calls.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::{Duration, Instant};

use distributed_scope_core::__private::{Raised, Registrar, Registration, Returns, Slot, Source, inventory};
use distributed_scope_core::auth::Visitor;
use distributed_scope_core::here::{Context, Scoped};
use distributed_scope_core::host::{Host, Keep};
use distributed_scope_core::peer::{
    ConnectError, Endpoint, LinkEnd, LinkStatus, LinkWatch, Parts, Place, carry,
};
use distributed_scope_core::{Block, Blocks, Identity, KeyPair, Limits, PeerId, Reject};
use futures_channel::oneshot;

use crate::network::{self, End};
use crate::plan::{CLEAR, CallPlan, SECONDS};
use crate::platform::{self, Connection, Kill, Link, Shared, Sim};
use crate::runtime::{self, Process};
use crate::world::{self, RESUME, SAMPLE, Way};

static BLOCK: Block =
    Block::new("peers::block#0", "peers", "node.rs", 1, &["call", "runs_for", "padding"], Source::exact(7));

/// The block of all calls: runs for some time and returns the number of its call.
fn register(registrar: &mut Registrar) {
    type Captures = (u64, u64, Vec<u8>);
    Slot::<Captures, u64>::new().register::<Captures, u64, _, _, _, _, _>(
        registrar,
        &BLOCK,
        |captures| captures,
        |result| result,
        |captures| captures,
        |(call, runs_for, _)| async move {
            world::with(|world| world.runs(call));
            runtime::sleep_until(runtime::now() + runs_for).await;
            Ok::<_, Raised>(call)
        },
    );
}

inventory::submit! { Registration(register) }

thread_local! {
    static UP: RefCell<BTreeMap<usize, (Process, Arc<Shared>)>> = const { RefCell::new(BTreeMap::new()) };
    static NEXT: RefCell<Process> = const { RefCell::new(0) };
    /// The links of the nodes that dial, by dialler and acceptor.
    static LINKS: RefCell<BTreeMap<[usize; 2], LinkWatch>> = const { RefCell::new(BTreeMap::new()) };
    /// What the program of each node holds.
    static KEEPS: RefCell<BTreeMap<usize, Keep>> = const { RefCell::new(BTreeMap::new()) };
}

pub(crate) fn reset() {
    drop(UP.take());
    drop(LINKS.take());
    drop(KEEPS.take());
    NEXT.set(0);
}

pub(crate) fn id(node: usize) -> PeerId {
    // Its hash is not made anew each time.
    static IDS: OnceLock<[[PeerId; 3]; 2]> = OnceLock::new();
    let has_keys = world::with(|world| world.plan.has_keys);
    IDS.get_or_init(|| [["zero", "one", "two"].map(PeerId::named), [0, 1, 2].map(|node| key(node).peer_id())])
        [usize::from(has_keys)][node]
}

fn key(node: usize) -> KeyPair {
    KeyPair::from_seed(&[node as u8; 32])
}

fn identity(node: usize) -> Identity {
    if world::with(|world| world.plan.has_keys) { key(node).into() } else { id(node).into() }
}

pub(crate) fn up(node: usize) -> Option<(Process, Arc<Shared>)> {
    UP.with_borrow(|up| up.get(&node).cloned())
}

pub(crate) fn is_connected(nodes: [usize; 2]) -> bool {
    up(nodes[0]).is_some_and(|(_, shared)| shared.routes().peers().contains(&id(nodes[1])))
}

/// Samples which peers are connected, now and from now on.
pub(crate) fn sample() {
    let nodes: Vec<_> =
        UP.with_borrow(|up| up.iter().map(|(node, (_, shared))| (*node, shared.clone())).collect());
    for (node, shared) in nodes {
        for other in (0..3).filter(|other| *other != node) {
            if shared.routes().session(id(other)).is_some_and(|link| link.is_attached()) {
                world::with(|world| world.is_attached([node, other]));
            }
        }
    }
    if runtime::now() < CLEAR + 60 * SECONDS {
        runtime::at(runtime::now() + SAMPLE, sample);
    }
}

pub(crate) fn start(node: usize) {
    if up(node).is_some() {
        return;
    }
    let process = NEXT.with_borrow_mut(|next| {
        *next += 1;
        *next
    });
    let (silence, handshake) = world::with(|world| {
        world.last_change[node] = (runtime::now() > 0).then_some(runtime::now());
        world.note(&format!("node {node} starts"));
        (world.plan.silence, world.plan.handshakes[node])
    });
    let limits = Limits::default()
        .with_idle_timeout(Duration::from_micros(silence))
        .with_resume_window(Duration::from_micros(RESUME))
        .with_handshake_timeout(Duration::from_micros(handshake));
    let parts = Parts { limits, blocks: Blocks::all(), ..Parts::new(identity(node)) };
    let shared = Shared::start(parts, |weak| Sim::new(process, weak)).expect("one block");
    let keep = Keep::new(Arc::clone(&shared) as Arc<dyn Host>);
    KEEPS.with_borrow_mut(|keeps| keeps.insert(node, keep));
    let dials = world::with(|world| world.plan.dials.clone());
    for [_, to] in dials.into_iter().filter(|[from, _]| *from == node) {
        keep_connected(&shared, node, to);
    }
    UP.with_borrow_mut(|up| up.insert(node, (process, shared)));
}

/// The process ends without a word.
pub(crate) fn kill(node: usize) {
    let Some((process, shared)) = UP.with_borrow_mut(|up| up.remove(&node)) else { return };
    world::with(|world| {
        world.last_change[node] = Some(runtime::now());
        world.note(&format!("node {node} is killed"));
        world.forget_calls_of(node);
    });
    drop(KEEPS.with_borrow_mut(|keeps| keeps.remove(&node)));
    runtime::kill(process);
    // Its sessions and the peer refer to each other. Nothing of this is sent: its connections are
    // gone. What the control plane learns of it comes first.
    platform::control(process, |shared, roster| roster.stop(shared));
    runtime::at(runtime::now(), move || {
        drop(platform::end_control(process));
        runtime::kill(process);
        drop(shared);
    });
}

/// Closes all sessions.
pub(crate) fn stop(node: usize) {
    if let Some((process, _)) = up(node) {
        world::with(|world| {
            world.last_change[node] = Some(runtime::now());
            world.note(&format!("node {node} stops"));
        });
        platform::control(process, |shared, roster| roster.stop(shared));
    }
}

/// Takes the last handle of a peer that was stopped, and sees that nothing is left of it.
pub(crate) fn end(node: usize) {
    let Some((process, shared)) = UP.with_borrow_mut(|up| up.remove(&node)) else { return };
    let left = platform::end_control(process).expect("it was there");
    assert_eq!(left, "Roster { sessions: 0, waiting: 0, is_draining: false }", "what is left in node {node}");
    drop(KEEPS.with_borrow_mut(|keeps| keeps.remove(&node)));
    assert!(shared.routes().peers().is_empty(), "a route is left in node {node}");
    LINKS.with_borrow(|links| {
        for (nodes, link) in links.iter().filter(|(nodes, _)| nodes[0] == node) {
            let status = link.get();
            let is_ended = matches!(status, LinkStatus::Ended(LinkEnd::PeerStopped));
            assert!(is_ended, "the link of {nodes:?} after its peer was stopped: {status}");
        }
    });
    let weak = Arc::downgrade(&shared);
    drop(shared);
    // A thread that starts a peer of another schedule looks at all peers of the process, and may
    // be interrupted meanwhile. Only a peer that is really left waits this long.
    let until = Instant::now() + Duration::from_secs(60);
    while weak.strong_count() > 0 && Instant::now() < until {
        std::thread::yield_now();
    }
    let is_gone = weak.strong_count() == 0;
    assert!(is_gone, "something still has the peer of node {node}");
}

/// Stays connected, as a program does that wants to be.
fn keep_connected(shared: &Arc<Shared>, from: usize, to: usize) {
    let place = Place::new(&Endpoint::new(format!("node {to}")).peer(id(to)), &[]);
    let link = shared.keep_connected(place, async move |shared, old, _| dial(shared, from, to, old).await);
    LINKS.with_borrow_mut(|links| links.insert([from, to], link.status()));
}

/// What the link of a node that dials another one says of itself.
pub(crate) fn status(nodes: [usize; 2]) -> LinkStatus {
    LINKS.with_borrow(|links| links[&nodes].get())
}

/// Connects, to resume `old` if that is possible, and ends when the session is open.
async fn dial(
    shared: Arc<Shared>,
    from: usize,
    to: usize,
    old: Option<Arc<Link>>,
) -> Result<Arc<Link>, ConnectError> {
    let late = runtime::now() + world::with(|world| world.plan.handshakes[from]);
    let url = format!("node {to}");
    let opening = async {
        let unreachable =
            |source: String| ConnectError::Unreachable { url: url.clone(), source: source.into() };
        let is_narrow = old.as_ref().is_some_and(|old| old.is_narrow());
        let end = open(from, to, is_narrow).await.map_err(unreachable)?;
        let (opened, is_open) = oneshot::channel();
        let connection = Connection::dialled(Arc::clone(&shared), old, opened).wanting(Some(id(to)));
        runtime::spawn(shared.platform().process(), drive(connection, end));
        match is_open.await {
            Ok(Ok(link)) => Ok(link),
            Ok(Err(reject)) => {
                world::note(&format!("{to} rejects {from}: {reject:?}"));
                // No two processes have one id at the same time.
                assert_ne!(reject, Reject::Replaced, "node {from} is told that it was replaced");
                if let Reject::IdInUse { .. } = reject {
                    world::with(|world| world.check_in_use([from, to]));
                }
                Err(ConnectError::refused(url.clone(), reject))
            }
            Err(oneshot::Canceled) => Err(ConnectError::Closed { url: url.clone() }),
        }
    };
    let result =
        before(late, opening).await.unwrap_or_else(|| Err(ConnectError::TimedOut { url: url.clone() }));
    world::note(&match &result {
        Ok(_) => format!("{from} is connected to {to}"),
        Err(error) => format!("{from} cannot connect to {to}: {error}"),
    });
    result
}

/// Makes a connection, which the other node accepts if it is there.
async fn open(from: usize, to: usize, is_narrow: bool) -> Result<End, String> {
    runtime::sleep_until(runtime::now() + world::latency()).await;
    match world::way([from, to]) {
        Way::Open => {}
        Way::Refused => return Err("refused".to_owned()),
        Way::Hangs => std::future::pending().await,
    }
    let Some((process, shared)) = up(to) else { return Err("nobody there".to_owned()) };
    let [ours, theirs] = network::pair(from, to, is_narrow);
    world::with(|world| world.probes.entry([from, to]).or_default().push(theirs.probe()));
    let visitor = Visitor { is_local: true, ..Visitor::default() };
    runtime::spawn(process, drive(Connection::accepted(shared, visitor), theirs));
    Ok(ours)
}

async fn drive(connection: Connection, end: End) {
    let process = connection.shared().platform().process();
    let (cut, is_cut) = (end.cut(), end.is_cut());
    carry(connection, &end, async |join| platform::ask(process, join).await, || Kill::new(cut), is_cut).await;
}

/// What comes of it before this moment.
async fn before<T>(moment: u64, future: impl Future<Output = T>) -> Option<T> {
    let (mut future, mut late) = (pin!(future), runtime::sleep_until(moment));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Pin::new(&mut late).poll(cx).map(|()| None),
    })
    .await
}

/// Makes a call, if its node is up.
pub(crate) fn call(plan: &CallPlan, is_certain: bool) {
    let [from, to] = plan.nodes;
    let Some((process, shared)) = up(from) else { return };
    let nonce = world::with(|world| world.call(plan, is_certain));
    let call = <u64 as Returns>::call_declared(
        id(to),
        &BLOCK,
        (nonce, plan.runs_for, vec![0u8; plan.size]),
        PhantomData,
    )
    .timeout(Duration::from_micros(plan.timeout));
    let call = if plan.is_bound { call.without_resume() } else { call };
    let context = Arc::new(Context::root(shared));
    let dropped_after = plan.dropped_after;
    runtime::spawn(process, async move {
        let call = Scoped::new(context, call);
        let result = match dropped_after {
            Some(after) => before(runtime::now() + after, call).await,
            None => Some(call.await),
        };
        world::with(|world| match result {
            Some(result) => world.ends(nonce, result),
            None => world.given_up(nonce),
        });
    });
}
