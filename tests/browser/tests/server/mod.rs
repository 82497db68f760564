//! The server: a peer, and the page with its bundle.

use std::collections::HashMap;
use std::path::PathBuf;

use actix_web::dev::ServerHandle;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, ContentType};
use actix_web::{App, HttpResponse, HttpServer, web};
use browser_tests::blocks::Gate;
use distributed_scope::{Blocks, Builder, Peer, PeerId, on_connect};

/// What each function returns, wherever its client is.
pub(crate) const EXPECTED: [(&str, &str); 7] = [
    ("demo", "([42; 43], 44)"),
    ("lazy", "[(43, 44), (43, 44)]"),
    ("back and forth", ">>>>>>>>"),
    ("megabyte", "1 came back as they went, 0 did not"),
    ("too many megabytes", "12 came back as they went or were refused, 0 did not"),
    ("secret", "open: 36 bytes"),
    ("computes", "[500500, 500500]"),
];

const PAGE: &str = "<!doctype html><title>tests</title><script type=module>
    import init, * as page from './bundle/browser_tests.js';
    await init();
    window.page = page;
</script>";

/// A page whose policy is in its URL, and the script of it.
const UNDER_POLICY: &str =
    "<!doctype html><title>tests</title><p id=connection></p><script type=module src=/page.js></script>";
const SCRIPT: &str = "import init, * as page from './bundle/browser_tests.js';
    await init();
    window.page = page;";

/// The start of the demo's pages, of another bundle.
const START: &str = include_str!("../../../../demo/browser/pages/start.js");

/// A worker, dedicated or shared: runs the commands that it receives and reports their results.
const WORKER: &str = "import init, * as page from './bundle/browser_tests.js';
    const ready = init();
    const serve = port => port.onmessage = async ({ data: [id, name, ...rest] }) => {
        try {
            await ready;
            port.postMessage([id, 'ok', await page[name](...rest)]);
        } catch (error) {
            port.postMessage([id, 'error', String(error)]);
        }
    };
    if (globalThis.onconnect === undefined) serve(globalThis);
    else globalThis.onconnect = event => serve(event.ports[0]);";

/// A page that has what its worker does.
const OF_WORKER: &str = "<!doctype html><title>tests</title><script type=module>
    const isShared = location.hash === '#shared';
    window.worker = isShared ? new SharedWorker('/worker.js', { type: 'module' }) : new Worker('/worker.js', { type: 'module' });
    const port = isShared ? worker.port : worker;
    const open = new Map();
    port.onmessage = ({ data: [id, how, value] }) => {
        const [resolve, reject] = open.get(id);
        how === 'ok' ? resolve(value) : reject(value);
    };
    let last = 0;
    const call = name => (...rest) => new Promise((resolve, reject) => {
        open.set(++last, [resolve, reject]);
        port.postMessage([last, name, ...rest]);
    });
    window.page = { connect: call('connect'), run: call('run') };
</script>";

/// The original's page, which runs by itself.
const SEED: &str =
    "<!doctype html><title>seed</title><p id=status></p><p id=demo></p><p id=lazy></p><script type=module>
    import init from './bundle/demo_seed.js';
    await init();
</script>";

/// A server in this process, which ends when it is dropped.
pub(crate) struct Server {
    pub(crate) peer: Peer,
    #[allow(dead_code, reason = "not every test that shares this module waits")]
    pub(crate) gate: std::sync::Arc<Gate>,
    pub(crate) port: u16,
    http: ServerHandle,
}

impl Server {
    /// Starts it on this port, or on any free one for 0.
    pub(crate) fn start(port: u16) -> Self {
        Self::start_with(port, |builder| builder)
    }

    /// The same, of a peer with something else than usual.
    pub(crate) fn start_with(port: u16, change: impl FnOnce(Builder) -> Builder) -> Self {
        let gate = std::sync::Arc::new(Gate::default());
        let builder = Peer::builder(PeerId::named("server")).shared_data(gate.clone()).expose(Blocks::all());
        let peer = change(builder).start();
        let served = peer.clone();
        let http = HttpServer::new(move || {
            App::new()
                .route("/", web::get().to(async || html(PAGE)))
                .route("/under", web::get().to(under_policy))
                .route("/page.js", web::get().to(async || script(SCRIPT.to_owned())))
                .route(
                    "/start.js",
                    web::get().to(async || script(START.replace("demo_browser", "browser_tests"))),
                )
                .route("/of-worker", web::get().to(async || html(OF_WORKER)))
                .route("/worker.js", web::get().to(async || script(WORKER.to_owned())))
                .route("/seed", web::get().to(async || html(SEED)))
                .route("/bundle/{file}", web::get().to(bundle))
                .service(served.service("/scope"))
        })
        .on_connect(on_connect)
        .workers(1)
        .shutdown_timeout(1)
        .disable_signals()
        .bind(("127.0.0.1", port))
        .expect("the port is free");
        let port = http.addrs()[0].port();
        let running = http.run();
        let http = running.handle();
        actix_web::rt::spawn(running);
        Self { peer, gate, port, http }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/scope", self.port)
    }

    /// Ends the peer and the server, as a program does that is restarted.
    #[allow(dead_code, reason = "not every test that shares this module restarts it")]
    pub(crate) async fn stop(self) {
        self.peer.stop().await;
        self.http.stop(true).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let stop = self.http.stop(false);
        actix_web::rt::spawn(stop);
    }
}

fn html(page: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::html()).body(page)
}

fn script(text: String) -> HttpResponse {
    HttpResponse::Ok().content_type("text/javascript").body(text)
}

/// A page under a policy, started by another script than usual if the URL names one.
async fn under_policy(query: web::Query<HashMap<String, String>>) -> HttpResponse {
    let page = match query.get("start") {
        Some(script) => UNDER_POLICY.replace("/page.js", script),
        None => UNDER_POLICY.to_owned(),
    };
    HttpResponse::Ok()
        .content_type(ContentType::html())
        .insert_header((CONTENT_SECURITY_POLICY, query["policy"].clone()))
        .body(page)
}

/// Where `cargo xtask web build` puts the bundle of a package.
pub(crate) fn bundle_folder(package: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
    target.join("web").join(package)
}

async fn bundle(file: web::Path<String>) -> HttpResponse {
    let kind = if file.ends_with(".js") { "text/javascript" } else { "application/wasm" };
    let package = if file.starts_with("demo_seed") { "demo-seed" } else { "browser-tests" };
    match std::fs::read(bundle_folder(package).join(file.as_str())) {
        Ok(bytes) => HttpResponse::Ok().content_type(kind).body(bytes),
        Err(error) => HttpResponse::NotFound().body(error.to_string()),
    }
}
