//! How channels and streams end, and what each end learns of it.

use std::sync::Arc;
use std::time::Duration;

use distributed_scope::{
    Limits, PeerId, Receiver, RemoteError, SendError, Sender, StreamErrorKind, channel, distributed, here,
    remote, streamed, try_streamed,
};
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use tokio::sync::Notify;

use crate::resume::setup;
use crate::streams::numbers;
use crate::support::{Listening, open, pair};

/// Set when a value is dropped.
struct OnDrop(Arc<Notify>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// Dropping the receiver drops the stream at the other peer.
#[actix_web::test]
async fn dropped_receiver_drops_the_stream() {
    #[distributed]
    async fn endless(on: PeerId) -> Result<Receiver<u64>, RemoteError> {
        remote!(on, [], {
            let guard = OnDrop(Arc::clone(&*here::data::<Arc<Notify>>()?));
            streamed(stream::iter(0..).inspect(move |_| {
                let _ = &guard;
            }))
        })
        .await
    }
    let dropped = Arc::new(Notify::new());
    let server = Listening::start(open().data(Arc::clone(&dropped)));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    let mut items = client.run(endless(server.peer.id())).await.unwrap();
    assert_eq!(items.recv().await.unwrap(), Some(0));
    drop(items);
    dropped.notified().await;
}

/// A sender learns that its receiver is gone.
#[actix_web::test]
async fn dropped_receiver_closes_the_sender() {
    #[distributed]
    async fn send_until_closed(on: PeerId, to: Sender<u32>) -> Result<bool, RemoteError> {
        remote!(on, [to], {
            to.send(1).await?;
            to.closed().await;
            to.is_closed() && matches!(to.send(2).await, Err(SendError::Closed))
        })
        .await
    }
    let (server, client) = pair().await;
    let (sender, mut receiver) = channel(4);
    let call = client.run(send_until_closed(server.peer.id(), sender));
    let drops = async {
        assert_eq!(receiver.recv().await.unwrap(), Some(1));
        drop(receiver);
    };
    let (closed, ()) = futures_util::join!(call, drops);
    assert!(closed.unwrap());
}

#[distributed]
async fn send_and_fail(on: PeerId, to: Sender<u32>, how: String) -> Result<u32, RemoteError> {
    remote!(on, [to, how], {
        for item in 0..5_u32 {
            to.send(item).await?;
        }
        match &*how {
            "raise" => Err("the index is broken")?,
            "panic" => panic!("as the test asks"),
            "wait" => std::future::pending::<()>().await,
            _ => {}
        }
        5
    })
    .await
}

/// A sender that its block drops without `finish` is an error after the items that it sent, and
/// says why.
#[actix_web::test]
async fn failing_block_tells_its_receiver_why() {
    let (server, client) = pair().await;
    for peer in [server.peer.id(), client.id()] {
        for (how, kind) in [
            ("raise", StreamErrorKind::Raised),
            ("panic", StreamErrorKind::Panicked),
            ("return", StreamErrorKind::Cancelled),
        ] {
            let (sender, mut receiver) = channel(16);
            let result = client.run(send_and_fail(peer, sender, how.to_owned())).await;
            assert_eq!(result.is_ok(), how == "return", "{how}: {result:?}");
            for item in 0..5 {
                assert_eq!(receiver.recv().await.unwrap(), Some(item), "{how}");
            }
            let error = receiver.recv().await.unwrap_err();
            assert_eq!((error.kind(), error.received()), (kind, 5), "{error:?}");
            if how == "raise" {
                assert!(format!("{error:?}").contains("the index is broken"), "{error:?}");
            }
            assert_eq!(receiver.recv().await.unwrap(), None, "it is over");
        }
    }
}

/// Dropping a call drops its block, and what the block holds of channels.
#[actix_web::test]
async fn dropped_call_ends_its_channels() {
    let (server, client) = pair().await;
    let (sender, mut receiver) = channel(16);
    let call = client.run(send_and_fail(server.peer.id(), sender, "wait".to_owned()));
    {
        let mut call = std::pin::pin!(call);
        for item in 0..5 {
            let next = futures_util::future::select(receiver.recv().boxed_local(), &mut call).await;
            let futures_util::future::Either::Left((next, _)) = next else { panic!("the call ended") };
            assert_eq!(next.unwrap(), Some(item));
        }
    }
    assert_eq!(receiver.recv().await.unwrap_err().kind(), StreamErrorKind::Cancelled);
}

/// The error of a stream of results reaches the receiver after the items before it.
#[actix_web::test]
async fn stream_of_results_ends_with_its_error() {
    #[distributed]
    async fn until_error(on: PeerId) -> Result<Receiver<u8>, RemoteError> {
        remote!(on, [], { try_streamed(stream::iter([Ok(1), Ok(2), "x".parse::<u8>(), Ok(3)])) }).await
    }
    let (server, client) = pair().await;
    let mut items = client.run(until_error(server.peer.id())).await.unwrap();
    assert_eq!((items.recv().await.unwrap(), items.recv().await.unwrap()), (Some(1), Some(2)));
    let error = items.recv().await.unwrap_err();
    assert_eq!(error.kind(), StreamErrorKind::Raised);
    assert!(format!("{error:?}").ends_with("invalid digit found in string"), "{error:?}");
}

/// A stream that panics says so.
#[actix_web::test]
async fn stream_that_panics_says_so() {
    #[distributed]
    async fn until_panic(on: PeerId) -> Result<Receiver<u8>, RemoteError> {
        remote!(on, [], {
            streamed(
                stream::iter(0..5_u8).map(|item| if item == 3 { panic!("as the test asks") } else { item }),
            )
        })
        .await
    }
    let (server, client) = pair().await;
    let items = client.run(until_panic(server.peer.id())).await.unwrap();
    let items: Vec<_> = items.collect().await;
    assert_eq!(items.len(), 4, "{items:?}");
    assert_eq!(items[3].as_ref().unwrap_err().kind(), StreamErrorKind::Panicked);
}

/// If the sender's session is lost, the receiver learns how many items it has got.
#[actix_web::test]
async fn lost_session_ends_the_stream() {
    let limits = Limits::default().with_resume_window(Duration::ZERO);
    let setup = setup(limits).await;
    let mut items = setup.client.run(numbers(setup.server.peer.id(), u64::MAX)).await.unwrap();
    for item in 0..10 {
        assert_eq!(items.recv().await.unwrap(), Some(item));
    }
    setup.proxy.cut_now();
    let mut count = 10;
    let error = loop {
        match items.recv().await {
            Ok(Some(_)) => count += 1,
            Ok(None) => panic!("no end was said"),
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), error.received()), (StreamErrorKind::Disconnected, count));
}

/// A stream has no deadline but its idle timeout.
#[actix_web::test]
async fn idle_timeout_ends_the_stream() {
    #[distributed]
    async fn silent(on: PeerId) -> Result<Receiver<u8>, RemoteError> {
        remote!(on, [], { streamed(stream::iter([1]).chain(stream::pending())) }).await
    }
    let (server, client) = pair().await;
    let items = client.run(silent(server.peer.id())).await.unwrap();
    let mut items = items.idle_timeout(Duration::from_millis(50));
    let error = client
        .run(async {
            assert_eq!(items.recv().await.unwrap(), Some(1));
            items.recv().await.unwrap_err()
        })
        .await;
    assert_eq!((error.kind(), error.received()), (StreamErrorKind::Idle, 1));
}

#[distributed]
async fn compute(on: PeerId, progress: Sender<u32>, raises: bool) -> Result<u32, RemoteError> {
    remote!(
        on,
        [progress, raises],
        #[block(blocking)]
        {
            for step in 0..100 {
                progress.send_blocking(step)?;
            }
            if raises {
                Err("step 100 failed")?;
            }
            progress.finish();
            100
        }
    )
    .await
}

/// A block on the blocking pool reports its progress, and why it failed.
#[actix_web::test]
async fn blocking_block_reports_its_progress() {
    let (server, client) = pair().await;
    for (peer, raises) in [(server.peer.id(), false), (server.peer.id(), true), (client.id(), true)] {
        let (progress, mut seen) = channel(4);
        let reads = async {
            for step in 0..100 {
                assert_eq!(seen.recv().await.unwrap(), Some(step));
            }
            seen.recv().await
        };
        let (result, last) = futures_util::join!(client.run(compute(peer, progress, raises)), reads);
        assert_eq!(result.is_err(), raises);
        match last {
            Ok(end) => assert!(end.is_none() && !raises),
            Err(error) => assert!(raises && error.kind() == StreamErrorKind::Raised, "{error:?}"),
        }
    }
}

/// If the runtime of the receiver's peer ends, a receiver on another thread gets an error.
#[test]
fn stream_ends_with_the_runtime_of_its_peer() {
    let (give, take) = std::sync::mpsc::channel();
    let (ended, may_end) = tokio::sync::oneshot::channel::<()>();
    let peers = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async {
            let (server, client) = pair().await;
            let mut items = client.run(numbers(server.peer.id(), u64::MAX)).await.unwrap();
            assert_eq!(items.recv().await.unwrap(), Some(0));
            give.send(items).unwrap();
            let _ = may_end.await;
        });
    });
    let mut items = take.recv().unwrap();
    ended.send(()).unwrap();
    peers.join().unwrap();
    let error = futures_executor(async {
        loop {
            if let Err(error) = items.recv().await {
                return error;
            }
        }
    });
    assert!(matches!(error.kind(), StreamErrorKind::Disconnected | StreamErrorKind::Cancelled), "{error:?}");
}

fn futures_executor<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// A peer that drains waits for its streams, and ends them after the grace period.
#[actix_web::test]
async fn drain_waits_for_streams() {
    let (server, client) = pair().await;
    let mut items = client.run(numbers(server.peer.id(), 1000)).await.unwrap();
    assert_eq!(items.recv().await.unwrap(), Some(0));
    let drains = server.peer.drain(Duration::from_secs(60));
    let (_, count) = futures_util::join!(drains, items.map(Result::unwrap).count());
    assert_eq!(count, 999, "all items were received");
}

/// An endless stream of a peer that drains ends as cancelled after the grace period.
#[actix_web::test]
async fn drain_cancels_endless_streams() {
    let (server, client) = pair().await;
    let mut items = client.run(numbers(server.peer.id(), u64::MAX)).await.unwrap();
    assert_eq!(items.recv().await.unwrap(), Some(0));
    server.peer.drain(Duration::from_millis(50)).await;
    let error = loop {
        if let Err(error) = items.recv().await {
            break error;
        }
    };
    assert_eq!(error.kind(), StreamErrorKind::Cancelled, "{error:?}");
}
