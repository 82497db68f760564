//! The functions on a network that fails, by the testing kit. `testing/tests/net.rs` has more of
//! `demo`: cut connections, and a partition at each of its steps.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use demo_seed::seed::{demo, demo_lazy};
use distributed_scope::ErrorKind;
use distributed_scope::testing::{Net, Peer};

/// A call that is cloned is two calls: each of its blocks runs twice.
#[distributed_scope::test(seeds = 100)]
async fn cloned_call_runs_twice(net: Net, server: Peer, client: Peer) {
    net.cut_one_in(12);
    assert_eq!(client.run(demo_lazy(server.id(), client.id())).await.unwrap(), [(43, 44); 2]);
    let runs = net.runs();
    assert_eq!(runs.len(), 6, "{runs:?}");
}

/// A server that is restarted at any step ends a call with an error that says so, and a later call
/// gives its value.
#[distributed_scope::test(seeds = 50)]
async fn demo_runs_again_after_a_restart(net: Net, server: Peer, client: Peer) {
    let step = net.messages() + 1 + net.seed() % 6;
    let killed = server.clone();
    net.at_message(step, move |_| killed.restart());
    // The client may learn of the restart by a second call.
    for _ in 0..3 {
        client.connected(&server).await;
        match client.run(demo(server.id(), client.id())).await {
            Ok(value) => assert_eq!(value.1, 44),
            Err(error) => {
                let is_typed = matches!(error.kind(), ErrorKind::Disconnected | ErrorKind::NotConnected);
                assert!(is_typed, "{error}");
            }
        }
    }
    assert_eq!(client.run(demo(server.id(), client.id())).await.unwrap().1, 44);
}
