//! Which worker counts which piece.
//!
//! One loop owns all of the state. It gives the next piece to the worker that has the fewest, and
//! takes results as they come. When a worker is lost, its pieces go to the others. A piece enters
//! the sum only with the result of the call that carried it. So each piece is counted once, even
//! if a lost worker had counted it, too.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Context, anyhow};
use distributed_scope::{ErrorKind, Receiver, RemoteError, SendError, watch};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;

use super::count::{self, Counts};
use super::pieces::Piece;
use super::report::{Bars, Counting};
use super::workers::{Counted, Worker, count_on};

/// How many pieces a worker has at once: one to count, and the next ones on their way meanwhile.
const IN_FLIGHT: usize = 4;

/// Has the workers count all pieces. Once `kill_after` of them are counted, the first worker is
/// killed.
pub(super) async fn scatter(
    workers: &mut [Worker],
    pieces: mpsc::Receiver<anyhow::Result<Piece>>,
    bars: &Bars,
    kill_after: Option<u64>,
) -> anyhow::Result<Counts> {
    let mut counts = Counts::new();
    let mut source = Source { passed_on: Vec::new(), unread: Some(pieces) };
    let mut in_flight = FuturesUnordered::new();
    let mut done = 0;
    while !(source.is_empty() && in_flight.is_empty()) {
        if workers.iter().all(Worker::is_lost) {
            return Err(all_lost(workers));
        }
        let free = free_worker(workers);
        tokio::select! {
            next = source.next(), if free.is_some() && !source.is_empty() => {
                if let (Some(piece), Some(index)) = (next?, free) {
                    in_flight.push(hand_out(piece, index, &mut workers[index], bars.piece(index))?);
                }
            }
            Some((piece, index, result)) = in_flight.next() => {
                workers[index].in_flight -= 1;
                match result {
                    Some(Ok(counted)) => {
                        workers[index].credit(&piece, &counted);
                        bars.advance(index, workers[index].pieces);
                        count::merge(&mut counts, counted.counts);
                        done += 1;
                        if kill_after == Some(done) {
                            workers[0].process.kill();
                        }
                    }
                    // It would end like this on any worker.
                    Some(Err(error)) if !is_loss(&error) => {
                        return Err(error).context("a piece could not be counted");
                    }
                    ended => {
                        if let Some(Err(error)) = ended {
                            workers[index].lose(anyhow!("{} {}", workers[index].process, error.kind()));
                        }
                        bars.abandon(index);
                        workers[index].passed_on += 1;
                        source.passed_on.push(piece);
                    }
                }
            }
            Some((index, how)) = first_to_end(workers) => {
                workers[index].lose(how);
                bars.abandon(index);
            }
        }
    }
    Ok(counts)
}

/// The pieces that no worker counts yet.
struct Source {
    passed_on: Vec<Piece>,
    /// Until there are no more.
    unread: Option<mpsc::Receiver<anyhow::Result<Piece>>>,
}

impl Source {
    fn is_empty(&self) -> bool {
        self.passed_on.is_empty() && self.unread.is_none()
    }

    /// The next piece, or `None` when that was all. Nothing is lost when it is dropped before its
    /// end.
    async fn next(&mut self) -> anyhow::Result<Option<Piece>> {
        if let Some(piece) = self.passed_on.pop() {
            return Ok(Some(piece));
        }
        let next = match &mut self.unread {
            Some(unread) => unread.recv().await,
            None => None,
        };
        if next.is_none() {
            self.unread = None;
        }
        next.transpose()
    }
}

/// The worker with the fewest pieces, if one can take another.
fn free_worker(workers: &[Worker]) -> Option<usize> {
    let free = workers.iter().enumerate().filter(|(_, it)| !it.is_lost() && it.in_flight < IN_FLIGHT);
    free.min_by_key(|(_, worker)| worker.in_flight).map(|(index, _)| index)
}

/// How the call ended that had a piece counted; `None` if the worker was lost meanwhile.
type Ended = Option<Result<Counted, RemoteError>>;

/// Has a worker count a piece, and shows its progress. Ends with the piece and how the call ended.
fn hand_out(
    piece: Piece,
    index: usize,
    worker: &mut Worker,
    mut counting: Counting,
) -> Result<impl Future<Output = (Piece, usize, Ended)> + use<>, SendError> {
    worker.in_flight += 1;
    let (id, mut lost) = (worker.id, worker.lost.subscribe());
    let (progress, seen) = watch(0)?;
    Ok(async move {
        let result = tokio::select! {
            result = count_on(id, &piece, progress) => Some(result),
            // Otherwise a call that was just being made would wait for the worker to come back.
            _ = lost.wait_for(Option::is_some) => None,
            never = show(seen, &mut counting) => match never {},
        };
        if let Some(Ok(_)) = result {
            counting.finish(piece.text.len() as u64);
        }
        (piece, index, result)
    })
}

/// Shows the progress that a worker reports, until it is dropped.
async fn show(mut seen: Receiver<u64>, counting: &mut Counting) -> Infallible {
    // How the stream ends says no more than how the call does.
    while let Ok(Some(bytes)) = seen.recv().await {
        counting.show(bytes);
    }
    std::future::pending().await
}

/// Whether an error says something of the worker, and not of the piece. Counting twice does no
/// harm, so it does not matter whether the block ran.
fn is_loss(error: &RemoteError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Disconnected
            | ErrorKind::NotConnected
            | ErrorKind::Cancelled
            | ErrorKind::DeadlineExceeded
    )
}

/// Waits until the process of a worker ends that was not lost before. `None` if all were lost.
async fn first_to_end(workers: &mut [Worker]) -> Option<(usize, anyhow::Error)> {
    let workers = workers.iter_mut().enumerate().filter(|(_, worker)| !worker.is_lost());
    let ends = workers.map(async |(index, worker)| (index, worker.process.ended().await));
    ends.collect::<FuturesUnordered<_>>().next().await
}

fn all_lost(workers: &[Worker]) -> anyhow::Error {
    let reasons = workers.iter().filter_map(|worker| worker.lost.borrow().clone());
    let reasons = reasons.collect::<Vec<_>>().join("; ");
    anyhow!(reasons).context("all workers were lost before the end")
}

impl Worker {
    pub(super) fn is_lost(&self) -> bool {
        self.lost.borrow().is_some()
    }

    fn credit(&mut self, piece: &Piece, counted: &Counted) {
        self.pieces += 1;
        self.bytes += piece.text.len() as u64;
        self.busy += Duration::from_micros(counted.microseconds);
    }

    fn lose(&mut self, how: anyhow::Error) {
        // It may hang and not be gone.
        self.process.kill();
        self.lost.send_if_modified(|lost| {
            let is_new = lost.is_none();
            lost.get_or_insert_with(|| how.to_string());
            is_new
        });
    }
}
