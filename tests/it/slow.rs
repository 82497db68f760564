//! Peers that are slow, or stop reading, and large messages on the same connection as small ones.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use distributed_scope::{Limits, PeerId, RemoteError, distributed, here, remote};
use futures_util::future::{Either, join, join_all, select};
use tokio::sync::Notify;

use crate::proxy::{Proxy, Way};
use crate::support::{Listening, open};

#[distributed]
async fn echo(on: PeerId, n: u32) -> Result<u32, RemoteError> {
    remote!(on, [n], { n }).await
}

#[distributed]
async fn blob(on: PeerId, size: usize) -> Result<usize, RemoteError> {
    Ok(remote!(on, [size], { vec![1u8; size] }).without_timeout().await?.len())
}

#[actix_web::test]
async fn a_peer_that_stops_reading_is_cut_off_with_what_waits_for_it() {
    let limits = Limits::default()
        .with_write_timeout(Duration::from_millis(300))
        .with_resume_window(Duration::from_millis(100))
        .with_max_queued_bytes(1 << 20);
    let server = Listening::start(open().limits(limits));
    let proxy = Proxy::start(server.address.clone()).await;
    let greedy = open().start();
    greedy.connect(proxy.url()).await.unwrap();
    let modest = open().start();
    modest.connect(server.url()).await.unwrap();
    let on = server.peer.id();
    // Asks for far more than the sockets between the two can hold, and then reads nothing.
    let calls = join_all((0..200).map(|_| greedy.run(blob(on, 1 << 20))));
    let gone = async {
        proxy.stall_way(Way::ToClient, true);
        while server.peer.peers().contains(&greedy.id()) {
            assert_eq!(modest.run(echo(on, 1)).await.unwrap(), 1, "others are served meanwhile");
        }
    };
    let Either::Right(((), calls)) = select(Box::pin(calls), Box::pin(gone)).await else {
        panic!("nobody read, and yet all calls ended");
    };
    drop(calls);
    assert_eq!(modest.run(echo(on, 2)).await.unwrap(), 2);
}

#[actix_web::test]
async fn small_calls_pass_large_ones_on_the_same_connection() {
    #[distributed]
    async fn streaming(on: PeerId, mebibytes: usize) -> Result<usize, RemoteError> {
        let mut total = 0;
        while total < mebibytes << 20 {
            total += remote!(on, [], { vec![1u8; 2 << 20] }).without_timeout().await?.len();
        }
        Ok(total)
    }
    let server = Listening::start(open());
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    let on = server.peer.id();
    let mut bulk = Box::pin(client.run(streaming(on, 8)));
    let mut calls = 0;
    loop {
        // A small call ends while the large one before it is still on its way: it does not wait
        // for it.
        match select(bulk, Box::pin(client.run(echo(on, calls)))).await {
            Either::Left((total, _)) => break assert_eq!(total.unwrap(), 8 << 20),
            Either::Right((answer, unfinished)) => {
                assert_eq!(answer.unwrap(), calls);
                calls += 1;
                bulk = unfinished;
            }
        }
    }
    // The context of actix-web-actors takes a whole window of chunks at once, and answers come
    // after them. How many get through then depends on how busy the machine is.
    let least = if cfg!(feature = "actix-web-actors") { 2 } else { 8 };
    assert!(calls > least, "only {calls} small calls got through while 8 MiB passed");
}

/// Whether the answer to the first of two calls has come.
static HAS_COME: AtomicBool = AtomicBool::new(false);

/// The first keeps its thread for a while; the second does until the answer to the first has come,
/// and says whether it has.
#[distributed]
async fn keep_the_thread(on: PeerId, is_first: bool) -> Result<bool, RemoteError> {
    remote!(on, [is_first], {
        let began = Instant::now();
        let patience = Duration::from_secs(if is_first { 0 } else { 10 });
        // Work: ten times as long as a turn may last. Nothing is waited for.
        std::thread::sleep(Duration::from_millis(5));
        while began.elapsed() < patience && !HAS_COME.load(Ordering::SeqCst) {
            // The thread is to be kept, and may not be given back by an await.
            std::thread::sleep(Duration::from_millis(1));
        }
        HAS_COME.load(Ordering::SeqCst)
    })
    .without_timeout()
    .await
}

#[cfg_attr(
    feature = "actix-web-actors",
    ignore = "its context handles up to sixteen messages before it writes, however long they take"
)]
#[actix_web::test]
async fn an_answer_does_not_wait_for_blocks_that_keep_the_thread_and_came_together_with_it() {
    let server = Listening::start(open());
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    let first = async {
        client.run(keep_the_thread(server.peer.id(), true)).await.unwrap();
        HAS_COME.store(true, Ordering::SeqCst);
    };
    let ((), had_come) = join(first, client.run(keep_the_thread(server.peer.id(), false))).await;
    assert!(had_come.unwrap(), "the first answer was held back until the second block had ended");
}

#[actix_web::test]
async fn a_block_that_takes_its_time_does_not_hold_up_the_session() {
    #[distributed]
    async fn slow(on: PeerId) -> Result<(), RemoteError> {
        remote!(on, [], { here::data::<Notify>()?.notified().await }).await
    }
    let gate = std::sync::Arc::new(Notify::new());
    let server = Listening::start(open().shared_data(gate.clone()));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    let on = server.peer.id();
    let started = Instant::now();
    let slow = client.run(slow(on));
    let Either::Right(((), slow)) = select(
        Box::pin(slow),
        Box::pin(async {
            for n in 0..100 {
                assert_eq!(client.run(echo(on, n)).await.unwrap(), n);
            }
        }),
    )
    .await
    else {
        panic!("the slow call ended first, after {:?}", started.elapsed());
    };
    gate.notify_one();
    slow.await.unwrap();
}

/// actix-web-actors polls an actor only while the socket takes data.
#[cfg(not(feature = "actix-web-actors"))]
#[actix_web::test]
async fn a_peer_is_heard_while_it_reads_nothing() {
    #[distributed]
    async fn knock(on: PeerId) -> Result<(), RemoteError> {
        remote!(on, [], { here::data::<Notify>()?.notify_one() }).await
    }
    // All of the large result may be on its way, which is more than the sockets hold.
    let size = 24 << 20;
    let limits = Limits::default()
        .with_max_message(64 << 20)
        .with_max_queued_bytes(64 << 20)
        .with_send_window(64 << 20)
        .with_resend_buffer(64 << 20);
    let knocked = std::sync::Arc::new(Notify::new());
    let server = Listening::start(open().limits(limits.clone()).shared_data(knocked.clone()));
    let proxy = Proxy::start(server.address.clone()).await;
    let client = open().limits(limits).start();
    client.connect(proxy.url()).await.unwrap();
    let on = server.peer.id();
    let mut large = Box::pin(client.run(blob(on, size)));
    assert!(futures_util::poll!(&mut large).is_pending());
    proxy.has_passed(Way::ToClient, 1 << 20).await;
    proxy.stall_way(Way::ToClient, true);
    let mut knocks = Vec::new();
    for _ in 0..1000 {
        let mut call = Box::pin(client.run(knock(on)));
        assert!(futures_util::poll!(&mut call).is_pending());
        knocks.push(call);
        knocked.notified().await;
    }
    proxy.stall_way(Way::ToClient, false);
    assert_eq!(large.await.unwrap(), size);
    for knock in join_all(knocks).await {
        knock.unwrap();
    }
}
