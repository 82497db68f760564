//! Programs that connect, make one call and end, one after the other and some at once, all from
//! one address.

use std::time::{Duration, Instant};

use actix_web::rt;
use anyhow::{Context, ensure};
use distributed_scope::PeerId;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::peers::{echo, open, serve};
use crate::process::Process;
use crate::progress::Progress;
use crate::promise::{Promise, seconds};

const PROGRAMS: u64 = 400;
/// In how long all of them are started.
const SPAN: Duration = Duration::from_secs(2);
/// How many of them there are at once, at most: fewer than an address may have sessions.
const AT_ONCE: usize = 64;

pub(crate) async fn run(progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    // With the usual limits.
    let server = open(PeerId::random()).start();
    let (handle, address) = serve(&server, 1)?;
    let url = format!("ws://{address}/scope");
    let (started, mut running, mut succeeded) = (Instant::now(), FuturesUnordered::new(), 0);
    let mut last_start = Duration::ZERO;
    for program in 0..PROGRAMS {
        while running.len() >= AT_ONCE {
            succeeded += u64::from(running.next().await.context("some run")??);
        }
        let due = started + SPAN.mul_f64(program as f64 / PROGRAMS as f64);
        rt::time::sleep_until(due.into()).await;
        progress.says(format_args!("{program} of {PROGRAMS} programs"));
        let mut process = Process::start(&["--as", "short", "--url", &url])?;
        last_start = started.elapsed();
        running.push(async move { process.end().await.map(|status| status.success()) });
    }
    while let Some(result) = running.next().await {
        succeeded += u64::from(result?);
    }
    let left = server.sessions().len();
    let next = open(PeerId::random()).start();
    let gets_in = next.connect(url.as_str()).await.is_ok();
    ensure!(!gets_in || next.run(echo(server.id(), 3)).await? == 3, "the next one got a wrong answer");
    server.stop().await;
    handle.stop(false).await;
    Ok(vec![
        Promise::exactly(
            format!("short programs from one address that got in, of {PROGRAMS}"),
            PROGRAMS,
            succeeded,
        )
        .with(format_args!("the last one was started after {}", seconds(&last_start.as_secs_f64()))),
        Promise::exactly("sessions that are left of them", 0, left as u64),
        Promise::exactly("the next program gets in", 1, u64::from(gets_in)),
    ])
}

/// The process: connects, makes a call, and ends as programs do.
pub(crate) async fn short(url: &str) -> anyhow::Result<()> {
    let peer = open(PeerId::random()).start();
    let on = peer.connect(url).await?;
    ensure!(peer.run(echo(on, 3)).await? == 3, "a wrong answer");
    Ok(())
}
