//! Two peers with a socket between them, on one thread.

use actix_rt::{System, SystemRunner};
use actix_web::{App, HttpServer};
use criterion::async_executor::AsyncExecutor;
use distributed_scope::{Blocks, Limits, Peer, PeerId, on_connect};

/// A client that is connected to a server. It runs the futures of a benchmark.
#[derive(Debug)]
pub(crate) struct Pair {
    system: SystemRunner,
    /// The peer that dialled.
    pub(crate) client: Peer,
    /// The peer that it is connected to.
    pub(crate) server: PeerId,
}

impl Pair {
    /// Both have these limits.
    pub(crate) fn new(limits: Limits) -> Self {
        let system = System::new();
        let (client, server) = system.block_on(async {
            let (server, port) = serve(limits.clone());
            let client = peer("client", limits);
            client.connect(url(port)).await.expect("the server was just started");
            (client, server)
        });
        Self { system, client, server }
    }
}

impl AsyncExecutor for &Pair {
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.system.block_on(future)
    }
}

/// A peer that runs all blocks for all callers.
pub(crate) fn peer(name: &str, limits: Limits) -> Peer {
    Peer::builder(PeerId::named(name)).limits(limits).expose(Blocks::all()).start()
}

/// Where a server on this port is.
pub(crate) fn url(port: u16) -> String {
    format!("ws://127.0.0.1:{port}/scope")
}

/// Starts a server on any port, with one worker.
pub(crate) fn serve(limits: Limits) -> (PeerId, u16) {
    let server = peer("server", limits);
    let id = server.id();
    let http = HttpServer::new(move || App::new().service(server.service("/scope")))
        .on_connect(on_connect)
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .expect("a free port");
    let port = http.addrs()[0].port();
    actix_rt::spawn(http.run());
    (id, port)
}
