//! Ends of channels as values: where they may be, and what may not be done with them.

use std::collections::HashMap;

use distributed_scope::{
    ErrorKind, Limits, PeerId, Receiver, RemoteError, SendError, Sender, channel, distributed, remote, watch,
};
use futures_util::stream::StreamExt;
use serde::{Deserialize, Serialize};

use crate::streams::numbers;
use crate::support::{Listening, open, pair};

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
