//! What all users see, and the changes that all users may make.

use distributed_scope::PeerId;
use serde::{Deserialize, Serialize};

use super::hop::{Event, HopId};

/// Identifies an item, for the lifetime of the list.
pub type ItemId = u64;

/// The list, and its current users.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The items, in their order.
    pub items: Vec<Item>,
    /// The users, in the order in which they came.
    pub people: Vec<Person>,
    /// The latest event, as text.
    pub news: String,
    /// The first hop of this server. Earlier ones belong to a server that has ended.
    pub first_hop: HopId,
}

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The id of the item.
    pub id: ItemId,
    /// The text of the item.
    pub text: String,
    /// Whether it is ticked.
    pub is_done: bool,
    /// The author, who may have left since.
    pub author: Person,
}

/// A user at a browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The peer of that browser's page.
    pub peer: PeerId,
    /// The user's name: the name of a colour.
    pub name: String,
    /// The number of that colour, counted from 0.
    pub colour: u8,
}

impl Person {
    /// The colours, which are the names of users.
    pub const COLOURS: [&str; 8] = ["Amber", "Azure", "Coral", "Jade", "Lilac", "Olive", "Rose", "Slate"];
}

/// A change of the list. Each change is about one item and gives its new state, so that two
/// changes at once do not undo each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Edit {
    /// A new item, at the end.
    #[cfg_attr(feature = "another-version", serde(rename = "Append"))]
    Add {
        /// The text of the item.
        text: String,
    },
    /// Ticks an item, or removes the tick.
    Tick {
        /// The item.
        item: ItemId,
        /// Whether it is ticked from now on.
        is_done: bool,
    },
    /// Moves an item.
    Move {
        /// The item.
        item: ItemId,
        /// The item before which it is placed; `None` for the end.
        before: Option<ItemId>,
    },
}

/// An item of the topic: what happens at the board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// The list or its users change.
    View {
        /// How they change.
        step: Step,
        /// The same as text, for users.
        news: String,
    },
    /// An event of a hop, for the drawing.
    Hop(Event),
}

/// A change of the list or of its users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// A user came.
    Came(Person),
    /// A user left.
    Left(Person),
    /// A new item, at the end.
    Added(Item),
    /// An item was ticked, or the tick removed.
    Ticked {
        /// The item.
        item: ItemId,
        /// Whether it is ticked from now on.
        is_done: bool,
    },
    /// An item was moved.
    Moved {
        /// The item.
        item: ItemId,
        /// The item before which it is placed; `None` for the end.
        before: Option<ItemId>,
    },
    /// An item was removed.
    Removed(ItemId),
}

impl View {
    /// Makes a change, at the server and in each page.
    pub fn apply(&mut self, change: &Change) {
        let Change::View { step, news } = change else { return };
        let items = &mut self.items;
        let position = |items: &[Item], id: ItemId| items.iter().position(|item| item.id == id);
        match step {
            Step::Came(person) => self.people.push(person.clone()),
            // By name: the browser may have come back and have another seat already.
            Step::Left(person) => self.people.retain(|other| other != person),
            Step::Added(item) => items.push(item.clone()),
            Step::Ticked { item, is_done } => {
                if let Some(index) = position(items, *item) {
                    items[index].is_done = *is_done;
                }
            }
            Step::Moved { item, before } if *before == Some(*item) => {}
            Step::Moved { item, before } => {
                if let Some(from) = position(items, *item) {
                    let moved = items.remove(from);
                    let to = before.and_then(|before| position(items, before)).unwrap_or(items.len());
                    items.insert(to, moved);
                }
            }
            Step::Removed(id) => items.retain(|item| item.id != *id),
        }
        self.news.clone_from(news);
    }
}

/// The outcome of a request to remove an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Removal {
    /// The item was removed.
    Done,
    /// Its author wants to keep it.
    Refused,
    /// Its author did not answer, so it stays.
    Unanswered,
}
