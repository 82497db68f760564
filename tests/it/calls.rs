//! Where a function can go, and how its calls combine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use distributed_scope::{PeerId, RemoteError, distributed, here, remote};
use futures_util::future::{Either, join_all, select};
use futures_util::{FutureExt, join};

use crate::support::{open, pair};

#[distributed]
pub(crate) async fn demo(server: PeerId, client: PeerId) -> Result<(Vec<u32>, usize), RemoteError> {
    remote!(server, [client, server], {
        let a = 42;
        let b = remote!(client, [a], { vec![42; a + 1] }).await?; // hop to the client with `a`
        remote!(server, [a, b], {
            // and back with `a` and `b`
            let c = a + 2;
            (b, c)
        })
        .await?
    })
    .await
}

#[actix_web::test]
async fn the_demo_of_the_original_hops_to_the_server_to_the_client_and_back() {
    let (server, client) = pair().await;
    let (b, c) = client.run(demo(server.peer.id(), client.id())).await.unwrap();
    assert_eq!(b, [42; 43]);
    assert_eq!(c, 44);
}

#[actix_web::test]
async fn the_demo_runs_the_same_when_the_server_starts_it() {
    let (server, client) = pair().await;
    let result = server.peer.run(demo(server.peer.id(), client.id())).await.unwrap();
    assert_eq!(result, (vec![42; 43], 44));
}

#[actix_web::test]
async fn the_demo_runs_on_one_peer_alone_without_a_socket() {
    let alone = open().start();
    let result = alone.run(demo(alone.id(), alone.id())).await.unwrap();
    assert_eq!(result, (vec![42; 43], 44));
}

#[distributed]
async fn count(on: PeerId) -> Result<usize, RemoteError> {
    remote!(on, [], { here::data::<AtomicUsize>()?.fetch_add(1, Ordering::SeqCst) + 1 }).await
}

#[actix_web::test]
async fn a_call_that_is_never_awaited_sends_nothing() {
    #[distributed]
    async fn make_and_drop(on: PeerId) -> Result<(), RemoteError> {
        let call = remote!(on, [], { here::data::<AtomicUsize>()?.fetch_add(1, Ordering::SeqCst) });
        drop(call);
        Ok(())
    }
    let counter = Arc::new(AtomicUsize::new(0));
    let peer = open().shared_data(Arc::clone(&counter)).start();
    peer.run(make_and_drop(peer.id())).await.unwrap();
    assert_eq!(peer.run(count(peer.id())).await.unwrap(), 1);
}

#[actix_web::test]
async fn a_clone_of_a_call_is_a_call_of_its_own() {
    #[distributed]
    async fn thrice(on: PeerId, step: usize) -> Result<Vec<usize>, RemoteError> {
        let mut call =
            remote!(on, [step], { here::data::<AtomicUsize>()?.fetch_add(step, Ordering::SeqCst) });
        let first = call.clone().await?;
        let second = (&mut call).await?;
        let third = call.clone().await?;
        Ok(vec![first, second, third])
    }
    let peer = open().data(AtomicUsize::new(0)).start();
    assert_eq!(peer.run(thrice(peer.id(), 5)).await.unwrap(), [0, 5, 10]);
}

#[distributed]
async fn double(on: PeerId, n: u64) -> Result<u64, RemoteError> {
    remote!(on, [n], { n * 2 }).await
}

#[actix_web::test]
async fn calls_can_be_joined_selected_and_collected() {
    #[distributed]
    async fn all(one: PeerId, two: PeerId) -> Result<u64, RemoteError> {
        let n = 10;
        let (a, b) = join!(remote!(one, [n], { n + 1 }), remote!(two, [n], { n + 2 }));
        let many = join_all((0..5u64).map(|i| remote!(two, [i], { i * i }))).await;
        let squares: u64 = many.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().sum();
        let first = select(remote!(one, [n], { n }), remote!(two, [n], { n })).await.factor_first().0?;
        Ok(a? + b? + squares + first)
    }
    let (server, client) = pair().await;
    assert_eq!(client.run(all(server.peer.id(), client.id())).await.unwrap(), 11 + 12 + 30 + 10);
}

#[actix_web::test]
async fn a_spawned_call_runs_even_if_its_handle_is_let_go() {
    #[distributed]
    async fn fire(on: PeerId) -> Result<(), RemoteError> {
        drop(
            remote!(on, [], {
                here::data::<tokio::sync::Notify>()?.notify_one();
            })
            .spawn(),
        );
        Ok(())
    }
    let told = Arc::new(tokio::sync::Notify::new());
    let peer = open().shared_data(Arc::clone(&told)).start();
    peer.run(fire(peer.id())).await.unwrap();
    told.notified().await;
}

#[actix_web::test]
async fn a_spawned_call_gives_its_result_to_its_handle() {
    #[distributed]
    async fn eager(on: PeerId) -> Result<u64, RemoteError> {
        let handle = remote!(on, [], {
            tokio::task::yield_now().await;
            7
        })
        .spawn();
        Ok(handle.await? + 1)
    }
    let (server, client) = pair().await;
    assert_eq!(client.run(eager(server.peer.id())).await.unwrap(), 8);
}

#[distributed]
async fn fib(on: PeerId, n: u32) -> Result<u64, RemoteError> {
    if n < 2 {
        return Ok(n.into());
    }
    remote!(on, [on, n], {
        let caller = here::caller();
        fib(caller, n - 1).await? + fib(on, n - 2).await?
    })
    .await
}

#[actix_web::test]
async fn a_function_can_call_itself_across_peers() {
    let (server, client) = pair().await;
    assert_eq!(client.run(fib(server.peer.id(), 12)).await.unwrap(), 144);
}

#[actix_web::test]
async fn a_chain_of_nested_calls_may_be_fifty_hops_deep() {
    #[distributed]
    async fn descend(to: PeerId, other: PeerId, depth: u32) -> Result<u32, RemoteError> {
        remote!(to, [to, other, depth], {
            match depth {
                0 => 0,
                _ => 1 + descend(other, to, depth - 1).await?,
            }
        })
        .await
    }
    let (server, client) = pair().await;
    assert_eq!(client.run(descend(server.peer.id(), client.id(), 50)).await.unwrap(), 50);
}

#[actix_web::test]
async fn a_block_may_hold_what_cannot_be_sent_to_another_thread() {
    #[distributed]
    async fn local(on: PeerId) -> Result<usize, RemoteError> {
        remote!(on, [], {
            let shared = std::rc::Rc::new(3usize);
            tokio::task::yield_now().await;
            *shared
        })
        .await
    }
    let (server, client) = pair().await;
    assert_eq!(client.run(local(server.peer.id())).await.unwrap(), 3);
}

#[actix_web::test]
async fn several_peers_of_one_process_call_each_other() {
    let (server, first) = pair().await;
    let second = open().start();
    second.connect(server.url()).await.unwrap();
    let ids = [first.id(), second.id()];
    for (on, n) in ids.into_iter().zip(1u64..) {
        assert_eq!(server.peer.run(double(on, n)).await.unwrap(), 2 * n);
    }
    let mut connected = server.peer.peers();
    connected.sort();
    let mut expected = ids.to_vec();
    expected.sort();
    assert_eq!(connected, expected);
}

#[actix_web::test]
async fn dropping_a_call_drops_its_block_and_the_calls_that_the_block_made() {
    struct Told(Arc<tokio::sync::Notify>);
    impl Drop for Told {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    #[distributed]
    async fn wait_on_both(server: PeerId, client: PeerId) -> Result<(), RemoteError> {
        remote!(server, [client], {
            let _told = Told(here::data()?);
            remote!(client, [], {
                let data = here::data::<tokio::sync::Notify>()?;
                let _told = Told(data.clone());
                data.notify_one();
                std::future::pending::<()>().await
            })
            .await?
        })
        .await
    }
    let on_server = Arc::new(tokio::sync::Notify::new());
    let on_client = Arc::new(tokio::sync::Notify::new());
    let server = crate::support::Listening::start(open().shared_data(Arc::clone(&on_server)));
    let client = open().shared_data(Arc::clone(&on_client)).start();
    client.connect(server.url()).await.unwrap();
    let mut call = Box::pin(client.run(wait_on_both(server.peer.id(), client.id())));
    // Until the innermost block runs; then the whole chain waits.
    assert!(matches!(select(&mut call, Box::pin(on_client.notified())).await, Either::Right(_)));
    drop(call);
    on_server.notified().await;
    on_client.notified().await;
}

#[actix_web::test]
async fn a_call_is_made_before_it_is_waited_for_when_it_is_polled_once() {
    let (server, client) = pair().await;
    let mut call = Box::pin(client.run(double(server.peer.id(), 4)));
    assert!((&mut call).now_or_never().is_none());
    assert_eq!(call.await.unwrap(), 8);
}

#[actix_web::test]
async fn a_loop_of_calls_to_oneself_lets_other_tasks_run() {
    let alone = open().start();
    let id = alone.id();
    let others = actix_web::rt::spawn(async { tokio::task::yield_now().await });
    let busy = alone.run(async {
        let mut n = 0;
        while !others.is_finished() {
            n = double(id, n).await.unwrap();
        }
    });
    busy.await;
}
