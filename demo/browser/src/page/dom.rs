//! The page's elements.

use gloo_events::EventListener;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Element, Window};

use crate::words::Words;

/// The window and its elements.
#[derive(Clone, Debug)]
pub(super) struct Dom {
    pub(super) window: Window,
    pub(super) document: Document,
}

impl Dom {
    pub(super) fn new() -> Result<Self, JsValue> {
        let window = web_sys::window().ok_or("this is no page")?;
        let document = window.document().ok_or("this page has no document")?;
        Ok(Self { window, document })
    }

    /// Which page it is.
    pub(super) fn page(&self) -> Option<String> {
        self.document.body()?.get_attribute("data-page")
    }

    /// The URL of the peer that serves this page.
    pub(super) fn scope(&self) -> Result<String, JsValue> {
        let location = self.window.location();
        let scheme = if location.protocol()? == "https:" { "wss" } else { "ws" };
        Ok(format!("{scheme}://{}/scope", location.host()?))
    }

    /// The element with this id.
    pub(super) fn element<E: JsCast>(&self, id: &str) -> Result<E, JsValue> {
        let element =
            self.document.get_element_by_id(id).ok_or_else(|| format!("the page has no element `{id}`"))?;
        element.dyn_into().map_err(|_| format!("the element `{id}` is of another kind").into())
    }

    /// A new element within `parent`, with this text.
    pub(super) fn add(&self, parent: &Element, name: &str, text: &str) -> Result<Element, JsValue> {
        let element = self.document.create_element(name)?;
        element.set_text_content(Some(text));
        parent.append_child(&element)?;
        Ok(element)
    }

    /// A new element of a drawing within `parent`, with this text and these attributes.
    pub(super) fn draw(
        &self,
        parent: &Element,
        name: &str,
        text: &str,
        attributes: &[(&str, &str)],
    ) -> Result<Element, JsValue> {
        let element = self.document.create_element_ns(Some("http://www.w3.org/2000/svg"), name)?;
        for (name, value) in attributes {
            element.set_attribute(name, value)?;
        }
        element.set_text_content(Some(text));
        parent.append_child(&element)?;
        Ok(element)
    }

    /// Says in `place` what went wrong, with a button that loads the page again where that helps.
    pub(super) fn tell(&self, place: &Element, words: &Words) -> Result<(), JsValue> {
        place.set_text_content(Some(&words.text));
        if words.offers_reload {
            place.append_child(&self.document.create_text_node(" "))?;
            let button = self.add(place, "button", "Reload")?;
            button.set_attribute("type", "button")?;
            let location = self.window.location();
            EventListener::new(&button, "click", move |_| {
                // The browser says why in its console.
                let _ = location.reload();
            })
            .forget();
        }
        Ok(())
    }

    /// Milliseconds since the page was opened.
    pub(super) fn now(&self) -> f64 {
        self.window.performance().map_or(0.0, |clock| clock.now())
    }
}
