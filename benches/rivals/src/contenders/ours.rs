//! distributed-scope as its README shows it, everything at its default: keepalive, resume,
//! deadlines, limits.

use std::time::Duration;

use actix_web::{App, HttpServer};
use anyhow::Result;
use distributed_scope::{Blocks, Limits, Peer, PeerId, RemoteError, distributed, on_connect, remote};

use super::{as_task, on_actix};
use crate::contender::{Client, Contender, Serve};
use crate::load::{Numbers, called_back, served};
use crate::workload::{ALL, drive};

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

fn serve(serve: &Serve) -> Result<()> {
    on_actix(async {
        // All connections come from one address, and its default would refuse some of them.
        let limits =
            Limits::default().with_max_sessions_per_address(10_000).with_max_handshakes_per_second(100_000);
        let peer = Peer::builder(PeerId::named("server")).expose(Blocks::all()).limits(limits).start();
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
            on_actix(as_task(async move { drive::<Ours>(&run).await }))
        },
    }
}
