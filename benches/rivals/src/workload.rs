//! The workloads, on any client.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, bail, ensure};
use clap::ValueEnum;
use futures_util::{Stream, StreamExt};
use tokio::task::{JoinHandle, spawn_local};

use crate::contender::Client;
use crate::load::{Numbers, blob, called_back, check, served};
use crate::outcome::{Meter, Outcome};
use crate::process::{self, Memory};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
#[value(rename_all = "UPPER")]
pub enum Workload {
    /// 32 bytes there and back, one call in flight.
    W1,
    /// The same, 64 in flight on one connection.
    W2,
    /// 1 MiB of `Vec<u8>` there and back, one in flight.
    W3,
    /// The handler calls the caller back on the same connection before it answers.
    W4,
    /// Memory of the server for each connection that was used once and is idle.
    W5,
    /// Three calls half a millisecond apart whose handlers sleep for 2, 3 and 4 ms: how late the
    /// latest answer is.
    W6,
    /// W1 while other calls on the connection wait in their handlers.
    W7,
    /// One stream from the server, of items of 32 bytes.
    W8,
    /// One stream from the server, of items of 64 KiB.
    W8L,
    /// A broadcast of 32 bytes, 100 times a second, to many connections of one client process.
    W9,
}

pub use Workload::{W1, W2, W3, W4, W5, W6, W7, W8, W8L, W9};

pub const ALL: [Workload; 10] = [W1, W2, W3, W4, W5, W6, W7, W8, W8L, W9];

/// The workloads of contenders with calls and without streams.
#[cfg(has_capnp)]
pub const CALLS: &[Workload] = &[W1, W2, W3, W4, W5, W6, W7];

/// The workloads of contenders with calls and streams.
pub const CALLS_AND_STREAMS: &[Workload] = &[W1, W2, W3, W4, W5, W6, W7, W8, W8L];

/// The size of a large item.
pub const PART: usize = 64 << 10;

impl Workload {
    /// How many calls are measured, and how many are made before.
    pub fn calls(self) -> (usize, usize) {
        match self {
            W1 => (20_000, 2_000),
            W2 => (64_000, 6_400),
            W3 => (100, 10),
            W4 => (10_000, 1_000),
            W5 => (1_000, 0),
            W6 => (100, 5),
            W7 => (5_000, 500),
            W8 => (1_000_000, 20_000),
            W8L => (16_000, 500),
            W9 => (1_000, 100),
        }
    }
}

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct Drive {
    pub port: u16,
    pub workload: Workload,
    pub calls: usize,
    pub warmup: usize,
    pub in_flight: usize,
    pub blob: usize,
    /// W5: how many connections; W7: how many calls wait.
    pub others: usize,
    /// The process of the server.
    pub server: u32,
}

impl Drive {
    pub fn meter(&self) -> Meter {
        Meter::start(self.server, self.calls)
    }
}

/// Runs a workload. On a `LocalSet`, so that clients need not be `Send`.
pub async fn drive<C: Client>(run: &Drive) -> Result<Outcome> {
    match run.workload {
        W1 => {
            let client = C::connect(run.port).await?;
            one_after_another(run, async |n| echo(&client, n).await).await
        }
        W2 => {
            let client = C::connect(run.port).await?;
            in_flight(&client, run, run.warmup, None).await?;
            let meter = Rc::new(RefCell::new(run.meter()));
            in_flight(&client, run, run.calls, Some(&meter)).await?;
            let meter = Rc::into_inner(meter).map(RefCell::into_inner);
            Ok(meter.ok_or_else(|| anyhow::anyhow!("a task goes on"))?.stop())
        }
        W3 => {
            let client = C::connect(run.port).await?;
            let first = blob(run.blob);
            let travelling = RefCell::new(first.clone());
            let mut outcome = one_after_another(run, async |_| {
                let back = client.blob(travelling.take()).await?;
                ensure!(back.len() == run.blob, "{} bytes came back", back.len());
                travelling.replace(back);
                Ok(())
            })
            .await?;
            ensure!(travelling.take() == first, "other bytes came back");
            outcome.mb_per_s = run.blob as f64 * outcome.calls_per_s / 1e6;
            Ok(outcome)
        }
        W4 => {
            let client = C::connect(run.port).await?;
            one_after_another(run, async |n| {
                let numbers = Numbers::nth(n);
                check(client.nested(numbers).await?, served(called_back(numbers)))
            })
            .await
        }
        W5 => {
            memory(run, async |n| {
                let client = C::connect(run.port).await?;
                echo(&client, n).await?;
                Ok(client)
            })
            .await
        }
        W6 => {
            let client = C::connect(run.port).await?;
            for _ in 0..run.warmup {
                lateness(&client).await?;
            }
            let mut meter = run.meter();
            for _ in 0..run.calls {
                meter.note(lateness(&client).await?);
            }
            Ok(meter.stop())
        }
        W7 => {
            let client = C::connect(run.port).await?;
            // They wait for longer than the measurement takes, and end with this process.
            for n in 0..run.others as u64 {
                let client = client.clone();
                spawn_local(async move { client.slow(Numbers::nth(n), 120_000).await });
            }
            // An answer to a later call says that the earlier ones have arrived; a quarter of a
            // second is for rivals
            // that deliver them out of order.
            tokio::time::sleep(Duration::from_millis(250)).await;
            one_after_another(run, async |n| echo(&client, n).await).await
        }
        W8 | W8L => {
            let client = C::connect(run.port).await?;
            stream(run, async |count| match run.workload {
                W8 => client.items(count).await,
                _ => client.parts(count, PART).await,
            })
            .await
        }
        W9 => bail!("it has no broadcast here"),
    }
}

/// Opens subscriptions of a broadcast, has items published at a steady rate, and waits until all
/// subscribers have received them. An item has the time of its publication in `b`.
pub async fn broadcast<S>(
    run: &Drive,
    mut subscribe: impl AsyncFnMut() -> Result<S>,
    publish: impl AsyncFn(u64) -> Result<()>,
) -> Result<Outcome>
where
    S: Stream<Item = Result<Numbers>> + Unpin + 'static,
{
    /// The times of the last deliveries, and the number of all.
    #[derive(Default)]
    struct Delivered {
        latest: HashMap<u64, u64>,
        count: usize,
    }
    let delivered = Rc::new(RefCell::new(Delivered::default()));
    let mut tasks: Vec<JoinHandle<Result<()>>> = Vec::new();
    let memory = memory(run, async |_| {
        let mut items = subscribe().await?;
        let delivered = Rc::clone(&delivered);
        tasks.push(spawn_local(async move {
            while let Some(item) = items.next().await {
                let published = item?.b;
                let mut delivered = delivered.borrow_mut();
                delivered.count += 1;
                let latest = delivered.latest.entry(published).or_default();
                *latest = (*latest).max(nanos_since_1970());
            }
            bail!("a subscription ended")
        }));
        Ok(())
    })
    .await?;
    let subscribers = tasks.len();
    let deliver = async |items: usize| {
        delivered.take();
        publish(items as u64).await?;
        while delivered.borrow().count < items * subscribers {
            ensure!(tasks.iter().all(|task| !task.is_finished()), "a subscription ended");
            // Only the end is noticed this late; each delivery has recorded its own time.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(delivered.take())
    };
    deliver(run.warmup).await?;
    let mut meter = run.meter();
    for (published, latest) in deliver(run.calls).await?.latest {
        meter.note(Duration::from_nanos(latest.saturating_sub(published)));
    }
    let outcome = meter.stop();
    Ok(Outcome {
        deliveries_per_cpu_s: (run.calls * subscribers) as f64 / outcome.cpu_server_s,
        server_rss_per_conn_kib: memory.server_rss_per_conn_kib,
        server_anon_per_conn_kib: memory.server_anon_per_conn_kib,
        client_anon_per_conn_kib: memory.client_anon_per_conn_kib,
        ..outcome
    })
}

/// How often a broadcast publishes.
pub const PUBLISH_EVERY: Duration = Duration::from_millis(10);

/// The time, for both processes.
pub fn nanos_since_1970() -> u64 {
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The items of a broadcast, published at a steady rate.
pub async fn publish_steadily(count: u64, mut publish: impl FnMut(Numbers)) {
    let mut times = tokio::time::interval(PUBLISH_EVERY);
    for n in 0..count {
        times.tick().await;
        publish(Numbers { b: nanos_since_1970(), ..Numbers::nth(n) });
    }
}

/// Receives one stream after another one that warms up. Each item counts as a call.
pub async fn stream(run: &Drive, mut receive: impl AsyncFnMut(u64) -> Result<()>) -> Result<Outcome> {
    receive(run.warmup as u64).await?;
    let mut meter = run.meter();
    receive(run.calls as u64).await?;
    for _ in 0..run.calls {
        // Only the time of all of them means something.
        meter.note(Duration::ZERO);
    }
    let mut outcome = meter.stop();
    if run.workload == W8L {
        outcome.mb_per_s = PART as f64 * outcome.calls_per_s / 1e6;
    }
    Ok(outcome)
}

async fn echo(client: &impl Client, n: u64) -> Result<()> {
    let numbers = Numbers::nth(n);
    check(client.echo(numbers).await?, served(numbers))
}

pub async fn one_after_another(run: &Drive, mut call: impl AsyncFnMut(u64) -> Result<()>) -> Result<Outcome> {
    for n in 0..run.warmup as u64 {
        call(n).await?;
    }
    let mut meter = run.meter();
    for n in 0..run.calls as u64 {
        let started = Instant::now();
        call(n).await?;
        meter.note(started.elapsed());
    }
    Ok(meter.stop())
}

/// Tasks that each make one call after another.
async fn in_flight<C: Client>(
    client: &C,
    run: &Drive,
    calls: usize,
    meter: Option<&Rc<RefCell<Meter>>>,
) -> Result<()> {
    let each = calls.div_ceil(run.in_flight);
    let task = |task: usize| -> JoinHandle<Result<()>> {
        let (client, meter) = (client.clone(), meter.cloned());
        spawn_local(async move {
            for n in 0..each {
                let started = Instant::now();
                echo(&client, (task * each + n) as u64).await?;
                if let Some(meter) = &meter {
                    meter.borrow_mut().note(started.elapsed());
                }
            }
            Ok(())
        })
    };
    let tasks: Vec<_> = (0..run.in_flight).map(task).collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

/// How late the latest of three answers is, compared with how long its handler slept.
async fn lateness<C: Client>(client: &C) -> Result<Duration> {
    const APART: Duration = Duration::from_micros(500);
    let calls: [JoinHandle<Result<Duration>>; 3] = std::array::from_fn(|nth| {
        let client = client.clone();
        spawn_local(async move {
            // The runtime's timer counts milliseconds.
            let start = Instant::now() + APART * nth as u32;
            while Instant::now() < start {
                tokio::task::yield_now().await;
            }
            let (numbers, sleep) = (Numbers::nth(nth as u64), 2 + nth as u64);
            let started = Instant::now();
            check(client.slow(numbers, sleep).await?, served(numbers))?;
            Ok(started.elapsed().saturating_sub(Duration::from_millis(sleep)))
        })
    });
    let mut latest = Duration::ZERO;
    for call in calls {
        latest = latest.max(call.await??);
    }
    Ok(latest)
}

/// Some connections first, so that what every server makes once is there; then those that are
/// counted.
pub async fn memory<T>(run: &Drive, mut open: impl AsyncFnMut(u64) -> Result<T>) -> Result<Outcome> {
    const FIRST: usize = 50;
    const SETTLE: Duration = Duration::from_millis(400);
    let mut held = Vec::with_capacity(FIRST + run.others);
    for n in 0..FIRST as u64 {
        held.push(open(n).await?);
    }
    tokio::time::sleep(SETTLE).await;
    let both = || (Memory::of(run.server), Memory::of(process::own_id()));
    let (server_before, own_before) = both();
    let started = Instant::now();
    for n in 0..run.others as u64 {
        held.push(open(n).await?);
    }
    let elapsed = started.elapsed().as_secs_f64();
    tokio::time::sleep(SETTLE).await;
    let (server, own) = both();
    let per_connection = |after: u64, before: u64| (after as f64 - before as f64) / run.others as f64;
    drop(held);
    Ok(Outcome {
        calls: run.others,
        elapsed_s: elapsed,
        calls_per_s: run.others as f64 / elapsed,
        server_rss_per_conn_kib: per_connection(server.resident, server_before.resident),
        server_anon_per_conn_kib: per_connection(server.anonymous, server_before.anonymous),
        server_rss_base_kib: server_before.resident as f64,
        client_anon_per_conn_kib: per_connection(own.anonymous, own_before.anonymous),
        ..Outcome::default()
    })
}
