//! Peers in several processes.

use std::time::Duration;

use distributed_scope::{
    Blocks, ErrorKind, Limits, Peer, PeerId, Ran, RemoteError, distributed, here, remote,
};

use crate::calls::demo;
use crate::process::Process;
use crate::support::{Listening, open};

pub(crate) const URL: &str = "DISTRIBUTED_SCOPE_TEST_URL";
pub(crate) const NAME: &str = "DISTRIBUTED_SCOPE_TEST_NAME";

fn start(name: &str, url: &str) -> Process {
    Process::start("processes::the_other_process", &[(URL, url), (NAME, name)])
}

/// Does nothing in an ordinary run: it is what the other process runs.
#[actix_web::test]
async fn the_other_process() {
    let (Ok(url), Ok(name)) = (std::env::var(URL), std::env::var(NAME)) else {
        return;
    };
    let peer = Peer::builder(PeerId::named(&name)).expose(Blocks::all()).start();
    peer.connect(url).await.unwrap();
    std::future::pending::<()>().await;
}

#[actix_web::test]
async fn the_demo_runs_across_two_processes() {
    let server = Listening::start(open());
    let name = format!("demo {}", server.peer.id());
    let _process = start(&name, &server.url());
    let result = server.peer.run(demo(PeerId::named(&name), server.peer.id())).await.unwrap();
    assert_eq!(result, (vec![42; 43], 44));
}

#[distributed]
async fn process_id(on: PeerId) -> Result<u32, RemoteError> {
    remote!(on, [], { std::process::id() }).await
}

#[actix_web::test]
async fn each_block_runs_in_the_process_of_its_peer() {
    let server = Listening::start(open());
    let names = [1, 2].map(|n| format!("worker {n} {}", server.peer.id()));
    let processes: Vec<_> = names.iter().map(|name| start(name, &server.url())).collect();
    for (name, process) in names.iter().zip(&processes) {
        assert_eq!(server.peer.run(process_id(PeerId::named(name))).await.unwrap(), process.id());
    }
    assert_eq!(server.peer.run(process_id(server.peer.id())).await.unwrap(), std::process::id());
}

#[actix_web::test]
async fn a_process_that_is_killed_ends_the_calls_that_it_ran() {
    #[distributed]
    async fn hang(on: PeerId, tell: PeerId) -> Result<(), RemoteError> {
        remote!(on, [tell], {
            remote!(tell, [], { here::data::<tokio::sync::Notify>()?.notify_one() }).await?;
            std::future::pending::<()>().await
        })
        .await
    }
    let running = std::sync::Arc::new(tokio::sync::Notify::new());
    // No peer will reconnect, so no session waits for one.
    let limits = Limits::default().with_resume_window(Duration::ZERO);
    let server = Listening::start(open().limits(limits).shared_data(running.clone()));
    let name = format!("victim {}", server.peer.id());
    let process = start(&name, &server.url());
    let (result, ()) =
        futures_util::join!(server.peer.run(hang(PeerId::named(&name), server.peer.id())), async {
            running.notified().await;
            drop(process);
        });
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::Disconnected, Ran::Maybe));
}
