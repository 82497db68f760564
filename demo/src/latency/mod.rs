//! `demo latency`: what a call costs, between two real processes.

mod axis;
mod measure;
mod page;
mod terminal;

use std::path::{Path, PathBuf};

use anyhow::Context;
use distributed_scope::{Blocks, Peer, PeerId, RemoteError, distributed, remote};

use crate::output::{self, say, thousands};
use crate::processes::Helper;
use measure::{Figures, measure};

/// One kind of call, and what many of it took.
#[derive(Debug)]
struct Row {
    name: &'static str,
    figures: Figures,
}

impl Row {
    /// Its name where there is no column for how many are in flight.
    fn title(&self) -> String {
        match self.figures.in_flight {
            1 => self.name.to_owned(),
            count => format!("{}, {count} in flight", self.name),
        }
    }
}

/// Measures against the server at `url`, or against one in a process of its own; draws what it
/// measured, and keeps it as a page in the file `html`.
pub(crate) async fn run(url: Option<String>, calls: u64, html: Option<PathBuf>) -> anyhow::Result<()> {
    let Some(url) = url else {
        let arguments = ["server", "--addr", "127.0.0.1:0"];
        let (mut helper, url) = Helper::start_for_a_line("the server", arguments).await?;
        say(format_args!("A is this process, pid {}; B is pid {}", std::process::id(), helper.pid()))?;
        return tokio::select! {
            result = against(&url, calls, html.as_deref()) => result,
            error = helper.ended() => Err(error),
        };
    };
    against(&url, calls, html.as_deref()).await
}

async fn against(url: &str, calls: u64, html: Option<&Path>) -> anyhow::Result<()> {
    let peer = Peer::builder(PeerId::random()).expose(Blocks::of("demo::latency")).start();
    let other = peer.connect(url).await.with_context(|| format!("cannot connect to {url}"))?;
    let rows = peer.run(all(peer.id(), other, calls)).await.context("a call failed")?;

    let mut table = output::table(&["call", ">in flight", ">p50 µs", ">p99 µs", ">calls/s"]);
    for Row { name, figures } in &rows {
        table.add_row([
            (*name).to_owned(),
            figures.in_flight.to_string(),
            format!("{:.1}", figures.p50().as_secs_f64() * 1e6),
            format!("{:.1}", figures.p99().as_secs_f64() * 1e6),
            thousands(figures.per_second),
        ]);
    }
    say(table)?;
    say(format_args!("\nHow long calls took\n\n{}", terminal::draw(&rows)))?;
    if let Some(file) = html {
        let page = page::page(&rows, calls);
        std::fs::write(file, page).with_context(|| format!("cannot write {}", file.display()))?;
        say(format_args!("\nThe same with plots: {}", file.display()))?;
    }
    peer.stop().await;
    Ok(())
}

async fn all(a: PeerId, b: PeerId, calls: u64) -> Result<Vec<Row>, RemoteError> {
    let row = |name, figures| Row { name, figures };
    Ok(vec![
        row("A → A, without a socket", measure(calls, 1, |n| echo(a, n)).await?),
        row("A → B", measure(calls, 1, |n| echo(b, n)).await?),
        row("A → B → A", measure(calls, 1, |n| there_and_back(a, b, n)).await?),
        row("A → B → A → B", measure(calls, 1, |n| three_hops(a, b, n)).await?),
        row("A → B", measure(calls, 8, |n| echo(b, n)).await?),
        row("A → B", measure(calls, 64, |n| echo(b, n)).await?),
    ])
}

#[distributed]
async fn echo(peer: PeerId, number: u64) -> Result<u64, RemoteError> {
    remote!(peer, [number], { number }).await
}

#[distributed]
async fn there_and_back(a: PeerId, b: PeerId, number: u64) -> Result<u64, RemoteError> {
    remote!(b, [a, number], { remote!(a, [number], { number }).await? }).await
}

#[distributed]
async fn three_hops(a: PeerId, b: PeerId, number: u64) -> Result<u64, RemoteError> {
    remote!(b, [a, b, number], {
        remote!(a, [b, number], { remote!(b, [number], { number }).await? }).await?
    })
    .await
}
