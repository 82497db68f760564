//! Whether two workers double the throughput of a server.

use std::time::{Duration, Instant};

use actix_web::rt;
use anyhow::Context;
use distributed_scope::{Peer, PeerId, RemoteError};

use crate::peers::{Server, open, work};
use crate::process::Process;
use crate::progress::Progress;
use crate::promise::{Promise, median, ratio};
use crate::say;

const ROUNDS: usize = 5;
const CLIENTS: usize = 2;
/// How many calls of each client are open.
const IN_FLIGHT: usize = 64;
const SPAN: Duration = Duration::from_secs(3);
/// What the blocks do. The machine has the clients' work to do, too, so an empty block says little
/// of the server.
const MICROS: [u64; 2] = [20, 0];
const LEAST: f64 = 1.6;

pub(crate) async fn run(progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    let mut promises = Vec::new();
    for micros in MICROS {
        let (mut ratios, mut rates) = (Vec::new(), [Vec::new(), Vec::new()]);
        for round in 1..=ROUNDS {
            progress.says(format_args!("blocks of {micros} µs, round {round} of {ROUNDS}"));
            let (one, two) = (calls_per_second(1, micros).await?, calls_per_second(2, micros).await?);
            ratios.push(two / one);
            rates[0].push(one);
            rates[1].push(two);
        }
        let [one, two] = rates.map(|rates| median(rates) / 1e3);
        let what =
            format!("calls/s of two clients with two workers to one, blocks that work for {micros} µs");
        let note = format!("{one:.0} and {two:.0} calls/ms");
        let promise = match micros {
            0 => Promise::figure(what, ratio(&median(ratios))),
            _ => Promise::at_least(what, LEAST, median(ratios), ratio),
        };
        promises.push(promise.with(note));
    }
    Ok(promises)
}

/// Of all clients together.
async fn calls_per_second(threads: usize, micros: u64) -> anyhow::Result<f64> {
    let server = Server::start(threads).await?;
    let client = || Process::start(&["--as", "busy", "--url", &server.url, "--count", &micros.to_string()]);
    let mut clients = (0..CLIENTS).map(|_| client()).collect::<anyhow::Result<Vec<_>>>()?;
    let mut rate = 0.0;
    for client in &mut clients {
        let line = client.line().await?;
        rate += line.parse::<f64>().with_context(|| format!("`{line}` is no number"))?;
    }
    for client in clients {
        client.let_go().await?;
    }
    Ok(rate)
}

/// A process that keeps a server busy for a while, and says how many calls a second that were.
pub(crate) async fn busy(url: &str, micros: usize) -> anyhow::Result<()> {
    let peer = open(PeerId::random()).start();
    let server = peer.connect(url).await?;
    // By then the other clients are there, too.
    keep_busy(&peer, server, micros as u64, SPAN / 3).await?;
    let started = Instant::now();
    let calls = keep_busy(&peer, server, micros as u64, SPAN).await?;
    say(calls as f64 / started.elapsed().as_secs_f64())?;
    // They are not disturbed by the end of this one.
    keep_busy(&peer, server, micros as u64, SPAN / 3).await?;
    peer.stop().await;
    Ok(())
}

async fn keep_busy(peer: &Peer, on: PeerId, micros: u64, span: Duration) -> anyhow::Result<u64> {
    let until = Instant::now() + span;
    let tasks: Vec<_> =
        (0..IN_FLIGHT).map(|_| rt::spawn(call_until(peer.clone(), on, micros, until))).collect();
    let mut calls = 0;
    for task in tasks {
        calls += task.await??;
    }
    Ok(calls)
}

async fn call_until(peer: Peer, on: PeerId, micros: u64, until: Instant) -> Result<u64, RemoteError> {
    let mut calls = 0;
    while Instant::now() < until {
        peer.run(work(on, micros)).await?;
        calls += 1;
    }
    Ok(calls)
}
