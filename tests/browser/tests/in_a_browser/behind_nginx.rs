//! A page behind nginx, configured as the guide says, with TLS and HTTP/2 in front.

use std::fs;

use serde_json::json;

use crate::browser::Browser;
use crate::real_proxy::{Proxy, folder, free_port, nginx, replaced, snippet};
use crate::server::Server;

const HOST: &str = "app.example.com";

/// nginx of the guide in front of this server, which has the page, too.
fn behind(server: &Server) -> Proxy {
    let (folder, port) = (folder(), free_port());
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed([HOST.to_owned()]).unwrap();
    fs::write(folder.join("page.crt"), cert.pem()).unwrap();
    fs::write(folder.join("page.key"), signing_key.serialize_pem()).unwrap();
    let to = format!("127.0.0.1:{}", server.port);
    let http = replaced(
        snippet("nginx.conf"),
        &[
            ("listen 443 ssl http2", &format!("listen 127.0.0.1:{port} ssl http2")),
            ("/etc/ssl/app.example.com", &folder.join("page").display().to_string()),
            ("127.0.0.1:8080", &to),
            ("location /scope {", &format!("location / {{\nproxy_pass http://{to};\n}}\nlocation /scope {{")),
        ],
    );
    nginx(folder, port, &http)
}

/// What takes the certificate of a test for that of a host that is not there.
const ARGUMENTS: [&str; 2] =
    ["--ignore-certificate-errors", "--host-resolver-rules=MAP app.example.com 127.0.0.1"];

/// A page that was loaded over TLS may not connect without TLS, and the error says what to write.
#[actix_web::test]
#[ignore = "needs nginx, which `cargo xtask test` installs"]
async fn unencrypted_url_in_page_over_tls_names_wss() {
    let server = Server::start(0);
    let proxy = behind(&server);
    let browser = Browser::start_with(&ARGUMENTS).await;
    browser.open_url(&format!("https://{HOST}:{}/", proxy.port)).await;
    let error =
        browser.call("connect", &["page", &format!("ws://{HOST}:{}/scope", proxy.port)]).await.unwrap_err();
    assert!(error.ends_with("write `wss://`"), "{error}");
    browser.quit().await;
}

/// The page is loaded over HTTP/2, and its WebSocket connects. A random id has to be admitted, and
/// the error says which line does that.
#[actix_web::test]
#[ignore = "needs nginx, which `cargo xtask test` installs"]
async fn page_behind_nginx_of_the_guide_connects() {
    let browser = Browser::start_with(&ARGUMENTS).await;
    let closed = Server::start(0);
    let proxy = behind(&closed);
    let page = |proxy: &Proxy| format!("https://{HOST}:{}/", proxy.port);
    let scope = |proxy: &Proxy| format!("wss://{HOST}:{}/scope", proxy.port);
    browser.open_url(&page(&proxy)).await;
    let protocol =
        browser.evaluate("return performance.getEntriesByType('navigation')[0].nextHopProtocol").await;
    assert_eq!(protocol, json!("h2"));
    let error = browser.call("connect", &["page", &scope(&proxy)]).await.unwrap_err();
    assert!(error.contains("`.allow_first_come()`"), "{error}");

    let open = Server::start_with(0, |builder| builder.allow_first_come());
    let proxy = behind(&open);
    browser.open_url(&page(&proxy)).await;
    browser.call("connect", &["page", &scope(&proxy)]).await.unwrap();
    assert_eq!(browser.call("run", &["demo"]).await, Ok(json!("([42; 43], 44)")));
    browser.quit().await;
}
