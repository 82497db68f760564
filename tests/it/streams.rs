//! Channels whose ends travel as values, and streams as results: order, backpressure, cuts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use distributed_scope::{
    Limits, PeerId, Receiver, RemoteError, SendError, Sender, StreamErrorKind, TrySendError, channel,
    distributed, here, remote, streamed,
};
use futures_util::stream::{self, StreamExt};
use parking_lot::Mutex;

use crate::resume::setup;
use crate::support::{Listening, open, pair};

#[distributed]
pub(crate) async fn numbers(on: PeerId, count: u64) -> Result<Receiver<u64>, RemoteError> {
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
pub(crate) async fn sum_of_nothing(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], {
        tokio::task::yield_now().await;
    })
    .await
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
