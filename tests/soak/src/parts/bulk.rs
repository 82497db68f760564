//! Small calls during a large transfer on the same connection.

use std::time::Duration;

use distributed_scope::{Peer, PeerId, RemoteError};
use futures_util::future::{Either, select};
use serde_bytes::ByteBuf;

use super::{small_call, small_calls};
use crate::peers::{Server, blob, take};
use crate::progress::Progress;
use crate::promise::{Promise, Times, median, ratio, time};

const ROUNDS: usize = 8;
/// How much a round transfers: with all rounds, 1 GiB.
const BYTES: usize = (1 << 30) / ROUNDS;
/// The sizes of the messages, in KiB. A message larger than 64 KiB is sent in chunks. The
/// additional cost of a larger one is encoding and decoding its value, which cannot be
/// interrupted.
const MESSAGES: [usize; 2] = [128, 1024];

#[derive(Clone, Copy)]
enum Way {
    ToClient,
    ToServer,
}

pub(crate) async fn run(progress: &Progress) -> anyhow::Result<Vec<Promise>> {
    let mut promises = Vec::new();
    let ways = [(Way::ToClient, "results"), (Way::ToServer, "captures")];
    for (size, (way, name)) in MESSAGES.into_iter().flat_map(|size| ways.map(|way| (size, way))) {
        let server = Server::start(1).await?;
        let client = server.client().await?;
        small_calls(&client, server.id, Duration::from_secs(1)).await?;
        let (mut quiet, mut beside, mut ratios) = (Times::default(), Times::default(), Vec::new());
        for round in 1..=ROUNDS {
            progress.says(format_args!("1 GiB of {name} of {size} KiB, round {round} of {ROUNDS}"));
            let (before, during) = (
                small_calls(&client, server.id, Duration::from_secs(2)).await?,
                during(&client, server.id, way, size << 10).await?,
            );
            ratios.push(during.p99().as_secs_f64() / before.p99().as_secs_f64());
            quiet.add(&before);
            beside.add(&during);
        }
        let note = format!(
            "p99 {} quiet, {} beside; {} small calls",
            time(&quiet.p99()),
            time(&beside.p99()),
            beside.count()
        );
        let what = format!("a small call's p99 beside 1 GiB of {name} of {size} KiB on its connection");
        promises.push(Promise::at_most(what, 5.0, median(ratios), ratio).with(note));
    }
    Ok(promises)
}

/// The times of small calls during one round's share of the transfer.
async fn during(client: &Peer, on: PeerId, way: Way, size: usize) -> Result<Times, RemoteError> {
    let mut times = Times::default();
    let mut transfer = Box::pin(async {
        for _ in 0..BYTES / size {
            let moved = match way {
                Way::ToClient => client.run(blob(on, size)).await?.len(),
                Way::ToServer => client.run(take(on, ByteBuf::from(vec![1; size]))).await?,
            };
            assert_eq!(moved, size);
        }
        Ok(())
    });
    loop {
        match select(transfer, Box::pin(small_call(client, on))).await {
            Either::Left((ended, _)) => return ended.map(|()| times),
            Either::Right((time, unfinished)) => {
                times.record(time?);
                transfer = unfinished;
            }
        }
    }
}
