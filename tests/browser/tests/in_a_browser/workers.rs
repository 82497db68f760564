//! Peers in workers, dedicated and shared.

use distributed_scope::{ErrorKind, PeerId};
use serde_json::json;

use browser_tests::blocks;

use crate::browser::Browser;
use crate::server::Server;

const KINDS: [&str; 2] = ["of-worker", "of-worker#shared"];

/// A browser whose page has a worker that is a peer, connected to the server.
async fn connected(kind: &str, server: &Server) -> Browser {
    let browser = Browser::start().await;
    browser.open_at(server.port, kind).await;
    browser.call("connect", &["worker", &server.url()]).await.unwrap();
    browser
}

#[actix_web::test]
async fn calls_go_both_ways() {
    for kind in KINDS {
        let server = Server::start(0);
        let browser = connected(kind, &server).await;
        assert_eq!(browser.call("run", &["demo"]).await, Ok(json!("([42; 43], 44)")), "{kind}");
        assert_eq!(
            browser.call("run", &["megabyte"]).await,
            Ok(json!("1 came back as they went, 0 did not"))
        );
        let (us, worker) = (server.peer.id(), PeerId::named("worker"));
        let there_and_back = server.peer.run(blocks::back_and_forth(worker, us, 6)).await;
        assert_eq!(there_and_back.unwrap(), ">>>>>>", "{kind}");
        browser.quit().await;
    }
}

/// A panic ends the session, and the calls that were made to the worker with it.
#[actix_web::test]
async fn panic_ends_the_session() {
    for kind in KINDS {
        let server = Server::start(0);
        let browser = connected(kind, &server).await;
        let error = server.peer.run(blocks::page_panics(PeerId::named("worker"))).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Disconnected, "{kind}");
        server.peer.disconnected(PeerId::named("worker")).await;
        browser.quit().await;
    }
}

/// A worker that is ended from outside cannot say so; its connection is lost at once, and another
/// one may have its id.
#[actix_web::test]
async fn terminated_worker_is_disconnected() {
    let server = Server::start(0);
    let browser = connected(KINDS[0], &server).await;
    browser.evaluate("worker.terminate()").await;
    server.peer.disconnected(PeerId::named("worker")).await;
    browser.open_at(server.port, "of-worker?again").await;
    browser.call("connect", &["worker", &server.url()]).await.unwrap();
    assert_eq!(browser.call("run", &["demo"]).await, Ok(json!("([42; 43], 44)")));
    browser.quit().await;
}
