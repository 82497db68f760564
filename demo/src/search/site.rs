//! The site: two pages, the bundle that both load, and the peer in the same server.

use std::net::SocketAddr;
use std::path::PathBuf;

use actix_web::dev::ServerHandle;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ContentEncoding};
use actix_web::{App, HttpResponse, HttpServer, rt, web};
use anyhow::{Context, bail};
use distributed_scope::{Peer, on_connect};

/// How many threads serve it. A search has threads of its own.
const WORKERS: usize = 2;

/// Where they are, what they are, and what is in them.
const FILES: [(&str, &str, &str); 6] = [
    ("/", "text/html; charset=utf-8", include_str!("../../browser/pages/search.html")),
    ("/board", "text/html; charset=utf-8", include_str!("../../browser/pages/board.html")),
    ("/style.css", "text/css; charset=utf-8", include_str!("../../browser/pages/style.css")),
    ("/board.css", "text/css; charset=utf-8", include_str!("../../browser/pages/board.css")),
    ("/icon.svg", "image/svg+xml", include_str!("../../browser/pages/icon.svg")),
    ("/start.js", "text/javascript; charset=utf-8", include_str!("../../browser/pages/start.js")),
];

/// What the pages may do, which is no more than they need; `docs/browsers.md` has the same for any
/// page.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; style-src 'self'; img-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

pub(super) struct Site {
    pub(super) url: String,
    handle: ServerHandle,
}

impl Site {
    pub(super) fn start(peer: Peer, address: SocketAddr, bundle: PathBuf) -> anyhow::Result<Self> {
        let bundle = web::Data::new(bundle);
        let server = HttpServer::new(move || {
            let app = FILES.iter().fold(App::new(), |app, (path, kind, content)| {
                app.route(path, web::get().to(async || text(kind, content)))
            });
            app.app_data(bundle.clone())
                .route(
                    "/bundle/demo_browser.js",
                    web::get().to(|bundle| file(bundle, "demo_browser.js", "text/javascript")),
                )
                .route(
                    "/bundle/demo_browser_bg.wasm",
                    web::get().to(|bundle| file(bundle, "demo_browser_bg.wasm", "application/wasm")),
                )
                .service(peer.service("/scope"))
        })
        .on_connect(on_connect)
        .workers(WORKERS)
        .shutdown_timeout(1)
        // Signals are for the program as a whole; see `interrupt`.
        .disable_signals()
        .bind(address)
        .with_context(|| format!("cannot listen on {address}"))?;
        let Some(address) = server.addrs().first().copied() else {
            bail!("listens nowhere");
        };
        let running = server.run();
        let handle = running.handle();
        rt::spawn(running);
        Ok(Self { url: format!("http://{address}/"), handle })
    }

    pub(super) async fn stop(self) {
        self.handle.stop(true).await;
    }
}

fn text(kind: &'static str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).insert_header((CONTENT_SECURITY_POLICY, POLICY)).body(text)
}

/// A file of the bundle, as `cargo xtask web` has compressed it. Every browser that has
/// WebAssembly takes that.
async fn file(bundle: web::Data<PathBuf>, name: &'static str, kind: &'static str) -> HttpResponse {
    match web::block(move || std::fs::read(bundle.join(format!("{name}.gz")))).await {
        Ok(Ok(bytes)) => HttpResponse::Ok()
            .content_type(kind)
            .insert_header((CONTENT_ENCODING, ContentEncoding::Gzip.as_str()))
            // It changes with every build.
            .insert_header((CACHE_CONTROL, "no-cache"))
            .body(bytes),
        Ok(Err(error)) => HttpResponse::NotFound().body(error.to_string()),
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}
