//! A stream as the result of a call.
//!
//! The server looks for prime numbers without end. The client takes as many as it wants, and drops
//! the stream. That stops the search on the server.
//!
//! ```sh
//! cargo run --example stream
//! ```

#![allow(clippy::print_stdout, reason = "to show what happens is what an example is for")]

use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::{App, HttpServer};
use distributed_scope::{
    Blocks, Peer, PeerId, Receiver, RemoteError, distributed, here, on_connect, remote, streamed,
};
use futures_util::stream;
use tokio::sync::Notify;

/// A search for primes. It reports when it is dropped.
struct Search {
    next: u64,
    ended: Arc<Notify>,
}

impl Iterator for Search {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let is_prime = |n: &u64| (2..).take_while(|d| d * d <= *n).all(|d| !n.is_multiple_of(d));
        let prime = (self.next..).find(is_prime)?;
        self.next = prime + 1;
        Some(prime)
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        println!("server: the search is over");
        self.ended.notify_one();
    }
}

/// The primes from a number on.
#[distributed]
async fn primes(server: PeerId, from: u64) -> Result<Receiver<u64>, RemoteError> {
    remote!(server, [from], {
        let ended = Arc::clone(&*here::data::<Arc<Notify>>()?);
        streamed(stream::iter(Search { next: from, ended }))
    })
    .await
}

/// Starts the peer that searches, and returns its address.
fn serve(peer: &Peer) -> std::io::Result<SocketAddr> {
    let served = peer.clone();
    let http = HttpServer::new(move || App::new().service(served.service("/scope")))
        .on_connect(on_connect)
        .workers(1)
        .bind(("127.0.0.1", 0))?;
    let address = http.addrs()[0];
    actix_web::rt::spawn(http.run());
    Ok(address)
}

/// Takes the first `count` primes from a number on, and drops the stream.
async fn take(client: &Peer, server: PeerId, from: u64, count: usize) -> anyhow::Result<Vec<u64>> {
    // The call ends here, and the stream begins.
    let mut primes = client.run(primes(server, from)).await?;
    let mut taken = Vec::new();
    while taken.len() < count
        && let Some(prime) = primes.recv().await?
    {
        println!("client: {prime}");
        taken.push(prime);
    }
    Ok(taken)
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let ended = Arc::new(Notify::new());
    let server =
        Peer::builder(PeerId::named("server")).data(Arc::clone(&ended)).expose(Blocks::all()).start();
    let address = serve(&server)?;
    let client = Peer::builder(PeerId::random()).start();
    client.connect(format!("ws://{address}/scope")).await?;

    take(&client, server.id(), 1_000_000, 5).await?;
    ended.notified().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

    use super::*;

    #[test]
    fn the_example_ends_well() {
        main().unwrap();
    }

    #[actix_web::test]
    async fn search_ends_with_its_stream() {
        let ended = Arc::new(Notify::new());
        let server = Peer::builder(PeerId::random()).data(Arc::clone(&ended)).expose(Blocks::all()).start();
        let address = serve(&server).unwrap();
        let client = Peer::builder(PeerId::random()).start();
        client.connect(format!("ws://{address}/scope")).await.unwrap();
        assert_eq!(take(&client, server.id(), 2, 5).await.unwrap(), [2, 3, 5, 7, 11]);
        ended.notified().await;
    }
}
