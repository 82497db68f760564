//! distributed-scope as its README shows it, everything at its default: keepalive, resume,
//! deadlines, limits.

use std::time::Duration;

use actix_web::{App, HttpServer};
use anyhow::{Context, Result, bail, ensure};
use distributed_scope::{
    Blocks, Bytes, Limits, Peer, PeerId, Receiver, RemoteError, Topic, Update, distributed, here, on_connect,
    remote, streamed,
};
use futures_util::stream;

use super::{as_task, on_actix};
use crate::contender::{Client, Contender, Serve};
use crate::load::{self, Numbers, called_back, check, served};
use crate::outcome::Outcome;
use crate::workload::{self, ALL, Drive, W9, drive, publish_steadily};

#[distributed]
async fn echo(server: PeerId, numbers: Numbers) -> Result<Numbers, RemoteError> {
    remote!(server, [numbers], { served(numbers) }).await
}

#[distributed]
async fn blob(server: PeerId, bytes: Vec<u8>) -> Result<Vec<u8>, RemoteError> {
    remote!(server, [bytes], { bytes }).await
}

#[distributed]
async fn slow(server: PeerId, numbers: Numbers, milliseconds: u64) -> Result<Numbers, RemoteError> {
    remote!(server, [numbers, milliseconds], {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        served(numbers)
    })
    .timeout(Duration::from_millis(milliseconds) + Duration::from_secs(10))
    .await
}

#[distributed]
async fn nested(server: PeerId, client: PeerId, numbers: Numbers) -> Result<Numbers, RemoteError> {
    remote!(server, [client, numbers], {
        let back = remote!(client, [numbers], { called_back(numbers) }).await?;
        served(back)
    })
    .await
}

#[distributed]
async fn items(server: PeerId, count: u64) -> Result<Receiver<Numbers>, RemoteError> {
    remote!(server, [count], { streamed(stream::iter((0..count).map(Numbers::nth))) }).await
}

#[distributed]
async fn parts(server: PeerId, count: u64, size: usize) -> Result<Receiver<Bytes>, RemoteError> {
    remote!(server, [count, size], {
        let part = Bytes::from(load::blob(size));
        streamed(stream::iter((0..count).map(move |_| part.clone())))
    })
    .await
}

#[distributed]
async fn subscribe(server: PeerId) -> Result<Receiver<Update<Numbers>>, RemoteError> {
    remote!(server, [], { here::data::<Topic<Numbers>>()?.subscribe() }).await
}

#[distributed]
async fn publish(server: PeerId, count: u64) -> Result<(), RemoteError> {
    remote!(server, [count], {
        let topic = here::data::<Topic<Numbers>>()?;
        publish_steadily(count, |item| topic.publish(item).expect("numbers can be encoded")).await;
    })
    .without_timeout()
    .await
}

/// A peer for each subscription, as each is a browser's.
async fn broadcast(run: &Drive) -> Result<Outcome> {
    let publisher = Ours::connect(run.port).await?;
    workload::broadcast(
        run,
        async || {
            let Ours { peer, server } = Ours::connect(run.port).await?;
            let updates = peer.run(subscribe(server)).await?;
            Ok(Box::pin(stream::try_unfold((peer, updates), async |(peer, mut updates)| {
                loop {
                    match updates.recv().await?.context("the subscription ended")? {
                        Update::Item(item) => return Ok(Some((item, (peer, updates)))),
                        Update::State(()) => {}
                        Update::Lagged(missed) => bail!("{missed} items were missed"),
                    }
                }
            })))
        },
        async |count| Ok(publisher.peer.run(publish(publisher.server, count)).await?),
    )
    .await
}

fn serve(serve: &Serve) -> Result<()> {
    on_actix(async {
        // All connections come from one address, and its default would refuse some of them.
        let limits =
            Limits::default().with_max_sessions_per_address(10_000).with_max_handshakes_per_second(100_000);
        let peer = Peer::builder(PeerId::named("server"))
            .data(Topic::<Numbers>::new())
            .expose(Blocks::all())
            .limits(limits)
            .start();
        let server = HttpServer::new(move || App::new().service(peer.service("/scope")))
            .on_connect(on_connect)
            .workers(serve.workers.max(1))
            .disable_signals()
            .bind(("127.0.0.1", serve.port))?
            .run();
        serve.ready();
        Ok(server.await?)
    })
}

#[derive(Clone)]
struct Ours {
    peer: Peer,
    server: PeerId,
}

impl Client for Ours {
    async fn connect(port: u16) -> Result<Self> {
        let peer = Peer::builder(PeerId::random()).expose(Blocks::all()).start();
        let server = peer.connect(format!("ws://127.0.0.1:{port}/scope")).await?;
        Ok(Self { peer, server })
    }

    async fn echo(&self, numbers: Numbers) -> Result<Numbers> {
        Ok(self.peer.run(echo(self.server, numbers)).await?)
    }

    async fn blob(&self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        Ok(self.peer.run(blob(self.server, bytes)).await?)
    }

    async fn slow(&self, numbers: Numbers, milliseconds: u64) -> Result<Numbers> {
        Ok(self.peer.run(slow(self.server, numbers, milliseconds)).await?)
    }

    async fn items(&self, count: u64) -> Result<()> {
        let mut items = self.peer.run(items(self.server, count)).await?;
        for n in 0..count {
            check(items.recv().await?.context("the stream ended")?, Numbers::nth(n))?;
        }
        ensure!(items.recv().await?.is_none(), "the stream has not ended");
        Ok(())
    }

    async fn parts(&self, count: u64, size: usize) -> Result<()> {
        let mut parts = self.peer.run(parts(self.server, count, size)).await?;
        for _ in 0..count {
            let part = parts.recv().await?.context("the stream ended")?;
            ensure!(part.len() == size, "{} bytes came", part.len());
        }
        Ok(())
    }

    async fn nested(&self, numbers: Numbers) -> Result<Numbers> {
        Ok(self.peer.run(nested(self.server, self.peer.id(), numbers)).await?)
    }
}

pub fn contender() -> Contender {
    Contender {
        name: "distributed-scope",
        about: "bincode 2 over a WebSocket (actix-http, awc); keepalive, resume, deadlines and limits at their defaults, but for how many may come from one address",
        workloads: &ALL,
        serve,
        drive: |run| {
            let run = *run;
            on_actix(as_task(async move {
                if run.workload == W9 { broadcast(&run).await } else { drive::<Ours>(&run).await }
            }))
        },
    }
}
