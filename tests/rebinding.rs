//! When a peer starts that admits peers from other machines without a credential, a warning asks
//! for the names under which it is reached.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use std::fmt::{self, Write as _};
use std::sync::Mutex;

use actix_web::{App, HttpServer};
use distributed_scope::{Builder, Peer, PeerId, on_connect};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

static WARNINGS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps the warnings.
struct Keep;

impl<S: tracing::Subscriber> Layer<S> for Keep {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == tracing::Level::WARN {
            let mut text = String::new();
            event.record(&mut |field: &tracing::field::Field, value: &dyn fmt::Debug| {
                write!(text, "{field}={value:?} ").unwrap();
            });
            WARNINGS.lock().unwrap().push(text);
        }
    }
}

/// How many warnings ask for names while this peer starts to listen at this address, with two
/// workers.
async fn warnings(address: &str, builder: Builder) -> usize {
    WARNINGS.lock().unwrap().clear();
    let peer = builder.start();
    let server = HttpServer::new(move || App::new().service(peer.service("/scope")))
        .on_connect(on_connect)
        .workers(2)
        .disable_signals()
        .bind((address, 0))
        .unwrap();
    let port = server.addrs()[0].port();
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    // It answers, so both workers have their apps.
    let request = awc::Client::new().get(format!("http://127.0.0.1:{port}/scope")).send().await;
    assert_eq!(request.unwrap().status(), 400);
    handle.stop(true).await;
    WARNINGS.lock().unwrap().iter().filter(|text| text.contains("allow_host")).count()
}

#[actix_web::test]
async fn open_peer_asks_for_its_names() {
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Keep)).unwrap();
    let peer = || Peer::builder(PeerId::random());
    assert_eq!(warnings("0.0.0.0", peer().allow_first_come()).await, 1);
    assert_eq!(warnings("0.0.0.0", peer().allow_first_come().allow_host("app.example.com")).await, 0);
    assert_eq!(warnings("127.0.0.1", peer().allow_first_come()).await, 0);
    assert_eq!(warnings("0.0.0.0", peer()).await, 0);
}
