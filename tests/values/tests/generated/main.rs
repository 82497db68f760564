//! Random values of random types arrive as serde's attributes say, or are refused before anything
//! runs.
//!
//! The build script makes the types; `DISTRIBUTED_SCOPE_SEED` makes other values of them.

#![allow(
    clippy::print_stdout,
    clippy::option_option,
    reason = "the report of a test, and types that must travel"
)]

#[path = "../../build/rng.rs"]
mod rng;
mod sending;
mod tally;
mod types;
mod values;
mod with;

use actix_web::{App, HttpServer};
use distributed_scope::{Blocks, Peer, PeerId};

use crate::sending::{Place, Send};
use crate::tally::Tally;
use crate::types::CASES;

/// Values of all types together, at least.
const VALUES: usize = 100_000;

/// Values of one call.
const BATCH: u64 = 50;

/// Single values of each type: one message is then all in one codec or all in another.
const SINGLE: u64 = 40;

fn seed() -> u64 {
    std::env::var("DISTRIBUTED_SCOPE_SEED").map_or(1, |seed| seed.parse().expect("a seed is a number"))
}

/// The first seed of the values of a type.
fn first_seed(case: usize) -> u64 {
    seed().wrapping_mul(1 << 40).wrapping_add((case as u64) << 20)
}

/// Sends `total` values of a type, `batch` with each call.
async fn send_all(tally: &mut Tally, peer: &Peer, to: PeerId, case: usize, total: u64) {
    let first = first_seed(case);
    for seed in first..first + SINGLE.min(total) {
        tally.send(peer, to, case, Send { seed, more: 0, place: Place::Captures }).await;
    }
    let mut seed = first + SINGLE;
    while seed < first + total {
        tally.send(peer, to, case, Send { seed, more: BATCH, place: Place::Captures }).await;
        seed += BATCH + 1;
    }
}

/// Over 100,000 values go from a peer to itself, in the middle of three captures, and return.
#[actix_web::test]
async fn values_arrive_equal_or_are_refused() {
    let peer = Peer::builder(PeerId::random()).expose(Blocks::all()).start();
    let each = (VALUES / CASES.len()) as u64 + BATCH;
    let mut tally = Tally::default();
    for case in 0..CASES.len() {
        send_all(&mut tally, &peer, peer.id(), case, each).await;
    }
    tally.assert(VALUES);
}

/// What arrives as a capture arrives as a result, too, which cannot be refused any more.
#[actix_web::test]
async fn results_arrive_as_captures_do() {
    let peer = Peer::builder(PeerId::random()).expose(Blocks::all()).start();
    let mut tally = Tally::default();
    for case in 0..CASES.len() {
        let mut arrived = None;
        let first = first_seed(case);
        for seed in first..first + SINGLE {
            if tally.send(&peer, peer.id(), case, Send { seed, more: 0, place: Place::Captures }).await {
                arrived = Some(seed);
                let place = Place::Result { captured: seed };
                tally.send(&peer, peer.id(), case, Send { seed, more: 0, place }).await;
            } else if let Some(captured) = arrived {
                // Only the value shows that it cannot be read, or written.
                let place = Place::Result { captured };
                tally.send_what_is_refused(&peer, peer.id(), case, Send { seed, more: 0, place }).await;
            }
        }
    }
    tally.assert(CASES.len() * SINGLE as usize);
}

/// The same between two peers, over a socket.
#[actix_web::test]
async fn values_arrive_over_a_socket() {
    let server = Peer::builder(PeerId::random()).expose(Blocks::all()).start();
    let to = server.id();
    let http = HttpServer::new(move || App::new().service(server.service("/scope")))
        .workers(1)
        .bind(("127.0.0.1", 0))
        .expect("a free port");
    let address = http.addrs()[0];
    actix_web::rt::spawn(http.run());
    let client = Peer::builder(PeerId::random()).start();
    client.connect(format!("ws://{address}/scope")).await.expect("the server listens");
    let mut tally = Tally::default();
    for case in 0..CASES.len() {
        let seed = first_seed(case);
        tally.send(&client, to, case, Send { seed, more: 0, place: Place::Captures }).await;
        tally.send(&client, to, case, Send { seed: seed + 1, more: BATCH / 5, place: Place::Captures }).await;
        let place = Place::Result { captured: seed };
        tally.send(&client, to, case, Send { seed, more: 0, place }).await;
    }
    tally.assert(CASES.len() * 10);
}
