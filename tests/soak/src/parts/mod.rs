//! The parts of a soak. Each checks some guarantees.

pub(crate) mod attacks;
pub(crate) mod bulk;
pub(crate) mod burst;
pub(crate) mod cuts;
pub(crate) mod failures;
pub(crate) mod growth;
pub(crate) mod hoard;
pub(crate) mod idle;
pub(crate) mod loiterers;
pub(crate) mod oversize;
pub(crate) mod programs;
pub(crate) mod reconnect;
pub(crate) mod refused;
pub(crate) mod stalled;
pub(crate) mod steady;
pub(crate) mod streams;
pub(crate) mod terminate;
pub(crate) mod workers;

use std::time::{Duration, Instant};

use distributed_scope::{Peer, PeerId, RemoteError};

use crate::peers::echo;
use crate::promise::Times;

/// Makes small calls, one after the other, for this long.
async fn small_calls(client: &Peer, on: PeerId, span: Duration) -> Result<Times, RemoteError> {
    let started = Instant::now();
    let mut times = Times::default();
    while started.elapsed() < span {
        times.record(small_call(client, on).await?);
    }
    Ok(times)
}

/// How long a small call takes.
async fn small_call(client: &Peer, on: PeerId) -> Result<Duration, RemoteError> {
    let started = Instant::now();
    client.run(echo(on, 7)).await?;
    let time = started.elapsed();
    // Lets other tasks on this thread make progress.
    tokio::task::yield_now().await;
    Ok(time)
}
