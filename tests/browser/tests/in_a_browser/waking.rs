//! Pages that wake up, or are shown again.

use std::future::Future;
use std::time::Duration;

use actix_web::rt::time::timeout;
use distributed_scope::{Limits, PeerId};
use serde_json::json;

use crate::browser::Browser;
use crate::connected;
use crate::proxy::Proxy;
use crate::server::Server;

/// The span of silence, in milliseconds, after which these pages drop a connection.
const LONG_SILENCE: &str = "120000";

/// Less than [`LONG_SILENCE`], and much more than what is waited for here takes.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(90), future).await.expect("it takes as long as silence")
}

/// A page that is connected, and considers a connection alive for [`LONG_SILENCE`].
async fn patient(port: u16) -> Browser {
    let browser = Browser::start().await;
    browser.open(port).await;
    let url = format!("ws://127.0.0.1:{port}/scope");
    browser.call("connect", &["page", &url, LONG_SILENCE]).await.unwrap();
    browser
}

/// A connection that died while the page was hidden is replaced when the page wakes up, and not
/// only after the silence timeout.
#[actix_web::test]
async fn waking_page_replaces_dead_connection() {
    let server = Server::start(0);
    let proxy = Proxy::to(server.port).await;
    let browser = patient(proxy.port).await;
    for event in [
        "window.dispatchEvent(new Event('online'))",
        "window.dispatchEvent(new Event('pageshow'))",
        "document.dispatchEvent(new Event('visibilitychange'))",
    ] {
        let before = proxy.connections();
        proxy.silence();
        browser.evaluate(event).await;
        soon(proxy.until_connections(before + 1)).await;
        assert_eq!(browser.call("run", &["demo"]).await, Ok(json!("([42; 43], 44)")), "{event}");
    }
    browser.quit().await;
}

/// An attempt to connect that hangs when the page wakes up is given up soon, and made anew. The
/// network that it was made on may be gone.
#[actix_web::test]
async fn waking_page_replaces_hanging_attempt() {
    let server = Server::start(0);
    let proxy = Proxy::to(server.port).await;
    let url = format!("ws://127.0.0.1:{}/scope", proxy.port);
    let browser = Browser::start().await;
    browser.open(proxy.port).await;
    // An attempt by itself lasts for ten minutes.
    browser.call("connect", &["page", &url, LONG_SILENCE, "600000"]).await.unwrap();
    let before = proxy.connections();
    proxy.deafen(true);
    proxy.cut();
    proxy.until_connections(before + 1).await;
    proxy.deafen(false);
    browser.evaluate("window.dispatchEvent(new Event('online'))").await;
    soon(proxy.until_connections(before + 2)).await;
    assert_eq!(browser.call("run", &["demo"]).await, Ok(json!("([42; 43], 44)")));
    browser.quit().await;
}

/// A page that comes back out of the browser's cache has its calls answered from the first moment
/// on.
#[actix_web::test]
async fn call_in_pageshow_waits_for_the_connection() {
    let server = Server::start(0);
    let browser = connected("page", server.port).await;
    let page = PeerId::named("page");
    let shown = "addEventListener('pageshow', event => {
        window.isKept = event.persisted;
        window.running = page.run('demo');
    })";
    browser.evaluate(shown).await;
    browser.leave("about:blank").await;
    server.peer.disconnected(page).await;
    browser.back().await;
    assert_eq!(browser.evaluate("return window.isKept").await, json!(true), "the browser has kept the page");
    assert_eq!(browser.end().await, Ok(json!("([42; 43], 44)")));
    soon(server.peer.connected(page)).await;
    browser.quit().await;
}

/// What a browser does to the timers of a hidden page, and more: they never fire.
const HIDDEN: &str = "window.setTimeout = () => 0;
    Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' })";

const SILENCE: Duration = Duration::from_secs(4);

/// A hidden page keeps its connection for longer than silence, and the first attempt after a loss
/// needs no timer.
#[actix_web::test]
async fn hidden_page_keeps_its_session() {
    let limits = Limits::default().with_idle_timeout(SILENCE);
    let server = Server::start_with(0, |builder| builder.limits(limits));
    let proxy = Proxy::to(server.port).await;
    let (url, silence) = (format!("ws://127.0.0.1:{}/scope", proxy.port), SILENCE.as_millis().to_string());
    let browser = Browser::start().await;
    browser.open(proxy.port).await;
    browser.call("connect", &["page", &url, &silence]).await.unwrap();
    browser.evaluate(HIDDEN).await;
    browser.begin("run", &["waits"]).await;
    server.gate.has_begun.notified().await;
    // What passes here is the time that the connection has to last.
    let page = PeerId::named("page");
    let lost = timeout(3 * SILENCE, server.peer.disconnected(page)).await;
    assert!(lost.is_err(), "the page was taken for dead");
    server.gate.open.notify_one();
    assert_eq!(browser.end().await, Ok(json!("ran 1 times")));

    proxy.cut();
    server.peer.disconnected(page).await;
    soon(server.peer.connected(page)).await;
    browser.quit().await;
}
