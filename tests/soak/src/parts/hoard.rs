//! Many sessions of one address, each of which makes the server hold as much memory as it can.

use std::time::{Duration, Instant};

use anyhow::ensure;
use distributed_scope::{Limits, Peer, PeerId};
use futures_util::future::{Either, join_all, select};

use super::{small_call, small_calls};
use crate::peers::{Server, hoard, memory_of, open};
use crate::process::{Process, until_let_go};
use crate::progress::Progress;
use crate::promise::{Promise, Times, mebibytes, ratio, time};
use crate::say;

/// What one address may have at the default limits.
const SESSIONS: usize = 256;
const ATTACK: Duration = Duration::from_secs(60);
const AFTER: Duration = Duration::from_secs(60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// This many empty texts take 24 times as much in memory as on the wire.
const TEXTS: usize = 6000;

/// The largest ratio of allocated to counted bytes. The difference is what each session holds in
/// any case: its buffers and tables.
const ALLOCATED: f64 = 1.25;

/// The largest ratio of the process's memory to that: freed memory lies between memory in use.
const RESIDENT: f64 = 1.5;

/// The largest ratio of the allocated bytes a minute later to those before.
const BACK: f64 = 1.1;

pub(crate) async fn run(progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    let share = mebi(Limits::default().max_held_bytes_per_address);
    let server = Server::start(2).await?;
    let honest = server.client().await?;
    let quiet = small_calls(&honest, server.id, Duration::from_secs(5)).await?;
    progress.says(format_args!("{SESSIONS} sessions hoard for {} s", ATTACK.as_secs()));
    let Attacked { before, meanwhile, most } = attack(&server, &honest).await?;
    let peak = server.process.memory()?.peak - before.resident;
    progress.says("waiting until the memory is back");
    tokio::time::sleep(AFTER).await;
    small_calls(&honest, server.id, Duration::from_secs(1)).await?;
    let after = memory(&server, &honest).await?;
    let by = meanwhile.p99().as_secs_f64() / quiet.p99().as_secs_f64();
    let note = format!("p99 {} quiet, {} meanwhile", time(&quiet.p99()), time(&meanwhile.p99()));
    let what = format!("{SESSIONS} sessions of one address that hoard");
    let at_most = |what: String, most, measured| Promise::at_most(what, most, measured, mebibytes);
    Ok(vec![
        Promise::figure(format!("{what}: counted as held, at most"), mebibytes(&most.held)),
        at_most(format!("{what}: allocated for them"), ALLOCATED * share, most.allocated - before.allocated),
        at_most(format!("{what}: memory of the process for them"), RESIDENT * share, peak),
        Promise::at_least("the same, so that there was an attack", share / 4.0, peak, mebibytes),
        at_most("counted as held a minute later".to_owned(), 1.0, after.held),
        at_most("allocated a minute later".to_owned(), BACK * before.allocated, after.allocated),
        // Which allocator a program has is its own to say, and some keep what is free.
        Promise::figure(
            "memory of the process a minute later, above that before",
            mebibytes(&(after.resident - before.resident)),
        ),
        Promise::figure("an honest caller's p99 meanwhile", ratio(&by)).with(note),
    ])
}

/// What an attack was.
struct Attacked {
    /// When all sessions were open.
    before: Memory,
    /// Times of small calls.
    meanwhile: Times,
    /// The most that was held and allocated, each.
    most: Memory,
}

/// The memory of a server, in MiB.
#[derive(Clone, Copy)]
struct Memory {
    /// What it counts as held for others.
    held: f64,
    allocated: f64,
    /// What its process has.
    resident: f64,
}

fn mebi(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

async fn memory(server: &Server, honest: &Peer) -> anyhow::Result<Memory> {
    let (held, allocated) = honest.run(memory_of(server.id)).await?;
    Ok(Memory { held: mebi(held), allocated: mebi(allocated), resident: server.process.memory()?.now })
}

/// Makes small calls while another process attacks.
async fn attack(server: &Server, honest: &Peer) -> anyhow::Result<Attacked> {
    let count = SESSIONS.to_string();
    let mut hoarders = Process::start(&["--as", "hoarders", "--url", &server.url, "--count", &count])?;
    hoarders.line().await?;
    let before = memory(server, honest).await?;
    let (started, mut looked) = (Instant::now(), Instant::now());
    let (mut most, mut meanwhile) = (before, Times::default());
    while started.elapsed() < ATTACK {
        meanwhile.record(small_call(honest, server.id).await?);
        if looked.elapsed() > BETWEEN_LOOKS {
            looked = Instant::now();
            let now = memory(server, honest).await?;
            most.held = most.held.max(now.held);
            most.allocated = most.allocated.max(now.allocated);
        }
    }
    ensure!(hoarders.let_go().await?.success(), "the process that hoards has failed");
    Ok(Attacked { before, meanwhile, most })
}

/// A process with this many sessions that call waiting blocks: with captures that are large in
/// memory, and detached ones that continue after they are given up.
pub(crate) async fn hoarders(url: &str, count: usize) -> anyhow::Result<()> {
    let mut peers = Vec::with_capacity(count);
    while peers.len() < count {
        let peer = open(PeerId::random()).start();
        let server = peer.connect(url).await?;
        peers.push((peer, server));
    }
    say("hoarding")?;
    let hoarding = join_all(peers.iter().map(|(peer, server)| async move {
        loop {
            let calls = (0..200).map(|n| {
                let texts = vec![String::new(); if n % 5 == 0 { TEXTS } else { 10 }];
                peer.run(hoard(*server, texts, n % 5 != 0))
            });
            // Those that wait are given up, and made again.
            let _ = tokio::time::timeout(Duration::from_secs(5), join_all(calls)).await;
        }
    }));
    let _: Either<(Vec<()>, _), _> = select(Box::pin(hoarding), Box::pin(until_let_go())).await;
    Ok(())
}
