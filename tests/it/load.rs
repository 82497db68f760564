//! Many calls at once.

use distributed_scope::{PeerId, RemoteError, distributed, remote};
use futures_util::future::join_all;

use crate::support::pair;

#[distributed]
async fn nonce(on: PeerId, back: PeerId, n: u64) -> Result<u64, RemoteError> {
    remote!(on, [back, n], {
        match n % 4 {
            0 => n,
            1 => {
                tokio::task::yield_now().await;
                n
            }
            _ => remote!(back, [n], { n }).await?,
        }
    })
    .await
}

#[actix_web::test]
async fn sixty_four_concurrent_callers_each_get_their_own_answers() {
    const CALLERS: u64 = 64;
    // So many that answers are sent in both ways, together and early, until it is clear which is
    // faster; more with DISTRIBUTED_SCOPE_CALLS=1000000.
    let calls: u64 = std::env::var("DISTRIBUTED_SCOPE_CALLS").map_or(40_000, |n| n.parse().unwrap());
    let (server, client) = pair().await;
    let right = join_all((0..CALLERS).map(|caller| {
        let (client, on) = (client.clone(), server.peer.id());
        async move {
            let mut right = 0;
            for n in (caller..calls).step_by(CALLERS as usize) {
                assert_eq!(client.run(nonce(on, client.id(), n)).await.unwrap(), n);
                right += 1;
            }
            right
        }
    }))
    .await;
    assert_eq!(right.into_iter().sum::<u64>(), calls);
}

#[actix_web::test]
async fn calls_from_many_threads_share_a_session() {
    let (server, client) = pair().await;
    let threads: Vec<_> = (0..4u64)
        .map(|thread| {
            let (client, on) = (client.clone(), server.peer.id());
            std::thread::spawn(move || {
                let calls = async {
                    for n in 0..200 {
                        let n = thread * 1000 + n;
                        assert_eq!(client.run(nonce(on, client.id(), n)).await.unwrap(), n);
                    }
                };
                // No actix runtime, no tokio runtime: a call is an ordinary future.
                futures_executor::block_on(calls);
            })
        })
        .collect();
    // The session lives on this thread, so it must not be blocked while the others work.
    actix_web::rt::task::spawn_blocking(move || {
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    })
    .await
    .unwrap();
}

#[actix_web::test]
async fn a_call_to_oneself_from_a_thread_without_a_runtime_runs_on_the_peers_own() {
    let (_server, client) = pair().await;
    let id = client.id();
    let n =
        actix_web::rt::task::spawn_blocking(move || futures_executor::block_on(client.run(nonce(id, id, 3))));
    assert_eq!(n.await.unwrap().unwrap(), 3);
}
