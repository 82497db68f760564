//! Changes of the items.

use super::{ITEMS, TEXT};
use crate::board::{Edit, Item, ItemId, Person, Step};

/// What a change does to the list, if it is possible. A new item has this id and this author.
pub(super) fn step(items: &[Item], edit: Edit, id: ItemId, author: &Person) -> Result<Step, String> {
    match edit {
        Edit::Add { text } => {
            let text = checked(&text)?;
            if items.len() >= ITEMS {
                return Err(format!("the list is full: it has {ITEMS} items; remove one first"));
            }
            Ok(Step::Added(Item { id, text, is_done: false, author: author.clone() }))
        }
        Edit::Tick { item, is_done } => find(items, item).map(|_| Step::Ticked { item, is_done }),
        Edit::Move { item, before } => {
            find(items, item)?;
            before.map_or(Ok(()), |before| find(items, before).map(drop))?;
            Ok(Step::Moved { item, before })
        }
    }
}

/// What a change does, in words that follow a name.
pub(super) fn describe(items: &[Item], edit: &Edit) -> String {
    let name = |id: &ItemId| find(items, *id).map_or("what is gone", |item| item.text.as_str());
    match edit {
        Edit::Add { text } => format!("added “{}”", text.trim()),
        Edit::Tick { item, is_done: true } => format!("ticked “{}”", name(item)),
        Edit::Tick { item, is_done: false } => format!("unticked “{}”", name(item)),
        Edit::Move { item, .. } => format!("moved “{}”", name(item)),
    }
}

pub(super) fn find(items: &[Item], id: ItemId) -> Result<&Item, String> {
    let found = items.iter().find(|item| item.id == id);
    found.ok_or_else(|| "this item has already been removed".to_owned())
}

fn checked(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err("an item needs a text".to_owned()),
        length if length > TEXT => {
            Err(format!("an item has at most {TEXT} characters, and this has {length}: shorten it"))
        }
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use distributed_scope::PeerId;

    use super::*;
    use crate::board::{Change, View};

    fn apply(items: &mut Vec<Item>, edit: Edit, id: ItemId, author: &Person) -> Result<(), String> {
        let step = step(items, edit, id, author)?;
        let mut view = View { items: std::mem::take(items), ..View::default() };
        view.apply(&Change::View { step, news: String::new() });
        *items = view.items;
        Ok(())
    }

    fn author() -> Person {
        Person { peer: PeerId::named("ann"), name: "Ann".to_owned(), colour: 0 }
    }

    fn items(texts: &[&str]) -> Vec<Item> {
        let mut items = Vec::new();
        for (id, text) in (1..).zip(texts) {
            apply(&mut items, Edit::Add { text: (*text).to_owned() }, id, &author()).unwrap();
        }
        items
    }

    fn texts(items: &[Item]) -> Vec<&str> {
        items.iter().map(|item| item.text.as_str()).collect()
    }

    #[test]
    fn an_item_is_moved_before_another_one_or_to_the_end() {
        let mut items = items(&["a", "b", "c"]);
        for (item, before, order) in
            [(3, Some(1), ["c", "a", "b"]), (3, None, ["a", "b", "c"]), (1, Some(1), ["a", "b", "c"])]
        {
            apply(&mut items, Edit::Move { item, before }, 9, &author()).unwrap();
            assert_eq!(texts(&items), order);
        }
    }

    #[test]
    fn an_item_whose_aim_is_gone_stays_where_it_is() {
        let mut items = items(&["a", "b"]);
        let error = apply(&mut items, Edit::Move { item: 1, before: Some(7) }, 9, &author()).unwrap_err();
        assert!(error.contains("removed"), "{error}");
        assert_eq!(texts(&items), ["a", "b"]);
    }

    #[test]
    fn a_text_has_a_character_and_not_too_many_of_them() {
        let mut items = items(&[]);
        let mut add = |text: &str| apply(&mut items, Edit::Add { text: text.to_owned() }, 1, &author());
        assert!(add(" \t").is_err());
        assert!(add(&"ü".repeat(TEXT + 1)).unwrap_err().contains("shorten it"));
        assert_eq!(add(&"ü".repeat(TEXT)), Ok(()));
    }

    #[test]
    fn a_list_takes_so_many_items_and_no_more() {
        let mut items = items(&["x"; ITEMS]);
        let error = apply(&mut items, Edit::Add { text: "one more".to_owned() }, 9, &author()).unwrap_err();
        assert!(error.contains("remove one first"), "{error}");
        assert_eq!(items.len(), ITEMS);
    }
}
