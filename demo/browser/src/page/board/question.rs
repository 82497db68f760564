//! Questions that the server asks the user of this page. Its block waits until one is answered by
//! a click.

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use gloo_events::EventListener;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::Element;

use crate::board::Asked;
use crate::page::dom::Dom;

/// Shows a question until it is answered or taken back.
pub(super) fn show(dom: &Dom, mut asked: Asked) -> Result<(), JsValue> {
    let questions: Element = dom.element("questions")?;
    let question = dom.add(&questions, "li", "")?;
    dom.add(&question, "p", &asked.text)?;
    let (yes, is_yes) = button(dom, &question, "Remove it")?;
    let (no, is_no) = button(dom, &question, "Keep it")?;
    spawn_local(async move {
        let answered = select(is_yes, is_no);
        let answer = match select(answered, asked.answer.cancellation()).await {
            Either::Left((Either::Left(_), _)) => Some(true),
            Either::Left((Either::Right(_), _)) => Some(false),
            Either::Right(_) => None,
        };
        if let Some(answer) = answer {
            // The asking peer may have given up at this moment.
            let _ = asked.answer.send(answer);
        }
        question.remove();
        drop((yes, no));
    });
    Ok(())
}

/// A button, for as long as its listener is kept, and what tells that it was clicked.
fn button(
    dom: &Dom,
    parent: &Element,
    text: &str,
) -> Result<(EventListener, oneshot::Receiver<()>), JsValue> {
    let button = dom.add(parent, "button", text)?;
    button.set_attribute("type", "button")?;
    let (clicked, is_clicked) = oneshot::channel();
    let listener = EventListener::once(&button, "click", move |_| {
        // The question may be gone this very moment.
        let _ = clicked.send(());
    });
    Ok((listener, is_clicked))
}
