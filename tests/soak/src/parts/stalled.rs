//! A peer that asks for 1 GiB of results and then reads nothing: its process is stopped.

use std::time::{Duration, Instant};

use distributed_scope::{Limits, Peer};
use futures_util::future::{Either, select};
use rustix::process::Signal;

use super::{small_call, small_calls};
use crate::peers::{Server, connected};
use crate::process::Process;
use crate::progress::Progress;
use crate::promise::{Promise, Times, mebibytes, median, ratio, seconds, time};

const ROUNDS: usize = 3;
const QUIET: Duration = Duration::from_secs(10);

pub(crate) async fn run(progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    let limits = Limits::default();
    let server = Server::start(2).await?;
    let modest = server.client().await?;
    small_calls(&modest, server.id, Duration::from_secs(2)).await?;
    let before = server.process.memory()?.now;
    let (mut quiet, mut meanwhile, mut ratios) = (Times::default(), Times::default(), Vec::new());
    let mut slowest: f64 = 0.0;
    for round in 1..=ROUNDS {
        progress.says(format_args!("quiet, round {round} of {ROUNDS}"));
        let times = small_calls(&modest, server.id, QUIET).await?;
        progress.says(format_args!("a peer reads nothing, round {round} of {ROUNDS}"));
        let (noticed, during) = stall(&server, &modest).await?;
        ratios.push(during.p99().as_secs_f64() / times.p99().as_secs_f64());
        quiet.add(&times);
        meanwhile.add(&during);
        slowest = slowest.max(noticed.as_secs_f64());
    }
    let peak = server.process.memory()?.peak;
    progress.says("waiting until the sessions are given up");
    tokio::time::sleep(limits.resume_window + Duration::from_secs(2)).await;
    small_calls(&modest, server.id, Duration::from_secs(1)).await?;
    let after = server.process.memory()?.now;
    // What waits for each of them, and what is kept to be sent again.
    let owed = (limits.max_queued_bytes + limits.resend_buffer) as f64 / f64::from(1 << 20);
    let bound = (limits.write_timeout + Duration::from_secs(2)).as_secs_f64();
    let note = format!("p99 {} quiet, {} meanwhile", time(&quiet.p99()), time(&meanwhile.p99()));
    Ok(vec![
        Promise::at_most(
            format!("a peer that asks for 1 GiB and reads nothing is cut off (slowest of {ROUNDS})"),
            bound,
            slowest,
            seconds,
        ),
        Promise::at_most("others' p99 meanwhile, beside a quiet server's", 1.2, median(ratios), ratio)
            .with(note),
        Promise::at_most(
            format!("memory that {ROUNDS} of them cost, whose sessions wait for them meanwhile"),
            ROUNDS as f64 * owed,
            peak - before,
            mebibytes,
        ),
        Promise::at_most(
            "memory that is not back when its session is given up",
            5.0,
            (after - before).max(0.0),
            mebibytes,
        ),
    ])
}

/// How long it takes until the server has cut the greedy one off, and how long small calls take
/// meanwhile.
async fn stall(server: &Server, modest: &Peer) -> anyhow::Result<(Duration, Times)> {
    let mut greedy = Process::start(&["--as", "greedy", "--url", &server.url])?;
    greedy.line().await?;
    greedy.signal(Signal::STOP)?;
    let started = Instant::now();
    let mut times = Times::default();
    let mut is_gone = Box::pin(async {
        while modest.run(connected(server.id)).await? > 1 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::Ok(started.elapsed())
    });
    loop {
        match select(is_gone, Box::pin(small_call(modest, server.id))).await {
            Either::Left((took, _)) => return Ok((took?, times)),
            Either::Right((time, unfinished)) => {
                times.record(time?);
                is_gone = unfinished;
            }
        }
    }
}
