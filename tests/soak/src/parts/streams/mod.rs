//! Streams and channels at full size.
//!
//! | module | what |
//! |---|---|
//! | `volume` | a million items each way, with a fast and a slow reader |
//! | `beside` | calls and another channel beside a channel that is not read |
//! | `cut` | connections that are cut at random while channels are busy |
//! | `short` | 100,000 short streams |
//! | `newest` | a million updates of a watch for a slow reader |

mod beside;
mod cut;
mod newest;
mod short;
mod volume;

use std::sync::atomic::{AtomicU64, Ordering};

use distributed_scope::{PeerId, Receiver, RemoteError, Sender, distributed, remote, streamed};
use futures_util::stream;

use crate::cli::Options;
use crate::progress::Progress;
use crate::promise::Promise;

pub(crate) async fn run(options: &Options, progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    let mut promises = volume::run(progress).await?;
    promises.extend(beside::run(progress).await?);
    promises.extend(cut::run(options, progress).await?);
    promises.extend(short::run(progress).await?);
    promises.extend(newest::run(progress).await?);
    Ok(promises)
}

/// What a server may hold for an idle session, in bytes: frames that are not acknowledged yet, and
/// the call that asks.
const HELD: usize = 64 << 10;

/// The number of items that the streams of this process have given.
static GIVEN: AtomicU64 = AtomicU64::new(0);

#[distributed]
async fn numbers(on: PeerId, count: u64) -> Result<Receiver<u64>, RemoteError> {
    remote!(on, [count], {
        GIVEN.store(0, Ordering::Relaxed);
        streamed(stream::iter((0..count).inspect(|_| {
            GIVEN.fetch_add(1, Ordering::Relaxed);
        })))
    })
    .await
}

/// How many items the last stream of the other process has given.
#[distributed]
async fn given(on: PeerId) -> Result<u64, RemoteError> {
    remote!(on, [], { GIVEN.load(Ordering::Relaxed) }).await
}

/// Sends each number back.
#[distributed]
async fn returned(on: PeerId, items: Receiver<u64>, back: Sender<u64>) -> Result<(), RemoteError> {
    remote!(on, [items, back], {
        let mut items = items;
        while let Some(item) = items.recv().await? {
            back.send(item).await?;
        }
        back.finish();
    })
    .without_timeout()
    .await
}
