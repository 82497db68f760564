//! The page of the shared list.

mod drawing;
mod items;
mod log;
mod question;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use distributed_scope::{Blocks, Peer, PeerId, RemoteError, Update, follow};
use futures_util::StreamExt;
use gloo_events::{EventListener, EventListenerOptions};
use gloo_timers::future::sleep;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, HtmlElement, HtmlInputElement, KeyboardEvent};

use super::connection;
use super::dom::Dom;
use crate::board::{
    Change, Edit, Event, HopId, ItemId, Removal, Screen, View, changes, edit, remove, stay, took,
};
use crate::words::Words;
use drawing::Drawing;
use items::Wish;

/// How long to wait before another attempt, when there was no seat or the list could not be read.
const AGAIN: Duration = Duration::from_secs(2);

/// The page while it is open.
struct Page {
    dom: Dom,
    peer: Peer,
    server: PeerId,
    input: HtmlInputElement,
    view: RefCell<View>,
    drawing: RefCell<Drawing>,
}

pub(super) async fn start(dom: Dom) -> Result<(), JsValue> {
    let (screen, mut questions) = Screen::new();
    let builder = Peer::builder(PeerId::random()).data(screen).expose(Blocks::of("demo_browser"));
    let (peer, server) = connection::connect(&dom, builder).await?;
    let drawing = RefCell::new(Drawing::new(&dom, peer.id(), server)?);
    let input = dom.element("text")?;
    let page = Rc::new(Page { dom, peer, server, input, view: RefCell::default(), drawing });
    page.listen()?;
    spawn_local(Rc::clone(&page).stay());
    spawn_local(page.peer.run(Rc::clone(&page).follow()));
    while let Some(asked) = questions.next().await {
        question::show(&page.dom, asked)?;
    }
    Ok(())
}

impl Page {
    fn listen(self: &Rc<Self>) -> Result<(), JsValue> {
        // For as long as the page is open.
        let options = EventListenerOptions::enable_prevent_default();
        let page = Rc::clone(self);
        let form: HtmlElement = self.dom.element("form")?;
        EventListener::new_with_options(&form, "submit", options, move |event| {
            event.prevent_default();
            page.add();
        })
        .forget();
        let list: HtmlElement = self.dom.element("items")?;
        for event in ["click", "change"] {
            let page = Rc::clone(self);
            EventListener::new(&list, event, move |event| {
                if let Some(wish) = items::wish(event) {
                    page.grant(wish);
                }
            })
            .forget();
        }
        let page = Rc::clone(self);
        EventListener::new_with_options(&self.dom.document, "keydown", options, move |event| {
            if let Some(key) = event.dyn_ref::<KeyboardEvent>()
                && page.key(key).is_some()
            {
                event.prevent_default();
            }
        })
        .forget();
        Ok(())
    }

    /// Keeps a seat at the board.
    async fn stay(self: Rc<Self>) {
        loop {
            match self.peer.run(stay(self.server)).await {
                Ok(()) => return,
                Err(error) => {
                    let words = Words::of_call(&error);
                    self.fail(&error, &words);
                    if words.offers_reload {
                        return;
                    }
                }
            }
            sleep(AGAIN).await;
        }
    }

    /// Shows the list and its changes, also after a restart of the server.
    async fn follow(self: Rc<Self>) {
        let mut updates = follow(|| changes(self.server));
        loop {
            match updates.next().await {
                Ok(update) => report(self.update(update)),
                Err(error) => {
                    let words = Words::of_call(&error);
                    self.fail(&error, &words);
                    if words.offers_reload {
                        return;
                    }
                    sleep(AGAIN).await;
                }
            }
        }
    }

    fn update(&self, update: Update<Change, View>) -> Result<(), JsValue> {
        let had_seat = self.has_seat();
        match update {
            Update::State(view) => drop(self.view.replace(view)),
            Update::Item(Change::Hop(event)) => return self.draw(&event),
            Update::Item(change) => {
                self.view.borrow_mut().apply(&change);
                self.drawing.borrow().item(&self.dom)?;
            }
            // The list follows.
            Update::Lagged(_) => return Ok(()),
        }
        if !had_seat && self.has_seat() {
            // A message that the page has no seat is no longer true.
            self.complain("");
        }
        self.show()
    }

    fn show(&self) -> Result<(), JsValue> {
        let view = self.view.borrow();
        items::show(&self.dom, &view.items)?;
        self.drawing.borrow_mut().place(&self.dom, &view)?;
        log::close_lost(&self.dom, &view)?;
        self.dom.element::<HtmlElement>("news")?.set_text_content(Some(&view.news));
        self.dom.element::<HtmlElement>("alone")?.set_hidden(view.people.len() > 1);
        Ok(())
    }

    fn has_seat(&self) -> bool {
        self.view.borrow().people.iter().any(|person| person.peer == self.peer.id())
    }

    fn draw(&self, event: &Event) -> Result<(), JsValue> {
        let mut drawing = self.drawing.borrow_mut();
        match event {
            Event::Begun { hop, from, to, function, what } => {
                log::begin(&self.dom, *hop, [drawing.name(*from), drawing.name(*to)], function, what)?;
                drawing.begin(&self.dom, *hop, *from, *to)
            }
            Event::Ended { hop, microseconds } => {
                log::end(&self.dom, *hop, *microseconds)?;
                drawing.end(*hop, *microseconds)
            }
        }
    }

    /// Adds the typed text. It stays in the field until it is on the list.
    fn add(self: &Rc<Self>) {
        let text = self.input.value();
        if text.trim().is_empty() {
            return;
        }
        let page = Rc::clone(self);
        spawn_local(async move {
            let call = edit(page.server, Edit::Add { text: text.clone() });
            if page.timed(async { Ok(((), call.await?)) }).await.is_some() && page.input.value() == text {
                page.input.set_value("");
            }
        });
    }

    fn grant(self: &Rc<Self>, wish: Wish) {
        let page = Rc::clone(self);
        spawn_local(async move {
            let done = match wish {
                Wish::Edit(wanted) => {
                    let call = edit(page.server, wanted);
                    page.timed(async { Ok(((), call.await?)) }).await
                }
                Wish::Remove(item) => page.remove(item).await,
            };
            if done.is_none() {
                // A tick that was not granted is taken back.
                let view = page.view.borrow();
                report(items::show(&page.dom, &view.items));
            }
        });
    }

    async fn remove(&self, item: ItemId) -> Option<()> {
        // A user who was already asked is not asked twice.
        let Some(waiting) = items::waiting(&self.dom, item) else { return Some(()) };
        let removal = self.timed(remove(self.server, item)).await;
        drop(waiting);
        match removal? {
            Removal::Done => {}
            Removal::Refused => self.complain("Its author wants to keep it."),
            Removal::Unanswered => self.complain("Its author has not answered, so it stays."),
        }
        Some(())
    }

    /// Makes a call, reports its duration to all browsers, and shows the user an error if it
    /// failed.
    async fn timed<T>(&self, call: impl Future<Output = Result<(T, HopId), RemoteError>>) -> Option<T> {
        let started = self.dom.now();
        match self.peer.run(call).await {
            Ok((value, hop)) => {
                let microseconds = ((self.dom.now() - started) * 1e3) as u64;
                self.complain("");
                // It is for the drawing alone.
                let told = self.peer.run(took(self.server, hop, microseconds));
                spawn_local(async move { drop(told.await) });
                Some(value)
            }
            Err(error) => {
                self.fail(&error, &Words::of_call(&error));
                None
            }
        }
    }

    /// Handles a key, and returns whether the key has a meaning.
    fn key(self: &Rc<Self>, key: &KeyboardEvent) -> Option<()> {
        let active = self.dom.document.active_element()?;
        let item = active.closest("#items li").ok().flatten();
        match (key.key().as_str(), item) {
            ("/", None) if active.id() == "text" => return None,
            ("/", _) => self.input.focus().ok()?,
            ("ArrowUp" | "ArrowDown", Some(item)) if key.alt_key() => {
                self.grant(items::step(&item, key.key() == "ArrowUp")?);
            }
            ("Delete", Some(item)) => self.grant(Wish::Remove(items::id(&item)?)),
            ("ArrowDown", None) if active.id() == "text" => {
                focus(self.dom.document.query_selector("#items input").ok()??)?;
            }
            ("ArrowDown", Some(item)) => focus(tick(&item.next_element_sibling()?)?)?,
            ("ArrowUp", Some(item)) => match item.previous_element_sibling() {
                Some(before) => focus(tick(&before)?)?,
                None => self.input.focus().ok()?,
            },
            _ => return None,
        }
        Some(())
    }

    /// Reports an error: to users in the page, to developers in its console.
    fn fail(&self, error: &RemoteError, words: &Words) {
        tracing::warn!(error = format!("{error:#}"), "a call failed");
        report(self.dom.element::<Element>("problem").and_then(|line| self.dom.tell(&line, words)));
    }

    fn complain(&self, text: &str) {
        let shown = self.dom.element::<HtmlElement>("problem").map(|line| line.set_text_content(Some(text)));
        report(shown);
    }
}

fn report(result: Result<(), JsValue>) {
    if let Err(error) = result {
        web_sys::console::error_1(&error);
    }
}

fn tick(item: &Element) -> Option<Element> {
    item.query_selector("input").ok()?
}

fn focus(element: Element) -> Option<()> {
    element.dyn_into::<HtmlElement>().ok()?.focus().ok()
}
