//! A lost connection, as seen by blocks and callers that do not wait for another one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use distributed_scope::{ErrorKind, Limits, PeerId, Ran, RemoteError, distributed, here, remote};
use futures_util::join;
use tokio::sync::Notify;

use crate::process::Process;
use crate::processes::{NAME, URL};
use crate::proxy::Proxy;
use crate::support::{Listening, open, pair};

/// Says that it runs, and never ends.
#[distributed]
async fn hang(on: PeerId, tell: PeerId) -> Result<(), RemoteError> {
    remote!(on, [tell], {
        remote!(tell, [], { here::data::<Notify>()?.notify_one() }).await?;
        std::future::pending::<()>().await
    })
    .without_resume()
    .without_timeout()
    .await
}

/// If a worker's process dies, such a call ends at once, though its session waits for the worker
/// to reconnect.
#[actix_web::test]
async fn bound_call_ends_with_connection() {
    let running = Arc::new(Notify::new());
    let server = Listening::start(open().shared_data(running.clone()));
    let name = format!("worker {}", server.peer.id());
    let worker = Process::start("processes::the_other_process", &[(URL, &server.url()), (NAME, &name)]);
    let (result, killed) = join!(server.peer.run(hang(PeerId::named(&name), server.peer.id())), async {
        running.notified().await;
        let killed = Instant::now();
        drop(worker);
        killed
    });
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::Disconnected, Ran::Maybe));
    assert!(killed.elapsed() < Limits::default().resume_window / 2, "{:?}", killed.elapsed());
}

/// The same for all calls of a block that declares it; its callers do not.
#[actix_web::test]
async fn calls_of_bound_block_end_with_connection() {
    #[distributed]
    async fn hang_bound(on: PeerId, tell: PeerId) -> Result<(), RemoteError> {
        remote!(
            on,
            [tell],
            #[block(without_resume)]
            {
                remote!(tell, [], { here::data::<Notify>()?.notify_one() }).await?;
                std::future::pending::<()>().await
            }
        )
        .without_timeout()
        .await
    }
    let running = Arc::new(Notify::new());
    let server = Listening::start(open().shared_data(running.clone()));
    let name = format!("bound worker {}", server.peer.id());
    let worker = Process::start("processes::the_other_process", &[(URL, &server.url()), (NAME, &name)]);
    let call = || server.peer.run(hang_bound(PeerId::named(&name), server.peer.id()));
    let (one, other, killed) = join!(call(), call(), async {
        running.notified().await;
        running.notified().await;
        let killed = Instant::now();
        drop(worker);
        killed
    });
    for error in [one, other].map(Result::unwrap_err) {
        assert_eq!((error.kind(), error.ran()), (&ErrorKind::Disconnected, Ran::Maybe));
    }
    assert!(killed.elapsed() < Limits::default().resume_window / 2, "{:?}", killed.elapsed());
}

/// Such a call is not kept for a peer whose connection is lost.
#[actix_web::test]
async fn bound_call_does_not_wait() {
    let server = Listening::start(open());
    let proxy = Proxy::start(server.address.clone()).await;
    let client = open().start();
    let on = client.connect(proxy.url()).await.unwrap();
    proxy.refuse(true);
    proxy.cut_now();
    client.disconnected(on).await;
    let error = client.run(hang(on, client.id())).await.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::Disconnected, Ran::Never));
}

/// A block learns when its caller is away and when it is back, and the caller receives its result.
#[actix_web::test]
async fn block_sees_its_caller_leave_and_return() {
    #[distributed]
    async fn watch(on: PeerId) -> Result<[bool; 4], RemoteError> {
        remote!(on, [], {
            let stages = here::data::<[Notify; 2]>()?;
            let before = here::caller_is_away();
            stages[0].notify_one();
            here::until_caller_is_away().await;
            let away = here::caller_is_away();
            stages[1].notify_one();
            let is_back = here::until_caller_is_back().await;
            [before, away, is_back, here::caller_is_away()]
        })
        .await
    }
    let stages = Arc::new([Notify::new(), Notify::new()]);
    let server = Listening::start(open().shared_data(stages.clone()));
    let proxy = Proxy::start(server.address.clone()).await;
    let client = open().start();
    let on = client.connect(proxy.url()).await.unwrap();
    let (seen, ()) = join!(client.run(watch(on)), async {
        stages[0].notified().await;
        proxy.refuse(true);
        proxy.cut_now();
        stages[1].notified().await;
        proxy.refuse(false);
    });
    assert_eq!(seen.unwrap(), [false, true, true, false]);
}

/// If its caller's session is over, a detached block does not wait for it in vain. A peer that
/// calls itself is never away.
#[actix_web::test]
async fn lost_caller_does_not_return() {
    #[distributed]
    async fn outlive(on: PeerId) -> Result<(), RemoteError> {
        remote!(on, [], {
            let (running, over) = (here::data::<Notify>()?, here::data::<tokio::sync::Semaphore>()?);
            running.notify_one();
            here::until_caller_is_away().await;
            if !here::until_caller_is_back().await {
                over.add_permits(1);
            }
        })
        .detach()
        .await
    }
    #[distributed]
    async fn alone(on: PeerId) -> Result<[bool; 2], RemoteError> {
        remote!(on, [], { [here::caller_is_away(), here::until_caller_is_back().await] }).await
    }
    let (running, over) = (Arc::new(Notify::new()), Arc::new(tokio::sync::Semaphore::new(0)));
    let limits = Limits::default().with_resume_window(Duration::from_millis(20));
    let server =
        Listening::start(open().limits(limits).shared_data(running.clone()).shared_data(over.clone()));
    let client = open().start();
    let on = client.connect(server.url()).await.unwrap();
    let (result, ()) = join!(client.run(outlive(on)), async {
        running.notified().await;
        client.stop().await;
    });
    assert_eq!(*result.unwrap_err().kind(), ErrorKind::Disconnected);
    drop(over.acquire().await.unwrap());
    let (server, _client) = pair().await;
    assert_eq!(server.peer.run(alone(server.peer.id())).await.unwrap(), [false, true]);
}
