//! Connections that are cut at random, in both directions, in the middle of calls, answers and
//! handshakes.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use distributed_scope::{Limits, Peer, PeerId, RemoteError, distributed, here, remote};
use fastrand::Rng;
use futures_util::future::{join_all, try_join_all};
use parking_lot::Mutex;

use crate::cli::Options;
use crate::peers::{open, serve};
use crate::progress::Progress;
use crate::promise::Promise;
use crate::proxy::{Proxy, Way};

/// How many sessions are cut at the same time.
const PAIRS: u64 = 4;
/// How many calls each session has open at a time.
const CALLS: u64 = 4;
/// The approximate size of an exchange of small calls, in bytes each way.
const EXCHANGE: u64 = 500;

/// How often the block of each call ran.
#[derive(Default)]
struct Runs(Mutex<HashMap<u64, u32>>);

#[distributed]
async fn counted(on: PeerId, call: u64, bytes: Vec<u8>) -> Result<(u64, Vec<u8>), RemoteError> {
    remote!(on, [call, bytes], {
        *here::data::<Runs>()?.0.lock().entry(call).or_default() += 1;
        if call % 2 == 1 {
            tokio::task::yield_now().await;
        }
        (call, bytes)
    })
    .timeout(Duration::from_secs(60))
    .await
}

#[derive(Debug, Default)]
struct Tally {
    calls: u64,
    wrong: u64,
    failed: u64,
    not_once: u64,
    first: Option<String>,
}

pub(crate) async fn run(options: &Options, progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    let each = options.cuts.div_ceil(PAIRS);
    let done = Rc::new(std::cell::Cell::new(0));
    let pairs = (0..PAIRS).map(|pair| {
        let done = Rc::clone(&done);
        let count = move || {
            done.set(done.get() + 1);
            progress.says(format_args!("{} of {} cuts, seed {seed}", done.get(), each * PAIRS));
        };
        cut_one(Rng::with_seed(seed.wrapping_add(pair)), each, count)
    });
    let tallies = try_join_all(pairs).await?;
    let sum = |of: fn(&Tally) -> u64| tallies.iter().map(of).sum();
    let first = tallies.iter().find_map(|tally| tally.first.clone());
    let note = first.map_or_else(|| format!("seed {seed}"), |first| format!("seed {seed}; first: {first}"));
    Ok(vec![
        Promise::figure("connections that were cut at a random byte", each * PAIRS)
            .with(format_args!("{} calls", sum(|tally| tally.calls))),
        Promise::exactly("calls of these without their value", 0, sum(|tally| tally.failed + tally.wrong))
            .with(note),
        Promise::exactly("blocks of these that did not run exactly once", 0, sum(|tally| tally.not_once)),
    ])
}

/// Cuts one session this often.
async fn cut_one(mut rng: Rng, cuts: u64, mut count: impl FnMut()) -> anyhow::Result<Tally> {
    let limits = Limits::default().with_reconnect_delay(Duration::from_millis(1));
    let runs = Arc::new(Runs::default());
    let server = open(PeerId::random()).limits(limits.clone()).shared_data(Arc::clone(&runs)).start();
    let (handle, address) = serve(&server, 1)?;
    let proxy = Proxy::start(address).await;
    let client = open(PeerId::random()).limits(limits).start();
    let on = client.connect(proxy.url()).await?;
    let mut tally = Tally::default();
    let mut connections = proxy.connections();
    let mut left = cuts;
    while left > 0 {
        proxy.by_reset(rng.bool());
        let (first, size) =
            (tally.calls, if rng.u8(..32) == 0 { rng.usize(..300_000) } else { rng.usize(..64) });
        let reach = EXCHANGE + CALLS * size as u64;
        for way in [Way::ToServer, Way::ToClient] {
            // Not always in both, so that a cut also meets what the other side has already
            // answered.
            let cut = if rng.bool() { proxy.passed(way) + rng.u64(1..=reach) } else { 0 };
            proxy.cut_at(way, cut);
        }
        exchange(&client, on, first, size, &runs, &mut tally).await;
        let now = proxy.connections();
        for _ in connections..now {
            left = left.saturating_sub(1);
            count();
        }
        connections = now;
    }
    proxy.cut_at(Way::ToServer, 0);
    proxy.cut_at(Way::ToClient, 0);
    client.stop().await;
    server.stop().await;
    handle.stop(false).await;
    Ok(tally)
}

async fn exchange(client: &Peer, on: PeerId, first: u64, size: usize, runs: &Runs, tally: &mut Tally) {
    let calls = (first..first + CALLS).map(|call| {
        let run = client.run(counted(on, call, vec![call as u8; size]));
        async move { (call, run.await) }
    });
    for (call, result) in join_all(calls).await {
        let ran = runs.0.lock().remove(&call).unwrap_or_default();
        tally.calls += 1;
        tally.not_once += u64::from(ran != 1);
        match result {
            Ok((answer, bytes)) if answer == call && bytes == vec![call as u8; size] => {}
            Ok((answer, _)) => {
                tally.wrong += 1;
                tally.first.get_or_insert(format!("call {call} got the answer of {answer}"));
            }
            Err(error) => {
                tally.failed += 1;
                tally.first.get_or_insert(format!("call {call}: {error:#}"));
            }
        }
    }
}
