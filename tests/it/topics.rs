//! Topics: a state and its changes, for many subscribers.

use std::collections::BTreeMap;
use std::time::Duration;

use distributed_scope::{
    Limits, PeerId, Receiver, RemoteError, Topic, Update, distributed, follow, here, remote,
};
use futures_util::future::join_all;
use futures_util::stream::StreamExt;

use crate::proxy::Proxy;
use crate::support::{Listening, open};

/// Counts by name, and the changes of them.
type Counts = Topic<(u8, u64), BTreeMap<u8, u64>>;
type Changes = Receiver<Update<(u8, u64), BTreeMap<u8, u64>>>;

fn counts() -> Counts {
    Counts::with_state(BTreeMap::new(), |all, (name, count)| {
        all.insert(*name, *count);
    })
}

#[distributed]
async fn subscribe(on: PeerId) -> Result<Changes, RemoteError> {
    remote!(on, [], { here::data::<Counts>()?.subscribe() }).await
}

/// Each item is seen exactly once after the state, whenever it was published, and in one order.
#[actix_web::test]
async fn each_item_is_seen_once_after_the_state() {
    const ITEMS: u64 = 5000;
    let topic = counts().keep(ITEMS as usize * 2);
    let server = Listening::start(open().data(topic.clone()));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    let publishers = [0_u8, 1].map(|name| {
        let topic = topic.clone();
        std::thread::spawn(move || (1..=ITEMS).for_each(|count| topic.publish((name, count)).unwrap()))
    });
    // Subscribers come while items are published.
    let subscribers = (0..20).map(|_| {
        let client = client.clone();
        let on = server.peer.id();
        async move {
            let mut updates = client.run(subscribe(on)).await.unwrap();
            let Some(Update::State(mut counts)) = updates.recv().await.unwrap() else { panic!("no state") };
            let mut order = Vec::new();
            while counts.values().filter(|count| **count == ITEMS).count() < 2 {
                match updates.recv().await.unwrap() {
                    Some(Update::Item((name, count))) => {
                        let before = counts.insert(name, count).unwrap_or_default();
                        assert_eq!(count, before + 1, "of {name}");
                        order.push((name, count));
                    }
                    other => panic!("{other:?}"),
                }
            }
            order
        }
    });
    let orders = join_all(subscribers).await;
    publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
    let longest = orders.iter().max_by_key(|order| order.len()).unwrap();
    assert!(orders.iter().all(|order| longest.ends_with(order)), "two subscribers saw another order");
}

/// A slow subscriber learns how many items it has missed, gets the state anew, and delays no
/// other.
#[actix_web::test]
async fn slow_subscriber_lags_alone() {
    let topic = counts().keep(16);
    let server = Listening::start(open().data(topic.clone()));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    let mut slow = client.run(subscribe(server.peer.id())).await.unwrap();
    let mut fast = client.run(subscribe(server.peer.id())).await.unwrap();
    assert!(matches!(fast.recv().await.unwrap(), Some(Update::State(_))));
    for count in 1..=1000 {
        topic.publish((0, count)).unwrap();
        assert_eq!(fast.recv().await.unwrap(), Some(Update::Item((0, count))));
    }
    let (mut seen, mut lagged) = (0, 0);
    while seen < 1000 {
        match slow.recv().await.unwrap().unwrap() {
            Update::State(counts) => seen = counts.get(&0).copied().unwrap_or_default(),
            Update::Item((_, count)) => {
                assert_eq!(count, seen + 1);
                seen = count;
            }
            Update::Lagged(missed) => lagged += missed,
        }
    }
    assert!(lagged > 500, "{lagged} of 1000 were missed");
}

/// A subscriber that leaves is forgotten.
#[actix_web::test]
async fn subscribers_are_counted() {
    let topic = counts();
    let server = Listening::start(open().data(topic.clone()));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    let handles = topic.subscribers();
    let mut updates = client.run(subscribe(server.peer.id())).await.unwrap();
    updates.recv().await.unwrap();
    assert_eq!(topic.subscribers(), handles + 1);
    drop(updates);
    while topic.subscribers() > handles {
        tokio::task::yield_now().await;
        let _ = client.run(nothing(server.peer.id())).await;
    }
}

#[distributed]
async fn nothing(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], {}).await
}

/// A subscription that is lost is renewed, and begins with the state again.
#[actix_web::test]
async fn followed_topic_survives_a_lost_session() {
    let limits = Limits::default().with_resume_window(Duration::ZERO);
    let topic = Topic::<u32>::new();
    let server = Listening::start(open().limits(limits.clone()).data(topic.clone()));
    let proxy = Proxy::start(server.address.clone()).await;
    let client = open().limits(limits.with_reconnect_delay(Duration::from_micros(20))).start();
    client.connect(proxy.url()).await.unwrap();
    let on = server.peer.id();
    let follows = async {
        let mut updates = follow(|| numbers(on));
        for _ in 0..2 {
            while updates.next().await.unwrap() != Update::State(()) {}
            topic.publish(1).unwrap();
            assert_eq!(updates.next().await.unwrap(), Update::Item(1));
            proxy.cut_now();
        }
    };
    client.run(follows).await;
}

#[distributed]
async fn numbers(on: PeerId) -> Result<Receiver<Update<u32>>, RemoteError> {
    remote!(on, [], { here::data::<Topic<u32>>()?.subscribe() }).await
}

/// A chat is a topic of lines.
#[actix_web::test]
async fn topic_without_a_state() {
    let lines = Topic::<String>::new();
    let server = Listening::start(open().data(lines.clone()));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    #[distributed]
    async fn lines_of(on: PeerId) -> Result<Receiver<Update<String>>, RemoteError> {
        remote!(on, [], { here::data::<Topic<String>>()?.subscribe() }).await
    }
    let updates = client.run(lines_of(server.peer.id())).await.unwrap();
    let mut updates = updates.map(Result::unwrap);
    assert_eq!(updates.next().await, Some(Update::State(())));
    lines.publish("hello".to_owned()).unwrap();
    assert_eq!(updates.next().await, Some(Update::Item("hello".to_owned())));
}
