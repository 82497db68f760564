//! Connections that are cut at random while three channels of each are busy.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::ensure;
use distributed_scope::{Limits, Peer, PeerId, Receiver, channel};
use fastrand::Rng;
use futures_util::future::try_join_all;
use futures_util::try_join;

use super::{numbers, returned};
use crate::cli::Options;
use crate::peers::{open, serve};
use crate::progress::Progress;
use crate::promise::Promise;
use crate::proxy::{Proxy, Way};

const PAIRS: u64 = 4;
/// A tenth of the cuts of `cuts`.
const PART: u64 = 10;
/// The items of each channel of an exchange.
const ITEMS: u64 = 200;
/// The approximate size of an exchange, in bytes each way.
const EXCHANGE: u64 = 10_000;

pub(super) async fn run(options: &Options, progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    let each = options.cuts.div_ceil(PART * PAIRS);
    let done = Rc::new(Cell::new(0));
    let pairs = (0..PAIRS).map(|pair| {
        let done = Rc::clone(&done);
        let count = move || {
            done.set(done.get() + 1);
            progress.says(format_args!("{} of {} cuts of channels, seed {seed}", done.get(), each * PAIRS));
        };
        cut_one(Rng::with_seed(seed.wrapping_add(pair)), each, count)
    });
    // An item that is lost, repeated or in the wrong place ends this as an error.
    let items: u64 = try_join_all(pairs).await?.into_iter().sum();
    Ok(vec![
        Promise::figure("connections with three busy channels, cut at a random byte", each * PAIRS)
            .with(format_args!("seed {seed}")),
        Promise::figure("items of these channels, each received once and in order", items),
    ])
}

async fn cut_one(mut rng: Rng, cuts: u64, mut count: impl FnMut()) -> anyhow::Result<u64> {
    let limits = Limits::default().with_reconnect_delay(Duration::from_millis(1));
    let server = open(PeerId::random()).limits(limits.clone()).start();
    let (handle, address) = serve(&server, 1)?;
    let proxy = Proxy::start(address).await;
    let client = open(PeerId::random()).limits(limits).start();
    let on = client.connect(proxy.url()).await?;
    let (mut connections, mut left, mut items) = (proxy.connections(), cuts, 0);
    while left > 0 {
        proxy.by_reset(rng.bool());
        for way in [Way::ToServer, Way::ToClient] {
            let cut = if rng.bool() { proxy.passed(way) + rng.u64(1..=EXCHANGE) } else { 0 };
            proxy.cut_at(way, cut);
        }
        items += exchange(&client, on).await?;
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
    Ok(items)
}

/// A stream as a result, and a channel each way. Returns the number of items.
async fn exchange(client: &Peer, on: PeerId) -> anyhow::Result<u64> {
    let (ask, asked) = channel(16);
    let (back, answers) = channel(16);
    let asks = async {
        for item in 0..ITEMS {
            ask.send(item).await?;
        }
        ask.finish();
        anyhow::Ok(())
    };
    let returns = async { anyhow::Ok(client.run(returned(on, asked, back)).await?) };
    let stream = async { count(client.run(numbers(on, ITEMS)).await?).await };
    let ((), (), answers, stream) = try_join!(asks, returns, count(answers), stream)?;
    ensure!(answers == ITEMS && stream == ITEMS, "{answers} and {stream} items of {ITEMS}");
    Ok(3 * ITEMS)
}

async fn count(mut items: Receiver<u64>) -> anyhow::Result<u64> {
    let mut count = 0;
    while let Some(item) = items.recv().await? {
        ensure!(item == count, "item {item} came as number {count}");
        count += 1;
    }
    Ok(count)
}
