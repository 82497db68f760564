//! The peers that count, each in a process of its own.

use std::future;
use std::time::{Duration, Instant};

use anyhow::Context;
use distributed_scope::{Blocks, Peer, PeerId, RemoteError, Sender, distributed, remote};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::count::{self, Counts};
use super::pieces::{self, Piece};
use crate::output;
use crate::processes::Helper;

/// How long a process may take to start and connect.
const START: Duration = Duration::from_secs(30);

/// A worker, as the process that hands out the pieces knows it.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) id: PeerId,
    pub(super) name: String,
    pub(super) process: Helper,
    /// How many pieces it has now.
    pub(super) in_flight: usize,
    pub(super) pieces: u64,
    pub(super) bytes: u64,
    /// How long it says that it counted.
    pub(super) busy: Duration,
    /// Why it gets no more pieces, once it does not: the calls that are open then end at once.
    pub(super) lost: watch::Sender<Option<String>>,
    /// How many of its pieces went to others when it was lost.
    pub(super) passed_on: u64,
}

/// What a worker found in a piece.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Counted {
    /// Not as a map: who receives them adds them to one and would build another only to take it
    /// apart.
    pub(super) counts: Vec<(String, u64)>,
    pub(super) microseconds: u64,
}

/// A worker reports its progress each time that it has counted this many bytes.
const PART: usize = 16 << 10;

/// Has a worker count a piece. It sends the number of bytes that it has counted so far.
#[distributed]
pub(super) async fn count_on(
    worker: PeerId,
    piece: &Piece,
    progress: Sender<u64>,
) -> Result<Counted, RemoteError> {
    remote!(worker, [text = piece.text, progress], {
        let started = Instant::now();
        let (mut counts, mut done) = (Counts::new(), 0);
        for part in pieces::cut(&text, PART) {
            count::add(&mut counts, part);
            done += part.len() as u64;
            progress.send(done).await?; // it is a watch: this does not wait
        }
        let counts = counts.into_iter().collect();
        Counted { counts, microseconds: output::microseconds(started.elapsed()) }
    })
    .await
}

/// Starts the workers, and returns when all are connected.
pub(super) async fn start(peer: &Peer, url: &str, number: u16) -> anyhow::Result<Vec<Worker>> {
    let mut workers = Vec::new();
    for number in 1..=number {
        let id = PeerId::random();
        let name = format!("worker-{number}");
        let process = Helper::start(&name, ["worker", url, "--id", &id.to_string()])?;
        workers.push(Worker {
            id,
            name,
            process,
            in_flight: 0,
            pieces: 0,
            bytes: 0,
            busy: Duration::ZERO,
            lost: watch::Sender::new(None),
            passed_on: 0,
        });
    }
    for worker in &mut workers {
        tokio::select! {
            () = peer.connected(worker.id) => {}
            error = worker.process.ended() => return Err(error.context("a worker did not start")),
            () = tokio::time::sleep(START) => anyhow::bail!("{} did not connect in time", worker.process),
        }
    }
    Ok(workers)
}

/// `demo worker`: connects and counts all pieces that arrive, until its parent process has ended.
pub(crate) async fn worker(url: &str, id: PeerId) -> anyhow::Result<()> {
    let peer = Peer::builder(id).expose(Blocks::named("demo::wordcount::workers::count_on")).start();
    peer.connect(url).await.with_context(|| format!("cannot connect to {url}"))?;
    future::pending().await
}
