//! A million updates of a watch, for a reader that looks ten times per second.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use distributed_scope::{PeerId, Receiver, RemoteError, distributed, remote, watch};

use crate::peers::{Server, open};
use crate::progress::Progress;
use crate::promise::Promise;
use crate::proxy::{Proxy, Way};

const UPDATES: u64 = 1_000_000;
/// Updates at once, with a pause of a millisecond after them: a million take ten seconds and more.
const AT_ONCE: u64 = 100;
const EVERY: Duration = Duration::from_millis(100);

/// Counts to a million.
#[distributed]
async fn counts(on: PeerId) -> Result<Receiver<u64>, RemoteError> {
    remote!(on, [], {
        let (sender, receiver) = watch(0)?;
        tokio::task::spawn_local(async move {
            for number in 1..=UPDATES {
                if sender.send(number).await.is_err() {
                    return;
                }
                if number.is_multiple_of(AT_ONCE) {
                    // This makes the rate of the updates, which the runtime's timer limits.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            sender.finish();
        });
        receiver
    })
    .await
}

pub(super) async fn run(progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    progress.says("a million updates of a watch");
    let server = Server::start(1).await?;
    let proxy = Proxy::start(server.address()).await;
    let client = open(PeerId::random()).start();
    let on = client.connect(proxy.url()).await?;
    let mut numbers = client.run(counts(on)).await?;
    let (started, before) = (Instant::now(), proxy.passed(Way::ToClient));
    let (mut seen, mut last) = (0, None);
    let mut looks = tokio::time::interval(EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let Some(number) = numbers.recv().await? else { break };
        ensure!(last < Some(number), "{number} came after {last:?}");
        last = Some(number);
        seen += 1;
    }
    let took = started.elapsed().as_secs_f64();
    let bytes = proxy.passed(Way::ToClient) - before;
    Ok(vec![
        Promise::exactly(
            "the last of a million updates of a watch",
            UPDATES,
            last.context("no number came")?,
        ),
        // The first one and the last one are beside those of each look.
        Promise::at_most(
            "items per second that a reader at 10 Hz got of it",
            11.0,
            (seen as f64 - 2.0) / took,
            |rate| format!("{rate:.1}"),
        )
        .with(format_args!("{seen} items in {took:.1} s, {:.0} bytes/s to the client", bytes as f64 / took)),
    ])
}
