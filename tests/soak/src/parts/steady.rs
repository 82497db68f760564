//! Calls of mixed sizes at a steady rate for a long time: nothing may fail, and nothing may grow.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::rt;
use distributed_scope::{Peer, PeerId, RemoteError};
use fastrand::Rng;

use crate::cli::Options;
use crate::peers::{Server, blocks_alive, there_and_back};
use crate::process::{Memory, descriptors};
use crate::progress::Progress;
use crate::promise::{Promise, Times, slope, time};

/// How often a handful of calls is started.
const TICK: Duration = Duration::from_millis(5);
/// The number of sessions over which the calls are spread.
const SESSIONS: u64 = 4;
/// How many calls are open at once at most: those of half a second at 2,000 in each.
const MAX_OPEN: u64 = 1_000;
/// How many samples a run gives at least.
const SAMPLES: u32 = 60;

/// Only a run of this many minutes shows whether anything grows.
const ENOUGH_MINUTES: f64 = 10.0;

/// What happened to all calls so far.
#[derive(Default)]
struct Log {
    times: RefCell<Times>,
    open: Cell<u64>,
    dropped: Cell<u64>,
    errors: RefCell<Vec<String>>,
}

/// How large everything was when no call was open.
struct Sample {
    at: Duration,
    server: f64,
    ours: f64,
    descriptors: u64,
    blocks: u64,
}

pub(crate) async fn run(options: &Options, progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    let span = Duration::from_secs_f64(options.minutes * 60.0);
    let warm_up = span / 5;
    let server = Server::start(2).await?;
    let mut clients = Vec::new();
    for _ in 0..SESSIONS {
        clients.push(server.client().await?);
    }
    let log = Rc::new(Log::default());
    let (started, mut made, mut samples) = (Instant::now(), 0u64, Vec::new());
    let mut busy = Duration::ZERO;
    let pause = (span / SAMPLES).min(Duration::from_secs(10));
    let mut rng = Rng::new();
    while started.elapsed() < span {
        let (begun, made_before) = (Instant::now(), made);
        let mut tick = tokio::time::interval(TICK);
        while begun.elapsed() < pause {
            tick.tick().await;
            let due = (begun.elapsed().as_secs_f64() * options.rate as f64) as u64;
            // What is overdue is made up for, but not all at once: a machine that was busy
            // elsewhere for a
            // while is no reason to pour.
            while made - made_before < due && log.open.get() < MAX_OPEN {
                let client = &clients[(made % SESSIONS) as usize];
                start(client.clone(), server.id, made, &mut rng, &log);
                made += 1;
            }
        }
        busy += begun.elapsed();
        while log.open.get() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let sample = sample(&server, &clients[0], started.elapsed()).await?;
        progress.says(format_args!(
            "{made} calls, {} errors; server {:.1} MiB, client {:.1} MiB, {} descriptors",
            log.errors.borrow().len(),
            sample.server,
            sample.ours,
            sample.descriptors,
        ));
        samples.push(sample);
    }
    samples.retain(|sample| sample.at >= warm_up);
    let rate = made as f64 / busy.as_secs_f64();
    let mut promises =
        vec![Promise::figure("calls/s that were made", format_args!("{rate:.0} of {}", options.rate))];
    promises.extend(summary(options, made, &log, &samples));
    Ok(promises)
}

/// Makes one call in a task of its own. One in fifty is dropped before its answer can have come.
fn start(client: Peer, on: PeerId, n: u64, rng: &mut Rng, log: &Rc<Log>) {
    let size = match rng.u8(..100) {
        ..90 => rng.usize(..200),
        90..99 => rng.usize(..8 << 10),
        _ => rng.usize(..200 << 10),
    };
    let is_dropped = rng.u8(..50) == 0;
    let log = Rc::clone(log);
    log.open.set(log.open.get() + 1);
    rt::spawn(async move {
        let started = Instant::now();
        let call = client.run(there_and_back(on, client.id(), n, vec![n as u8; size]));
        if is_dropped {
            tokio::select! {
                biased;
                _ = call => {}
                () = tokio::task::yield_now() => {}
            }
            log.dropped.set(log.dropped.get() + 1);
        } else {
            match check(call.await, n, size) {
                Ok(()) => log.times.borrow_mut().record(started.elapsed()),
                Err(error) => log.errors.borrow_mut().push(error),
            }
        }
        log.open.set(log.open.get() - 1);
    });
}

fn check(answer: Result<(u64, Vec<u8>), RemoteError>, n: u64, size: usize) -> Result<(), String> {
    match answer {
        Ok((answer, bytes)) if answer == n && bytes == vec![n as u8; size] => Ok(()),
        Ok((answer, _)) => Err(format!("call {n} got the answer of {answer}")),
        Err(error) => Err(format!("call {n}: {error:#}")),
    }
}

async fn sample(server: &Server, client: &Peer, at: Duration) -> anyhow::Result<Sample> {
    // What was dropped may not have ended yet; the last of it does within its deadline.
    let mut blocks = 0;
    for _ in 0..100 {
        blocks = client.run(blocks_alive(server.id)).await?;
        if blocks == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(Sample {
        at,
        server: server.process.memory()?.now,
        ours: Memory::of("self")?.now,
        descriptors: server.process.descriptors()? + descriptors("self")?,
        blocks,
    })
}

fn summary(options: &Options, made: u64, log: &Log, samples: &[Sample]) -> Vec<Promise> {
    let growth = |of: fn(&Sample) -> f64| {
        let points: Vec<_> =
            samples.iter().map(|sample| (sample.at.as_secs_f64() / 600.0, of(sample))).collect();
        slope(&points)
    };
    let range = |of: fn(&Sample) -> f64| {
        let values = samples.iter().map(of);
        let (least, most) = (values.clone().fold(f64::INFINITY, f64::min), values.fold(0.0, f64::max));
        format!("{least:.1} to {most:.1} MiB")
    };
    let grown = |whose: &str, growth: f64, range: String| {
        let what = format!("growth of the {whose} after a fifth of the time");
        let per_10_minutes = |value: &f64| format!("{value:.2} MiB per 10 minutes");
        match options.minutes >= ENOUGH_MINUTES {
            true => Promise::at_most(what, 1.0, growth, per_10_minutes).with(range),
            // What is still warming up says nothing about 10 minutes.
            false => Promise::figure(what, range),
        }
    };
    let most = |of: fn(&Sample) -> u64| samples.iter().map(of).max().unwrap_or(u64::MAX);
    let least = samples.iter().map(|sample| sample.descriptors).min().unwrap_or_default();
    let times = log.times.borrow();
    let errors = log.errors.borrow();
    let mut failed = Promise::exactly(
        format!("{} minutes at {} calls/s of mixed sizes: calls that failed", options.minutes, options.rate),
        0,
        errors.len() as u64,
    )
    .with(format_args!("of {made}; {} more were dropped on purpose", log.dropped.get()));
    if let Some(first) = errors.first() {
        failed = failed.with(first.chars().take(100).collect::<String>());
    }
    vec![
        failed,
        Promise::figure(
            "time of these calls, p50 and p99 (one in four waits up to 7 ms)",
            format_args!("{}, {}", time(&times.quantile(0.5)), time(&times.p99())),
        ),
        grown("server", growth(|sample| sample.server), range(|sample| sample.server)),
        grown("client", growth(|sample| sample.ours), range(|sample| sample.ours)),
        Promise::exactly(
            "descriptors more at the most than at the least",
            0,
            most(|sample| sample.descriptors) - least,
        )
        .with(format_args!("{} samples", samples.len())),
        Promise::exactly("blocks that are left when no call is open", 0, most(|sample| sample.blocks)),
    ]
}
