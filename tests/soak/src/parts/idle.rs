//! Idle sessions.

use std::time::Duration;

use anyhow::bail;
use distributed_scope::{Limits, Peer};

use crate::cli::Options;
use crate::peers::{Server, connected};
use crate::process::{Process, descriptor_limit};
use crate::progress::Progress;
use crate::promise::{Promise, mebibytes};

/// A session has its socket and a second handle of it, by which a peer that stopped reading is cut
/// off.
const DESCRIPTORS: u64 = 2;
/// For everything else that a process has open.
const SPARE: u64 = 200;
/// How often all of them come and go. The allocator needs some rounds until it has room for
/// however many of them each thread of the server gets.
const ROUNDS: usize = 5;
/// How many sessions warm the server up.
const WARM_UP: u64 = 200;

pub(crate) async fn run(options: &Options, progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    let possible = descriptor_limit().saturating_sub(SPARE) / DESCRIPTORS;
    let sessions = options.sessions.min(possible);
    // Half of what fits into a process: the clients have more to keep.
    let each = (possible / 2).max(1);
    let server = Server::start(2).await?;
    let client = server.client().await?;
    // What the first sessions cost once is not what each one costs.
    open(&server, WARM_UP.min(sessions), progress).await?.let_go().await?;
    until_alone(&server, &client).await?;
    let before = server.process.memory()?.now;
    let descriptors = server.process.descriptors()?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let mut idlers = Vec::new();
        let mut left = sessions;
        while left > 0 {
            let count = left.min(each);
            idlers.push(open(&server, count, progress).await?);
            left -= count;
        }
        let there = client.run(connected(server.id)).await? as u64 - 1;
        let (with, open) = (server.process.memory()?.now, server.process.descriptors()?);
        progress.says("closing them");
        for process in idlers {
            process.let_go().await?;
        }
        until_alone(&server, &client).await?;
        rounds.push(Round { there, with, descriptors: open });
    }
    let [first, .., last_but_one, last] = &rounds[..] else { bail!("there are fewer than three rounds") };
    let each = (first.with - before) * 1024.0 / first.there as f64;
    let mut each = Promise::at_most(
        format!("{sessions} idle sessions: memory of the server for each"),
        24.0,
        each,
        |kibibytes| format!("{kibibytes:.1} KiB"),
    );
    if sessions < options.sessions {
        each = each.with(format_args!("the limit on descriptors allows no more than {possible}"));
    }
    let descriptors_each = (first.descriptors - descriptors) as f64 / first.there as f64;
    let memory = rounds.iter().map(|round| mebibytes(&round.with)).collect::<Vec<_>>().join(", ");
    Ok(vec![
        Promise::exactly("idle sessions that are there at the same time", sessions, first.there),
        each,
        Promise::figure("descriptors for each idle session", format_args!("{descriptors_each:.2}")),
        Promise::at_most(
            format!("memory that they take more when they come for the {ROUNDS}th time"),
            5.0,
            last.with - last_but_one.with,
            mebibytes,
        )
        .with(format_args!("{} before, then {memory}", mebibytes(&before))),
        Promise::exactly(
            "descriptors that are left of them",
            0,
            server.process.descriptors()?.saturating_sub(descriptors),
        ),
    ])
}

/// What the server had with the sessions.
struct Round {
    there: u64,
    with: f64,
    descriptors: u64,
}

/// Waits until only we are connected, and the sessions of the others are given up.
pub(super) async fn until_alone(server: &Server, client: &Peer) -> anyhow::Result<()> {
    while client.run(connected(server.id)).await? > 1 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Their processes ended without a goodbye, so their sessions wait for them for a while.
    tokio::time::sleep(Limits::default().resume_window + Duration::from_secs(1)).await;
    Ok(())
}

/// A process with this many sessions.
pub(super) async fn open(server: &Server, count: u64, progress: &Progress) -> anyhow::Result<Process> {
    let mut process =
        Process::start(&["--as", "idlers", "--url", &server.url, "--count", &count.to_string()])?;
    loop {
        let line = process.line().await?;
        progress.says(format_args!("{line} of {count} sessions of a process"));
        if line == count.to_string() {
            return Ok(process);
        }
    }
}
