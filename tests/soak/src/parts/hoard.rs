//! Many sessions of one address that all want the server to hold as much for them as they can get.

use std::time::{Duration, Instant};

use anyhow::ensure;
use distributed_scope::{Limits, Peer, PeerId};
use futures_util::future::{Either, join_all, select};

use super::{small_call, small_calls};
use crate::peers::{Server, held, hoard, open};
use crate::process::{Process, until_let_go};
use crate::progress::Progress;
use crate::promise::{Promise, Times, mebibytes, ratio, time};
use crate::say;

/// What one address may have at the default limits.
const SESSIONS: usize = 256;
const ATTACK: Duration = Duration::from_secs(60);
const AFTER: Duration = Duration::from_secs(60);

/// So many empty texts take 24 times as much in memory as on the wire.
const TEXTS: usize = 6000;

/// What the allocator takes beside that, in MiB: what is freed lies between what is held.
const BESIDE: f64 = 128.0;

pub(crate) async fn run(progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    let share = Limits::default().held_per_address as f64 / f64::from(1 << 20);
    let server = Server::start(2).await?;
    let honest = server.client().await?;
    let quiet = small_calls(&honest, server.id, Duration::from_secs(5)).await?;
    progress.says(format_args!("{SESSIONS} sessions hoard for {} s", ATTACK.as_secs()));
    let (before, meanwhile) = attack(&server, &honest).await?;
    let peak = server.process.memory()?.peak;
    progress.says("waiting until the memory is back");
    tokio::time::sleep(AFTER).await;
    small_calls(&honest, server.id, Duration::from_secs(1)).await?;
    let after = server.process.memory()?.now;
    let still = honest.run(held(server.id)).await? as f64 / f64::from(1 << 20);
    let by = meanwhile.p99().as_secs_f64() / quiet.p99().as_secs_f64();
    let note = format!("p99 {} quiet, {} meanwhile", time(&quiet.p99()), time(&meanwhile.p99()));
    Ok(vec![
        Promise::at_most(
            format!("{SESSIONS} sessions of one address that hoard: memory that they cost"),
            share + BESIDE,
            peak - before,
            mebibytes,
        ),
        Promise::at_least("the same, so that there was an attack", share / 4.0, peak - before, mebibytes),
        Promise::at_most("what is counted as held a minute later", 1.0, still, mebibytes),
        Promise::figure("memory a minute later, above that before", mebibytes(&(after - before))),
        Promise::figure("an honest caller's p99 meanwhile", ratio(&by)).with(note),
    ])
}

/// The memory that the server has when all sessions are open, and the times of small calls while another process attacks.
async fn attack(server: &Server, honest: &Peer) -> anyhow::Result<(f64, Times)> {
    let count = SESSIONS.to_string();
    let mut hoarders = Process::start(&["--as", "hoarders", "--url", &server.url, "--count", &count])?;
    hoarders.line().await?;
    let before = server.process.memory()?.now;
    let started = Instant::now();
    let mut times = Times::default();
    while started.elapsed() < ATTACK {
        times.record(small_call(honest, server.id).await?);
    }
    ensure!(hoarders.let_go().await?.success(), "the process that hoards has failed");
    Ok((before, times))
}

/// A process of so many sessions that call blocks which wait: with captures that are large in memory, and detached ones that go on when
/// they are given up.
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
