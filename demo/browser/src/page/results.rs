//! What was found, on the page.

use distributed_scope::{Receiver, RemoteError, StreamError};
use wasm_bindgen::JsValue;
use web_sys::{Element, HtmlElement};

use super::dom::Dom;
use crate::search::{Hit, MARK, Query, UNMARK};
use crate::words::Words;

/// Shows the results as they arrive; a block of the page that the server calls.
pub(crate) async fn show(query: &Query, mut hits: Receiver<Hit>) -> Result<(), StreamError> {
    let mut count = 0;
    loop {
        // Until the first one is here, those of the previous search stay.
        let hit = hits.recv().await?;
        let shown = Dom::new().and_then(|dom| {
            let list: Element = dom.element("results")?;
            if count == 0 {
                list.set_text_content(None);
                list.remove_attribute("data-milliseconds")?;
            }
            match &hit {
                Some(hit) => add(&dom, &list, hit),
                None => end(&dom, &list, query, count),
            }
        });
        if let Err(error) = shown {
            web_sys::console::error_1(&error);
        }
        if hit.is_none() {
            return Ok(());
        }
        count += 1;
    }
}

/// All results are shown.
fn end(dom: &Dom, list: &Element, query: &Query, count: usize) -> Result<(), JsValue> {
    let summary: HtmlElement = dom.element("summary")?;
    summary.set_attribute("data-state", "")?;
    summary.set_text_content(Some(&summarize(query, count)));
    dom.element::<HtmlElement>("took")?.set_text_content(None);
    // For those who wait for the answer to what they typed.
    list.set_attribute("data-query", &query.text)
}

fn summarize(query: &Query, count: usize) -> String {
    match (query.text.trim(), count) {
        ("", _) => String::new(),
        (text, 0) => format!("Nothing was found for “{text}”."),
        (_, 20) => "The best 20 of what was found.".to_owned(),
        (_, 1) => "One was found.".to_owned(),
        (_, count) => format!("{count} were found."),
    }
}

fn add(dom: &Dom, list: &Element, hit: &Hit) -> Result<(), JsValue> {
    let entry = dom.add(list, "li", "")?;
    let link = dom.add(&entry, "a", "")?;
    for part in hit.title.split_inclusive("::") {
        link.append_child(&dom.document.create_text_node(part))?;
        // A narrow page breaks it here rather than within a name.
        dom.add(&link, "wbr", "")?;
    }
    let item = hit.title.rsplit("::").next().unwrap_or_default();
    let item = String::from(js_sys::encode_uri_component(item));
    link.set_attribute("href", &format!("https://docs.rs/{}/{}/?search={item}", hit.krate, hit.version))?;
    link.set_attribute("rel", "noreferrer")?;
    let text = dom.add(&entry, "p", "")?;
    excerpt(dom, &text, &hit.excerpt)?;
    let place = format!("{} · {} {} · {}", hit.kind.name(), hit.krate, hit.version, hit.place);
    dom.add(&entry, "p", &place)?.set_attribute("class", "where")
}

/// The text with its matches marked. It is set as text, so nothing in it is interpreted as HTML.
fn excerpt(dom: &Dom, paragraph: &Element, text: &str) -> Result<(), JsValue> {
    for (index, piece) in text.split(MARK).enumerate() {
        let rest = match piece.split_once(UNMARK) {
            Some((marked, rest)) if index > 0 => {
                dom.add(paragraph, "mark", marked)?;
                rest
            }
            _ => piece,
        };
        paragraph.append_child(&dom.document.create_text_node(rest))?;
    }
    Ok(())
}

/// Shows how long it took, from a key press to the shown results.
pub(super) fn took(dom: &Dom, milliseconds: f64) -> Result<(), JsValue> {
    let list: Element = dom.element("results")?;
    if list.has_child_nodes() {
        let text = format!("It took {milliseconds:.0} ms.");
        dom.element::<HtmlElement>("took")?.set_text_content(Some(&text));
    }
    list.set_attribute("data-milliseconds", &format!("{milliseconds:.1}"))
}

/// Shows why there is no result.
pub(super) fn failed(dom: &Dom, error: &RemoteError) -> Result<(), JsValue> {
    let summary: HtmlElement = dom.element("summary")?;
    summary.set_attribute("data-state", "error")?;
    dom.element::<HtmlElement>("took")?.set_text_content(None);
    tracing::warn!(error = format!("{error:#}"), "the search failed");
    dom.tell(&summary, &Words::of_call(error))
}
