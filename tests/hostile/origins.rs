//! Web pages that try to use a server with their visitor's permissions.

use distributed_scope::Endpoint;

use crate::honest::attack_on;
use crate::raw::upgrade;
use crate::support::open;

const OURS: &str = "distributed-scope.v1";

#[actix_web::test]
async fn web_pages_of_other_origins_are_turned_away_before_the_upgrade() {
    let server = open().allow_origin("https://app.example.com");
    attack_on("Origins", server, Endpoint::new, |target, scripts| {
        let address = &target.address;
        let from = |origin: &str| upgrade(address, OURS, &[("Origin", origin)]).status;
        let (same, port) = (format!("http://{address}"), address.rsplit_once(':').unwrap().1);
        for good in [&same, "https://app.example.com", "https://APP.example.com:443"] {
            assert_eq!(from(good), 101, "{good}");
        }
        assert_eq!(upgrade(address, OURS, &[]).status, 101, "no browser");

        let mut refused = |script, origin: &str| scripts.refused(script, from(origin).to_string());
        refused("`https://evil.com`", "https://evil.com");
        refused("`null`, as a sandboxed frame has it", "null");
        refused("a listed one as the beginning of another", "https://app.example.com.evil.com");
        refused("a listed one as the end of another", "https://evilapp.example.com");
        refused("a listed one by another scheme", "http://app.example.com");
        refused("a listed one at another port", "https://app.example.com:444");
        refused("the server's own, without its port", "http://127.0.0.1");
        refused("the server's own as the beginning of another", "http://127.0.0.1.evil.com");
        refused("the same, with the port", &format!("http://127.0.0.1.evil.com:{port}"));
        refused("the server's own by another name of this machine", &format!("http://localhost:{port}"));
        refused("the server's own with a path", &format!("{same}/"));
        refused("the server's own twice in a header", &format!("{same}, {same}"));
        refused("the server's own behind a user's name", &format!("http://evil.com@127.0.0.1:{port}"));
        refused("nothing, in a header that is there", "");
        let rebound = upgrade(address, OURS, &[("Host", "evil.com"), ("Origin", "http://evil.com")]);
        scripts.refused("a page that gave its own name to this machine", rebound.status.to_string());
        let two = upgrade(address, OURS, &[("Origin", &same), ("Origin", "https://evil.com")]);
        scripts.refused("two headers, of which one is good", two.status.to_string());
    })
    .await;
}

/// DNS rebinding: a page gave its own name to the address of a server that is reachable from other
/// machines. It has another origin if the names of the server are configured.
#[actix_web::test]
async fn rebound_page_is_turned_away() {
    let server = open().allow_first_come().allow_host("app.example.com");
    attack_on("Names of the server", server, Endpoint::new, |target, scripts| {
        let under = |host: &str| {
            let (origin, from) = (format!("http://{host}"), ("X-Forwarded-For", "192.0.2.1"));
            upgrade(&target.address, OURS, &[("Host", host), ("Origin", &origin), from]).status.to_string()
        };
        for good in ["app.example.com", "app.example.com:8080", "192.0.2.7"] {
            assert_eq!(under(good), "101", "{good}");
        }
        scripts.refused("a name that a page gave to the server's address", under("evil.example"));
        scripts.refused("one that begins as a good one", under("app.example.com.evil.example"));
        scripts.refused("one that ends as a good one", under("evil.app.example.com"));
    })
    .await;
}
