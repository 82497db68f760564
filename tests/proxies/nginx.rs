//! nginx, as Debian ships it and as its users configure it: each configuration works, or the
//! answer and the log name the line to write.

use distributed_scope::Endpoint;

use crate::log;
use crate::peers::{Listening, open};
use crate::proxy::{Proxy, folder, free_port, nginx};
use crate::raw::upgrade_at;

const OURS: &str = "distributed-scope.v1";

/// The two headers that nginx's own page on WebSockets has.
const UPGRADE: &str = "proxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection upgrade;\n";

const FOR: &str = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n";

/// nginx in front of a peer, at any free port, with these lines in its location.
fn behind(server: &Listening, location: &str, lines: &str) -> Proxy {
    behind_at(free_port(), server, location, lines)
}

fn behind_at(port: u16, server: &Listening, location: &str, lines: &str) -> Proxy {
    let to = if location.ends_with('/') { "/" } else { "" };
    let http = format!(
        "map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}\n\
         server {{\nlisten 127.0.0.1:{port};\nlocation {location} {{\nproxy_pass http://{}{to};\n\
         proxy_http_version 1.1;\n{lines}}}\n}}",
        server.address
    );
    nginx(folder(), port, &http)
}

/// What a page of the host in front is answered: the status, and the text.
async fn page(proxy: &Proxy, path: &'static str) -> (u16, String) {
    let host = format!("app.example.com:{}", proxy.port);
    let (origin, address) = (format!("http://{host}"), proxy.address());
    let asking = actix_web::rt::task::spawn_blocking(move || {
        let answer = upgrade_at(&address, path, OURS, &[("Host", &host), ("Origin", &origin)]);
        (answer.status, answer.body().to_owned())
    });
    asking.await.unwrap()
}

/// The text between backticks that begins with this.
fn line<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    text.split('`').skip(1).step_by(2).find(|part| part.starts_with(start))
}

/// The lines with another one in them, instead of the one that sets the same header.
fn with(lines: &str, line: &str) -> String {
    let name = line.split(' ').nth(1).unwrap();
    let others = lines.lines().filter(|other| other.split(' ').nth(1) != Some(name));
    others.chain([line]).map(|line| format!("{line}\n")).collect()
}

/// Adds to the configuration of nginx what the answers say until a page may connect; returns how
/// many lines that were.
async fn follow_advice(server: &Listening, lines: &str) -> usize {
    let mut lines = lines.to_owned();
    for count in 0..4 {
        let proxy = behind(server, "/scope", &lines);
        let (status, text) = page(&proxy, "/scope").await;
        if status == 101 {
            return count;
        }
        assert_eq!(status, 403, "{text}");
        let origin = format!("`Origin` is `http://app.example.com:{}`", proxy.port);
        assert!(text.contains(&origin) && text.contains("`Host` is "), "{text}");
        let quoted = text.replace('"', "\\\"");
        assert!(log::has(&["upgrade refused", &quoted]), "the log has the same: {text}");
        // The other side of the configuration.
        let allowed = line(&text, ".allow_origin(\"").and_then(|line| line.split('"').nth(1)).unwrap();
        let other = Listening::start(open().allow_origin(allowed));
        let port = proxy.port;
        drop(proxy);
        let proxy = behind_at(port, &other, "/scope", &lines);
        assert_eq!(page(&proxy, "/scope").await.0, 101, "{allowed}");
        lines = with(&lines, line(&text, "proxy_set_header ").unwrap());
    }
    panic!("no page may connect with {lines}");
}

/// Each of these is refused at first. The lines that the answers name make it work, one after the
/// other.
#[actix_web::test]
#[ignore = "needs nginx, which `cargo xtask test` installs"]
async fn advice_makes_each_form_work() {
    let server = Listening::start(open());
    let mapped = UPGRADE.replace("Connection upgrade", "Connection $connection_upgrade");
    let host = format!("{UPGRADE}proxy_set_header Host $host;\n");
    let http_host = format!("{UPGRADE}proxy_set_header Host $http_host;\n");
    let forwarded = format!("{UPGRADE}{FOR}proxy_set_header X-Forwarded-Host $host;\n");
    for (form, lines, needed) in [
        ("two upgrade headers", UPGRADE, 2),
        ("with the map of nginx's page", &mapped, 2),
        ("$host on another port", &host, 2),
        ("$http_host", &http_host, 1),
        ("X-Forwarded-Host with $host on another port", &forwarded, 1),
    ] {
        assert_eq!(follow_advice(&server, lines).await, needed, "{form}");
    }
}

/// The headers that most people copy for an app behind nginx are enough, whichever `Host` they
/// send.
#[actix_web::test]
#[ignore = "needs nginx, which `cargo xtask test` installs"]
async fn forwarded_headers_are_enough() {
    let server = Listening::start(open());
    let lines = format!(
        "{UPGRADE}{FOR}proxy_set_header X-Forwarded-Proto $scheme;\nproxy_set_header X-Forwarded-Host $http_host;\n"
    );
    assert_eq!(page(&behind(&server, "/scope", &lines), "/scope").await.0, 101);
}

/// Without the two headers no client connects, and each client's error says what nginx lacks.
#[actix_web::test]
#[ignore = "needs nginx, which `cargo xtask test` installs"]
async fn lost_upgrade_header_is_named() {
    let server = Listening::start(open());
    let proxy = behind(&server, "/scope", "");
    let error =
        open().start().connect(format!("ws://{}/scope", proxy.address())).await.unwrap_err().to_string();
    for line in UPGRADE.lines() {
        assert!(error.contains(line), "{error}");
    }
    assert!(log::has(&["upgrade refused", "proxy_set_header Upgrade $http_upgrade;"]));
}

/// A prefix that nginx removes matters only to the client; the error for a wrong path says that
/// the path may be wrong.
#[actix_web::test]
#[ignore = "needs nginx, which `cargo xtask test` installs"]
async fn path_prefix_is_for_the_client_alone() {
    let server = Listening::start(open().allow_first_come());
    let lines = format!("{UPGRADE}{FOR}proxy_set_header Host $http_host;\n");
    let proxy = behind(&server, "/app/", &lines);
    assert_eq!(page(&proxy, "/app/scope").await.0, 101);
    let connect = |path: &str| {
        let endpoint = Endpoint::new(format!("ws://{}{path}", proxy.address()));
        async { open().start().connect(endpoint).await }
    };
    assert_eq!(connect("/app/scope").await.unwrap(), server.peer.id());
    for wrong in ["/scope", "/app/other"] {
        let error = connect(wrong).await.unwrap_err().to_string();
        assert!(error.contains("404") && error.contains("peer.service(..)"), "{error}");
    }
}

/// A client that is cut repeatedly by a too short idle limit logs the reason. It takes three cuts.
#[actix_web::test]
#[ignore = "needs nginx, which `cargo xtask test` installs"]
async fn short_idle_limit_is_named() {
    let server = Listening::start(open().allow_first_come());
    let lines = format!("{UPGRADE}{FOR}proxy_read_timeout 2s;\n");
    let proxy = behind(&server, "/scope", &lines);
    let client = open().start();
    let remote = client.connect(format!("ws://{}/scope", proxy.address())).await.unwrap();
    let parts =
        [&*format!("remote={remote}"), "connections are cut when they are idle", "`Limits::idle_timeout`"];
    while !log::has(&parts) {
        client.disconnected(remote).await;
        client.connected(remote).await;
    }
}
