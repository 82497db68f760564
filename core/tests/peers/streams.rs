//! Streams between the peers of a schedule: a result that is one, and a receiver that is captured.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll, ready};
use std::time::Duration;

use distributed_scope_core::__private::{Raised, Registrar, Registration, Returns, Slot, Source, inventory};
use distributed_scope_core::here::{Context, Scoped};
use distributed_scope_core::{Block, Receiver, StreamErrorKind, channel, streamed};
use futures_core::Stream;

use crate::random::Random;
use crate::runtime::{self, Sleep};
use crate::world;
use crate::{node, plan::CLEAR};

/// Its number, and some bytes.
type Item = (u64, Vec<u8>);

/// A stream between two peers.
#[derive(Clone, Copy)]
pub(crate) struct StreamPlan {
    nodes: [usize; 2],
    at: u64,
    count: u64,
    /// How long the sender and the receiver pause after each item.
    pauses: [u64; 2],
    /// The size of the items, in bytes. Every fifth one has this size, and the others none.
    size: usize,
    /// The receiver is dropped after this many items.
    dropped_after: Option<u64>,
    is_upload: bool,
}

impl StreamPlan {
    pub(crate) fn new(random: &mut Random, nodes: usize) -> Self {
        let from = random.between(0, nodes as u64 - 1) as usize;
        let to = (from + random.between(1, nodes as u64 - 1) as usize) % nodes;
        let pause = |random: &mut Random| random.pick(&[0, 1_000, 200_000]);
        Self {
            nodes: [from, to],
            at: random.between(0, CLEAR),
            count: random.between(0, 200),
            pauses: [pause(random), pause(random)],
            size: random.pick(&[0, 100, 5_000, 200_000]),
            dropped_after: random.percent(20).then(|| random.between(0, 50)),
            is_upload: random.percent(50),
        }
    }

    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    fn item(self, number: u64) -> Item {
        let size = if number.is_multiple_of(5) { self.size } else { 0 };
        (number, vec![number as u8; size])
    }
}

/// Numbered items with pauses between them.
struct Numbers {
    next: u64,
    count: u64,
    pause: u64,
    size: u64,
    sleep: Option<Sleep>,
}

impl Stream for Numbers {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Option<Item>> {
        if let Some(sleep) = &mut self.sleep {
            ready!(Pin::new(sleep).poll(cx));
            self.sleep = None;
        }
        if self.next == self.count {
            return Poll::Ready(None);
        }
        let number = self.next;
        self.next += 1;
        self.sleep = (self.pause > 0).then(|| runtime::sleep_until(runtime::now() + self.pause));
        let size = if number.is_multiple_of(5) { self.size as usize } else { 0 };
        Poll::Ready(Some((number, vec![number as u8; size])))
    }
}

static DOWNLOAD: Block =
    Block::new("peers::download#0", "peers", "streams.rs", 1, &["count", "pause", "size"], Source::exact(8));
static UPLOAD: Block =
    Block::new("peers::upload#0", "peers", "streams.rs", 2, &["items", "pause", "most"], Source::exact(9));

fn register(registrar: &mut Registrar) {
    type Download = (u64, u64, u64);
    Slot::<Download, Receiver<Item>>::new().register::<Download, Receiver<Item>, _, _, _, _, _>(
        registrar,
        &DOWNLOAD,
        |captures| captures,
        |result| result,
        |captures| captures,
        |(count, pause, size)| async move {
            Ok::<_, Raised>(streamed(Numbers { next: 0, count, pause, size, sleep: None }))
        },
    );
    type Upload = (Receiver<Item>, u64, Option<u64>);
    Slot::<Upload, u64>::new().register::<Upload, u64, _, _, _, _, _>(
        registrar,
        &UPLOAD,
        |captures| captures,
        |result| result,
        |captures| captures,
        |(items, pause, most)| async move { Ok::<_, Raised>(read(items, pause, most).await.0) },
    );
}

inventory::submit! { Registration(register) }

/// Reads items, which are in order and complete, up to the end or up to so many. Returns how many
/// there were, and whether the end was said.
async fn read(mut items: Receiver<Item>, pause: u64, most: Option<u64>) -> (u64, bool) {
    let mut count = 0;
    loop {
        if most.is_some_and(|most| count >= most) {
            return (count, false);
        }
        match items.recv().await {
            Ok(Some((number, bytes))) => {
                assert_eq!(number, count, "an item is lost or was repeated");
                assert!(bytes.iter().all(|byte| *byte == number as u8), "another item's bytes");
                count += 1;
            }
            Ok(None) => return (count, true),
            Err(error) => {
                let is_expected =
                    matches!(error.kind(), StreamErrorKind::Cancelled | StreamErrorKind::Disconnected);
                assert!(is_expected, "{error:?}");
                assert_eq!(error.received(), count);
                return (count, false);
            }
        }
        if pause > 0 {
            runtime::sleep_until(runtime::now() + pause).await;
        }
    }
}

/// Begins a stream, if its node is up.
pub(crate) fn stream(plan: StreamPlan) {
    let [from, to] = plan.nodes;
    let Some((process, shared)) = node::up(from) else { return };
    world::with(|world| {
        world.count("stream");
        world.note(&format!("{from} begins a stream with {to}"));
    });
    let context = Arc::new(Context::root(shared));
    let running = async move {
        let (count, is_over) = if plan.is_upload { upload(plan).await } else { download(plan).await };
        world::with(|world| {
            world.note(&format!("a stream of {from} and {to} ends after {count} items, whole: {is_over}"));
            world.count(if is_over { "whole stream" } else { "stream that was cut off" });
        });
        if is_over {
            assert_eq!(count, plan.count);
        }
    };
    runtime::spawn(process, Scoped::new(context, running));
}

async fn download(plan: StreamPlan) -> (u64, bool) {
    let call = <Receiver<Item> as Returns>::call_declared(
        node::id(plan.nodes[1]),
        &DOWNLOAD,
        (plan.count, plan.pauses[0], plan.size as u64),
        PhantomData,
    );
    match call.timeout(Duration::from_secs(20)).await {
        Ok(items) => read(items, plan.pauses[1], plan.dropped_after).await,
        Err(_) => (0, false),
    }
}

async fn upload(plan: StreamPlan) -> (u64, bool) {
    let (sender, items) = channel::<Item>(8);
    let call = <u64 as Returns>::call_declared(
        node::id(plan.nodes[1]),
        &UPLOAD,
        (items, plan.pauses[1], plan.dropped_after),
        PhantomData,
    );
    let call = call.timeout(Duration::from_secs(60)).spawn();
    for number in 0..plan.count {
        if sender.send(plan.item(number)).await.is_err() {
            let count = call.await.unwrap_or_default();
            assert!(count <= number, "{count} items were received and {number} sent");
            return (count, false);
        }
        if plan.pauses[0] > 0 {
            runtime::sleep_until(runtime::now() + plan.pauses[0]).await;
        }
    }
    sender.finish();
    match call.await {
        Ok(count) if plan.dropped_after.is_none_or(|most| count < most) => (count, true),
        Ok(count) => (count, false),
        Err(_) => (0, false),
    }
}
