//! Connections that are lost: a call runs once and its caller gets its value, or learns that it
//! may have run.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use distributed_scope::{
    Builder, ErrorKind, Limits, Peer, PeerId, Ran, RemoteError, distributed, here, remote,
};
use futures_util::future::{join_all, select};
use futures_util::{FutureExt, join};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::proxy::{Proxy, Way};
use crate::raw::upgrade;
use crate::support::{Listening, open};

/// How often the block of each call ran.
#[derive(Default)]
pub(crate) struct Runs(Mutex<HashMap<u64, u32>>);

impl Runs {
    pub(crate) fn of(&self, call: u64) -> u32 {
        self.0.lock().get(&call).copied().unwrap_or_default()
    }
}

#[distributed]
pub(crate) async fn counted(on: PeerId, call: u64, size: usize) -> Result<(u64, Vec<u8>), RemoteError> {
    let padding = vec![7u8; size];
    remote!(on, [call, padding], {
        *here::data::<Runs>()?.0.lock().entry(call).or_default() += 1;
        if call % 2 == 1 {
            tokio::task::yield_now().await;
        }
        (call, padding)
    })
    .await
}

pub(crate) struct Setup {
    pub(crate) server: Listening,
    pub(crate) proxy: Proxy,
    pub(crate) client: Peer,
    pub(crate) runs: Arc<Runs>,
}

/// A server behind a proxy, and a client that is connected through it.
pub(crate) async fn setup(limits: Limits) -> Setup {
    let runs = Arc::new(Runs::default());
    // The pauses grow where cuts follow each other closely, and stay short from here.
    let limits = limits.with_reconnect_delay(Duration::from_micros(20));
    let with = |builder: Builder| builder.limits(limits.clone());
    let server = Listening::start(with(open()).shared_data(Arc::clone(&runs)));
    let proxy = Proxy::start(server.address.clone()).await;
    let client = with(open()).start();
    client.connect(proxy.url()).await.unwrap();
    Setup { server, proxy, client, runs }
}

#[distributed]
async fn held(on: PeerId) -> Result<u32, RemoteError> {
    remote!(on, [], {
        let notify = here::data::<[Notify; 2]>()?;
        notify[0].notify_one();
        notify[1].notified().await;
        5
    })
    .await
}

/// The welcome of the next connection is lost, and the dialler gives that connection up: the
/// session is resumed by the one after it.
#[actix_web::test]
async fn lost_welcome_costs_one_connection() {
    let notify = Arc::new([Notify::new(), Notify::new()]);
    let server = Listening::start(open().shared_data(Arc::clone(&notify)));
    let proxy = Proxy::start(server.address.clone()).await;
    let limits = Limits::default().with_handshake_timeout(Duration::from_millis(300));
    let client = open().limits(limits).start();
    client.connect(proxy.url()).await.unwrap();
    // What the server says before it has the hello: the answer to the request, and a challenge of
    // 39
    // bytes in a message.
    let challenged = upgrade(&server.address, "distributed-scope.v1", &[]).text.len() as u64 + 2 + 39;
    let (value, ()) = join!(client.run(held(server.peer.id())), async {
        notify[0].notified().await;
        proxy.lose_from(Way::ToClient, proxy.passed(Way::ToClient) + challenged);
        proxy.cut_now();
        while proxy.connections() < 3 {
            tokio::task::yield_now().await;
        }
        notify[1].notify_one();
    });
    assert_eq!(value.unwrap(), 5);
    assert_eq!(proxy.passed_by_connection()[1][Way::ToClient as usize], challenged, "the welcome was lost");
}

/// A path that forgot the connection, as a NAT entry that timed out: a call at the default
/// deadline gets its value over another one.
#[actix_web::test]
async fn forgotten_connection_costs_no_call() {
    let Setup { server, proxy, client, runs } = setup(Limits::default()).await;
    let on = server.peer.id();
    client.run(counted(on, 0, 1)).await.unwrap();
    // So nothing comes back either.
    proxy.lose_from(Way::ToServer, proxy.passed(Way::ToServer));
    assert_eq!(client.run(counted(on, 1, 1)).await.unwrap().0, 1);
    assert_eq!((runs.of(1), proxy.connections()), (1, 2));
}

/// A call gets its value whatever close frame a proxy sends to either side before it cuts the
/// connection.
#[actix_web::test]
async fn proxy_close_frame_keeps_the_session() {
    let codes = [1000, 1001, 1002, 1008, 1011, 1012, 1013, 1014, 3000, 4000];
    for (way, code) in [Way::ToServer, Way::ToClient]
        .into_iter()
        .flat_map(|way| [None].into_iter().chain(codes.map(Some)).map(move |code| (way, code)))
    {
        let notify = Arc::new([Notify::new(), Notify::new()]);
        let server = Listening::start(open().shared_data(Arc::clone(&notify)));
        let proxy = Proxy::start(server.address.clone()).await;
        proxy.close_with(way, code);
        let client = open().start();
        client.connect(proxy.url()).await.unwrap();
        let (value, ()) = join!(client.run(held(server.peer.id())), async {
            notify[0].notified().await;
            proxy.cut_now();
            notify[1].notify_one();
        });
        assert_eq!(value.unwrap(), 5, "{code:?} {way:?}");
        assert_eq!(proxy.connections(), 2, "{code:?} {way:?}");
    }
}

#[actix_web::test]
async fn a_call_that_is_open_when_the_connection_is_cut_runs_once_and_gets_its_value() {
    for reset in [false, true] {
        let notify = Arc::new([Notify::new(), Notify::new()]);
        let server = Listening::start(open().shared_data(Arc::clone(&notify)));
        let proxy = Proxy::start(server.address.clone()).await;
        proxy.by_reset(reset);
        let client = open().start();
        client.connect(proxy.url()).await.unwrap();
        let (value, ()) = join!(client.run(held(server.peer.id())), async {
            notify[0].notified().await;
            proxy.cut_now();
            notify[1].notify_one();
        });
        assert_eq!(value.unwrap(), 5);
        assert_eq!(proxy.connections(), 2, "the dialler came back by itself");
    }
}

/// Cuts an exchange of calls after each multiple of this many bytes, both ways.
async fn cut_everywhere(
    limits: Limits,
    step: u64,
    check: impl Fn(&Runs, u64, Result<(u64, Vec<u8>), RemoteError>),
) {
    let Setup { server, proxy, client, runs } = setup(limits).await;
    let on = server.peer.id();
    let mut next = 0;
    let mut exchange = async |calls: u64| {
        let first = next;
        next += calls;
        join_all((first..next).map(|call| {
            let run = client.run(counted(on, call, 3));
            async move { (call, run.await) }
        }))
        .await
    };
    exchange(1).await;
    let before = [Way::ToServer, Way::ToClient].map(|way| proxy.passed(way));
    exchange(4).await;
    let lengths = [Way::ToServer, Way::ToClient].map(|way| proxy.passed(way) - before[way as usize]);
    for way in [Way::ToServer, Way::ToClient] {
        let length = lengths[way as usize];
        for cut in (1..=length).step_by(usize::try_from(step).unwrap()) {
            client.connected(on).await;
            proxy.cut_at(way, proxy.passed(way) + cut);
            for (call, result) in exchange(4).await {
                check(&runs, call, result);
            }
            proxy.cut_at(way, 0);
        }
    }
}

#[actix_web::test]
async fn cut_anywhere_every_call_runs_exactly_once_and_gets_its_value() {
    cut_everywhere(Limits::default(), 1, |runs, call, result| {
        assert_eq!(result.unwrap(), (call, vec![7; 3]));
        assert_eq!(runs.of(call), 1);
    })
    .await;
}

#[actix_web::test]
async fn a_first_welcome_that_is_lost_costs_no_call() {
    let server = Listening::start(open());
    let proxy = Proxy::start(server.address.clone()).await;
    let first = open().start();
    first.connect(proxy.url()).await.unwrap();
    let length = proxy.passed(Way::ToClient);
    for cut in (1..=length).step_by(7) {
        let runs = Arc::new(Runs::default());
        let client = open().shared_data(Arc::clone(&runs)).start();
        proxy.cut_at(Way::ToClient, proxy.passed(Way::ToClient) + cut);
        // The server has a call for the client, and makes it as soon as it can.
        let call = server.peer.run(counted(client.id(), 1, 3));
        let connect = async { while client.connect(proxy.url()).await.is_err() {} };
        let (value, ()) = join!(call, connect);
        assert_eq!(value.unwrap(), (1, vec![7; 3]), "cut after {cut} bytes of {length}");
        assert_eq!(runs.of(1), 1);
        proxy.cut_at(Way::ToClient, 0);
        client.stop().await;
    }
}

#[actix_web::test]
async fn without_resuming_a_call_runs_at_most_once_and_never_is_never() {
    let limits = Limits::default().with_resume_window(Duration::ZERO);
    cut_everywhere(limits, 1, |runs, call, result| match result {
        Ok(value) => {
            assert_eq!(value, (call, vec![7; 3]));
            assert_eq!(runs.of(call), 1);
        }
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::Disconnected), "{error}");
            match error.ran() {
                Ran::Never => assert_eq!(runs.of(call), 0),
                Ran::Maybe => assert!(runs.of(call) <= 1),
                Ran::Yes => panic!("nobody knows that: {error}"),
            }
        }
    })
    .await;
}

#[actix_web::test]
async fn large_messages_go_on_where_they_were_cut() {
    let Setup { server, proxy, client, runs } = setup(Limits::default()).await;
    let on = server.peer.id();
    for (call, cut) in (0..).zip([70_000, 200_000, 900_000]) {
        for way in [Way::ToServer, Way::ToClient] {
            client.connected(on).await;
            proxy.cut_at(way, proxy.passed(way) + cut);
            let call = call * 2 + way as u64;
            let (echoed, bytes) = client.run(counted(on, call, 1 << 20)).await.unwrap();
            assert_eq!((echoed, bytes.len(), runs.of(call)), (call, 1 << 20, 1));
            proxy.cut_at(way, 0);
        }
    }
}

#[actix_web::test]
async fn a_call_made_while_the_connection_is_lost_waits_for_it() {
    let Setup { server, proxy, client, .. } = setup(Limits::default()).await;
    proxy.refuse(true);
    proxy.cut_now();
    while client.peers().contains(&server.peer.id()) {
        tokio::task::yield_now().await;
    }
    let mut call = Box::pin(client.run(counted(server.peer.id(), 1, 1)));
    assert!((&mut call).now_or_never().is_none());
    proxy.refuse(false);
    assert_eq!(call.await.unwrap().0, 1);
}

#[actix_web::test]
async fn a_server_that_was_restarted_ends_the_open_calls_and_takes_new_ones() {
    #[distributed]
    async fn wait(on: PeerId) -> Result<(), RemoteError> {
        remote!(on, [], {
            here::data::<Notify>()?.notify_one();
            std::future::pending::<()>().await
        })
        .await
    }
    let id = PeerId::random();
    let builder = || Peer::builder(id).expose(distributed_scope::Blocks::all());
    let running = Arc::new(Notify::new());
    let first = Listening::start(builder().shared_data(Arc::clone(&running)));
    let proxy = Proxy::start(first.address.clone()).await;
    let client = open().start();
    client.connect(proxy.url()).await.unwrap();
    let mut call = Box::pin(client.run(wait(id)));
    select(&mut call, Box::pin(running.notified())).await;
    let runs = Arc::new(Runs::default());
    let second = Listening::start(builder().shared_data(Arc::clone(&runs)));
    proxy.forward_to(second.address.clone());
    proxy.cut_now();
    let error = call.await.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::Disconnected, Ran::Maybe));
    assert_eq!(client.run(counted(id, 1, 1)).await.unwrap().0, 1, "the new server has the new call");
}

/// A call that is made while the server is away was never sent, and goes to the server that
/// replaces it.
#[actix_web::test]
async fn outage_call_goes_to_new_server() {
    let id = PeerId::random();
    let builder = || Peer::builder(id).expose(distributed_scope::Blocks::all());
    let runs = Arc::new(Runs::default());
    let first = Listening::start(builder().shared_data(Arc::clone(&runs)));
    let proxy = Proxy::start(first.address.clone()).await;
    let client = open().start();
    client.connect(proxy.url()).await.unwrap();
    proxy.refuse(true);
    proxy.cut_now();
    client.disconnected(id).await;
    let mut call = Box::pin(client.run(counted(id, 1, 1)));
    assert!((&mut call).now_or_never().is_none(), "it waits for a connection");
    let second = Listening::start(builder().shared_data(Arc::clone(&runs)));
    proxy.forward_to(second.address.clone());
    proxy.refuse(false);
    assert_eq!(call.await.unwrap().0, 1);
    assert_eq!(runs.of(1), 1);
}

#[actix_web::test]
async fn an_idempotent_call_is_made_again_on_a_server_that_was_restarted() {
    #[distributed]
    async fn wait_or_answer(on: PeerId) -> Result<u8, RemoteError> {
        remote!(on, [], {
            match here::data::<Notify>() {
                Ok(first) => {
                    first.notify_one();
                    std::future::pending().await
                }
                Err(_) => 2,
            }
        })
        .idempotent()
        .await
    }
    let id = PeerId::random();
    let builder = || Peer::builder(id).expose(distributed_scope::Blocks::all());
    let running = Arc::new(Notify::new());
    let first = Listening::start(builder().shared_data(Arc::clone(&running)));
    let proxy = Proxy::start(first.address.clone()).await;
    let client = open().start();
    client.connect(proxy.url()).await.unwrap();
    let second = Listening::start(builder());
    let (value, ()) = join!(client.run(wait_or_answer(id)), async {
        running.notified().await;
        proxy.forward_to(second.address.clone());
        proxy.cut_now();
    });
    assert_eq!(value.unwrap(), 2);
}

#[actix_web::test]
async fn a_window_that_passes_ends_the_open_calls() {
    let limits = Limits::default().with_resume_window(Duration::from_millis(50));
    let Setup { server, proxy, client, .. } = setup(limits).await;
    proxy.stall(true);
    let mut call = Box::pin(client.run(counted(server.peer.id(), 1, 1)));
    assert!((&mut call).now_or_never().is_none());
    proxy.refuse(true);
    proxy.cut_now();
    let error = call.await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Disconnected);
}

#[actix_web::test]
async fn a_connection_that_says_nothing_is_dropped_and_the_session_goes_on() {
    let limits = Limits::default().with_idle_timeout(Duration::from_millis(200));
    let Setup { server, proxy, client, runs } = setup(limits).await;
    proxy.stall(true);
    let (value, ()) = join!(client.run(counted(server.peer.id(), 1, 1)), async {
        while client.peers().contains(&server.peer.id()) {
            tokio::task::yield_now().await;
        }
        proxy.stall(false);
    });
    assert_eq!(value.unwrap().0, 1);
    assert_eq!(runs.of(1), 1);
    assert!(proxy.connections() > 1);
}

#[actix_web::test]
async fn bytes_that_arrive_one_by_one_are_as_good() {
    let Setup { server, proxy, client, .. } = setup(Limits::default()).await;
    proxy.slice(true);
    let on = server.peer.id();
    let all = join_all((0..20).map(|call| client.run(counted(on, call, 50)))).await;
    assert!(all.into_iter().zip(0..).all(|(result, call)| result.unwrap().0 == call));
}
