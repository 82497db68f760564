//! `demo wordcount`: real text, counted by several processes, and again by one process to check
//! the result.
//!
//! | module | idea |
//! |---|---|
//! | `corpus` | which files there are to count |
//! | `pieces` | text, cut between words |
//! | `count` | counting, the same for everybody |
//! | `workers` | the peers that count, each in a process of its own |
//! | `scatter` | who counts which piece, also when a worker is lost |
//! | `report` | what the user sees |

mod corpus;
mod count;
mod pieces;
mod report;
mod scatter;
mod workers;

use std::time::Instant;

use anyhow::bail;
use distributed_scope::{Peer, PeerId};

use crate::cli::WordcountOptions;
use crate::output::say;
use crate::server::Server;
use corpus::Corpus;
use report::Outcome;

pub(crate) use workers::worker;

pub(crate) async fn run(options: WordcountOptions) -> anyhow::Result<()> {
    let corpus = in_thread(move || Corpus::find(options.paths)).await?;
    // It runs no block for other peers: the default.
    let peer = Peer::builder(PeerId::random()).start();
    let server = Server::start(peer.clone(), ([127, 0, 0, 1], 0).into())?;
    let mut workers = workers::start(&peer, &server.url, options.peers).await?;
    say(report::beginning(&corpus, &workers))?;

    let bars = report::Bars::new(&workers, corpus.bytes);
    let started = Instant::now();
    let pieces = pieces::read(corpus.files.clone());
    let scattered = peer.run(scatter::scatter(&mut workers, pieces, &bars, options.kill_after)).await;
    let with_workers = started.elapsed();
    bars.clear();
    let counts = scattered?;

    let started = Instant::now();
    let files = corpus.files.clone();
    let expected = in_thread(move || count::all(&files)).await?;
    let alone = started.elapsed();

    let are_equal = counts == expected;
    let outcome = Outcome { bytes: corpus.bytes, counts, with_workers, alone, are_equal, top: options.top };
    say(report::end(&outcome, &workers))?;
    if !are_equal {
        bail!("the workers counted otherwise than this process did alone");
    }
    Ok(())
}

/// Does something that blocks or computes for long in a thread of its own. Unlike the runtime's
/// threads for this, it does not hold up the end of the program.
async fn in_thread<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // The receiver is gone if the program is ending.
        let _ = sender.send(work());
    });
    match receiver.await {
        Ok(result) => result,
        Err(_) => bail!("a thread of this program panicked"),
    }
}
