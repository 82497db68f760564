//! When the `Deserialize` of a user's type runs with synthetic values: not when a peer starts, but
//! when it is mounted or first connects.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use actix_web::{App, test};
use distributed_scope::{Blocks, Peer, PeerId, RemoteError, distributed, remote};
use serde::{Deserialize, Deserializer, Serialize};

static MADE: AtomicU32 = AtomicU32::new(0);
static PANICS: AtomicU32 = AtomicU32::new(0);

const NAMES: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Its `Deserialize` panics at 0, which is no month.
#[derive(Debug, Serialize)]
struct Month(u8);

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        MADE.fetch_add(1, SeqCst);
        let number = u8::deserialize(from)?;
        assert!(!NAMES[usize::from(number) - 1].is_empty());
        Ok(Self(number))
    }
}

#[distributed]
async fn next(to: PeerId, month: Month) -> Result<u8, RemoteError> {
    remote!(to, [month], { month.0 % 12 + 1 }).await
}

fn counts() -> (u32, u32) {
    (MADE.load(SeqCst), PANICS.load(SeqCst))
}

/// A type whose `Deserialize` panics is no trouble to a program that starts a peer; it prints its
/// panic once when that is mounted, and still travels.
#[actix_web::test]
async fn starting_makes_no_values() {
    std::panic::set_hook(Box::new(|_| {
        PANICS.fetch_add(1, SeqCst);
    }));
    let peer = Peer::builder(PeerId::random()).expose(Blocks::all()).start();
    assert_eq!(counts(), (0, 0), "(values made, panics printed) at start");
    let service = peer.clone();
    let _app = test::init_service(App::new().service(service.service("/scope"))).await;
    let (made, panics) = counts();
    assert!(made > 0, "the peer is mounted, and no value was made");
    assert_eq!(panics, 1, "panics printed when the peer is mounted");

    let again = peer.clone();
    let _app = test::init_service(App::new().service(again.service("/scope"))).await;
    let other = Peer::builder(PeerId::random()).start();
    drop(other.service("/scope"));
    assert_eq!(counts(), (made, panics), "each type is looked at once in a process");
    let _ = std::panic::take_hook();

    assert_eq!(peer.run(next(peer.id(), Month(12))).await.unwrap(), 1);
}
