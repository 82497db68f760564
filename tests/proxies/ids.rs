//! Which peer ids can be used through a proxy.

use distributed_scope::{KeyPair, Peer};

use crate::log;
use crate::peers::{Listening, open};
use crate::proxy::{Proxy, folder, free_port, nginx};

fn behind(server: &Listening) -> Proxy {
    let port = free_port();
    let http = format!(
        "server {{\nlisten 127.0.0.1:{port};\nlocation / {{\nproxy_pass http://{};\nproxy_http_version 1.1;\n\
         proxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection \"upgrade\";\n\
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n}}\n}}",
        server.address
    );
    nginx(folder(), port, &http)
}

/// A random id cannot be proved through a proxy, and both sides name the line that admits it. A
/// key needs no such line.
#[actix_web::test]
#[ignore = "needs nginx, which `cargo xtask test` installs"]
async fn random_id_is_told_line_to_write() {
    let server = Listening::start(open());
    let proxy = behind(&server);
    let url = format!("ws://{}/scope", proxy.address());
    let error = open().start().connect(url.clone()).await.unwrap_err();
    let reason = std::error::Error::source(&error).unwrap().to_string();
    assert!(reason.contains("`.allow_first_come()`") && reason.contains("KeyPair"), "{reason}");
    assert!(log::has(&["session refused", "`.allow_first_come()`"]));
    let keyed = Peer::builder(KeyPair::generate()).start();
    assert_eq!(keyed.connect(url).await.unwrap(), server.peer.id());

    let server = Listening::start(open().allow_first_come());
    let proxy = behind(&server);
    let connected = open().start().connect(format!("ws://{}/scope", proxy.address())).await;
    assert_eq!(connected.unwrap(), server.peer.id());
}
