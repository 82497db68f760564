//! Streams whose connection fails: cut at every byte, and lost for good.

use std::time::{Duration, Instant};

use distributed_scope::{
    Limits, Peer, PeerId, Receiver, RemoteError, Sender, StreamErrorKind, channel, distributed, remote,
};

use crate::proxy::{Proxy, Way};
use crate::resume::{Setup, setup};
use crate::streams::numbers;
use crate::support::{Listening, open};

/// Sends the numbers that arrive back, and their sum in the end.
#[distributed]
async fn returned(on: PeerId, items: Receiver<u64>, back: Sender<u64>) -> Result<u64, RemoteError> {
    remote!(on, [items, back], {
        let mut items = items;
        let mut sum = 0;
        while let Some(item) = items.recv().await? {
            sum += item;
            back.send(item).await?;
        }
        back.finish();
        sum
    })
    .await
}

async fn all(mut items: Receiver<u64>) -> Vec<u64> {
    let mut all = Vec::new();
    while let Some(item) = items.recv().await.unwrap() {
        all.push(item);
    }
    all
}

/// Three channels: a stream as a result, and one each way as captures.
async fn exchange(client: &Peer, on: PeerId) {
    let (ask, asked) = channel(2);
    let (back, answers) = channel(2);
    let asks = async {
        for item in 0..6 {
            ask.send(item).await.unwrap();
        }
        ask.finish();
    };
    let stream = async { all(client.run(numbers(on, 5)).await.unwrap()).await };
    let (sum, (), answers, stream) =
        futures_util::join!(client.run(returned(on, asked, back)), asks, all(answers), stream);
    assert_eq!((sum.unwrap(), answers, stream), (15, (0..6).collect(), (0..5).collect()));
}

/// An exchange on three channels is cut after each byte, in each direction: each item arrives once,
/// in order, and so does each end.
#[actix_web::test]
async fn cut_after_every_byte_loses_no_item() {
    let Setup { server, proxy, client, .. } = setup(Limits::default()).await;
    let on = server.peer.id();
    exchange(&client, on).await;
    let before = [Way::ToServer, Way::ToClient].map(|way| proxy.passed(way));
    exchange(&client, on).await;
    let lengths = [Way::ToServer, Way::ToClient].map(|way| proxy.passed(way) - before[way as usize]);
    for way in [Way::ToServer, Way::ToClient] {
        for cut in 1..=lengths[way as usize] {
            client.connected(on).await;
            proxy.cut_at(way, proxy.passed(way) + cut);
            exchange(&client, on).await;
            proxy.cut_at(way, 0);
        }
    }
}

const SILENCE: Duration = Duration::from_millis(500);
const RESUME: Duration = Duration::from_millis(500);

/// Both sides give up soon.
fn impatient() -> Limits {
    Limits::default()
        .with_idle_timeout(SILENCE)
        .with_resume_window(RESUME)
        .with_handshake_timeout(SILENCE)
        .with_reconnect_delay(Duration::from_millis(50))
}

/// Reads a stream whose source is lost. All items come first, and the error has their number.
async fn ends_as_disconnected(mut items: Receiver<u64>, read: u64, lost: impl FnOnce()) {
    for item in 0..read {
        assert_eq!(items.recv().await.unwrap(), Some(item));
    }
    lost();
    let since = Instant::now();
    let mut received = read;
    let error = loop {
        match items.recv().await {
            Ok(item) => assert_eq!(item, Some(received), "no item is missing, and there is no end"),
            Err(error) => break error,
        }
        received += 1;
    };
    assert_eq!((error.kind(), error.received()), (StreamErrorKind::Disconnected, received), "{error:?}");
    // A machine with much else to do is late.
    let took = since.elapsed();
    assert!(took < SILENCE + RESUME + Duration::from_secs(20), "{took:?}");
    assert_eq!(items.recv().await.unwrap(), None);
}

/// All packets are lost: the receiver and the sender learn it.
#[actix_web::test]
async fn black_hole_ends_a_stream_as_disconnected() {
    let server = Listening::start(open().limits(impatient()));
    let proxy = Proxy::start(server.address.clone()).await;
    let client = open().limits(impatient()).start();
    let on = client.connect(proxy.url()).await.unwrap();
    let items = client.run(numbers(on, u64::MAX)).await.unwrap();
    ends_as_disconnected(items, 1000, || {
        proxy.lose(Way::ToServer, true);
        proxy.lose(Way::ToClient, true);
        proxy.refuse(true);
    })
    .await;
}

#[cfg(unix)]
mod processes {
    use distributed_scope::Blocks;

    use super::*;
    use crate::process::{Process, say_where};

    const NAME: &str = "DISTRIBUTED_SCOPE_TEST_STREAMING";

    /// Does nothing in an ordinary run: it is what the other process runs.
    #[actix_web::test]
    async fn the_streaming_process() {
        let Ok(name) = std::env::var(NAME) else { return };
        let builder = Peer::builder(PeerId::named(&name)).expose(Blocks::all()).limits(impatient());
        let server = Listening::start(builder);
        say_where(&server.url());
        std::future::pending::<()>().await;
    }

    /// A process that is killed, or stopped for longer than the limits, ends its streams.
    #[actix_web::test]
    async fn lost_process_ends_its_streams_as_disconnected() {
        for signal in ["KILL", "STOP"] {
            let client = open().limits(impatient()).start();
            let name = format!("streaming {}", client.id());
            let test = "stream_faults::processes::the_streaming_process";
            let (process, url) = Process::start_server(test, &[(NAME, &name)]);
            let on = client.connect(url.as_str()).await.unwrap();
            let items = client.run(numbers(on, u64::MAX)).await.unwrap();
            ends_as_disconnected(items, 10_000, || process.signal(signal)).await;
        }
    }
}
