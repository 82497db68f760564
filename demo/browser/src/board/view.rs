//! What all users see, and the changes that all users may make.

use distributed_scope::PeerId;
use serde::{Deserialize, Serialize};

use super::hop::HopId;

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
