//! A client that starts before its server, and stays connected when the server is restarted.
//!
//! `keep_connected` returns at once and keeps trying. Calls that are made meanwhile wait within
//! their deadlines, and the status of the link says what to show to the user.
//!
//! ```sh
//! cargo run --example stay_connected
//! ```

#![allow(clippy::print_stdout, reason = "to show what happens is what an example is for")]

use std::net::TcpListener;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer};
use distributed_scope::{Blocks, LinkStatus, Peer, PeerId, RemoteError, distributed, on_connect, remote};

#[distributed]
async fn greet(server: PeerId, name: String) -> Result<String, RemoteError> {
    remote!(server, [name], { format!("Hello, {name}!") }).await
}

/// A server on this port.
struct Server {
    peer: Peer,
    http: ServerHandle,
}

impl Server {
    fn start(port: u16) -> std::io::Result<Self> {
        let peer = Peer::builder(PeerId::named("server")).expose(Blocks::all()).start();
        let service = peer.clone();
        let http = HttpServer::new(move || App::new().service(service.service("/scope")))
            .on_connect(on_connect)
            .workers(1)
            .disable_signals()
            .bind(("127.0.0.1", port))?
            .run();
        let handle = http.handle();
        actix_web::rt::spawn(http);
        Ok(Self { peer, http: handle })
    }

    async fn stop(self) {
        self.peer.stop().await;
        self.http.stop(false).await;
    }
}

/// What a program shows of a link.
fn shown(status: &LinkStatus) -> &'static str {
    match status {
        LinkStatus::Dialling { .. } => "connecting",
        LinkStatus::Connected(_) => "connected",
        LinkStatus::Resuming => "connection lost, reconnecting",
        LinkStatus::Ended(_) => "not connected",
        _ => "unknown",
    }
}

/// Runs the example, and returns the greetings that the client got.
async fn greetings() -> anyhow::Result<Vec<String>> {
    // A port on which a server starts later.
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let client = Peer::builder(PeerId::named("client")).start();
    let link = client.keep_connected(format!("ws://127.0.0.1:{port}/scope"));
    println!("before the server is there: {}", shown(&link.status().get()));

    // The call is made now, and sent when the server is there.
    let early = actix_web::rt::spawn(client.run(greet(PeerId::named("server"), "Ada".to_owned())));
    let server = Server::start(port)?;
    let mut greetings = vec![early.await??];
    println!("{}: {}", shown(&link.status().get()), greetings[0]);

    server.stop().await;
    let server = Server::start(port)?;
    client.connected(server.peer.id()).await;
    greetings.push(client.run(greet(server.peer.id(), "Ben".to_owned())).await?);
    println!("after a restart, {}: {}", shown(&link.status().get()), greetings[1]);

    link.stop();
    server.peer.disconnected(client.id()).await;
    println!("after it was stopped: {}", shown(&link.status().get()));
    server.stop().await;
    Ok(greetings)
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    greetings().await.map(drop)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

    use super::*;

    #[actix_web::test]
    async fn client_outlives_its_servers() {
        assert_eq!(greetings().await.unwrap(), ["Hello, Ada!", "Hello, Ben!"]);
    }
}
