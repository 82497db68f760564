//! A peer that serves, or one that calls every function on it and prints how each call ended.

use std::io::{self, Read, Write};

use actix_web::{App, HttpServer};
use distributed_scope::{Blocks, Peer, PeerId, RemoteError, on_connect};
use tracing_subscriber::EnvFilter;

use crate::app::{self, Account, Money, Order, State};

pub(crate) fn main() -> io::Result<()> {
    let filter = EnvFilter::from_default_env();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false).init();
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next();
    actix_web::rt::System::new().block_on(async {
        match url {
            None => serve().await,
            Some(url) => call(url).await,
        }
    })
}

fn say(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}

/// Serves until its standard input is closed.
async fn serve() -> io::Result<()> {
    let peer = Peer::builder(PeerId::named("server")).expose(Blocks::all()).start();
    let server = HttpServer::new(move || App::new().service(peer.service("/scope")))
        .on_connect(on_connect)
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))?;
    say(&format!("ws://{}/scope", server.addrs()[0]))?;
    let running = server.run();
    let handle = running.handle();
    actix_web::rt::spawn(running);
    let closed = actix_web::rt::task::spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new()));
    // Whether it was closed or cannot be read, this process is no longer needed.
    let _ = closed.await;
    handle.stop(false).await;
    Ok(())
}

async fn call(url: String) -> io::Result<()> {
    let peer = Peer::builder(PeerId::named("client")).start();
    let on = peer.connect(url).await.map_err(io::Error::other)?;
    let results = peer
        .run(async {
            [
                ("body", ended(app::body(on).await)),
                ("inserted", ended(app::inserted(on).await)),
                ("capture type", ended(app::capture_type(on).await)),
                ("field", ended(app::field(on, order()).await)),
                ("variant", ended(app::variant(on, State::Open).await)),
                ("result", ended(app::result(on).await.map(drop))),
                ("renamed", ended(app::call_renamed(on).await)),
                ("harmless", ended(app::steady::harmless(on, 2).await)),
                ("left out", ended(app::blocks::left_out(on, 1).await)),
                ("conditional body", ended(app::blocks::conditional_body(on, 1).await)),
                ("inserted twin", ended(app::blocks::inserted_twin(on).await)),
                ("swapped", ended(app::blocks::swapped(on).await)),
                ("swapped types", ended(app::blocks::swapped_types(on).await)),
                ("alike", ended(app::blocks::alike(on).await)),
                ("exact body", ended(app::blocks::exact_body(on).await)),
                ("exact function", ended(app::blocks::exact_function(on).await)),
                ("capture name", ended(app::blocks::capture_name(on).await)),
                ("field name", ended(app::data::field_name(on).await)),
                ("grown", ended(app::data::grown(on).await)),
                ("grown unmarked", ended(app::data::grown_unmarked(on).await)),
                ("evolved type", ended(app::data::evolved_type(on).await)),
                ("named body", ended(app::named_body(on).await)),
                ("named interface", ended(app::named_interface(on).await)),
            ]
        })
        .await;
    for (case, end) in results {
        say(&format!("{case}: {end}"))?;
    }
    say(&format!("ran there: {}", ended(peer.run(app::ran(on)).await)))?;
    for skew in peer.skew(on) {
        say(&format!("skew: {skew}"))?;
    }
    Ok(())
}

fn ended<T: std::fmt::Debug>(result: Result<T, RemoteError>) -> String {
    match result {
        Ok(value) => format!("ran, {value:?}"),
        Err(error) => format!("{:?}, {error}", error.ran()),
    }
}

fn order() -> Order {
    Order { account: Some(Account { balance: vec![Money::default()] }) }
}
