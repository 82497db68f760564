//! Attackers that keep the threads of a server busy with calls, while others wait for their turn.
//!
//! A block on each thread counts how many calls begin there between two looks at the sockets.
//!
//! With actix-web-actors, that crate decides how much of its input an actor handles in one go.

#![cfg(not(feature = "actix-web-actors"))]

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use distributed_scope::{Codec, Limits, PeerId, RemoteError, distributed, here, remote};
use distributed_scope_core::frame::{Frame, Invoke};
use distributed_scope_core::session::CHUNK;
use futures_util::future::join_all;

use crate::frames::{Session, invoke, us};
use crate::support::{Listening, open};
use crate::wire::Said;

/// How many calls have begun, and how many blocks watch that.
#[derive(Default)]
struct Begun {
    calls: AtomicUsize,
    watching: AtomicUsize,
}

thread_local! {
    static BEGUN_HERE: Cell<usize> = const { Cell::new(0) };
}

#[expect(dead_code, reason = "called by hand")]
#[distributed]
async fn begin(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], {
        here::data::<Begun>()?.calls.fetch_add(1, Ordering::Relaxed);
        BEGUN_HERE.set(BEGUN_HERE.get() + 1);
        std::future::pending::<()>().await;
    })
    .await
}

/// The same, and takes longer than a turn.
#[expect(dead_code, reason = "called by hand")]
#[distributed]
async fn begin_slowly(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], {
        let until = Instant::now() + Duration::from_micros(600);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        here::data::<Begun>()?.calls.fetch_add(1, Ordering::Relaxed);
        BEGUN_HERE.set(BEGUN_HERE.get() + 1);
    })
    .await
}

#[expect(dead_code, reason = "called by hand")]
#[distributed]
async fn result_of(on: PeerId, size: usize) -> Result<String, RemoteError> {
    remote!(on, [size], { "x".repeat(size) }).await
}

/// The largest number of calls that begin on one thread between two looks at its sockets, until
/// this many have begun on all threads.
#[distributed]
async fn watch(on: PeerId, all: usize) -> Result<usize, RemoteError> {
    remote!(on, [all], {
        let begun = here::data::<Begun>()?;
        begun.watching.fetch_add(1, Ordering::Relaxed);
        let mut most = 0;
        while begun.calls.load(Ordering::Relaxed) < all {
            let before = BEGUN_HERE.get();
            // Ready when the event loop has looked at its sockets.
            tokio::task::yield_now().await;
            most = most.max(BEGUN_HERE.get() - before);
        }
        most
    })
    .await
}

/// How many calls begin at once while these attackers play, which make this many calls in all.
async fn most_at_once(limits: Limits, all: usize, attackers: usize, play: fn(Session)) -> usize {
    let begun = Arc::<Begun>::default();
    let server = Listening::start(open().limits(limits).shared_data(Arc::clone(&begun)));
    // One for each thread of the server.
    let watchers = [open().start(), open().start()];
    for watcher in &watchers {
        watcher.connect(server.url()).await.unwrap();
    }
    let on = server.peer.id();
    let watching: Vec<_> = watchers.iter().map(|watcher| watcher.run(watch(on, all))).collect();
    let watching = actix_web::rt::spawn(join_all(watching));
    while begun.watching.load(Ordering::Relaxed) < watchers.len() {
        tokio::task::yield_now().await;
    }
    for _ in 0..attackers {
        let address = server.address.clone();
        thread::spawn(move || play(Session::open(&address, &us(PeerId::random()))));
    }
    let most = watching.await.unwrap();
    most.into_iter().map(Result::unwrap).max().unwrap()
}

/// Reads until the server closes.
fn read_on(session: Session) {
    let _ = io::copy(&mut session.wire.into_stream(), &mut io::sink());
}

#[actix_web::test]
async fn flood_of_calls_leaves_turns_to_others() {
    const ATTACKERS: usize = 8;
    const CALLS: u64 = 100;
    let most = most_at_once(Limits::default(), ATTACKERS * CALLS as usize, ATTACKERS, |mut session| {
        let calls = (0..CALLS).map(|number| Frame::Invoke(invoke(number, "turns::begin_slowly#0")));
        session.wire.send_all(calls);
        read_on(session);
    })
    .await;
    // Each has a turn at first, and one of them at a time after that.
    assert!(most <= ATTACKERS + 1, "{most} at once");
}

#[actix_web::test]
async fn calls_that_waited_for_output_begin_a_few_at_a_time() {
    const CALLS: u64 = 2000;
    const RESULT: usize = 8 << 20;
    let limits = Limits::default().with_max_queued_bytes(1 << 20);
    let most = most_at_once(limits, CALLS as usize, 1, |mut session| {
        let size = Codec::Bincode.encode(0, &(RESULT,)).unwrap();
        let large = Invoke { captures: Bytes::from(size), ..invoke(0, "turns::result_of#0") };
        session.wire.send(&Frame::Invoke(large));
        session.wire.send_all((1..=CALLS).map(|number| Frame::Invoke(invoke(number, "turns::begin#0"))));
        // The calls wait until enough of the result is acknowledged.
        for received in 1..=RESULT / CHUNK {
            let Said::Frame(frame) = session.wire.next() else { panic!("it closed") };
            assert!(matches!(*frame, Frame::Chunk(_)), "{frame:?}");
            session.wire.send(&Frame::Ack(received as u64));
        }
        read_on(session);
    })
    .await;
    assert!(most <= 256, "{most} at once");
}
