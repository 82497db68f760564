//! The shared list, with programs in place of browsers: the same functions, from the same file.

#![allow(clippy::unwrap_used, reason = "in a test, to panic is to fail")]

use std::net::SocketAddr;

use actix_web::{App, HttpServer};
use demo_browser::board::{
    Asked, Change, Edit, Event, Removal, Screen, View, changes, edit, remove, stay, took,
};
use demo_browser::server::board::Board;
use distributed_scope::{Blocks, Peer, PeerId, Update, follow, on_connect};
use futures_util::StreamExt;
use futures_util::future::{AbortHandle, abortable, join_all};
use tokio::sync::{mpsc, watch};

fn serve() -> (Peer, SocketAddr) {
    let peer = Peer::builder(PeerId::named("board"))
        .data(Board::default())
        .expose(Blocks::of("demo_browser"))
        .start();
    let served = peer.clone();
    let http = HttpServer::new(move || App::new().service(served.service("/scope")))
        .on_connect(on_connect)
        .workers(2)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .unwrap();
    let address = http.addrs()[0];
    actix_web::rt::spawn(http.run());
    (peer, address)
}

/// A stand-in for a browser and its user.
struct Browser {
    peer: Peer,
    server: PeerId,
    view: watch::Receiver<View>,
    events: mpsc::UnboundedReceiver<Event>,
    questions: mpsc::UnboundedReceiver<Asked>,
    seat: AbortHandle,
}

impl Browser {
    async fn open(address: SocketAddr) -> Self {
        let (screen, mut asked) = Screen::new();
        let peer = Peer::builder(PeerId::random()).data(screen).expose(Blocks::of("demo_browser")).start();
        let server = peer.connect(format!("ws://{address}/scope")).await.unwrap();
        let (show, view) = watch::channel(View::default());
        let (draw, events) = mpsc::unbounded_channel();
        let (ask, questions) = mpsc::unbounded_channel();
        actix_web::rt::spawn(async move {
            while let Some(asked) = asked.next().await {
                drop(ask.send(asked));
            }
        });
        actix_web::rt::spawn(peer.run(async move {
            let mut updates = follow(|| changes(server));
            // What is shown last stays to be seen; a test need not look at the rest.
            while let Ok(update) = updates.next().await {
                match update {
                    Update::State(view) => drop(show.send(view)),
                    Update::Item(Change::Hop(event)) => drop(draw.send(event)),
                    Update::Item(change) => show.send_modify(|view| view.apply(&change)),
                    Update::Lagged(_) => {}
                }
            }
        }));
        let (staying, seat) = abortable(peer.run(stay(server)));
        actix_web::rt::spawn(staying);
        let mut browser = Self { peer, server, view, events, questions, seat };
        let id = browser.peer.id();
        browser.sees(|view| view.people.iter().any(|person| person.peer == id)).await;
        browser
    }

    async fn sees(&mut self, wanted: impl FnMut(&View) -> bool) -> View {
        self.view.wait_for(wanted).await.unwrap().clone()
    }

    async fn add(&self, text: &str) {
        self.peer.run(edit(self.server, Edit::Add { text: text.to_owned() })).await.unwrap();
    }

    async fn hop(&mut self, wanted: &str) -> Event {
        loop {
            let event = self.events.recv().await.unwrap();
            if matches!(&event, Event::Begun { function, .. } if function == wanted) {
                return event;
            }
        }
    }
}

fn texts(view: &View) -> Vec<&str> {
    view.items.iter().map(|item| item.text.as_str()).collect()
}

#[actix_web::test]
async fn what_one_adds_all_see_and_whoever_comes_later_too() {
    let (_server, address) = serve();
    let mut ann = Browser::open(address).await;
    let mut ben = Browser::open(address).await;
    ann.add("milk").await;
    for browser in [&mut ann, &mut ben] {
        let view = browser.sees(|view| !view.items.is_empty()).await;
        assert_eq!(texts(&view), ["milk"]);
        assert_eq!(view.people.len(), 2);
    }
    let mut cho = Browser::open(address).await;
    assert_eq!(texts(&cho.sees(|view| view.people.len() == 3).await), ["milk"]);
}

#[actix_web::test]
async fn edits_at_once_lose_nothing() {
    let (_server, address) = serve();
    let mut browsers = join_all((0..4).map(|_| Browser::open(address))).await;
    join_all(browsers.iter().enumerate().map(async |(number, browser)| {
        join_all((0..25).map(async |item| browser.add(&format!("{number}.{item}")).await)).await;
    }))
    .await;
    let first = browsers[0].sees(|view| view.items.len() == 100).await;
    let mut all: Vec<_> = texts(&first);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 100, "each text is there once");
    for browser in &mut browsers[1..] {
        assert_eq!(browser.sees(|view| view.items.len() == 100).await.items, first.items, "in one order");
    }
}

#[actix_web::test]
async fn who_leaves_gives_the_seat_back_whether_the_call_is_dropped_or_the_connection_is_gone() {
    let (_server, address) = serve();
    let mut ann = Browser::open(address).await;
    let (ben, cho) = (Browser::open(address).await, Browser::open(address).await);
    ann.sees(|view| view.people.len() == 3).await;
    ben.seat.abort();
    ann.sees(|view| view.people.len() == 2).await;
    cho.peer.stop().await;
    let view = ann.sees(|view| view.people.len() == 1).await;
    assert!(view.news.ends_with("has left"), "{}", view.news);
    assert_eq!(view.people[0].peer, ann.peer.id());
}

#[actix_web::test]
async fn each_hop_is_told_to_everybody_from_its_beginning_to_its_end() {
    let (server, address) = serve();
    let ann = Browser::open(address).await;
    let mut ben = Browser::open(address).await;
    let milk = Edit::Add { text: "milk".to_owned() };
    let hop = ann.peer.run(edit(ann.server, milk)).await.unwrap();
    ann.peer.run(took(ann.server, hop, 1_500)).await.unwrap();
    let begun = ben.hop("edit").await;
    let Event::Begun { hop: told, from, to, what, .. } = begun else { unreachable!() };
    assert_eq!((told, from, to, what.as_str()), (hop, ann.peer.id(), server.id(), "added “milk”"));
    let ended = ben.events.recv().await.unwrap();
    assert_eq!(ended, Event::Ended { hop, microseconds: Some(1_500) }, "as its caller has measured it");
}

#[actix_web::test]
async fn an_item_is_removed_when_its_author_who_is_here_agrees() {
    let (_server, address) = serve();
    let mut ann = Browser::open(address).await;
    let mut ben = Browser::open(address).await;
    ann.add("milk").await;
    let item = ben.sees(|view| view.items.len() == 1).await.items[0].id;
    for (answer, removal) in [(false, Removal::Refused), (true, Removal::Done)] {
        let (removed, ()) = tokio::join!(ben.peer.run(remove(ben.server, item)), async {
            let asked = ann.questions.recv().await.unwrap();
            assert!(asked.text.contains("wants to remove your “milk”"), "{}", asked.text);
            asked.answer.send(answer).unwrap();
        });
        assert_eq!(removed.unwrap().0, removal);
    }
    ann.sees(|view| view.items.is_empty()).await;
}

#[actix_web::test]
async fn nobody_is_asked_about_an_item_of_ones_own_or_of_somebody_who_has_left() {
    let (_server, address) = serve();
    let ann = Browser::open(address).await;
    let mut ben = Browser::open(address).await;
    ann.add("milk").await;
    ben.add("bread").await;
    ann.peer.stop().await;
    let view = ben.sees(|view| view.people.len() == 1 && view.items.len() == 2).await;
    for item in view.items {
        assert_eq!(ben.peer.run(remove(ben.server, item.id)).await.unwrap().0, Removal::Done);
    }
}

#[actix_web::test]
async fn a_question_is_taken_back_when_nobody_waits_for_the_answer_and_goes_with_who_was_asked() {
    let (_server, address) = serve();
    let mut ann = Browser::open(address).await;
    let mut ben = Browser::open(address).await;
    ann.add("milk").await;
    let item = ben.sees(|view| view.items.len() == 1).await.items[0].id;

    let (removing, drop_it) = abortable(ben.peer.run(remove(ben.server, item)));
    let (_, ()) = tokio::join!(removing, async {
        let mut asked = ann.questions.recv().await.unwrap();
        drop_it.abort();
        asked.answer.cancellation().await;
    });

    // The author leaves instead of answering: then no one is left to ask.
    let (removed, ()) = tokio::join!(ben.peer.run(remove(ben.server, item)), async {
        let _asked = ann.questions.recv().await.unwrap();
        ann.peer.stop().await;
    });
    assert_eq!(removed.unwrap().0, Removal::Done);
}

#[actix_web::test]
async fn without_a_seat_nothing_can_be_changed() {
    let (_server, address) = serve();
    let ann = Browser::open(address).await;
    ann.seat.abort();
    let stranger = Peer::builder(PeerId::random()).start();
    stranger.connect(format!("ws://{address}/scope")).await.unwrap();
    let edited = stranger.run(edit(ann.server, Edit::Add { text: "milk".to_owned() })).await;
    let error = edited.unwrap_err();
    assert!(format!("{error:#}").contains("take a seat first"), "{error:#}");
}
