//! The peers of all parts, and the blocks that they run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, rt};
use anyhow::Context;
use distributed_scope::{
    Blocks, Builder, Limits, Peer, PeerId, RemoteError, distributed, here, on_connect, remote,
};
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use serde_bytes::ByteBuf;
use tokio::signal::unix::{SignalKind, signal};

use crate::process::{Process, until_let_go};
use crate::say;

/// A server in a process of its own, and where it is.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) url: String,
    pub(crate) id: PeerId,
}

impl Server {
    /// Starts one with this many threads.
    pub(crate) async fn start(threads: usize) -> anyhow::Result<Self> {
        Self::start_at(threads, 0).await
    }

    /// Starts one on a port; on a free one for 0.
    pub(crate) async fn start_at(threads: usize, port: u16) -> anyhow::Result<Self> {
        let (threads, port) = (threads.to_string(), port.to_string());
        Self::start_as(&["--as", "server", "--count", &threads, "--port", &port], "soak").await
    }

    /// Starts another one, whose id is this name.
    pub(crate) async fn start_as(arguments: &[&str], name: &str) -> anyhow::Result<Self> {
        let mut process = Process::start(arguments)?;
        let url = process.line().await?;
        Ok(Self { process, url, id: PeerId::named(name) })
    }

    pub(crate) fn address(&self) -> &str {
        address_of(&self.url)
    }

    /// A client in this process that is connected to it.
    pub(crate) async fn client(&self) -> anyhow::Result<Peer> {
        let client = open(PeerId::random()).start();
        client.connect(self.url.as_str()).await.context("cannot connect to the server process")?;
        Ok(client)
    }
}

/// The address at which the server of a URL listens.
pub(crate) fn address_of(url: &str) -> &str {
    url.trim_start_matches("ws://").trim_end_matches("/scope")
}

/// A peer that runs every block of this program.
pub(crate) fn open(id: PeerId) -> Builder {
    Peer::builder(id).expose(Blocks::all())
}

/// Serves a peer on a free port, and says where.
pub(crate) fn serve(peer: &Peer, threads: usize) -> anyhow::Result<(ServerHandle, String)> {
    serve_at(peer, threads, 0)
}

/// The same on a port; on a free one for 0.
fn serve_at(peer: &Peer, threads: usize, port: u16) -> anyhow::Result<(ServerHandle, String)> {
    let served = peer.clone();
    let server = HttpServer::new(move || App::new().service(served.service("/scope")))
        .on_connect(on_connect)
        .workers(threads)
        .disable_signals()
        .bind(("127.0.0.1", port))
        .context("cannot listen on 127.0.0.1")?;
    let address = server.addrs()[0].to_string();
    let server = server.run();
    let handle = server.handle();
    rt::spawn(server);
    Ok((handle, address))
}

/// What blocks of the server can ask.
#[derive(Default)]
struct Known(OnceLock<Peer>);

/// The server process: serves until it is asked to end, and then shuts down gracefully.
pub(crate) async fn server(threads: usize, port: u16) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    // Blocks panic on purpose, a hundred thousand times.
    let next = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let is_on_purpose = info.payload().downcast_ref::<&str>() == Some(&"on purpose");
        if !is_on_purpose {
            next(info);
        }
    }));
    let known = Arc::new(Known::default());
    // All of them come from this one machine.
    let limits = Limits::default()
        .with_max_sessions(100_000)
        .with_max_sessions_per_address(100_000)
        .with_max_handshakes_per_second(100_000);
    let peer = open(PeerId::named("soak")).limits(limits).shared_data(Arc::clone(&known)).start();
    known.0.get_or_init(|| peer.clone());
    let (handle, address) = serve_at(&peer, threads, port)?;
    say(format_args!("ws://{address}/scope"))?;
    tokio::select! {
        _ = terminate.recv() => {
            peer.drain(Duration::from_secs(30)).await;
            handle.stop(true).await;
        }
        () = until_let_go() => {}
    }
    Ok(())
}

/// A process that opens this many sessions and does nothing with them.
pub(crate) async fn idlers(url: &str, count: usize) -> anyhow::Result<()> {
    let mut peers = Vec::with_capacity(count);
    while peers.len() < count {
        let some = (count - peers.len()).min(16);
        let connected = join_all((0..some).map(|_| async {
            let peer = open(PeerId::random()).start();
            peer.connect(url).await.map(|_| peer)
        }));
        for peer in connected.await {
            peers.push(peer?);
        }
        say(peers.len())?;
    }
    until_let_go().await;
    join_all(peers.iter().map(Peer::stop)).await;
    Ok(())
}

/// A process that asks for 1 GiB. It is stopped by a signal before it has read much of it.
pub(crate) async fn greedy(url: &str) -> anyhow::Result<()> {
    let peer = open(PeerId::random()).start();
    let server = peer.connect(url).await?;
    let mut calls: FuturesUnordered<_> = (0..1024).map(|_| peer.run(blob(server, 1 << 20))).collect();
    // When one is answered, all have been asked.
    calls.next().await;
    say(peer.id())?;
    tokio::select! {
        () = async { while calls.next().await.is_some() {} } => {}
        () = until_let_go() => {}
    }
    Ok(())
}

/// How many blocks of this process exist, whether they run or wait.
static ALIVE: AtomicU64 = AtomicU64::new(0);

struct Alive;

impl Alive {
    fn new() -> Self {
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

#[distributed]
pub(crate) async fn echo(on: PeerId, n: u64) -> Result<u64, RemoteError> {
    remote!(on, [n], { n }).await
}

#[distributed]
pub(crate) async fn blob(on: PeerId, size: usize) -> Result<ByteBuf, RemoteError> {
    remote!(on, [size], { ByteBuf::from(vec![1; size]) }).without_timeout().await
}

#[distributed]
pub(crate) async fn take(on: PeerId, bytes: ByteBuf) -> Result<usize, RemoteError> {
    remote!(on, [bytes], { bytes.len() }).without_timeout().await
}

/// Returns its argument. Every fourth call has to wait, and every sixteenth goes back to its
/// caller first.
#[distributed]
pub(crate) async fn there_and_back(
    on: PeerId,
    home: PeerId,
    n: u64,
    bytes: Vec<u8>,
) -> Result<(u64, Vec<u8>), RemoteError> {
    remote!(on, [home, n, bytes], {
        let _alive = Alive::new();
        if n % 4 == 0 {
            tokio::time::sleep(Duration::from_millis(n % 8)).await;
        }
        let n = if n % 16 == 1 { remote!(home, [n], { n }).await? } else { n };
        (n, bytes)
    })
    .await
}

#[distributed]
pub(crate) async fn takes_200_ms(on: PeerId, n: u64) -> Result<u64, RemoteError> {
    remote!(on, [n], {
        tokio::time::sleep(Duration::from_millis(200)).await;
        n
    })
    .await
}

#[distributed]
pub(crate) async fn blocks_alive(on: PeerId) -> Result<u64, RemoteError> {
    remote!(on, [], { ALIVE.load(Ordering::Relaxed) }).await
}

/// Works for the given number of microseconds, and blocks its thread meanwhile.
#[distributed]
pub(crate) async fn work(on: PeerId, micros: u64) -> Result<(), RemoteError> {
    remote!(on, [micros], {
        let until = Instant::now() + Duration::from_micros(micros);
        while micros > 0 && Instant::now() < until {
            std::hint::spin_loop();
        }
    })
    .await
}

/// Waits until its caller no longer waits for it.
#[distributed]
pub(crate) async fn wait(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], {
        let _alive = Alive::new();
        std::future::pending::<()>().await
    })
    .without_timeout()
    .await
}

/// Waits until its caller no longer waits for it, or for a while if it is detached.
#[distributed]
pub(crate) async fn hoard(on: PeerId, texts: Vec<String>, is_detached: bool) -> Result<usize, RemoteError> {
    let call = remote!(on, [texts], {
        tokio::time::sleep(Duration::from_secs(45)).await;
        texts.len()
    });
    if is_detached { call.detach().await } else { call.await }
}

/// How many bytes a server counts as held for others, and how many its program has allocated.
#[distributed]
pub(crate) async fn memory_of(on: PeerId) -> Result<(usize, usize), RemoteError> {
    remote!(on, [], {
        let held = here::data::<Known>()?.0.get().map_or(0, Peer::held);
        (held, crate::ALLOCATOR.allocated())
    })
    .await
}

/// How many peers a server is connected to.
#[distributed]
pub(crate) async fn connected(on: PeerId) -> Result<usize, RemoteError> {
    remote!(on, [], { here::data::<Known>()?.0.get().map_or(0, |peer| peer.peers().len()) }).await
}
