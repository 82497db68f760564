//! The search page: each change of the text begins a search and cancels the previous one.

use std::cell::RefCell;
use std::rc::Rc;

use distributed_scope::{Blocks, Peer, PeerId};
use futures_util::future::{AbortHandle, abortable};
use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, HtmlElement, HtmlInputElement, HtmlSelectElement, KeyboardEvent};

use super::dom::Dom;
use super::{connection, results};
use crate::kind::Kind;
use crate::search::{Progress, Query, progress, search_and_display};

/// The page while it is open.
struct Page {
    dom: Dom,
    peer: Peer,
    server: PeerId,
    query: HtmlInputElement,
    kind: HtmlSelectElement,
    /// The search that is under way.
    running: RefCell<Option<AbortHandle>>,
}

pub(super) async fn start(dom: Dom) -> Result<(), JsValue> {
    let kind: HtmlSelectElement = dom.element("kind")?;
    for each in Kind::ALL {
        let option = dom.add(&kind, "option", &format!("{}s", each.name()))?;
        option.set_attribute("value", each.name())?;
    }
    let query = dom.element("query")?;
    let builder = Peer::builder(PeerId::random()).expose(Blocks::of("demo_browser"));
    let (peer, server) = connection::connect(&dom, builder).await?;
    let page = Rc::new(Page { dom, peer, server, query, kind, running: RefCell::default() });
    page.listen();
    spawn_local(Rc::clone(&page).show_progress());
    // What was typed before the program was loaded.
    page.search();
    Ok(())
}

impl Page {
    fn listen(self: &Rc<Self>) {
        for (element, event) in [(self.query.as_ref(), "input"), (self.kind.as_ref(), "change")] {
            let page = Rc::clone(self);
            // For as long as the page is open.
            EventListener::new(element, event, move |_| page.search()).forget();
        }
        let page = Rc::clone(self);
        let options = EventListenerOptions::enable_prevent_default();
        EventListener::new_with_options(&self.dom.document, "keydown", options, move |event| {
            if let Some(event) = event.dyn_ref::<KeyboardEvent>()
                && page.key(&event.key()).unwrap_or(false)
            {
                event.prevent_default();
            }
        })
        .forget();
        if let Ok(form) = self.dom.element::<HtmlElement>("form") {
            EventListener::new_with_options(&form, "submit", options, |event| event.prevent_default())
                .forget();
        }
    }

    /// Searches for the current text. The previous search is dropped, and its work on the server
    /// is cancelled.
    fn search(self: &Rc<Self>) {
        let query = Query { text: self.query.value(), kind: Kind::of(&self.kind.value()) };
        if let Some(running) = self.running.take() {
            running.abort();
        }
        let page = Rc::clone(self);
        let (searching, handle) = abortable(async move {
            let started = page.dom.now();
            let call = search_and_display(page.server, page.peer.id(), query);
            let result = page.peer.run(call).await;
            let shown = match result {
                Ok(()) => results::took(&page.dom, page.dom.now() - started),
                Err(error) => results::failed(&page.dom, &error),
            };
            if let Err(error) = shown {
                web_sys::console::error_1(&error);
            }
        });
        self.running.replace(Some(handle));
        spawn_local(async move {
            // Dropped by the next search.
            let _ = searching.await;
        });
    }

    /// Handles a key, and returns whether the key has a meaning.
    fn key(self: &Rc<Self>, key: &str) -> Option<bool> {
        let active = self.dom.document.active_element();
        let is_typing = active.as_ref().is_some_and(|active| active.id() == "query");
        let entry = active.as_ref().and_then(|active| active.closest("li").ok().flatten());
        match (key, entry) {
            ("/", _) if !is_typing => self.query.focus().ok()?,
            ("Escape", _) => {
                self.query.set_value("");
                self.query.focus().ok()?;
                self.search();
            }
            ("ArrowDown", None) => focus(self.dom.document.query_selector("#results a").ok()??)?,
            ("ArrowDown", Some(entry)) => focus(link(&entry.next_element_sibling()?)?)?,
            ("ArrowUp", Some(entry)) => match entry.previous_element_sibling() {
                Some(before) => focus(link(&before)?)?,
                None => self.query.focus().ok()?,
            },
            _ => return None,
        }
        Some(true)
    }

    /// Shows the progress of the index until it is complete, and searches again in the added
    /// entries.
    async fn show_progress(self: Rc<Self>) {
        let Ok(bar) = self.dom.element::<Element>("progress") else { return };
        let Ok(line) = self.dom.element::<HtmlElement>("indexing") else { return };
        let mut seen = Progress::default();
        while !seen.is_complete() {
            let Ok(now) = self.peer.run(progress(self.server, seen)).await else { return };
            seen = now;
            // Setting these cannot fail.
            let _ = bar.set_attribute("max", &seen.of.max(1).to_string());
            let _ = bar.set_attribute("value", &seen.crates.to_string());
            line.set_hidden(seen.is_complete());
            let _ = line.set_attribute("data-state", if seen.is_complete() { "complete" } else { "reading" });
            self.search();
        }
    }
}

fn link(entry: &Element) -> Option<Element> {
    entry.query_selector("a").ok()?
}

fn focus(element: Element) -> Option<()> {
    element.dyn_into::<HtmlElement>().ok()?.focus().ok()
}
