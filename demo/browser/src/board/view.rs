//! What everybody sees, and what everybody may do to it.

use distributed_scope::PeerId;
use serde::{Deserialize, Serialize};

use super::hop::HopId;

/// Tells items apart, for as long as there is the list.
pub type ItemId = u64;

/// The list, and who is at it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// In their order.
    pub items: Vec<Item>,
    /// In the order in which they came.
    pub people: Vec<Person>,
    /// What has happened last.
    pub news: String,
    /// The first hop of this server. Earlier ones were those of another one, which has ended.
    pub first_hop: HopId,
}

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Which one it is.
    pub id: ItemId,
    /// What was written.
    pub text: String,
    /// Whether it is ticked.
    pub is_done: bool,
    /// Who wrote it, and may have left since.
    pub author: Person,
}

/// A user at a browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The peer of that browser's page.
    pub peer: PeerId,
    /// What the server calls them: the name of a colour.
    pub name: String,
    /// That colour, counted from 0.
    pub colour: u8,
}

impl Person {
    /// The colours, as people are called by them.
    pub const COLOURS: [&str; 8] = ["Amber", "Azure", "Coral", "Jade", "Lilac", "Olive", "Rose", "Slate"];
}

/// A change of the list. Each is about one item and says what that is to be, so that two at once
/// do not undo each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Edit {
    /// A new item, at the end.
    Add {
        /// What it says.
        text: String,
    },
    /// Ticks an item, or takes the tick away.
    Tick {
        /// Which one.
        item: ItemId,
        /// Whether it is ticked from now on.
        is_done: bool,
    },
    /// Moves an item.
    Move {
        /// Which one.
        item: ItemId,
        /// The one that it is to stand before; `None` for the end.
        before: Option<ItemId>,
    },
}

/// What became of the wish to remove an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Removal {
    /// It is gone.
    Done,
    /// Its author wants to keep it.
    Refused,
    /// Its author did not say anything, so it stays.
    Unanswered,
}
