//! Two peers of one program that are connected over a socket.

use actix_web::{App, HttpServer};
use distributed_scope::{Blocks, Disclosure, Peer, PeerId};

/// A peer that runs all blocks, and a client that is connected to it.
pub(crate) async fn two_peers() -> (Peer, Peer) {
    let server = Peer::builder(PeerId::random()).expose(Blocks::all()).disclose(Disclosure::Panics).start();
    let service = server.clone();
    let http = HttpServer::new(move || App::new().service(service.service("/scope")))
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .unwrap();
    let address = http.addrs()[0];
    actix_web::rt::spawn(http.run());
    let client = Peer::builder(PeerId::random()).start();
    client.connect(format!("ws://{address}/scope")).await.unwrap();
    (server, client)
}
