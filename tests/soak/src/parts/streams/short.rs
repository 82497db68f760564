//! 100,000 short streams leave nothing behind.

use anyhow::ensure;
use distributed_scope::{Peer, PeerId};
use futures_util::StreamExt;

use super::{HELD, numbers};
use crate::peers::{Server, memory_of};
use crate::progress::Progress;
use crate::promise::{Promise, mebibytes};

const STREAMS: u64 = 100_000;
const AT_ONCE: usize = 16;

pub(super) async fn run(progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    let server = Server::start(1).await?;
    let client = server.client().await?;
    some(&client, server.id, STREAMS / 10).await?;
    let (before, before_here) = (client.run(memory_of(server.id)).await?, crate::ALLOCATOR.allocated());
    for tenth in 1..=10 {
        progress.says(format_args!("short streams, {} of {STREAMS}", tenth * STREAMS / 10));
        some(&client, server.id, STREAMS / 10).await?;
    }
    let (after, after_here) = (client.run(memory_of(server.id)).await?, crate::ALLOCATOR.allocated());
    let grown = |after: usize, before: usize| after.saturating_sub(before) as f64 / f64::from(1 << 20);
    Ok(vec![
        Promise::figure("short streams, every other one dropped before its end", STREAMS),
        Promise::at_most("bytes that the server counts as held after them", HELD, after.0, usize::to_string),
        Promise::at_most(
            "memory that the server has allocated since",
            0.25,
            grown(after.1, before.1),
            mebibytes,
        ),
        Promise::at_most(
            "memory that the client has allocated since",
            0.25,
            grown(after_here, before_here),
            mebibytes,
        ),
    ])
}

async fn some(client: &Peer, on: PeerId, count: u64) -> anyhow::Result<()> {
    let mut streams = futures_util::stream::iter((0..count).map(|number| async move {
        let items = client.run(numbers(on, 3)).await?;
        let count = if number.is_multiple_of(2) { items.count().await } else { items.take(1).count().await };
        ensure!(count == if number.is_multiple_of(2) { 3 } else { 1 }, "{count} items");
        anyhow::Ok(())
    }))
    .buffer_unordered(AT_ONCE);
    while let Some(ended) = streams.next().await {
        ended?;
    }
    Ok(())
}
