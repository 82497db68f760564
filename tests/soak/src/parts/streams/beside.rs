//! Calls and another channel, beside a channel of the same session that is not read.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use distributed_scope::{Peer, PeerId, channel};
use futures_util::try_join;

use super::super::small_calls;
use super::{numbers, returned};
use crate::peers::Server;
use crate::progress::Progress;
use crate::promise::{Promise, Times, median, ratio, time};

const ROUNDS: usize = 8;
const SPAN: Duration = Duration::from_secs(2);
const MOST: f64 = 2.0;

pub(super) async fn run(progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    let server = Server::start(1).await?;
    let client = server.client().await?;
    small_calls(&client, server.id, SPAN).await?;
    let (mut calls, mut items) = (Compared::default(), Compared::default());
    for round in 1..=ROUNDS {
        progress.says(format_args!("a channel that is not read, round {round} of {ROUNDS}"));
        let quiet = small_calls(&client, server.id, SPAN).await?;
        let quiet_items = small_items(&client, server.id).await?;
        let mut unread = client.run(numbers(server.id, u64::MAX)).await?;
        unread.recv().await?;
        calls.add(&quiet, &small_calls(&client, server.id, SPAN).await?);
        items.add(&quiet_items, &small_items(&client, server.id).await?);
        ensure!(unread.recv().await? == Some(1), "the channel that was not read has lost items");
    }
    Ok(vec![
        calls.promise("a small call's p99 beside a channel that is not read"),
        items.promise("an item's p99 to the server and back beside a channel that is not read"),
    ])
}

/// The times of items to the server and back, one after the other.
async fn small_items(client: &Peer, on: PeerId) -> anyhow::Result<Times> {
    let (ask, asked) = channel(1);
    let (back, mut answers) = channel(1);
    let asks = async {
        let (started, mut times) = (Instant::now(), Times::default());
        while started.elapsed() < SPAN {
            let sent = Instant::now();
            ask.send(7).await?;
            answers.recv().await?.context("the answers ended")?;
            times.record(sent.elapsed());
            tokio::task::yield_now().await;
        }
        ask.finish();
        Ok(times)
    };
    let returns = async { anyhow::Ok(client.run(returned(on, asked, back)).await?) };
    let (times, ()) = try_join!(asks, returns)?;
    Ok(times)
}

#[derive(Default)]
struct Compared {
    quiet: Times,
    beside: Times,
    ratios: Vec<f64>,
}

impl Compared {
    fn add(&mut self, quiet: &Times, beside: &Times) {
        self.ratios.push(beside.p99().as_secs_f64() / quiet.p99().as_secs_f64());
        self.quiet.add(quiet);
        self.beside.add(beside);
    }

    fn promise(self, what: &str) -> Promise {
        let (quiet, beside) = (time(&self.quiet.p99()), time(&self.beside.p99()));
        let note = format!("p99 {quiet} quiet, {beside} beside; {} of them", self.beside.count());
        Promise::at_most(what, MOST, median(self.ratios), ratio).with(note)
    }
}
