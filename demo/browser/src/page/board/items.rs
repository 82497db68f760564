//! The items on the page, and what a click on them means.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Event, HtmlElement, HtmlInputElement};

use crate::board::{Edit, Item, ItemId};
use crate::page::dom::Dom;

/// What a user wants to be done.
pub(super) enum Wish {
    Edit(Edit),
    Remove(ItemId),
}

/// Makes the page's list like this. An item that stays keeps its element, so no user loses the
/// current place.
pub(super) fn show(dom: &Dom, items: &[Item]) -> Result<(), JsValue> {
    let list: Element = dom.element("items")?;
    let focused = dom.document.active_element();
    let children = list.children();
    for (index, item) in items.iter().enumerate() {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let element = match dom.document.get_element_by_id(&element_id(item.id)) {
            Some(element) => element,
            None => create(dom, &list, item)?,
        };
        let there = children.item(index);
        if there.as_ref() != Some(&element) {
            list.insert_before(&element, there.as_deref())?;
        }
        update(&element, item)?;
    }
    while let Some(left_over) = children.item(u32::try_from(items.len()).unwrap_or(u32::MAX)) {
        left_over.remove();
    }
    // An element that is moved loses it.
    if let Some(focused) = focused.and_then(|focused| focused.dyn_into::<HtmlElement>().ok())
        && dom.document.active_element().as_ref() != Some(focused.as_ref())
        && focused.is_connected()
    {
        focused.focus()?;
    }
    Ok(())
}

fn element_id(item: ItemId) -> String {
    format!("item-{item}")
}

fn create(dom: &Dom, list: &Element, item: &Item) -> Result<Element, JsValue> {
    let entry = dom.add(list, "li", "")?;
    entry.set_id(&element_id(item.id));
    let label = dom.add(&entry, "label", "")?;
    dom.add(&label, "input", "")?.set_attribute("type", "checkbox")?;
    dom.add(&label, "span", &item.text)?;
    let author = dom.add(&entry, "span", &item.author.name)?;
    author.set_attribute("class", "author")?;
    author.set_attribute("data-colour", &item.author.colour.to_string())?;
    for (act, sign, name) in [("up", "↑", "move up"), ("down", "↓", "move down"), ("remove", "×", "remove")]
    {
        let button = dom.add(&entry, "button", sign)?;
        button.set_attribute("type", "button")?;
        button.set_attribute("data-act", act)?;
        button.set_attribute("title", name)?;
        button.set_attribute("aria-label", &format!("{name}: {}", item.text))?;
    }
    Ok(entry)
}

fn update(entry: &Element, item: &Item) -> Result<(), JsValue> {
    if let Some(tick) = entry.query_selector("input")? {
        tick.unchecked_into::<HtmlInputElement>().set_checked(item.is_done);
    }
    entry.class_list().toggle_with_force("done", item.is_done).map(|_| ())
}

/// Marks an item while this value is kept: its author is being asked whether it may be removed.
/// `None` if the item is already marked, or gone.
pub(super) fn waiting(dom: &Dom, item: ItemId) -> Option<Waiting> {
    let entry = dom.document.get_element_by_id(&element_id(item))?;
    if entry.has_attribute("aria-busy") {
        return None;
    }
    entry.set_attribute("aria-busy", "true").ok()?;
    Some(Waiting(entry))
}

pub(super) struct Waiting(Element);

impl Drop for Waiting {
    fn drop(&mut self) {
        // It cannot fail: the attribute is ours.
        let _ = self.0.remove_attribute("aria-busy");
    }
}

/// Which item this is.
pub(super) fn id(entry: &Element) -> Option<ItemId> {
    entry.id().strip_prefix("item-")?.parse().ok()
}

/// What the user who caused this event wants.
pub(super) fn wish(event: &Event) -> Option<Wish> {
    let target: Element = event.target()?.dyn_into().ok()?;
    let entry = target.closest("li").ok()??;
    let item = id(&entry)?;
    match (event.type_().as_str(), target.get_attribute("data-act").as_deref()) {
        ("change", _) => {
            let is_done = target.dyn_into::<HtmlInputElement>().ok()?.checked();
            Some(Wish::Edit(Edit::Tick { item, is_done }))
        }
        ("click", Some("up")) => step(&entry, true),
        ("click", Some("down")) => step(&entry, false),
        ("click", Some("remove")) => Some(Wish::Remove(item)),
        _ => None,
    }
}

/// To move an item by one place. `None` where there is no further one.
pub(super) fn step(entry: &Element, is_up: bool) -> Option<Wish> {
    let item = id(entry)?;
    let before = if is_up {
        Some(id(&entry.previous_element_sibling()?)?)
    } else {
        entry.next_element_sibling()?.next_element_sibling().as_ref().and_then(id)
    };
    Some(Wish::Edit(Edit::Move { item, before }))
}
