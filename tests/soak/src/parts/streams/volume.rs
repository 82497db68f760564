//! A million items each way, with a fast and a slow reader.

use std::time::{Duration, Instant};

use anyhow::ensure;
use distributed_scope::{Peer, PeerId, Receiver, RemoteError, channel, distributed, remote};
use futures_util::try_join;

use super::{HELD, given, numbers};
use crate::peers::{Server, memory_of};
use crate::progress::Progress;
use crate::promise::{Promise, mebibytes};

const ITEMS: u64 = 1_000_000;
/// A slow reader pauses for a millisecond after this many items: it reads 100,000 per second.
const SLOW: u64 = 100;
/// Capacity of the channels, in items.
const CAPACITY: u32 = 256;
/// What both ends may hold beside the items of a channel: credit in flight, buffers of the session.
const SLACK: f64 = 2.0;

/// Takes numbers in order, and returns how many there were.
#[distributed]
async fn take(on: PeerId, items: Receiver<u64>, is_slow: bool) -> Result<u64, RemoteError> {
    remote!(on, [items, is_slow], {
        let mut items = items;
        let mut count = 0;
        while let Some(item) = items.recv().await? {
            if item != count {
                return Err(format!("item {item} came as number {count}").into());
            }
            count += 1;
            pause(is_slow, count).await;
        }
        count
    })
    .without_timeout()
    .await
}

async fn pause(is_slow: bool, count: u64) {
    if is_slow && count.is_multiple_of(SLOW) {
        // What makes it slow.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

pub(super) async fn run(progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    let mut promises = Vec::new();
    let server = Server::start(1).await?;
    let client = server.client().await?;
    // What is allocated once.
    download(&client, server.id, false, 10_000).await?;
    upload(&client, server.id, false, 10_000).await?;
    for is_slow in [false, true] {
        let reader = if is_slow { "a slow reader" } else { "a fast reader" };
        for way in ["down", "up"] {
            progress.says(format_args!("{ITEMS} items {way}, {reader}"));
            let before = [server.process.memory()?.peak, crate::process::Memory::of("self")?.peak];
            let started = Instant::now();
            let (count, ahead) = match way {
                "down" => download(&client, server.id, is_slow, ITEMS).await?,
                _ => (upload(&client, server.id, is_slow, ITEMS).await?, 0),
            };
            let rate = count as f64 / started.elapsed().as_secs_f64();
            let after = [server.process.memory()?.peak, crate::process::Memory::of("self")?.peak];
            let what = format!("items {way} of a million, in order, {reader}");
            promises.push(
                Promise::exactly(what, ITEMS, count).with(format_args!("{:.0} thousand/s", rate / 1e3)),
            );
            for (end, (before, after)) in ["server", "client"].into_iter().zip(before.into_iter().zip(after))
            {
                let what = format!("growth of the {end}'s peak memory meanwhile");
                promises.push(Promise::at_most(what, SLACK, after - before, mebibytes));
            }
            if way == "down" && is_slow {
                let what = "items that the source of a slow reader was ahead of it, at most";
                // 32 that `streamed` lets wait, one that waits to be sent, and one that is read.
                promises.push(Promise::at_most(what, 64 + SLOW, ahead, u64::to_string));
            }
        }
    }
    let (held, _) = client.run(memory_of(server.id)).await?;
    let what = "bytes that the server counts as held afterwards";
    promises.push(Promise::at_most(what, HELD, held, usize::to_string));
    Ok(promises)
}

/// The number of items, and how far the source was ahead of the reader at most.
async fn download(client: &Peer, on: PeerId, is_slow: bool, items: u64) -> anyhow::Result<(u64, u64)> {
    let mut stream = client.run(numbers(on, items)).await?;
    let (mut count, mut ahead) = (0, 0);
    while let Some(item) = stream.recv().await? {
        ensure!(item == count, "item {item} came as number {count}");
        count += 1;
        pause(is_slow, count).await;
        if is_slow && count.is_multiple_of(10_000) {
            ahead = ahead.max(client.run(given(on)).await?.saturating_sub(count));
        }
    }
    Ok((count, ahead))
}

async fn upload(client: &Peer, on: PeerId, is_slow: bool, items: u64) -> anyhow::Result<u64> {
    let (sender, receiver) = channel(CAPACITY);
    let sends = async {
        for item in 0..items {
            sender.send(item).await?;
        }
        sender.finish();
        Ok::<_, anyhow::Error>(())
    };
    let takes = async { Ok(client.run(take(on, receiver, is_slow)).await?) };
    let ((), count) = try_join!(sends, takes)?;
    Ok(count)
}
