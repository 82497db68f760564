//! What ordinary programs do: serve until they are asked to end, answer HTTP with the result of a
//! call, spawn tasks.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Service;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, HttpServer, web};
use bytes::Bytes;
use distributed_scope::{
    Blocks, ErrorKind, Peer, PeerId, Ran, RemoteError, distributed, here, on_connect, remote,
};
use futures_util::future::join_all;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::sync::Notify;

use crate::process::{Process, say_where};
use crate::redials::Warnings;
use crate::support::{Listening, open, pair};

const NAME: &str = "DISTRIBUTED_SCOPE_TEST_SERVED";

/// Does nothing in an ordinary run: it is what the other process runs, the server of the README.
#[actix_web::test]
async fn the_served_process() {
    let Ok(name) = std::env::var(NAME) else { return };
    let peer = Peer::builder(PeerId::named(&name)).expose(Blocks::all()).start();
    let served = peer.clone();
    let server = HttpServer::new(move || App::new().service(served.service("/scope")))
        .on_connect(on_connect)
        .bind(("127.0.0.1", 0))
        .unwrap();
    say_where(&format!("ws://{}/scope", server.addrs()[0]));
    peer.serve(server).await.unwrap();
}

/// Sends a signal to a server with an idle session; returns how long it kept running.
#[cfg(unix)]
async fn ends_after(signal: &str) -> Duration {
    let client = open().start();
    let name = format!("served {}", client.id());
    let (process, url) = Process::start_server("programs::the_served_process", &[(NAME, &name)]);
    let on = client.connect(url.as_str()).await.unwrap();
    let told = Instant::now();
    process.signal(signal);
    client.disconnected(on).await;
    let status = process.end().await;
    assert!(status.success(), "{status}");
    told.elapsed()
}

#[cfg(unix)]
#[actix_web::test]
async fn a_served_peer_ends_soon_when_the_process_is_told_to() {
    for signal in ["TERM", "INT"] {
        let took = ends_after(signal).await;
        // actix-web alone takes 30 s; a busy machine may take longer than the two that are
        // promised.
        assert!(took < Duration::from_secs(15), "{signal} took {took:?}");
    }
}

#[distributed]
async fn three_hops(server: PeerId, client: PeerId) -> Result<u32, RemoteError> {
    remote!(server, [client, server], {
        remote!(client, [server], {
            here::data::<Begun>()?.0.notify_one();
            here::data::<LetGo>()?.0.notified().await;
            remote!(server, [], { 42 }).await?
        })
        .await?
    })
    .await
}

struct Begun(Notify);
struct LetGo(Notify);

#[actix_web::test]
async fn a_function_under_way_finishes_with_all_its_hops_while_its_server_drains() {
    let (begun, let_go) = (Arc::new(Begun(Notify::new())), Arc::new(LetGo(Notify::new())));
    let server = Listening::start(open());
    let client = open().shared_data(Arc::clone(&begun)).shared_data(Arc::clone(&let_go)).start();
    client.connect(server.url()).await.unwrap();
    let (on, me) = (server.peer.id(), client.id());
    let call = actix_web::rt::spawn(client.run(three_hops(on, me)));
    begun.0.notified().await;
    let drained = actix_web::rt::spawn({
        let peer = server.peer.clone();
        async move { peer.drain(Duration::from_secs(60)).await }
    });
    while !server.peer.is_draining() {
        actix_web::rt::task::yield_now().await;
    }
    // What begins anew is refused, here or there.
    while client.run(answer(on)).await.is_ok() {}
    let_go.0.notify_one();
    assert_eq!(call.await.unwrap().unwrap(), 42);
    drained.await.unwrap();
}

#[distributed]
async fn answer(on: PeerId) -> Result<u32, RemoteError> {
    remote!(on, [], { 42 }).await
}

#[distributed]
async fn until_draining(on: PeerId, home: PeerId) -> Result<bool, RemoteError> {
    remote!(on, [home], {
        let before = here::is_draining();
        remote!(home, [], { here::data::<Begun>()?.0.notify_one() }).await?;
        here::draining().await;
        !before && here::is_draining()
    })
    .await
}

#[actix_web::test]
async fn a_block_learns_that_its_peer_drains() {
    let begun = Arc::new(Begun(Notify::new()));
    let server = Listening::start(open());
    let client = open().shared_data(Arc::clone(&begun)).start();
    client.connect(server.url()).await.unwrap();
    let call = actix_web::rt::spawn(client.run(until_draining(server.peer.id(), client.id())));
    begun.0.notified().await;
    server.peer.drain(Duration::from_secs(60)).await;
    assert!(call.await.unwrap().unwrap());
}

#[distributed]
async fn refused(on: PeerId) -> Result<String, RemoteError> {
    remote!(on, [], { Err("out of stock")? }).await
}

async fn handler(peer: web::Data<Peer>, on: web::Data<PeerId>) -> Result<String, actix_web::Error> {
    Ok(peer.run(refused(*on.get_ref())).await?)
}

#[actix_web::test]
async fn a_handler_answers_with_what_a_call_fails_with() {
    let (server, client) = pair().await;
    let answers = async |on: PeerId| {
        let app = App::new().app_data(web::Data::new(client.clone())).app_data(web::Data::new(on));
        let app = init_service(app.route("/", web::get().to(handler))).await;
        let response = call_service(&app, TestRequest::get().uri("/").to_request()).await;
        (response.status().as_u16(), read_body(response).await)
    };
    let (status, body) = answers(server.peer.id()).await;
    assert_eq!((status, &body[..]), (500, &b"Internal Server Error"[..]));
    let error = client.run(refused(server.peer.id())).await.unwrap_err();
    assert_eq!(error.raised_text().as_deref(), Some("out of stock"));
    client.stop().await;
    let (status, _) = answers(PeerId::random()).await;
    assert_eq!(status, 503);
}

#[distributed]
async fn spawns(on: PeerId, home: PeerId) -> Result<u32, RemoteError> {
    remote!(on, [home], {
        let peer = here::handle();
        assert_eq!(peer.id(), here::peer());
        actix_web::rt::spawn(async move { peer.run(answer(home)).await }).await.unwrap()?
    })
    .await
}

#[actix_web::test]
async fn a_task_that_a_block_spawns_calls_by_a_handle_of_its_peer() {
    let (server, client) = pair().await;
    assert_eq!(client.run(spawns(server.peer.id(), client.id())).await.unwrap(), 42);
}

#[actix_web::test]
async fn a_call_outside_of_any_peer_names_the_peers_that_there_are() {
    let (server, client) = pair().await;
    let error = answer(server.peer.id()).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NoPeer);
    let text = format!("{error:#}");
    assert!([server.peer.id(), client.id()].iter().all(|id| text.contains(&id.to_string())), "{text}");
}

#[actix_web::test]
async fn what_a_session_took_for_many_calls_at_once_it_gives_back() {
    #[distributed]
    async fn wait(on: PeerId) -> Result<u32, RemoteError> {
        remote!(on, [], {
            here::data::<LetGo>()?.0.notified().await;
            1
        })
        .timeout(Duration::from_secs(120))
        .await
    }
    let let_go = Arc::new(LetGo(Notify::new()));
    let server = Listening::start(open().shared_data(Arc::clone(&let_go)));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    let on = server.peer.id();
    let calls = (0..500).map(|_| client.run(wait(on)));
    let all = actix_web::rt::spawn(futures_util::future::join_all(calls.collect::<Vec<_>>()));
    while server.peer.held() < 500 * 1024 {
        actix_web::rt::task::yield_now().await;
    }
    while !all.is_finished() {
        let_go.0.notify_waiters();
        actix_web::rt::task::yield_now().await;
    }
    assert!(all.await.unwrap().iter().all(Result::is_ok));
    // No event tells that a table has shrunk. The timeout of the test run is the only bound.
    while server.peer.held() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A peer in an actix system of its own, on a thread of its own, and the handle that stops it.
fn in_a_system_of_its_own(url: String) -> (Peer, impl FnOnce()) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let system = actix_web::rt::System::new();
        system.block_on(async move {
            let peer = open().start();
            peer.connect(url).await.unwrap();
            sender.send((peer, actix_web::rt::System::current())).unwrap();
        });
        system.run().unwrap();
    });
    let (peer, system) = receiver.recv().unwrap();
    let stop = move || {
        system.stop();
        thread.join().unwrap();
    };
    (peer, stop)
}

#[actix_web::test]
async fn every_call_ends_when_the_system_of_its_peer_has_ended() {
    let begun = Arc::new(Begun(Notify::new()));
    let server = Listening::start(open().shared_data(Arc::clone(&begun)));
    let url = server.url();
    let (peer, stop) =
        actix_web::rt::task::spawn_blocking(move || in_a_system_of_its_own(url)).await.unwrap();
    let on = server.peer.id();
    let open = actix_web::rt::spawn(peer.run(forever(on)));
    begun.0.notified().await;
    actix_web::rt::task::spawn_blocking(stop).await.unwrap();
    let error = open.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::Disconnected, Ran::Maybe));
    let error = peer.run(answer(on)).await.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::NotConnected, Ran::Never));
}

#[distributed]
async fn forever(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], {
        here::data::<Begun>()?.0.notify_one();
        std::future::pending::<()>().await
    })
    .without_timeout()
    .await
}

/// A peer that is made for each worker, in the closure of `HttpServer::new`, loses every call that
/// is cut.
#[actix_web::test]
async fn second_live_peer_of_one_id_is_warned_of() {
    let (warnings, _guard) = Warnings::collect();
    let name = PeerId::named("made for each worker");
    let warned =
        || warnings.lines().iter().filter(|line| line.contains("another live peer with this id")).count();
    let first = Peer::builder(name).start();
    first.stop().await;
    let second = Peer::builder(name).start();
    assert_eq!(warned(), 0, "the first one was stopped");
    let third = Peer::builder(name).start();
    assert_eq!(warned(), 1);
    drop((second, third));
}

#[distributed]
async fn logs_twice(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], {
        tracing::warn!("before the first wait");
        tokio::task::yield_now().await;
        tracing::warn!("after it");
    })
    .await
}

/// A response body that is polled in a span, as the middlewares do that trace requests.
struct InSpan<B>(B, tracing::Span);

impl<B: MessageBody + Unpin> MessageBody for InSpan<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.0.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, B::Error>>> {
        let Self(body, span) = &mut *self;
        span.in_scope(|| Pin::new(body).poll_next(cx))
    }
}

/// What a block logs is under a span of the block, and not under that of the request that upgraded
/// the connection.
#[actix_web::test]
async fn blocks_log_under_spans_of_their_own() {
    let server = open().start();
    let (served, on, warnings) = (server.clone(), server.id(), Warnings::default());
    let collector = warnings.dispatch(tracing::Level::INFO);
    let http = HttpServer::new(move || {
        // For the life of the worker's thread, which is where this runs.
        Box::leak(Box::new(tracing::dispatcher::set_default(&collector)));
        App::new().service(served.service("/scope")).wrap_fn(|request, service| {
            let response = service.call(request);
            async move {
                let in_span = |_: &_, body| InSpan(body, tracing::info_span!("upgrade"));
                Ok(response.await?.map_body(|head, body| in_span(head, body)))
            }
        })
    });
    let http = http.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let url = format!("ws://{}/scope", http.addrs()[0]);
    let running = http.run();
    let handle = running.handle();
    actix_web::rt::spawn(running);
    let client = open().start();
    client.connect(url).await.unwrap();
    client.run(logs_twice(on)).await.unwrap();
    handle.stop(false).await;
    let lines = warnings.lines();
    for text in ["before the first wait", "after it"] {
        let line = lines.iter().find(|line| line.contains(text)).unwrap();
        assert!(
            line.contains("block{") && line.contains("logs_twice") && !line.contains("upgrade"),
            "{line}"
        );
    }
}

/// How many blocks of [`counted`] have run.
#[derive(Default)]
struct Runs(AtomicU32);

#[distributed]
async fn counted(on: PeerId) -> Result<(), RemoteError> {
    remote!(on, [], {
        here::data::<Runs>()?.0.fetch_add(1, Ordering::Relaxed);
    })
    .timeout(Duration::from_millis(300))
    .await
}

#[distributed]
async fn holds_its_thread(on: PeerId, millis: u64) -> Result<(), RemoteError> {
    remote!(on, [millis], {
        here::data::<Begun>()?.0.notify_one();
        std::thread::sleep(Duration::from_millis(millis));
    })
    .without_timeout()
    .await
}

#[actix_web::test]
async fn calls_that_were_given_up_while_their_thread_was_held_do_not_run() {
    let (begun, runs) = (Arc::new(Begun(Notify::new())), Arc::<Runs>::default());
    let server = Listening::start(open().shared_data(Arc::clone(&begun)).shared_data(Arc::clone(&runs)));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    let on = server.peer.id();
    let held = actix_web::rt::spawn(client.run(holds_its_thread(on, 2000)));
    begun.0.notified().await;
    let late = join_all((0..100).map(|_| client.run(counted(on)))).await;
    assert!(late.iter().all(|end| *end.as_ref().unwrap_err().kind() == ErrorKind::DeadlineExceeded));
    held.await.unwrap().unwrap();
    // Whatever came before it is done when another call is answered.
    client.run(answer(on)).await.unwrap();
    assert_eq!(runs.0.load(Ordering::Relaxed), 0);
    // A call that was not given up runs.
    let held = actix_web::rt::spawn(client.run(holds_its_thread(on, 500)));
    begun.0.notified().await;
    assert!(join_all((0..100).map(|_| client.run(answer(on)))).await.iter().all(Result::is_ok));
    held.await.unwrap().unwrap();
}

/// Takes long to be read.
#[derive(Serialize)]
struct Slow(Vec<u8>);

impl<'de> Deserialize<'de> for Slow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = Vec::deserialize(deserializer)?;
        // Made-up values of this type are read, too.
        if bytes.len() > 1000 {
            std::thread::sleep(Duration::from_millis(600));
        }
        Ok(Self(bytes))
    }
}

#[distributed]
async fn takes_slow(on: PeerId, slow: Slow) -> Result<usize, RemoteError> {
    remote!(on, [slow], {
        here::data::<Runs>()?.0.fetch_add(1, Ordering::Relaxed);
        slow.0.len()
    })
    .timeout(Duration::from_millis(300))
    .await
}

#[actix_web::test]
async fn call_that_is_late_when_it_is_read_does_not_run() {
    let runs = Arc::<Runs>::default();
    let server = Listening::start(open().shared_data(Arc::clone(&runs)));
    let client = open().start();
    client.connect(server.url()).await.unwrap();
    let on = server.peer.id();
    for size in [2_000, 100_000] {
        for peer in [&client, &server.peer] {
            let error = peer.run(takes_slow(on, Slow(vec![0; size]))).await.unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::DeadlineExceeded);
        }
    }
    client.run(answer(on)).await.unwrap();
    assert_eq!(runs.0.load(Ordering::Relaxed), 0);
}
