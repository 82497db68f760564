//! The functions of the page, between two Actix peers: they return the same as in a browser.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

mod server;

use browser_tests::blocks;
use distributed_scope::{Blocks, Peer, PeerId};

use server::{EXPECTED, Server};

#[actix_web::test]
async fn the_functions_return_the_same_between_two_programs() {
    let server = Server::start(0);
    let client = Peer::builder(PeerId::random()).expose(Blocks::all()).start();
    let id = client.connect(server.url()).await.unwrap();
    for (name, value) in EXPECTED {
        assert_eq!(client.run(blocks::run(name, id, client.id())).await.unwrap(), value, "{name}");
    }
}
