//! Search as you type: each letter sends a query, and only the answer to the last one is needed.
//!
//! A typical web tutorial has a handler with a query string, and a client that discards late
//! answers after the server has computed them. Here the query is a call, and dropping it cancels
//! it: the server stops in the middle.
//!
//! ```sh
//! cargo run --example search
//! ```

#![allow(clippy::print_stdout, reason = "to show what happens is what an example is for")]

mod index;

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::{App, HttpServer};
use distributed_scope::{Blocks, Peer, PeerId, RemoteError, distributed, here, on_connect, remote};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::watch;

use crate::index::{Hit, Index};

/// The data of the server's blocks.
struct Library {
    index: Index,
    /// A query of one or two letters matches half of the library, and more letters will follow:
    /// it may wait this long.
    patience: Duration,
    activity: watch::Sender<Activity>,
}

/// The counts of queries so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Activity {
    begun: usize,
    answered: usize,
    cancelled: usize,
}

/// A running query. If it is dropped before its answer is ready, it was cancelled.
struct Query<'a>(&'a Library, bool);

impl<'a> Query<'a> {
    fn begin(library: &'a Library) -> Self {
        library.activity.send_modify(|activity| activity.begun += 1);
        Self(library, false)
    }

    fn answered(&mut self) {
        self.1 = true;
    }
}

impl Drop for Query<'_> {
    fn drop(&mut self) {
        let count = |activity: &mut Activity| {
            *(if self.1 { &mut activity.answered } else { &mut activity.cancelled }) += 1;
        };
        self.0.activity.send_modify(count);
    }
}

/// Finds the best documents for a query.
#[distributed]
async fn search(server: PeerId, query: String, limit: usize) -> Result<Vec<Hit>, RemoteError> {
    remote!(server, [query, limit], {
        let library = here::data::<Library>()?;
        let mut work = Query::begin(&library);
        if query.chars().count() < 3 {
            tokio::time::sleep(library.patience).await; // a cancelled query ends here
        }
        let hits = library.index.search(&query, limit);
        work.answered();
        hits
    })
    .await
}

/// Searches for the typed text, and restarts whenever more is typed. Returns the last query with
/// its hits.
async fn search_as_typed(
    peer: &Peer,
    server: PeerId,
    mut typed: impl Stream<Item = String> + Unpin,
) -> Result<Option<(String, Vec<Hit>)>, RemoteError> {
    let mut latest = None;
    let mut next = typed.next().await;
    while let Some(query) = next.take() {
        tokio::select! {
            // Another letter: the call is dropped here, and with it the query on the server.
            Some(more) = typed.next() => next = Some(more),
            hits = peer.run(search(server, query.clone(), 3)) => {
                latest = Some((query, hits?));
                next = typed.next().await;
            }
        }
    }
    Ok(latest)
}

/// Types these texts, each as soon as the server works on the previous one.
fn type_on(texts: &[&str], activity: watch::Receiver<Activity>) -> impl Stream<Item = String> + Unpin {
    let texts: Vec<_> = texts.iter().map(|&text| text.to_owned()).collect();
    Box::pin(stream::iter(texts.into_iter().enumerate()).then(move |(before, text)| {
        let mut activity = activity.clone();
        async move {
            // It fails only when the library has ended, and then no query runs.
            let _ = activity.wait_for(|activity| activity.begun >= before).await;
            text
        }
    }))
}

fn serve(patience: Duration) -> std::io::Result<(Peer, SocketAddr, watch::Receiver<Activity>)> {
    let mut index = Index::default();
    for (title, text) in [
        ("Rust in a weekend", "Ownership, borrowing and lifetimes, with exercises."),
        ("Rustic kitchens", "Wood, stone and copper pans."),
        ("Running a server", "Ports, processes, and what rust does for them."),
        ("Rivers of Europe", "From source to sea."),
        ("Actors", "Mailboxes, supervision, and a chapter on rust and actix."),
    ] {
        index.add(title, text);
    }
    let (activity, watched) = watch::channel(Activity::default());
    let library = Library { index, patience, activity };
    let peer = Peer::builder(PeerId::named("library")).data(library).expose(Blocks::all()).start();
    let served = peer.clone();
    let http = HttpServer::new(move || App::new().service(served.service("/scope")))
        .on_connect(on_connect)
        .workers(1)
        .bind(("127.0.0.1", 0))?;
    let address = http.addrs()[0];
    actix_web::rt::spawn(http.run());
    Ok((peer, address, watched))
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let (server, address, mut activity) = serve(Duration::from_secs(2))?;
    let reader = Peer::builder(PeerId::random()).start();
    reader.connect(format!("ws://{address}/scope")).await?;

    let typed = type_on(&["r", "ru", "rust"], activity.clone()).inspect(|text| println!("typed: {text}"));
    if let Some((query, hits)) = search_as_typed(&reader, server.id(), typed).await? {
        println!("found for {query}:");
        for Hit { title, score } in hits {
            println!("  {score:3}  {title}");
        }
    }
    // A cancellation is not awaited, so the last one may still be in transit.
    let ended =
        activity.wait_for(|activity| activity.answered + activity.cancelled == activity.begun).await?;
    println!("of {} queries, {} were cancelled", ended.begun, ended.cancelled);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

    use super::*;

    #[test]
    fn the_example_ends_well() {
        main().unwrap();
    }

    #[actix_web::test]
    async fn only_the_last_query_is_answered_and_the_server_stops_working_on_the_others() {
        // So patient that nothing but a cancellation can end the short queries.
        let (server, address, mut activity) = serve(Duration::from_secs(3600)).unwrap();
        let reader = Peer::builder(PeerId::random()).start();
        reader.connect(format!("ws://{address}/scope")).await.unwrap();
        let typed = type_on(&["a", "ac", "actors"], activity.clone());
        let (query, hits) = search_as_typed(&reader, server.id(), typed).await.unwrap().unwrap();
        assert_eq!(query, "actors");
        assert_eq!(hits, [Hit { title: "Actors".into(), score: 3 }]);
        let all = Activity { begun: 3, answered: 1, cancelled: 2 };
        assert_eq!(*activity.wait_for(|activity| *activity == all).await.unwrap(), all);
    }
}
