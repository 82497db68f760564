//! Pages that wake up, or are shown again.

use std::future::Future;
use std::time::Duration;

use distributed_scope::PeerId;
use serde_json::json;

use crate::connected;
use crate::proxy::Proxy;
use crate::server::Server;

/// Less than the 30 s after which a silent connection is dropped, and much more than what is waited for here takes.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    actix_web::rt::time::timeout(Duration::from_secs(20), future).await.expect("it takes as long as silence")
}

/// A connection that died while nobody looked is replaced when the page wakes up, and not after the whole span of silence.
#[actix_web::test]
async fn waking_page_replaces_dead_connection() {
    let server = Server::start(0);
    let proxy = Proxy::to(server.port).await;
    let browser = connected("page", proxy.port).await;
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

/// A page that comes back out of the browser's cache has its calls answered from the first moment on.
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
