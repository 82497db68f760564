//! Peers whose calls make a block call peers that are not connected.

use std::time::Duration;

use distributed_scope::{Limits, PeerId, RemoteError, distributed, remote};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::support::{Listening, open};

#[distributed]
async fn calls_on(on: PeerId, absent: PeerId) -> Result<u8, RemoteError> {
    remote!(on, [absent], { remote!(absent, [], { 1 }).timeout(Duration::from_secs(60)).await? }).await
}

#[distributed]
async fn one(on: PeerId) -> Result<u8, RemoteError> {
    remote!(on, [], { 1 }).await
}

/// The code of the innermost call that failed.
fn code(error: &RemoteError) -> &'static str {
    error.hops().last().unwrap().kind().code()
}

/// Many calls go on to ids that collide in a hash that everyone can compute. Only a bounded number
/// waits, and calls of other peers are still accepted.
#[actix_web::test]
async fn calls_to_absent_peers_are_bounded() {
    const MOST: usize = 100;
    let server = Listening::start(open().limits(Limits::default().with_max_waiting_calls(MOST)));
    let on = server.peer.id();
    let [attacker, honest] = [open().start(), open().start()];
    attacker.connect(server.url()).await.unwrap();
    // What the first half is made of is taken back by the hash, so that the other half does not
    // count.
    let absent = |number: u64| {
        let first = 0x243f_6a88_85a3_08d3_u64.swap_bytes();
        format!("{first:016x}{number:016x}").parse().unwrap()
    };
    let calls = (0..2000).map(|number| attacker.run(calls_on(on, absent(number))));
    let mut calls: FuturesUnordered<_> = calls.collect();
    for _ in MOST..2000 {
        let error = calls.next().await.unwrap().unwrap_err();
        assert_eq!(code(&error), "too_many_waiting", "{error:#}");
    }
    honest.connect(server.url()).await.unwrap();
    assert_eq!(honest.run(one(on)).await.unwrap(), 1);
    let still_waits = tokio::time::timeout(Duration::ZERO, calls.next()).await;
    assert!(still_waits.is_err(), "{still_waits:?}");
    // Who gives up gives its places back.
    drop(calls);
    while let Err(error) = attacker.run(calls_on(on, honest.id())).await {
        assert_eq!(code(&error), "too_many_waiting", "{error:#}");
    }
}
