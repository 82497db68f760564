//! A page as a peer, in a real browser.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

mod behind_nginx;
mod browser;
mod newer;
mod policy;
mod proxy;
#[path = "../../../proxies/proxy.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod real_proxy;
#[path = "../server/mod.rs"]
mod server;
mod waking;
mod workers;

use browser_tests::blocks;
use distributed_scope::{ErrorKind, PeerId, Ran};
use serde_json::json;

use browser::Browser;
use proxy::Proxy;
use server::{EXPECTED, Server, bundle_folder};

/// A browser whose page is a peer of this name, connected to the server through this port.
async fn connected(name: &str, port: u16) -> Browser {
    let browser = Browser::start().await;
    browser.open(port).await;
    browser.call("connect", &[name, &format!("ws://127.0.0.1:{port}/scope")]).await.unwrap();
    browser
}

#[actix_web::test]
async fn a_page_connects_and_is_told_who_is_there() {
    let server = Server::start(0);
    let browser = Browser::start().await;
    browser.open(server.port).await;
    let id = browser.call("connect", &["page", &server.url()]).await.unwrap();
    assert_eq!(id, server.peer.id().to_string());
    server.peer.connected(PeerId::named("page")).await;
    assert_eq!(browser.call("is_connected", &[]).await, Ok(json!(true)));
    browser.quit().await;
    server.peer.disconnected(PeerId::named("page")).await;
}

#[actix_web::test]
async fn a_page_runs_the_functions_that_programs_run_with_the_same_results() {
    let server = Server::start(0);
    let browser = connected("page", server.port).await;
    for (name, value) in EXPECTED {
        assert_eq!(browser.call("run", &[name]).await, Ok(json!(value)), "{name}");
    }
    browser.quit().await;
}

/// A page uploads a blob of any size with the same memory.
#[actix_web::test]
async fn page_uploads_a_blob() {
    let server = Server::start(0);
    let browser = connected("page", server.port).await;
    for size in [0, 100_000, 64 << 20] {
        let expected = format!("{size} bytes, right: true, memory: flat");
        assert_eq!(browser.call("upload", &[&size.to_string()]).await, Ok(json!(expected)));
    }
    browser.quit().await;
}

#[actix_web::test]
async fn the_page_of_the_original_shows_what_both_of_its_functions_return() {
    let server = Server::start(0);
    let browser = Browser::start().await;
    browser.open_seed(server.port).await;
    for (id, value) in [("demo", EXPECTED[0].1), ("lazy", EXPECTED[1].1)] {
        assert_eq!(
            browser.evaluate(&format!("return document.getElementById('{id}').textContent")).await,
            json!(value)
        );
    }
    browser.quit().await;
}

#[actix_web::test]
async fn the_server_calls_a_page_which_calls_the_server() {
    let server = Server::start(0);
    let browser = connected("page", server.port).await;
    let (us, page) = (server.peer.id(), PeerId::named("page"));
    assert_eq!(server.peer.run(blocks::back_and_forth(page, us, 6)).await.unwrap(), ">>>>>>");
    browser.quit().await;
}

#[actix_web::test]
async fn a_block_that_the_server_lacks_or_has_in_another_version_is_refused_and_named() {
    let server = Server::start(0);
    let browser = connected("page", server.port).await;
    let lacks = browser.call("run", &["only in pages"]).await.unwrap_err();
    assert!(lacks.contains("only_in_pages"), "{lacks}");
    let differs = browser.call("run", &["skewed"]).await.unwrap_err();
    assert!(differs.contains("skewed") && differs.contains("blocks.rs:"), "{differs}");
    browser.quit().await;
}

#[actix_web::test]
async fn a_call_whose_connection_is_cut_runs_once_and_the_page_gets_its_value() {
    let server = Server::start(0);
    let proxy = Proxy::to(server.port).await;
    let browser = connected("page", proxy.port).await;
    browser.begin("run", &["waits"]).await;
    server.gate.has_begun.notified().await;
    let page = PeerId::named("page");
    proxy.cut();
    server.peer.disconnected(page).await;
    // The block ends while there is no connection, or a new one.
    server.gate.open.notify_one();
    assert_eq!(browser.end().await, Ok(json!("ran 1 times")));
    assert_eq!(server.gate.begun(), 1);
    browser.quit().await;
}

#[actix_web::test]
async fn a_call_that_may_run_twice_survives_a_restart_of_the_server_under_the_page() {
    let server = Server::start(0);
    let browser = connected("page", server.port).await;
    browser.begin("run", &["waits, idempotent"]).await;
    server.gate.has_begun.notified().await;
    let port = server.port;
    server.stop().await;
    let server = Server::start(port);
    server.gate.has_begun.notified().await;
    server.gate.open.notify_one();
    assert_eq!(browser.end().await, Ok(json!("ran 1 times")), "on the new server, which knows of no other");
    browser.quit().await;
}

#[actix_web::test]
async fn a_call_that_may_not_run_twice_ends_when_its_server_is_restarted_and_the_page_comes_back() {
    let server = Server::start(0);
    let browser = connected("page", server.port).await;
    browser.begin("run", &["waits"]).await;
    server.gate.has_begun.notified().await;
    let port = server.port;
    server.stop().await;
    let server = Server::start(port);
    let error = browser.end().await.unwrap_err();
    assert!(error.contains("lost"), "{error}");
    server.peer.connected(PeerId::named("page")).await;
    assert_eq!(browser.call("run", &["demo"]).await, Ok(json!("([42; 43], 44)")));
    browser.quit().await;
}

#[actix_web::test]
async fn two_tabs_cannot_have_one_id_at_once() {
    let server = Server::start(0);
    let browser = connected("page", server.port).await;
    let first = browser.open_another(server.port).await;
    let error = browser.call("connect", &["page", &server.url()]).await.unwrap_err();
    assert!(error.contains("id"), "{error}");
    let second = browser.window().await;
    // The first one is as it was.
    browser.go_to(first).await;
    assert_eq!(browser.call("run", &["demo"]).await, Ok(json!("([42; 43], 44)")));
    browser.close_window().await;
    // And when it is closed, the id is free.
    server.peer.disconnected(PeerId::named("page")).await;
    browser.go_to(second).await;
    browser.call("connect", &["page", &server.url()]).await.unwrap();
    browser.quit().await;
}

#[actix_web::test]
async fn a_page_that_is_left_ends_the_calls_that_were_made_to_it() {
    let server = Server::start(0);
    let browser = connected("page", server.port).await;
    let page = PeerId::named("page");
    let waiting = server.peer.run(blocks::page_waits(page));
    let (ended, ()) = tokio::join!(waiting, async {
        assert_eq!(browser.call("run", &["demo"]).await, Ok(json!("([42; 43], 44)")));
        browser.evaluate("location.href = 'about:blank'").await;
    });
    let error = ended.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::Disconnected, Ran::Maybe));
    browser.quit().await;
}

#[actix_web::test]
async fn a_panic_in_a_page_ends_its_connection_and_the_calls_that_were_made_to_it() {
    let server = Server::start(0);
    let browser = connected("page", server.port).await;
    browser.evaluate("window.errors = []; console.error = (...text) => errors.push(text.join(' '))").await;
    let error = server.peer.run(blocks::page_panics(PeerId::named("page"))).await.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::Disconnected, Ran::Maybe));
    server.peer.disconnected(PeerId::named("page")).await;
    let errors = browser.evaluate("return errors.join()").await.to_string();
    assert!(errors.contains("on purpose"), "the console has what it says: {errors}");
    browser.quit().await;
}

/// A page has one thread, so a blocking block runs there in its turn, as every block does.
#[actix_web::test]
async fn blocking_block_runs_in_place_in_a_page() {
    let server = Server::start(0);
    let browser = connected("page", server.port).await;
    let (us, page) = (server.peer.id(), PeerId::named("page"));
    assert_eq!(server.peer.run(blocks::page_runs_in_order(page)).await.unwrap(), [1, 2, 3]);
    assert_eq!(server.peer.run(blocks::computes(page, us, 4)).await.unwrap(), "[10, 10]");
    browser.quit().await;
}

/// A panic in a page does not unwind, in a blocking block neither: it ends the page's connection.
#[actix_web::test]
async fn panic_of_blocking_block_ends_page() {
    let server = Server::start(0);
    let browser = connected("page", server.port).await;
    browser.evaluate("window.errors = []; console.error = (...text) => errors.push(text.join(' '))").await;
    let page = PeerId::named("page");
    let error = server.peer.run(blocks::page_panics_in_blocking(page)).await.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&ErrorKind::Disconnected, Ran::Maybe));
    let text = format!("{error:#}");
    assert!(text.contains("ended by the other side: the program has ended"), "{text}");
    server.peer.disconnected(page).await;
    let errors = browser.evaluate("return errors.join()").await.to_string();
    assert!(errors.contains("on purpose"), "the console has what it says: {errors}");
    browser.quit().await;
}

/// A page whose server speaks a newer version says that it has to be loaded again.
#[actix_web::test]
async fn page_of_newer_server_says_reload() {
    let server = Server::start(0);
    let browser = Browser::start().await;
    browser.open(server.port).await;
    let error = browser.call("connect", &["page", &newer::serve().await]).await.unwrap_err();
    assert!(
        error.ends_with("speaks version 2 of the protocol and this peer version 1: reload this page"),
        "{error}"
    );
    browser.quit().await;
}

#[test]
fn what_a_block_does_on_the_server_alone_is_not_in_the_bundle() {
    let bundle = std::fs::read(bundle_folder("browser-tests").join("browser_tests_bg.wasm"))
        .expect("`cargo xtask web build browser-tests` makes the bundle");
    let has = |text: &str| bundle.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("came back as they went"), "texts can be found at all");
    assert!(!has(blocks::SECRET) && !has("7f3a"));
}

/// A page of another version of the protocol sees the code and the reason of the close. A browser
/// would hide the answer to an upgrade that is refused.
#[actix_web::test]
async fn page_of_another_version_is_told_the_servers() {
    let server = Server::start(0);
    let browser = Browser::start().await;
    browser.open(server.port).await;
    let dial = format!(
        "window.running = new Promise(done => {{
            const socket = new WebSocket('{}', ['distributed-scope.v2', 'bearer.YWJj']);
            socket.onclose = event => done([event.code, event.reason, event.wasClean]);
        }})",
        server.url()
    );
    browser.evaluate(&dial).await;
    let closed = browser.end().await.unwrap();
    assert_eq!((&closed[0], &closed[2]), (&json!(4505), &json!(true)), "{closed}");
    let reason = closed[1].as_str().unwrap();
    assert!(reason.starts_with("distributed-scope.v1 ") && reason.contains("reload the page"), "{reason}");
    browser.quit().await;
}
