//! The configurations of `docs/behind-a-proxy.md`, with the ports and files of a test.

use std::fs;
use std::path::Path;

use distributed_scope::tls;
use distributed_scope::{Endpoint, PeerId, RemoteError, distributed, here, remote};

use crate::authority::Authority;
use crate::peers::{Listening, open};
use crate::proxy::{Proxy, folder, free_port, nginx, replaced, snippet};

const HOST: &str = "app.example.com";

#[distributed]
async fn square(on: PeerId, number: u64) -> Result<(u64, PeerId), RemoteError> {
    remote!(on, [number], { (number * number, here::peer()) }).await
}

/// A peer, a proxy of the guide in front of it, and the authority of the proxy's certificate.
async fn works(run: impl FnOnce(&Path, &str, u16) -> Proxy) {
    let authority = Authority::new("authority");
    let server = Listening::start(open().allow_first_come());
    let folder = folder();
    let (chain, key) = authority.server(HOST);
    for (name, text) in [("crt", &chain), ("key", &key), ("pem", &format!("{chain}{key}"))] {
        fs::write(folder.join(format!("{HOST}.{name}")), text).unwrap();
    }
    let proxy = run(&folder, &server.address, free_port());
    let endpoint = Endpoint::new(format!("wss://{HOST}:{}/scope", proxy.port))
        .addresses([([127, 0, 0, 1], proxy.port).into()])
        .tls(tls::client(authority.roots(), None).unwrap());
    let client = open().start();
    // Traefik listens before it has read its configuration.
    let link = client.keep_connected(endpoint);
    assert_eq!(link.connected().await.unwrap(), server.peer.id());
    let squared = client.run(square(server.peer.id(), 12)).await.unwrap();
    assert_eq!(squared, (144, server.peer.id()));
    let squared = server.peer.run(square(client.id(), 12)).await.unwrap();
    assert_eq!(squared, (144, client.id()), "and the other way");
}

fn files(folder: &Path) -> String {
    folder.join(HOST).display().to_string()
}

#[actix_web::test]
#[ignore = "needs nginx, which `cargo xtask test` installs"]
async fn nginx_of_the_guide_works() {
    works(|folder, to, port| {
        let http = replaced(
            snippet("nginx.conf"),
            &[
                ("listen 443 ssl", &format!("listen 127.0.0.1:{port} ssl")),
                ("/etc/ssl/app.example.com", &files(folder)),
                ("127.0.0.1:8080", to),
            ],
        );
        nginx(folder.to_owned(), port, &http)
    })
    .await;
}

#[actix_web::test]
#[ignore = "needs Caddy, which `cargo xtask test` installs"]
async fn caddy_of_the_guide_works() {
    works(|folder, to, port| {
        let files = files(folder);
        // Not from an authority of the internet, and nothing beside.
        let site = format!(
            "{{\nadmin off\nauto_https off\n}}\nhttps://{HOST}:{port} {{\ntls {files}.crt {files}.key"
        );
        let config = replaced(snippet("Caddyfile"), &[("app.example.com {", &site), ("127.0.0.1:8080", to)]);
        fs::write(folder.join("Caddyfile"), config).unwrap();
        let config = folder.join("Caddyfile").display().to_string();
        Proxy::run(folder.to_owned(), port, "caddy", &["run", "--adapter", "caddyfile", "--config", &config])
    })
    .await;
}

#[actix_web::test]
#[ignore = "needs HAProxy, which `cargo xtask test` installs"]
async fn haproxy_of_the_guide_works() {
    works(|folder, to, port| {
        let config = replaced(
            snippet("haproxy.cfg"),
            &[
                ("bind :443", &format!("bind 127.0.0.1:{port}")),
                ("/etc/ssl/app.example.com", &files(folder)),
                ("127.0.0.1:8080", to),
            ],
        );
        fs::write(folder.join("haproxy.cfg"), config).unwrap();
        Proxy::run(folder.to_owned(), port, "haproxy", &["-db", "-f", "haproxy.cfg"])
    })
    .await;
}

#[actix_web::test]
#[ignore = "needs Traefik, which `cargo xtask test` gets"]
async fn traefik_of_the_guide_works() {
    works(|folder, to, port| {
        let files = files(folder);
        let certificate = format!(
            "tls:\n  certificates:\n    - certFile: {files}.crt\n      keyFile: {files}.key\nhttp:\n  routers:"
        );
        let config = replaced(
            snippet("traefik.yml"),
            &[("http:\n  routers:", &certificate), ("127.0.0.1:8080", to)],
        );
        // A `traefik.yml` in its folder would be its static configuration, which is here on the
        // command line.
        fs::write(folder.join("scope.yml"), config).unwrap();
        let listen = format!("--entryPoints.https.address=127.0.0.1:{port}");
        let arguments = [&listen, "--providers.file.filename=scope.yml", "--global.checkNewVersion=false"];
        let traefik = std::env::var("TRAEFIK").unwrap_or_else(|_| "traefik".to_owned());
        Proxy::run(folder.to_owned(), port, &traefik, &arguments)
    })
    .await;
}

/// What the guide shows is what these tests run.
#[test]
fn guide_shows_tested_files() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/behind-a-proxy.md");
    let guide = fs::read_to_string(guide).unwrap();
    for name in ["nginx.conf", "Caddyfile", "haproxy.cfg", "traefik.yml"] {
        assert!(guide.contains(&format!("\n{}```\n", snippet(name))), "{name}");
    }
}
