//! Cancellation: a call that is dropped stops its block, and the calls that the block has made.
//!
//! Dropping a call is how it is cancelled: by `select!`, by a timeout, or because the task that
//! waits for it ends. Nothing has to be registered. A block that must run to its end is called
//! with `.detach()`.
//!
//! ```sh
//! cargo run --example cancel
//! ```

#![allow(clippy::print_stdout, reason = "to show what happens is what an example is for")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::time::timeout;
use actix_web::{App, HttpServer};
use distributed_scope::{Blocks, Peer, PeerId, RemoteError, distributed, here, on_connect, remote};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Reports when a block begins and when it is dropped.
struct Work(&'static str, Arc<UnboundedSender<String>>);

impl Work {
    fn begin(name: &'static str) -> anyhow::Result<Self> {
        let report = here::data::<UnboundedSender<String>>()?;
        report.send(format!("{name} works"))?;
        Ok(Self(name, report))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // The program may have ended.
        let _ = self.1.send(format!("{} has stopped", self.0));
    }
}

/// Works on both servers, for as long as a caller waits.
#[distributed]
async fn work(first: PeerId, second: PeerId) -> Result<(), RemoteError> {
    remote!(first, [second], {
        let _work = Work::begin("the first server")?;
        remote!(second, [], {
            let _work = Work::begin("the second server")?;
            std::future::pending::<()>().await
        })
        .without_timeout()
        .await?
    })
    .without_timeout()
    .await
}

fn serve(peer: &Peer) -> std::io::Result<SocketAddr> {
    let served = peer.clone();
    let http = HttpServer::new(move || App::new().service(served.service("/scope")))
        .on_connect(on_connect)
        .workers(1)
        .bind(("127.0.0.1", 0))?;
    let address = http.addrs()[0];
    actix_web::rt::spawn(http.run());
    Ok(address)
}

/// Calls both servers, gives up when both work, and returns what they report.
async fn give_up() -> anyhow::Result<Vec<String>> {
    let (report, mut reports): (_, UnboundedReceiver<String>) = unbounded_channel();
    let start = || Peer::builder(PeerId::random()).data(report.clone()).expose(Blocks::all()).start();
    let [first, second, client] = [start(), start(), start()];
    first.connect(format!("ws://{}/scope", serve(&second)?)).await?;
    client.connect(format!("ws://{}/scope", serve(&first)?)).await?;

    let call = client.run(work(first.id(), second.id()));
    let mut seen = Vec::new();
    let both_work = async {
        for _ in 0..2 {
            seen.extend(reports.recv().await);
        }
    };
    tokio::select! {
        result = call => println!("the work has ended: {result:?}"),
        () = both_work => println!("the client has waited long enough"), // which drops the call
    }
    for _ in 0..2 {
        seen.extend(timeout(Duration::from_secs(60), reports.recv()).await?);
    }
    Ok(seen)
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    give_up().await?.iter().for_each(|line| println!("{line}"));
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

    use super::*;

    #[actix_web::test]
    async fn dropped_call_stops_both_servers() {
        let mut seen = give_up().await.unwrap();
        assert_eq!(seen[..2], ["the first server works", "the second server works"]);
        seen[2..].sort();
        assert_eq!(seen[2..], ["the first server has stopped", "the second server has stopped"]);
    }
}
