//! The testing kit, by the tests that its users would write.
//!
//! A sleep in a test is virtual time: all that can happen until then has happened, on any machine.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use demo_seed::seed::demo;
use distributed_scope::testing::{Net, Peer};
use distributed_scope::{
    Blocks, ErrorKind, KeyPair, PeerId, Principal, Proof, Ran, Receiver, RemoteError, ServedOutcome, channel,
    distributed, here, remote,
};

#[distributed]
async fn count(server: PeerId, more: u32) -> Result<u32, RemoteError> {
    remote!(server, [more], {
        let counter: Arc<AtomicU32> = here::data()?;
        counter.fetch_add(more, Ordering::Relaxed) + more
    })
    .await
}

#[distributed]
async fn sleep(server: PeerId, seconds: u64) -> Result<u64, RemoteError> {
    remote!(server, [seconds], {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        seconds
    })
    .without_timeout()
    .await
}

#[distributed]
async fn who(server: PeerId) -> Result<String, RemoteError> {
    remote!(server, [], {
        here::principal().map_or_else(String::new, |principal| principal.subject().to_owned())
    })
    .await
}

#[distributed(require = authenticated)]
async fn secret(server: PeerId) -> Result<u32, RemoteError> {
    remote!(server, [], { 7 }).await
}

#[distributed]
async fn compute(server: PeerId) -> Result<u32, RemoteError> {
    remote!(
        server,
        [],
        #[block(blocking)]
        {
            (1..=10).sum::<u32>()
        }
    )
    .await
}

#[distributed]
async fn numbers(server: PeerId, count: u32) -> Result<Receiver<u32>, RemoteError> {
    remote!(server, [count], {
        let (sender, receiver) = channel::<u32>(4);
        tokio::task::spawn_local(async move {
            for number in 0..count {
                if sender.send(number).await.is_err() {
                    return;
                }
            }
            sender.finish();
        });
        receiver
    })
    .await
}

#[distributed_scope::test]
async fn function_runs_on_its_peers(net: Net, server: Peer, client: Peer) -> Result<(), RemoteError> {
    let value = client.run(demo(server.id(), client.id())).await?;
    assert_eq!(value, (vec![42; 43], 44));
    let ran: Vec<_> = net.runs().iter().map(|run| (run.peer, run.caller, run.hop, run.outcome)).collect();
    let (at_server, at_client) = (server.id(), client.id());
    assert_eq!(
        ran,
        [
            (at_client, at_server, 1, ServedOutcome::Value),
            (at_server, at_server, 1, ServedOutcome::Value),
            (at_server, at_client, 0, ServedOutcome::Value),
        ]
    );
    let calls = net.calls();
    assert_eq!(calls.len(), 3);
    assert!(calls.iter().all(|call| call.succeeded));
    Ok(())
}

/// Cut connections cost no call, and no block runs twice.
#[distributed_scope::test(seeds = 200)]
async fn cuts_cost_nothing(net: Net, server: Peer, client: Peer) -> Result<(), RemoteError> {
    net.cut_one_in(10);
    assert_eq!(client.run(demo(server.id(), client.id())).await?.1, 44);
    for block in ["demo#0", "demo#1", "demo#2"] {
        net.expect_ran_once(block);
    }
    Ok(())
}

/// A partition at each step of a function gives its value, or a typed error if it lasts too long;
/// no block runs twice.
#[test]
fn partition_at_each_step_gives_a_value_or_an_error() {
    // How many messages the function needs without failures, keepalives not included.
    let steps = Net::run(0, async |net| {
        let [server, client] = connected(&net).await;
        let before = net.messages();
        client.run(demo(server.id(), client.id())).await.unwrap();
        net.messages() - before
    });
    assert!(steps >= 4, "{steps}");
    let mut outcomes = [0; 2];
    for seed in 0..150 {
        for lasts in [Duration::from_secs(3), Duration::from_secs(300)] {
            let step = 1 + seed % steps;
            let is_value = Net::run(seed, async |net| {
                let [server, client] = connected(&net).await;
                net.at_message(net.messages() + step, {
                    let (server, client) = (server.clone(), client.clone());
                    move |net| {
                        net.partition(&server, &client);
                        let net = net.clone();
                        tokio::task::spawn_local(async move {
                            tokio::time::sleep(lasts).await;
                            net.heal(&server, &client);
                        });
                    }
                });
                let result = client.run(demo(server.id(), client.id())).await;
                for block in ["demo#0", "demo#1", "demo#2"] {
                    net.expect_ran_at_most_once(block);
                }
                match result {
                    Ok(value) => {
                        assert_eq!(value.1, 44);
                        true
                    }
                    Err(error) => {
                        assert!(lasts > Duration::from_secs(3), "seed {seed}, step {step}: {error}");
                        let is_typed =
                            matches!(error.kind(), ErrorKind::DeadlineExceeded | ErrorKind::Disconnected);
                        assert!(is_typed, "seed {seed}, step {step}: {error}");
                        false
                    }
                }
            });
            outcomes[usize::from(is_value)] += 1;
        }
    }
    assert!(outcomes.iter().all(|count| *count > 50), "errors and values: {outcomes:?}");
}

async fn connected(net: &Net) -> [Peer; 2] {
    let server = net.peer("server").expose(Blocks::all()).start();
    let client = net.peer("client").expose(Blocks::all()).start();
    client.connect(&server).await.unwrap();
    [server, client]
}

/// Half a day passes in no time, and `tokio::time` in a block is the same time.
#[distributed_scope::test]
async fn time_is_virtual(net: Net, server: Peer, client: Peer) {
    let day = 24 * 60 * 60;
    let before = net.elapsed();
    assert_eq!(client.run(sleep(server.id(), day / 2)).await.unwrap(), day / 2);
    let passed = net.elapsed() - before;
    assert!(
        passed >= Duration::from_secs(day / 2) && passed < Duration::from_secs(day / 2 + 1),
        "{passed:?}"
    );
}

/// A peer that is killed ends the calls to it, and its data outlives the restart.
#[distributed_scope::test(seeds = 20)]
async fn peer_is_killed_and_restarted(net: Net) {
    let counter = Arc::new(AtomicU32::new(0));
    let server = net.peer("server").shared_data(Arc::clone(&counter)).expose(Blocks::all()).start();
    let client = net.peer("client").start();
    client.connect(&server).await.unwrap();
    assert_eq!(client.run(count(server.id(), 1)).await.unwrap(), 1);

    let running = tokio::task::spawn_local(client.run(sleep(server.id(), 3600)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.kill();
    assert!(!server.is_running());
    client.disconnected(&server).await;
    server.restart();
    let error = running.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::Disconnected, Ran::Maybe));
    client.connected(&server).await;
    assert_eq!(client.run(count(server.id(), 2)).await.unwrap(), 3);
    assert_eq!(counter.load(Ordering::Relaxed), 3);
}

/// A peer that is killed behind a partition is noticed after the silence timeout, not before.
#[distributed_scope::test(seeds = 20)]
async fn dead_peer_behind_a_partition_is_silent(net: Net, server: Peer, client: Peer) {
    net.partition(&server, &client);
    server.kill();
    let before = net.elapsed();
    client.disconnected(&server).await;
    let passed = (net.elapsed() - before).as_secs();
    assert!((20..40).contains(&passed), "{passed} s");
}

/// Calls that a killed peer has made end.
#[distributed_scope::test]
async fn calls_of_a_killed_peer_end(server: Peer, client: Peer) {
    let call = tokio::task::spawn_local(client.run(sleep(server.id(), 3600)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    client.kill();
    assert_eq!(*call.await.unwrap().unwrap_err().kind(), ErrorKind::Disconnected);
    server.disconnected(&client).await;
}

#[distributed_scope::test]
async fn principals_and_requirements_are_checked(net: Net) {
    let server = net.peer("server").expose(Blocks::all()).start();
    let ada = net.peer("ada").principal(Principal::new("ada", Proof::Token)).start();
    let guest = net.peer("guest").start();
    for client in [&ada, &guest] {
        client.connect(&server).await.unwrap();
    }
    assert_eq!(ada.run(who(server.id())).await.unwrap(), "ada");
    assert_eq!(guest.run(who(server.id())).await.unwrap(), "");
    assert_eq!(ada.run(secret(server.id())).await.unwrap(), 7);
    let refused = guest.run(secret(server.id())).await.unwrap_err();
    assert_eq!(refused.ran(), Ran::Never);
    net.expect_ran_once("secret");
}

#[distributed_scope::test]
async fn keys_prove_ids(net: Net) {
    let [ours, theirs] = [KeyPair::generate(), KeyPair::generate()];
    let trusted = theirs.peer_id();
    let server = net.peer("server").identity(ours).trust([trusted]).expose(Blocks::all()).start();
    let client = net.peer("client").identity(theirs).start();
    client.connect(&server).await.unwrap();
    assert_eq!(client.run(secret(server.id())).await.unwrap(), 7);
}

#[distributed_scope::test]
async fn blocking_blocks_run(server: Peer, client: Peer) {
    assert_eq!(client.run(compute(server.id())).await.unwrap(), 55);
}

/// Each item of a stream arrives once, in order, whatever is cut.
#[distributed_scope::test(seeds = 50)]
async fn streams_survive_cuts(net: Net, server: Peer, client: Peer) {
    net.cut_one_in(8);
    let mut numbers = client.run(numbers(server.id(), 50)).await.unwrap();
    let mut received = Vec::new();
    while let Some(number) = numbers.recv().await.unwrap() {
        received.push(number);
    }
    assert!(received.iter().copied().eq(0..50), "{received:?}");
}

#[distributed_scope::test]
async fn draining_peer_finishes_its_blocks(server: Peer, client: Peer) {
    let call = tokio::task::spawn_local(client.run(sleep(server.id(), 5)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.drain(Duration::from_secs(30)).await;
    assert_eq!(call.await.unwrap().unwrap(), 5);
    assert!(!server.is_running());
}

/// The same seed gives the same messages at the same times.
#[test]
fn seed_replays_a_run() {
    let trace = |seed| {
        Net::run(seed, async |net| {
            let [server, client] = connected(&net).await;
            net.cut_one_in(12);
            for _ in 0..5 {
                client.run(demo(server.id(), client.id())).await.unwrap();
            }
            (net.messages(), net.elapsed())
        })
    };
    assert!((0..30).all(|seed| trace(seed) == trace(seed)));
    assert_ne!(trace(1), trace(2));
}

#[test]
fn mistakes_of_a_test_are_named() {
    let failed = |test: fn()| {
        let panic = std::panic::catch_unwind(test).unwrap_err();
        panic.downcast_ref::<String>().cloned().unwrap_or_default()
    };
    let twice = failed(|| {
        Net::run(1, async |net| {
            let _one = net.peer("shop").start();
            let _other = net.peer("shop").start();
        });
    });
    assert!(twice.contains("already has a peer"), "{twice}");
    let dead = failed(|| {
        Net::run(1, async |net| {
            let peer = net.peer("shop").start();
            peer.kill();
            let _ = peer.peers();
        });
    });
    assert!(dead.contains("the peer `shop` does not run"), "{dead}");
    let forever = failed(|| Net::run(1, async |_| std::future::pending().await));
    assert!(forever.contains("24 hours of virtual time"), "{forever}");
    let never = failed(|| Net::run(1, async |net| net.expect_ran_once("greet")));
    assert!(never.contains("`greet` ran 0 times") && never.contains("nothing"), "{never}");
}
