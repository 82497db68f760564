//! A counter that several peers share.
//!
//! A typical web tutorial keeps such a counter in `web::Data`, with one route to read it and one
//! to add to it. Here the state is the same, and each route is a function. A program that has the
//! function can call it, wherever the counter lives.
//!
//! ```sh
//! cargo run --example counter
//! ```

#![allow(clippy::print_stdout, reason = "to show what happens is what an example is for")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use actix_web::{App, HttpServer};
use distributed_scope::{Blocks, Peer, PeerId, RemoteError, distributed, here, on_connect, remote};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

/// The counts, in total and per peer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Tally {
    total: u64,
    by_peer: BTreeMap<PeerId, u64>,
}

/// The state of the server's peer, in place of `web::Data`.
#[derive(Default)]
struct Counter(Mutex<Tally>);

impl Counter {
    fn with<T>(&self, change: impl FnOnce(&mut Tally) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Adds to the counter and returns the new total.
#[distributed]
async fn add(server: PeerId, amount: u64) -> Result<u64, RemoteError> {
    remote!(server, [amount], {
        let counter = here::data::<Counter>()?;
        counter.with(|tally| {
            let total = tally.total.checked_add(amount).ok_or("the counter is full")?;
            tally.total = total;
            *tally.by_peer.entry(here::caller()).or_default() += amount;
            Ok::<_, &str>(total)
        })?
    })
    .await
}

/// Reads the counter.
#[distributed]
async fn read(server: PeerId) -> Result<Tally, RemoteError> {
    remote!(server, [], { here::data::<Counter>()?.with(|tally| tally.clone()) }).await
}

/// Starts the peer that has the counter, and returns its address.
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

async fn client(name: &str, address: SocketAddr) -> anyhow::Result<Peer> {
    let peer = Peer::builder(PeerId::named(name)).start();
    peer.connect(format!("ws://{address}/scope")).await?;
    Ok(peer)
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let server =
        Peer::builder(PeerId::named("server")).data(Counter::default()).expose(Blocks::all()).start();
    let address = serve(&server)?;

    let mut clients = Vec::new();
    for (name, amount) in [("ann", 1), ("ben", 20), ("cho", 300)] {
        let peer = client(name, address).await?;
        let total = peer.run(add(server.id(), amount)).await?;
        println!("{name} adds {amount}: the counter stands at {total}");
        clients.push((name, peer));
    }

    // A hundred more from each, all concurrently.
    try_join_all(clients.iter().flat_map(|(_, peer)| (0..100).map(|_| peer.run(add(server.id(), 1)))))
        .await?;

    for (name, peer) in &clients {
        let tally = peer.run(read(server.id())).await?;
        println!("{name} sees {} in all, {} of them its own", tally.total, tally.by_peer[&peer.id()]);
    }
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
    async fn all_peers_see_what_all_peers_added() {
        let id = PeerId::random();
        let server = Peer::builder(id).data(Counter::default()).expose(Blocks::all()).start();
        let address = serve(&server).unwrap();
        let (one, two) = (client("one", address).await.unwrap(), client("two", address).await.unwrap());
        let adds = (1..=50).flat_map(|amount| [one.run(add(id, amount)), two.run(add(id, 2 * amount))]);
        try_join_all(adds).await.unwrap();
        let by_peer = BTreeMap::from([(one.id(), 1275), (two.id(), 2550)]);
        let tally = Tally { total: 3825, by_peer };
        for peer in [&one, &two, &server] {
            assert_eq!(peer.run(read(id)).await.unwrap(), tally);
        }
    }

    #[actix_web::test]
    async fn a_full_counter_says_so_and_keeps_its_value() {
        let server = Peer::builder(PeerId::random()).data(Counter::default()).expose(Blocks::all()).start();
        let peer = client("three", serve(&server).unwrap()).await.unwrap();
        peer.run(add(server.id(), u64::MAX)).await.unwrap();
        let error = peer.run(add(server.id(), 1)).await.unwrap_err();
        assert!(format!("{error:#}").contains("full"), "{error:#}");
        assert_eq!(peer.run(read(server.id())).await.unwrap().total, u64::MAX);
    }
}
