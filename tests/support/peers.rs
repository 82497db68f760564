//! Peers on real sockets, for the tests of this folder.

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};
use distributed_scope::{Blocks, Builder, Peer, PeerId, on_connect};

use crate::log;

/// A peer that listens, and stops when dropped.
pub(crate) struct Listening {
    pub(crate) peer: Peer,
    pub(crate) address: String,
    server: ServerHandle,
}

impl Listening {
    /// Starts a peer inside an actix-web app that has a route of its own, on a free port.
    pub(crate) fn start(builder: Builder) -> Self {
        Self::start_at("127.0.0.1", builder)
    }

    /// The same, at this address of the machine.
    pub(crate) fn start_at(host: &str, builder: Builder) -> Self {
        log::start();
        let peer = builder.start();
        let served = peer.clone();
        let server = HttpServer::new(move || {
            App::new()
                .route("/health", web::get().to(|| async { HttpResponse::Ok().body("ok") }))
                .service(served.service("/scope"))
        })
        .on_connect(on_connect)
        .workers(2)
        .disable_signals()
        .bind((host, 0))
        .unwrap();
        let address = server.addrs()[0].to_string();
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { peer, address, server: handle }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/scope", self.address)
    }

    /// Waits until its last connection is closed, and stops listening.
    pub(crate) async fn stop(self) {
        self.server.stop(true).await;
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let stop = self.server.stop(false);
        actix_web::rt::spawn(stop);
    }
}

/// A builder of a peer with an id that is unique in this process, and that runs all blocks.
pub(crate) fn open() -> Builder {
    log::start();
    Peer::builder(PeerId::random()).expose(Blocks::all())
}

/// A server and a client, connected.
pub(crate) async fn pair() -> (Listening, Peer) {
    let server = Listening::start(open());
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    (server, client)
}
