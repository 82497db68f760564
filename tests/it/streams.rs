//! Channels whose ends travel as values, and streams as results.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use distributed_scope::{
    ErrorKind, Limits, PeerId, Receiver, RemoteError, SendError, Sender, StreamErrorKind, TrySendError,
    channel, distributed, here, remote, streamed, try_streamed, watch,
};
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::resume::setup;
use crate::support::{Listening, open, pair};

/// Set when a value is dropped.
struct OnDrop(Arc<Notify>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[distributed]
async fn numbers(on: PeerId, count: u64) -> Result<Receiver<u64>, RemoteError> {
    remote!(on, [count], { streamed(stream::iter(0..count)) }).await
}

/// A stream as a result: all items in order, and then `None`.
#[actix_web::test]
async fn stream_arrives_in_order() {
    let (server, client) = pair().await;
    let numbers = client.run(numbers(server.peer.id(), 10_000)).await.unwrap();
    let items: Vec<u64> = numbers.map(Result::unwrap).collect().await;
    assert!(items.into_iter().eq(0..10_000));
}

/// The same between a peer and itself.
#[actix_web::test]
async fn stream_of_the_own_peer() {
    let alone = open().start();
    let numbers = alone.run(numbers(alone.id(), 1000)).await.unwrap();
    assert_eq!(numbers.map(Result::unwrap).collect::<Vec<u64>>().await, (0..1000).collect::<Vec<_>>());
}

#[distributed]
async fn index(on: PeerId, progress: Sender<u32>, files: u32) -> Result<u32, RemoteError> {
    remote!(on, [progress, files], {
        for file in 0..files {
            progress.send(file).await?;
        }
        progress.finish();
        files
    })
    .await
}

/// A sender as a capture reports progress. The variable stays usable.
#[actix_web::test]
async fn captured_sender_reports_progress() {
    let (server, client) = pair().await;
    for peer in [server.peer.id(), client.id()] {
        let (progress, mut seen) = channel(4);
        let reads = async {
            let mut count = 0;
            while let Some(file) = seen.recv().await.unwrap() {
                assert_eq!(file, count);
                count += 1;
            }
            count
        };
        let calls = client.run(index(peer, progress.clone(), 500));
        let (result, count) = futures_util::join!(calls, reads);
        assert_eq!((result.unwrap(), count), (500, 500));
        assert!(matches!(progress.send(1).await, Err(SendError::Finished)), "the channel is finished");
    }
}

#[distributed]
async fn sum(on: PeerId, items: Receiver<u64>) -> Result<u64, RemoteError> {
    remote!(on, [items], {
        let mut items = items;
        let mut sum = 0;
        while let Some(item) = items.recv().await? {
            sum += item;
        }
        sum
    })
    .await
}

/// A receiver as a capture takes an upload.
#[actix_web::test]
async fn captured_receiver_takes_an_upload() {
    let (server, client) = pair().await;
    for peer in [server.peer.id(), client.id()] {
        let (sender, items) = channel(8);
        let sends = async {
            for item in 0..2000_u64 {
                sender.send(item).await.unwrap();
            }
            sender.finish();
        };
        let (result, ()) = futures_util::join!(client.run(sum(peer, items)), sends);
        assert_eq!(result.unwrap(), 1999 * 2000 / 2);
    }
}

/// A sender waits for a receiver that is behind, wherever it is, and `try_send` returns the item.
#[actix_web::test]
async fn sender_waits_for_the_receiver() {
    let (sender, mut receiver) = channel(2);
    sender.try_send(1).unwrap();
    sender.try_send(2).unwrap();
    let Err(TrySendError::Full(3)) = sender.try_send(3) else { panic!("it has room") };
    assert_eq!(receiver.recv().await.unwrap(), Some(1));
    sender.try_send(3).unwrap();

    let (server, client) = pair().await;
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let source = stream::iter(0..1000_u32).inspect(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let given = Mutex::new(Some(source));
    #[distributed]
    async fn given_stream(on: PeerId) -> Result<Receiver<u32>, RemoteError> {
        remote!(on, [], {
            let source = here::data::<Source>()?.0.lock().take().ok_or("it was taken")?;
            streamed(source)
        })
        .await
    }
    struct Source(Mutex<Option<stream::BoxStream<'static, u32>>>);
    drop(server);
    let source = Source(Mutex::new(given.into_inner().map(StreamExt::boxed)));
    let server = Listening::start(open().data(source));
    client.connect(server.url()).await.unwrap();
    let mut items = client.run(given_stream(server.peer.id())).await.unwrap();
    assert_eq!(items.recv().await.unwrap(), Some(0));
    // The calls between let everything happen that can happen.
    for _ in 0..20 {
        client.run(sum_of_nothing(server.peer.id())).await.unwrap();
    }
    let ahead = sent.load(Ordering::SeqCst);
    assert!(ahead <= 100, "{ahead} items were taken from the stream and one was received");
    assert_eq!(items.map(Result::unwrap).count().await, 999);
}

#[distributed]
async fn sum_of_nothing(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], {
        tokio::task::yield_now().await;
    })
    .await
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

#[derive(Serialize, Deserialize)]
struct Job {
    name: String,
    reports: Vec<Sender<String>>,
    input: Option<Receiver<Vec<u8>>>,
    others: HashMap<u8, Part>,
}

#[derive(Serialize, Deserialize)]
enum Part {
    None,
    End(Sender<u8>),
}

/// Ends may be anywhere inside a value: in a field, a list, an option, an enum in a map.
#[actix_web::test]
async fn ends_anywhere_in_a_value() {
    #[distributed]
    async fn run_job(on: PeerId, job: Job) -> Result<Job, RemoteError> {
        remote!(on, [job], {
            let mut job = job;
            let mut bytes = 0;
            while let Some(part) = job.input.as_mut().ok_or("no input")?.recv().await? {
                bytes += part.len();
            }
            for report in &job.reports {
                report.send(format!("{} {bytes}", job.name)).await?;
            }
            for part in job.others.values() {
                if let Part::End(end) = part {
                    end.send(9).await?;
                }
            }
            Job { name: "done".to_owned(), input: None, reports: Vec::new(), others: HashMap::new() }
        })
        .await
    }
    let (server, client) = pair().await;
    let ((report, mut reports), (upload, input)) = (channel(4), channel(2));
    let (end, mut ends) = channel(1);
    let job = Job {
        name: "sizes".to_owned(),
        reports: vec![report.clone(), report],
        input: Some(input),
        others: HashMap::from([(1, Part::None), (2, Part::End(end))]),
    };
    let sends = async {
        for size in 0..50 {
            upload.send(vec![7; size]).await.unwrap();
        }
        upload.finish();
    };
    let (done, ()) = futures_util::join!(client.run(run_job(server.peer.id(), job)), sends);
    assert_eq!(done.unwrap().name, "done");
    for _ in 0..2 {
        assert_eq!(reports.recv().await.unwrap().as_deref(), Some("sizes 1225"));
    }
    assert_eq!(ends.recv().await.unwrap(), Some(9));
}

/// An item of a channel may carry ends of other channels.
#[actix_web::test]
async fn channel_of_channels() {
    #[distributed]
    async fn serve(on: PeerId, requests: Receiver<(u32, Sender<u32>)>) -> Result<u32, RemoteError> {
        remote!(on, [requests], {
            let mut requests = requests;
            let mut count = 0;
            while let Some((number, reply)) = requests.recv().await? {
                reply.send(number * 2).await?;
                reply.finish();
                count += 1;
            }
            count
        })
        .await
    }
    let (server, client) = pair().await;
    for peer in [server.peer.id(), client.id()] {
        let (sender, requests) = channel(4);
        let asks = async {
            for number in 0..100 {
                let (reply, mut replies) = channel(1);
                sender.send((number, reply)).await.unwrap();
                assert_eq!(replies.recv().await.unwrap(), Some(number * 2));
                assert_eq!(replies.recv().await.unwrap(), None);
            }
            sender.finish();
        };
        let (served, ()) = futures_util::join!(client.run(serve(peer, requests)), asks);
        assert_eq!(served.unwrap(), 100);
    }
}

/// An end that has arrived can be sent on to a third peer. Items and errors go through.
#[actix_web::test]
async fn end_is_sent_on_to_a_third_peer() {
    #[distributed]
    async fn through(on: PeerId, last: PeerId, to: Sender<u32>) -> Result<u32, RemoteError> {
        remote!(on, [last, to], {
            remote!(last, [to], {
                for item in 0..300 {
                    to.send(item).await?;
                }
                to.finish();
                300_u32
            })
            .await?
        })
        .await
    }
    let (server, client) = pair().await;
    let third = open().start();
    third.connect(server.url()).await.unwrap();
    let (sender, mut receiver) = channel(8);
    let reads = async {
        let mut count = 0;
        while let Some(item) = receiver.recv().await.unwrap() {
            assert_eq!(item, count);
            count += 1;
        }
        count
    };
    let call = client.run(through(server.peer.id(), third.id(), sender));
    let (sent, count) = futures_util::join!(call, reads);
    assert_eq!((sent.unwrap(), count), (300, 300));
}

/// Of a watch only the newest item counts, and the last one always arrives.
#[actix_web::test]
async fn watch_shows_the_newest_item() {
    #[distributed]
    async fn count_up(on: PeerId, to: Sender<u64>, until: u64) -> Result<(), RemoteError> {
        remote!(on, [to, until], {
            for number in 0..=until {
                to.send(number).await?;
                if number % 1000 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            to.finish();
        })
        .await
    }
    let (server, client) = pair().await;
    let (sender, mut newest) = watch(0_u64).unwrap();
    let reads = async {
        let (mut last, mut count) = (0, 0);
        while let Some(number) = newest.recv().await.unwrap() {
            assert!(number >= last, "{number} after {last}");
            (last, count) = (number, count + 1);
        }
        (last, count)
    };
    let (result, (last, count)) =
        futures_util::join!(client.run(count_up(server.peer.id(), sender, 100_000)), reads);
    result.unwrap();
    assert_eq!(last, 100_000);
    assert!(count < 50_000, "{count} of 100,000 items");
}

/// An end is serialized by this library alone.
#[actix_web::test]
async fn other_serializers_get_an_error() {
    let (sender, receiver) = channel::<u8>(1);
    let error = serde_json::to_string(&sender).unwrap_err().to_string();
    assert!(error.contains("captured by a block"), "{error}");
    assert!(serde_json::to_string(&receiver).is_err());
    assert!(serde_json::from_str::<Sender<u8>>("0").is_err());
}

/// There is one receiver of a channel. A second capture, a clone and a repeatable call are refused
/// before anything is sent.
#[actix_web::test]
async fn receiver_is_sent_once() {
    #[distributed]
    async fn twice(on: PeerId, items: Receiver<u64>) -> Result<(), RemoteError> {
        let first = remote!(on, [items], { drop(items) });
        let second = remote!(on, [items], { drop(items) });
        let clone = first.clone();
        let error = second.await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::EncodeCaptures, "{error:?}");
        let error = clone.await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::EncodeCaptures, "{error:?}");
        let error = first.idempotent().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::EncodeCaptures, "{error:?}");
        Ok(())
    }
    let (server, client) = pair().await;
    let (sender, items) = channel(1);
    client.run(twice(server.peer.id(), items)).await.unwrap();
    assert!(matches!(sender.send(1).await, Err(SendError::Closed)));
}

/// Items that are larger than a chunk travel between others.
#[actix_web::test]
async fn large_items() {
    #[distributed]
    async fn blocks_of(on: PeerId, size: usize) -> Result<Receiver<Vec<u8>>, RemoteError> {
        remote!(on, [size], { streamed(stream::iter(0..10_u8).map(move |item| vec![item; size])) }).await
    }
    let (server, client) = pair().await;
    for size in [1 << 10, 64 << 10, 65 << 10, 1 << 20] {
        let items = client.run(blocks_of(server.peer.id(), size)).await.unwrap();
        let items: Vec<Vec<u8>> = items.map(Result::unwrap).collect().await;
        assert_eq!(items.len(), 10);
        assert!(items.iter().zip(0..).all(|(item, number)| *item == vec![number; size]), "{size}");
    }
    // One that no message can carry ends the stream.
    let mut items = client.run(blocks_of(server.peer.id(), 17 << 20)).await.unwrap();
    let error = items.recv().await.unwrap_err();
    assert_eq!(error.kind(), StreamErrorKind::TooLarge, "{error:?}");
}

/// A receiver that is not read delays neither calls nor other channels.
#[actix_web::test]
async fn unread_channel_delays_nothing_else() {
    let (server, client) = pair().await;
    let to = server.peer.id();
    let _unread = client.run(numbers(to, u64::MAX)).await.unwrap();
    for _ in 0..3 {
        let items = client.run(numbers(to, 1000)).await.unwrap();
        assert_eq!(items.count().await, 1000);
        client.run(sum_of_nothing(to)).await.unwrap();
    }
}

/// More channels than the limit are refused before anything runs.
#[actix_web::test]
async fn channels_are_limited() {
    let limits = Limits::default().with_max_channels(3);
    let server = Listening::start(open().limits(limits.clone()));
    let client = open().limits(limits).start();
    client.connect(server.url()).await.unwrap();
    let to = server.peer.id();
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(client.run(numbers(to, u64::MAX)).await.unwrap());
    }
    for _ in 0..10 {
        let error = client.run(numbers(to, 1)).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::DecodeResult, "{error:?}");
    }
    streams.clear();
    let items = client.run(numbers(to, 10)).await.unwrap();
    assert_eq!(items.count().await, 10);
}

/// A connection that is cut again and again neither loses nor repeats an item.
#[actix_web::test]
async fn cut_connections_lose_no_item() {
    let setup = setup(Limits::default()).await;
    let items = setup.client.run(numbers(setup.server.peer.id(), 20_000)).await.unwrap();
    let mut items = items.enumerate();
    while let Some((place, item)) = items.next().await {
        assert_eq!(item.unwrap(), place as u64);
        if place % 1000 == 500 {
            setup.proxy.cut_now();
        }
    }
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

/// Many short streams leave nothing behind.
#[actix_web::test]
async fn short_streams_leave_nothing() {
    let (server, client) = pair().await;
    let to = server.peer.id();
    for round in 0..2000_u64 {
        let items = client.run(numbers(to, round % 3)).await.unwrap();
        if round % 2 == 0 {
            assert_eq!(items.count().await as u64, round % 3);
        }
    }
    let open = Limits::default().max_channels;
    let mut streams = Vec::new();
    for _ in 0..open {
        streams.push(client.run(numbers(to, u64::MAX)).await.unwrap());
    }
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
