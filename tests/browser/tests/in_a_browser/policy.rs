//! Pages in which the browser forbids something: by their Content-Security-Policy, or because it
//! does not send a message.

use serde_json::json;

use crate::browser::Browser;
use crate::server::Server;

/// What `docs/browsers.md` shows, and a page needs.
const STRICT: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; require-trusted-types-for 'script'";

fn under(policy: &str) -> String {
    format!("under?policy={}", policy.replace(' ', "%20").replace(';', "%3B"))
}

/// A page under the policy of the guide connects and calls.
#[actix_web::test]
async fn strict_policy_is_enough() {
    let guide =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/browsers.md")).unwrap();
    assert!(guide.contains(STRICT), "the guide shows what is tested here");
    let server = Server::start(0);
    let browser = Browser::start().await;
    browser.open_at(server.port, &under(STRICT)).await;
    browser.call("connect", &["page", &server.url()]).await.unwrap();
    assert_eq!(browser.call("run", &["demo"]).await, Ok(json!("([42; 43], 44)")));
    assert_eq!(browser.call("run", &["back and forth"]).await, Ok(json!(">>>>>>>>")));
    browser.quit().await;
}

/// A policy that forbids the socket fails at once, and names itself. It took longer than a
/// handshake may before.
#[actix_web::test]
async fn forbidden_socket_names_the_policy() {
    let server = Server::start(0);
    let browser = Browser::start().await;
    // The bundle is loaded from there, and nothing else may be.
    let bundle = format!("http://127.0.0.1:{}/bundle/", server.port);
    let policy = format!("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src {bundle}");
    browser.open_at(server.port, &under(&policy)).await;
    let error = browser.call("connect", &["page", &server.url()]).await.unwrap_err();
    assert!(error.contains("Content-Security-Policy") && error.contains("`connect-src`"), "{error}");
    assert!(error.contains(&format!("connect-src {bundle}")), "{error}");
    browser.quit().await;
}

/// The start of the demo's pages, which cannot run their program, says which word of the policy is
/// missing.
#[actix_web::test]
async fn page_without_wasm_says_why() {
    let server = Server::start(0);
    let browser = Browser::start().await;
    let url = format!(
        "http://127.0.0.1:{}/{}&start=/start.js",
        server.port,
        under("default-src 'none'; script-src 'self'; connect-src 'self'")
    );
    browser.leave(&url).await;
    let said = browser.until("document.getElementById('connection').textContent").await;
    assert!(said.as_str().unwrap().contains("'wasm-unsafe-eval' in script-src"), "{said}");
    browser.quit().await;
}

/// A message that the browser does not send fails the connection at once, with the browser's own
/// words.
#[actix_web::test]
async fn refused_send_says_why() {
    let server = Server::start(0);
    let browser = Browser::start().await;
    browser.open(server.port).await;
    browser
        .evaluate("WebSocket.prototype.send = () => { throw new TypeError('the view must not be shared') }")
        .await;
    let error = browser.call("connect", &["page", &server.url()]).await.unwrap_err();
    assert!(error.contains("TypeError: the view must not be shared"), "{error}");
    browser.quit().await;
}
