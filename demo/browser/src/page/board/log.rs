//! The hops as lines, the newest first.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::Element;

use crate::board::{HopId, View, milliseconds};
use crate::page::dom::Dom;

/// How many lines are kept.
const LINES: u32 = 60;

/// A line for a call that is made between two peers.
pub(super) fn begin(
    dom: &Dom,
    hop: HopId,
    [from, to]: [(&str, Option<u8>); 2],
    function: &str,
    what: &str,
) -> Result<(), JsValue> {
    let log: Element = dom.element("log")?;
    let line = dom.add(&log, "li", "")?;
    line.set_id(&element_id(hop));
    line.set_attribute("data-state", "open")?;
    dom.add(&line, "time", &time())?;
    let way = dom.add(&line, "span", "")?;
    way.set_attribute("class", "way")?;
    for (index, (name, colour)) in [from, to].into_iter().enumerate() {
        if index == 1 {
            way.append_child(&dom.document.create_text_node(" → "))?;
        }
        let peer = dom.add(&way, "b", name)?;
        if let Some(colour) = colour {
            peer.set_attribute("data-colour", &colour.to_string())?;
        }
    }
    let about = dom.add(&line, "span", "")?;
    about.set_attribute("class", "about")?;
    dom.add(&about, "code", function)?;
    about.append_child(&dom.document.create_text_node(&format!(" {what}")))?;
    dom.add(&line, "span", "…")?.set_attribute("class", "took")?;
    log.prepend_with_node_1(&line)?;
    while log.child_element_count() > LINES {
        match log.last_element_child() {
            Some(oldest) => oldest.remove(),
            None => break,
        }
    }
    Ok(())
}

/// Shows how long a call took; `None` if it failed.
pub(super) fn end(dom: &Dom, hop: HopId, microseconds: Option<u64>) -> Result<(), JsValue> {
    // It may have begun before this page was there.
    let Some(line) = dom.document.get_element_by_id(&element_id(hop)) else { return Ok(()) };
    close(&line, microseconds)
}

/// Closes the lines of peers that are gone, and those of a lost server: the duration of those
/// calls will never arrive.
pub(super) fn close_lost(dom: &Dom, view: &View) -> Result<(), JsValue> {
    let open = dom.document.query_selector_all("#log li[data-state=open]")?;
    for line in (0..open.length()).filter_map(|index| open.item(index)?.dyn_into::<Element>().ok()) {
        let hop = line.id().strip_prefix("hop-").and_then(|id| id.parse().ok()).map(HopId);
        let browser = line.query_selector("b[data-colour]")?.and_then(|peer| peer.text_content());
        let is_here = view.people.iter().any(|person| Some(&person.name) == browser.as_ref());
        if !is_here || hop < Some(view.first_hop) {
            close(&line, None)?;
        }
    }
    Ok(())
}

fn close(line: &Element, microseconds: Option<u64>) -> Result<(), JsValue> {
    let (state, text) = match microseconds {
        Some(microseconds) => ("ended", milliseconds(microseconds)),
        None => ("failed", "failed".to_owned()),
    };
    line.set_attribute("data-state", state)?;
    if let Some(took) = line.query_selector(".took")? {
        took.set_text_content(Some(&text));
    }
    Ok(())
}

fn element_id(hop: HopId) -> String {
    format!("hop-{}", hop.0)
}

/// The time of this browser's clock, to the millisecond.
fn time() -> String {
    let now = js_sys::Date::new_0();
    let (hours, minutes, seconds) = (now.get_hours(), now.get_minutes(), now.get_seconds());
    format!("{hours:02}:{minutes:02}:{seconds:02}.{:03}", now.get_milliseconds())
}
