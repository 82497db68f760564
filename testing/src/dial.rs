//! Making and accepting connections.

use std::future::pending;
use std::sync::Arc;

use distributed_scope_core::Reject;
use distributed_scope_core::auth::Visitor;
use distributed_scope_core::peer::{self, ConnectError, Dial, Endpoint, Place};
use futures_channel::oneshot;
use tokio::time::{sleep, timeout};

use crate::connection::{End, Pipe};
use crate::control::Order;
use crate::platform::{Connection, Cut, Link, Shared, Sim};
use crate::weather::Number;
use crate::world::World;

/// Where a peer of the network is found.
pub(crate) fn place(world: &World, to: Number) -> Place {
    Place::new(&Endpoint::new(url(world, to)), &[])
}

fn url(world: &World, to: Number) -> String {
    format!("testing://{}", world.node(to, |node| node.name.clone()))
}

/// How one peer connects to another one, each time.
pub(crate) fn dial_to(world: &Arc<World>, from: Number, to: Number) -> impl Dial<Sim> + use<> {
    let world = Arc::clone(world);
    async move |shared, old, _| dial(&world, [from, to], shared, old).await
}

/// Connects, to resume `old` if that is possible, and ends when the session is open.
async fn dial(
    world: &Arc<World>,
    [from, to]: [Number; 2],
    shared: Arc<Shared>,
    old: Option<Arc<Link>>,
) -> Result<Arc<Link>, ConnectError> {
    let url = url(world, to);
    let late = shared.limits().handshake_timeout;
    let opening = async {
        let end = open(world, [from, to])
            .await
            .map_err(|source| ConnectError::Unreachable { url: url.clone(), source: source.into() })?;
        let (opened, is_open) = oneshot::channel();
        let connection = Connection::dialled(Arc::clone(&shared), old, opened);
        shared.platform().process().spawn_here(carry(connection, end));
        match is_open.await {
            Ok(Ok(link)) => Ok(link),
            Ok(Err(reject)) => Err(ConnectError::refused(url.clone(), reject)),
            Err(oneshot::Canceled) => Err(ConnectError::Closed { url: url.clone() }),
        }
    };
    timeout(late, opening).await.unwrap_or_else(|_| Err(ConnectError::TimedOut { url: url.clone() }))
}

/// Makes a connection. A partition holds the attempt, and a peer that does not run refuses it.
async fn open(world: &Arc<World>, [from, to]: [Number; 2]) -> Result<End, String> {
    loop {
        let changed = world.weather().changed();
        if !world.weather().is_partitioned(from, to) {
            break;
        }
        changed.await;
    }
    sleep(world.weather().delay()).await;
    let Some(target) = world.running(to) else {
        return Err(format!("the peer `{}` does not run", world.node(to, |node| node.name.clone())));
    };
    let (pipe, [ours, theirs]) = Pipe::open(world.weather(), from, to);
    world.add_pipe(&pipe);
    let principal = world.node(from, |node| node.principal.clone());
    let visitor = Visitor { principal, is_local: true, ..Visitor::default() };
    let connection = Connection::accepted(target.shared, visitor);
    target.process.spawn_here(carry(connection, theirs));
    Ok(ours)
}

/// Runs a connection until it ends.
async fn carry(connection: Connection, end: End) {
    let shared = Arc::clone(connection.shared());
    let (cut, is_cut) = oneshot::channel();
    // A dropped handle does not cut the connection.
    let is_cut = async {
        if is_cut.await.is_err() {
            pending::<()>().await;
        }
    };
    let ask = async |join| {
        let (answer, verdict) = oneshot::channel();
        shared.platform().order(Order::Join(join, answer));
        verdict.await.unwrap_or(Err(Reject::GoingAway))
    };
    peer::carry(connection, &end, ask, || Cut(cut), is_cut).await;
}
